//! What the records of a day tell of the minutes spoken in it.

use std::time::Duration;

use b2bua::CallRecord;
use b2bua::record::{CallDirection, CallStatus};
use numbers::Spoke;
use sqlx::{Connection, Executor, PgConnection};

use crate::databases::{Database, on_each_database};

const MIDNIGHT: u64 = 20_000 * 86_400_000;
/// The process began so late.
const START: u64 = MIDNIGHT + 3_600_000;

/// A call out of so many milliseconds, answered at that time of the day.
fn call(index: u64, trunk: &str, answered_at: u64, spoken_ms: u64) -> CallRecord {
    CallRecord {
        trunk_id: Some(trunk.into()),
        number: Some("+14155550100".into()),
        answered_at: Some(answered_at),
        ended_at: Some(answered_at + spoken_ms),
        status: Some(CallStatus::Completed),
        ..CallRecord::begin(format!("{index:032x}"), CallDirection::Outbound, answered_at - 1)
    }
}

fn spoke(trunk_id: &str, number: &str, spoken_ms: u64) -> Spoke {
    Spoke { trunk_id: trunk_id.into(), number: number.parse().expect("a number"), spoken_ms }
}

fn up(record: CallRecord) -> CallRecord {
    CallRecord { status: None, ended_at: None, ..record }
}

async fn a_day_has_the_answered_calls_out_of_before_each_with_its_part(database: Database) {
    let store = database.open().await.of_node("one");
    let inbound = |record| CallRecord { direction: CallDirection::Inbound, ..record };
    let unanswered = |record| CallRecord { answered_at: None, ..record };
    let of_another = |record| CallRecord { number: Some("+14155550101".into()), ..record };
    store
        .write(&[
            call(1, "acme", MIDNIGHT + 1_000, 20_000),
            call(2, "acme", MIDNIGHT + 9_000, 30_000),
            call(3, "acme", MIDNIGHT - 60_000, 64_000),
            of_another(call(4, "acme", MIDNIGHT + 1_000, 5_000)),
            call(5, "blue", MIDNIGHT + 1_000, 7_000),
            call(6, "acme", MIDNIGHT - 60_000, 60_000),
            inbound(call(7, "acme", MIDNIGHT + 1_000, 100_000)),
            unanswered(call(8, "acme", MIDNIGHT + 1_000, 100_000)),
            up(call(9, "acme", MIDNIGHT + 1_000, 0)),
            call(10, "acme", START + 1, 100_000),
        ])
        .await
        .expect("written");
    let expected = [
        spoke("acme", "+14155550100", 54_000),
        spoke("acme", "+14155550101", 5_000),
        spoke("blue", "+14155550100", 7_000),
    ];
    assert_eq!(store.spoken(MIDNIGHT, START).await.expect("read"), expected);
}

async fn a_call_that_was_cut_off_counts_no_longer_than_a_call_may_last(database: Database) {
    let store = database.open().await.of_node("one");
    for (first, trunk, longest) in [(1, "acme", Some(Duration::from_secs(100))), (4, "blue", None)] {
        let answered = [MIDNIGHT - 60_000, MIDNIGHT + 1_000, START - 10_000];
        let calls: Vec<_> =
            (first..).zip(answered).map(|(index, at)| up(call(index, trunk, at, 0))).collect();
        store.write(&calls).await.expect("written");
        assert_eq!(store.cut_off(START, longest).await.expect("marked"), 3);
    }
    let expected = [
        spoke("acme", "+14155550100", 40_000 + 100_000 + 10_000),
        spoke("blue", "+14155550100", 3_600_000 + 3_599_000 + 10_000),
    ];
    assert_eq!(store.spoken(MIDNIGHT, START).await.expect("read"), expected);
    for call in store.recent_calls(10).await.expect("read") {
        assert_eq!(call.ended_at, Some(call.invite_at + call.duration_ms));
    }
}

on_each_database!(
    a_day_has_the_answered_calls_out_of_before_each_with_its_part,
    a_call_that_was_cut_off_counts_no_longer_than_a_call_may_last,
);

#[tokio::test]
async fn a_call_that_was_cut_off_counts_until_its_node_was_heard_of_last() {
    let Some(database) = Database::postgres().await else { return };
    let one = database.open().await.of_node("one");
    let calls = [(1, MIDNIGHT), (2, MIDNIGHT + 4_000), (3, MIDNIGHT + 31_000)];
    let calls = calls.map(|(index, at)| up(call(index, "acme", at, 0)));
    one.write(&calls).await.expect("written");
    let heard = MIDNIGHT + 30_000;
    let told = format!(
        "INSERT INTO live_nodes VALUES ('one', 1, {heard}), ('two', 1, {MIDNIGHT}), ('three', 1, {START})"
    );
    let mut connection = PgConnection::connect(database.url()).await.expect("a connection");
    connection.execute(sqlx::AssertSqlSafe(told)).await.expect("told");
    assert_eq!(one.cut_off(START, Some(Duration::from_hours(4))).await.expect("marked"), 3);
    // The third was answered since, and counts as soon over.
    let expected = [spoke("acme", "+14155550100", 30_000 + 26_000)];
    assert_eq!(one.spoken(MIDNIGHT, START).await.expect("read"), expected);
}

#[tokio::test]
async fn a_day_of_a_node_has_its_own_calls_alone() {
    let Some(database) = Database::postgres().await else { return };
    let one = database.open().await.of_node("one");
    one.write(&[call(1, "acme", MIDNIGHT, 20_000)]).await.expect("written");
    let two = database.open().await.of_node("two");
    two.write(&[call(2, "acme", MIDNIGHT, 30_000)]).await.expect("written");
    assert_eq!(two.spoken(MIDNIGHT, START).await.expect("read"), [spoke("acme", "+14155550100", 30_000)]);
}
