//! `strowger drain`: the running daemon takes no further calls, lets those that are up end, and stops.

use admin::{Method, Wanted};
use serde_json::json;

use crate::cli::Drain;
use crate::commands;
use crate::daemon::Daemon;
use crate::failure::Failure;

/// Asks for it; the daemon stops by itself.
///
/// # Errors
/// There is no daemon, or it refuses.
pub(crate) async fn run(drain: &Drain) -> Result<(), Failure> {
    let daemon = Daemon::find(&drain.asking.daemon)?;
    let body = drain.within.map(|seconds| json!({ "within_s": seconds }).to_string());
    let answer =
        daemon.ask(&Wanted { body: body.as_deref(), ..Wanted::of(Method::Post, "/v1/drain") }).await?;
    commands::tell(drain.asking.telling.form, &answer, || {
        let calls = answer["calls"].as_u64().unwrap_or_default();
        format!("draining: no further calls are taken, {calls} {} up", if calls == 1 { "is" } else { "are" })
    })
}
