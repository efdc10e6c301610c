//! One operation of the API: what is routed, asked and written down is the same value, so that none can differ from the others.

use axum::Router;
use axum::handler::Handler;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodFilter, MethodRouter, on};
use serde_json::{Value, json};

use crate::access::{Access, Gate, Shape, gate};
use crate::api::Api;
use crate::body::{JSON, MERGE_PATCH};

/// One method of one path.
pub(crate) struct Operation {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    /// As the router has it, where that is another.
    routed: Option<&'static str>,
    pub(crate) id: &'static str,
    pub(crate) summary: &'static str,
    pub(crate) access: Access,
    pub(crate) shape: Shape,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) body: Option<Sent>,
    pub(crate) answers: Vec<Answer>,
    handler: Option<MethodRouter<Api>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

/// A parameter of the path, the query or the head.
#[derive(Clone, Debug)]
pub(crate) struct Parameter {
    pub(crate) name: &'static str,
    pub(crate) place: &'static str,
    pub(crate) words: &'static str,
    pub(crate) schema: Value,
}

/// A body that is sent.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) kinds: &'static [&'static str],
    pub(crate) schema: Value,
    pub(crate) need: Need,
}

/// Whether a body has to be there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Need {
    Required,
    Optional,
}

/// One of the answers.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) words: &'static str,
    pub(crate) content: Option<(&'static str, Value)>,
    pub(crate) headers: Vec<&'static str>,
}

impl Operation {
    pub(crate) fn new(
        method: Method,
        path: &'static str,
        id: &'static str,
        access: Access,
        summary: &'static str,
    ) -> Self {
        Self {
            method,
            path,
            routed: None,
            id,
            summary,
            access,
            shape: Shape::Problem,
            parameters: Vec::new(),
            body: None,
            answers: Vec::new(),
            handler: None,
        }
    }

    /// Who carries it out.
    pub(crate) fn by<H: Handler<T, Api>, T: 'static>(self, handler: H) -> Self {
        Self { handler: Some(on(self.method.filter(), handler)), ..self }
    }

    pub(crate) fn routed_as(self, path: &'static str) -> Self {
        Self { routed: Some(path), ..self }
    }

    pub(crate) fn shaped(self, shape: Shape) -> Self {
        Self { shape, ..self }
    }

    pub(crate) fn with(
        mut self,
        place: &'static str,
        name: &'static str,
        schema: Value,
        words: &'static str,
    ) -> Self {
        self.parameters.push(Parameter { name, place, words, schema });
        self
    }

    /// It is about the one object that the path names.
    pub(crate) fn of_one(self, pattern: &str, words: &'static str) -> Self {
        self.with("path", "id", json!({ "type": "string", "pattern": pattern }), words)
    }

    /// It answers page by page.
    pub(crate) fn in_pages(self, item: &str) -> Self {
        let limit = json!({ "type": "integer", "minimum": 1, "maximum": crate::query::MOST, "default": crate::query::DEFAULT_LIMIT });
        let cursor = json!({ "type": "string", "pattern": "^[A-Za-z0-9_-]+$" });
        let page = json!({
            "type": "object",
            "required": ["items", "next_cursor"],
            "additionalProperties": false,
            "properties": {
                "items": { "type": "array", "items": reference(item), "maxItems": crate::query::MOST },
                "next_cursor": { "type": ["string", "null"], "description": "Of the next page; null on the last one." },
            },
        });
        self.with("query", "limit", limit, "How many items at most.")
            .with("query", "cursor", cursor, "The next_cursor of the page before.")
            .answers(200, "A page of them.", JSON, page)
    }

    /// A change of it may be bound to what was seen.
    pub(crate) fn conditional(self) -> Self {
        let tag = || json!({ "type": "string" });
        let bound = self
            .with("header", "If-Match", tag(), "The ETag that it has to have; `*`: it has to be there.")
            .with(
                "header",
                "If-None-Match",
                tag(),
                "The ETag that it must not have; `*`: it must not be there.",
            );
        bound.says(412, "It is not what If-Match or If-None-Match says.")
    }

    pub(crate) fn taking(self, kinds: &'static [&'static str], schema: Value) -> Self {
        Self { body: Some(Sent { kinds, schema, need: Need::Required }), ..self }
    }

    /// The body may be left out.
    pub(crate) fn may_take(self, kinds: &'static [&'static str], schema: Value) -> Self {
        Self { body: Some(Sent { kinds, schema, need: Need::Optional }), ..self }
    }

    pub(crate) fn taking_json(self, schema: &str) -> Self {
        self.taking(&[JSON], reference(schema))
    }

    pub(crate) fn taking_patch(self, schema: &str) -> Self {
        self.taking(&[MERGE_PATCH, JSON], reference(&patch_of(schema)))
    }

    pub(crate) fn answers(
        mut self,
        status: u16,
        words: &'static str,
        kind: &'static str,
        schema: Value,
    ) -> Self {
        let content = Some((kind, schema));
        self.answers.push(Answer { status, words, content, headers: Vec::new() });
        self
    }

    /// Without a body; or a problem.
    pub(crate) fn says(mut self, status: u16, words: &'static str) -> Self {
        self.answers.push(Answer { status, words, content: None, headers: Vec::new() });
        self
    }

    /// The last answer has these headers.
    pub(crate) fn bearing(mut self, headers: &[&'static str]) -> Self {
        if let Some(answer) = self.answers.last_mut() {
            answer.headers.extend(headers);
        }
        self
    }

    /// Into the router, behind its gate.
    pub(crate) fn route(self, router: Router<Api>, api: &Api) -> Router<Api> {
        let Some(handler) = self.handler else { return router };
        let query = self.parameters.iter().filter(|parameter| parameter.place == "query");
        let query = query.map(|parameter| parameter.name).collect();
        let own = Gate { api: api.clone(), access: self.access, query, shape: self.shape };
        router.route(self.routed.unwrap_or(self.path), handler.route_layer(from_fn_with_state(own, gate)))
    }
}

impl Method {
    const fn filter(self) -> MethodFilter {
        match self {
            Self::Get => MethodFilter::GET,
            Self::Post => MethodFilter::POST,
            Self::Put => MethodFilter::PUT,
            Self::Patch => MethodFilter::PATCH,
            Self::Delete => MethodFilter::DELETE,
        }
    }

    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Post => "post",
            Self::Put => "put",
            Self::Patch => "patch",
            Self::Delete => "delete",
        }
    }
}

pub(crate) fn reference(schema: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{schema}") })
}

/// The schema of patches of what has this one.
pub(crate) fn patch_of(schema: &str) -> String {
    format!("{schema}Patch")
}
