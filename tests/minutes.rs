//! The minutes of a day, over a restart.

use std::time::{Duration, Instant};

use b2bua::CallRecord;
use numbers::Spoken;
use serde_json::json;
use store::Store;

use crate::carriers::{self, OUTSIDE, OUTWARD};
use crate::house::{House, Who};
use crate::http::post;
use crate::support::PATIENCE;

const DAY_MS: u64 = 86_400_000;
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

#[test]
fn a_restart_gives_no_minutes_anew() {
    let inventory = |hosts| {
        carriers::inventory(hosts).replace("outbound = true }", "outbound = true, max_minutes_per_day = 1 }")
    };
    let Some(mut house) = House::open(inventory, &[]) else { return };
    let carrier = house.callee(Who::Gateway, "answers");
    carriers::talk(&house);
    carrier.ended();
    carriers::assert_completed(&house);
    let url = format!("sqlite:{}", house.daemon.folder().join("strowger.db").display());
    lengthen(&url);
    house.daemon.kill_and_restart();
    house.play(&mut house.caller(Who::Desk, "refused", OUTWARD, OUTSIDE), "refused").ended();
    let messages = house.messages("refused");
    let refusal = messages.iter().find(|message| message.came("SIP/2.0 503 ")).expect("a 503");
    let again: u64 = refusal.headers("Retry-After")[0].parse().unwrap();
    assert!((1..=DAY_MS / 1_000).contains(&again), "{again}");
    let records = house.daemon.records_when(|records| records.len() == 2 && records[0]["status"].is_string());
    let words = records[0]["detail"].as_str().unwrap();
    assert!(words.contains("max_minutes_per_day = 1"), "{words}");

    let wish = json!({ "from": OUTWARD, "to": OUTSIDE, "agent_id": "desk" });
    let asked = post(&house.daemon.api(), "/v1/calls", &wish);
    let again: u64 = asked.header("retry-after").unwrap().parse().unwrap();
    assert!(asked.status == 429 && (1..=DAY_MS / 1_000).contains(&again), "{asked:?}");
    let problem = asked.json();
    assert_eq!(problem["type"], "urn:strowger:problem:rate-limited");
    assert!(problem["detail"].as_str().unwrap().contains("max_minutes_per_day = 1"), "{asked:?}");
}

#[test]
fn a_crash_gives_no_minutes_of_a_call_that_was_up_anew() {
    let Some(mut house) = House::open(carriers::inventory, &[]) else { return };
    let url = format!("sqlite:{}", house.daemon.folder().join("strowger.db").display());
    let carrier = house.callee(Who::Gateway, "answers");
    let desk = house.play(&mut house.caller(Who::Desk, "stays", OUTWARD, OUTSIDE), "stays");
    let answered = until_stored(&url, |call| call.answered_at.is_some());
    assert_eq!(answered.status, None, "it is up");
    drop((carrier, desk));
    house.daemon.kill_and_restart();
    let call = until_stored(&url, |call| call.status.is_some());
    assert_eq!((call.reason.as_deref(), call.answered_at), (Some("cut-off"), answered.answered_at));
    let (from, until) = (call.answered_at.unwrap(), call.ended_at.unwrap());
    let spoke = wait_for(async {
        let store = Store::open_existing(&url).await.unwrap();
        store.spoken(Spoken::midnight(from), until).await.unwrap()
    });
    let [spoke] = &spoke[..] else { panic!("{spoke:?}") };
    assert_eq!((spoke.trunk_id.as_str(), spoke.spoken_ms), ("away", until - from));
}

/// The record of the one call, once that is so.
fn until_stored(url: &str, is_so: impl Fn(&CallRecord) -> bool) -> CallRecord {
    let deadline = Instant::now() + PATIENCE;
    wait_for(async {
        let store = Store::open_existing(url).await.unwrap();
        loop {
            let calls = store.recent_calls(2).await.unwrap();
            match &calls[..] {
                [call] if is_so(call) => return call.clone(),
                calls => assert!(calls.len() < 2 && Instant::now() < deadline, "{calls:#?}"),
            }
            // The daemon writes into the same file.
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
    })
}

fn wait_for<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// As if the one call had lasted for a minute of this day, and of the next, should that begin meanwhile.
fn lengthen(url: &str) {
    wait_for(async {
        let store = Store::open_existing(url).await.unwrap();
        let [call] = &store.recent_calls(2).await.unwrap()[..] else { panic!("one call") };
        let midnight = Spoken::midnight(call.invite_at);
        let longer = CallRecord {
            invite_at: midnight,
            answered_at: Some(midnight),
            ended_at: Some(midnight + DAY_MS + 60_000),
            ..call.clone()
        };
        store.write(&[longer]).await.unwrap();
        store.close().await;
    });
}
