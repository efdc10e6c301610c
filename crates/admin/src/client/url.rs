//! Where a daemon is reached.

use std::fmt;
use std::str::FromStr;

/// Where a daemon is reached: `http://HOST:PORT`, or `https://HOST:PORT`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Url {
    scheme: Scheme,
    authority: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Scheme {
    Http,
    Https,
}

/// Not the URL of a daemon.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("expected http://HOST:PORT or https://HOST:PORT, such as http://127.0.0.1:8080")]
pub struct UrlError;

impl Url {
    /// The same place, by TLS.
    #[must_use]
    pub fn secure(self) -> Self {
        Self { scheme: Scheme::Https, ..self }
    }

    pub(super) const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Host and port.
    pub(super) fn authority(&self) -> &str {
        &self.authority
    }

    /// The name or address, without the brackets of an IPv6 one.
    pub(super) fn host(&self) -> &str {
        let host = self.authority.rsplit_once(':').map_or(self.authority.as_str(), |(host, _)| host);
        host.trim_start_matches('[').trim_end_matches(']')
    }
}

impl FromStr for Url {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        let (scheme, rest) = text.split_once("://").ok_or(UrlError)?;
        let scheme = match scheme {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            _unknown => return Err(UrlError),
        };
        let authority = rest.trim_end_matches('/');
        let port = authority.rsplit_once(':').filter(|(host, _)| !host.is_empty());
        let port = port.and_then(|(_, port)| port.parse::<u16>().ok());
        let fit = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
        if port.is_none() || !authority.bytes().all(fit) {
            return Err(UrlError);
        }
        Ok(Self { scheme, authority: authority.to_owned() })
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.scheme {
            Scheme::Http => "http",
            Scheme::Https => "https",
        };
        write!(f, "{scheme}://{}", self.authority)
    }
}

impl From<std::net::SocketAddr> for Url {
    fn from(address: std::net::SocketAddr) -> Self {
        Self { scheme: Scheme::Http, authority: address.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_has_host_and_port() {
        for (sound, host) in [
            ("http://127.0.0.1:8080", "127.0.0.1"),
            ("http://[::1]:80/", "::1"),
            ("https://pbx.example:1", "pbx.example"),
        ] {
            let url: Url = sound.parse().unwrap();
            assert_eq!((url.to_string().as_str(), url.host()), (sound.trim_end_matches('/'), host));
        }
        for faulty in [
            "127.0.0.1:8080",
            "http://",
            "http://pbx",
            "http://:80",
            "http://a:80/path",
            "http://a b:80",
            "http://a:99999",
            "ftp://a:80",
        ] {
            assert_eq!(faulty.parse::<Url>(), Err(UrlError), "{faulty}");
        }
    }
}
