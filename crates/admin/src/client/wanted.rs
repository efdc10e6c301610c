//! One request, as the command line makes it.

use http_body_util::Full;
use hyper::Request;
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};

/// What is asked of the daemon.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// What is done.
    pub method: Method,
    /// To what: `/v1/...`, percent-encoded.
    pub path: &'a str,
    /// The key of the API.
    pub key: Option<&'a str>,
    /// The version of the resource that a change is of.
    pub if_match: Option<&'a str>,
    /// JSON.
    pub body: Option<&'a str>,
}

/// What may be done with a resource.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "each is the method of HTTP")]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl<'a> Wanted<'a> {
    /// To read a path.
    pub const fn get(path: &'a str) -> Self {
        Self::of(Method::Get, path)
    }

    /// Without a key, a version and a body.
    pub const fn of(method: Method, path: &'a str) -> Self {
        Self { method, path, key: None, if_match: None, body: None }
    }

    pub(super) fn request(&self, authority: &str) -> hyper::http::Result<Request<Full<Bytes>>> {
        let method = match self.method {
            Method::Get => hyper::Method::GET,
            Method::Post => hyper::Method::POST,
            Method::Put => hyper::Method::PUT,
            Method::Patch => hyper::Method::PATCH,
            Method::Delete => hyper::Method::DELETE,
        };
        let mut request = Request::builder().method(method).uri(self.path).header(HOST, authority);
        if let Some(key) = self.key {
            request = request.header(AUTHORIZATION, format!("Bearer {key}"));
        }
        if let Some(etag) = self.if_match {
            request = request.header(hyper::header::IF_MATCH, etag);
        }
        if self.body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        request.body(Full::from(self.body.unwrap_or_default().to_owned()))
    }
}
