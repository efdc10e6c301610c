//! `call list`: the latest calls, as the daemon tells them; where none answers, as the store of this machine has them.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use serde_json::Value;
use store::Store;

use crate::cli::CallListing;
use crate::config::Config;
use crate::daemon::Daemon;
use crate::failure::Failure;
use crate::list;
use crate::owned::{is_absent, pages, pages_up_to};

/// Prints them, newest first.
///
/// # Errors
/// Neither the daemon nor a store can tell.
pub(crate) async fn run(listing: &CallListing) -> Result<(), Failure> {
    let calls = match asked(listing).await {
        Err(failure) if is_absent(&failure, &listing.asking.daemon) => stored(listing).await?,
        asked => asked?,
    };
    list::print(&list::calls(calls), listing.asking.telling.form)
}

/// Those that are up first: a call that ends meanwhile is among the records then, but for the moment until its record is written.
async fn asked(listing: &CallListing) -> Result<Vec<Value>, Failure> {
    let daemon = Daemon::find(&listing.asking.daemon)?;
    let up = pages(&daemon, "/v1/calls").await?;
    let limit = usize::try_from(listing.limit).unwrap_or(usize::MAX);
    let ended = pages_up_to(limit, &daemon, "/v1/records").await?;
    Ok(latest(up, ended, limit))
}

/// Both together, each call once, as the later answer has it.
fn latest(up: Vec<Value>, ended: Vec<Value>, limit: usize) -> Vec<Value> {
    let mut calls = ended;
    let known: BTreeSet<String> =
        calls.iter().filter_map(|call| call["id"].as_str().map(str::to_owned)).collect();
    calls.extend(up.into_iter().filter(|call| call["id"].as_str().is_none_or(|id| !known.contains(id))));
    calls.sort_by_key(|call| Reverse((call["invite_at"].as_u64(), call["id"].as_str().map(str::to_owned))));
    calls.truncate(limit);
    calls
}

async fn stored(listing: &CallListing) -> Result<Vec<Value>, Failure> {
    let config = Config::load(listing.asking.daemon.config.path.as_deref())?;
    let store = Store::open_existing(&config.store_url()).await?;
    let records = store.recent_calls(listing.limit).await;
    store.close().await;
    Ok(records?.iter().map(serde_json::to_value).collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn calls_that_are_up_and_calls_that_were_are_one_list_newest_first() {
        let call = |id: &str, invite_at: u64, status: Option<&str>| json!({ "id": id, "invite_at": invite_at, "status": status });
        let up = vec![call("b", 20, None), call("d", 40, None)];
        let ended = vec![
            call("c", 30, Some("failed")),
            call("b", 20, Some("completed")),
            call("a", 10, Some("busy")),
        ];
        let told = |limit| {
            let calls = latest(up.clone(), ended.clone(), limit);
            calls.iter().map(|call| format!("{} {}", call["id"], call["status"])).collect::<Vec<_>>()
        };
        let all = [r#""d" null"#, r#""c" "failed""#, r#""b" "completed""#, r#""a" "busy""#];
        assert_eq!(told(10), all, "what has ended meanwhile is told as such, and once");
        assert_eq!(told(2), all[..2]);
    }
}
