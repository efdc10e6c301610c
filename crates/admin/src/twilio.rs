//! Hanging up as bots do that were written for Twilio: `POST /2010-04-01/Accounts/{sid}/Calls/{sid}.json` with `Status=completed`,
//! HTTP Basic with a key as the password. Answers and problems have Twilio's shape.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use b2bua::CallRecord;
use serde_json::{Value, json};

use crate::access::Shape;
use crate::api::Api;
use crate::body::{FORM, read};
use crate::problem::Problem;
use crate::{answer, calls};

/// The path as it is routed, and as it is.
pub(crate) const ROUTED: &str = "/2010-04-01/Accounts/{account_sid}/Calls/{call_sid}";
pub(crate) const PATH: &str = "/2010-04-01/Accounts/{account_sid}/Calls/{call_sid}.json";

/// Ends a call.
pub(crate) async fn update(
    State(api): State<Api>,
    path: Result<Path<(String, String)>, axum::extract::rejection::PathRejection>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let Ok(Path((account, call))) = path else { return Shape::Twilio.tell(unknown()) };
    end(&api, &account, &call, &headers, body).await.unwrap_or_else(|problem| Shape::Twilio.tell(problem))
}

async fn end(
    api: &Api,
    account: &str,
    call: &str,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let form = read(headers, body, &[FORM]).await?;
    check(&form)?;
    let sid = call.strip_suffix(".json").ok_or_else(unknown)?;
    let id = sid.strip_prefix("CA").filter(|id| is_hex(id)).ok_or_else(unknown)?;
    account.strip_prefix("AC").filter(|account| is_hex(account)).ok_or_else(unknown)?;
    let up = api.live.calls(id.to_owned()).await;
    let up = up.into_iter().find(|record| record.id == id && record.status.is_none());
    let Some(record) = up else {
        return Err(calls::elsewhere(api, id).await?.unwrap_or_else(unknown));
    };
    if !api.live.hangup(record.id.clone()).await {
        return Err(unknown());
    }
    Ok(answer::document(StatusCode::OK, &told(account, sid, &record)))
}

/// `Status`, and nothing else.
fn check(form: &[u8]) -> Result<(), Problem> {
    let fields: Vec<_> = form_urlencoded::parse(form).collect();
    match fields.as_slice() {
        [(name, status)] if name == "Status" && (status == "completed" || status == "canceled") => Ok(()),
        _ => {
            let detail = "expected Status=completed, and nothing else: calls are not redirected here";
            Err(Problem::new(StatusCode::BAD_REQUEST, "update-unknown", "Not a change that is known", detail))
        }
    }
}

fn is_hex(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn unknown() -> Problem {
    Problem::absent("no call that is up has this sid")
}

fn told(account: &str, sid: &str, record: &CallRecord) -> Value {
    json!({
        "sid": sid,
        "account_sid": account,
        "status": "completed",
        "from": record.from.as_ref().unwrap_or(&record.from_raw),
        "to": record.to.as_ref().unwrap_or(&record.to_raw),
        "direction": match record.direction {
            b2bua::record::CallDirection::Inbound => "inbound",
            b2bua::record::CallDirection::Outbound => "outbound-api",
        },
        "uri": format!("/2010-04-01/Accounts/{account}/Calls/{sid}.json"),
    })
}

/// A problem as Twilio tells it.
pub(crate) fn told_problem(problem: &Problem) -> Response {
    let status = problem.status();
    let code = match status {
        StatusCode::UNAUTHORIZED => 20_003,
        StatusCode::FORBIDDEN => 20_403,
        StatusCode::NOT_FOUND => 20_404,
        StatusCode::TOO_MANY_REQUESTS => 20_429,
        StatusCode::SERVICE_UNAVAILABLE => 20_503,
        _ => 20_001,
    };
    let body = json!({
        "code": code,
        "message": problem.detail(),
        "more_info": format!("https://www.twilio.com/docs/errors/{code}"),
        "status": status.as_u16(),
    });
    let kind = [(header::CONTENT_TYPE, "application/json")];
    let mut response = (status, kind, body.to_string()).into_response();
    if status == StatusCode::UNAUTHORIZED {
        // Whoever speaks so knows no other scheme.
        let basic = header::HeaderValue::from_static("Basic realm=\"strowger\"");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, basic);
    } else if let Some((name, value)) = problem.header() {
        response.headers_mut().insert(name, value);
    }
    response
}
