//! Call records: written, replaced, confirmed, cut off.

use std::sync::Arc;
use std::time::Duration;

use b2bua::CallRecord;
use b2bua::io::{CallKey, Input};
use b2bua::record::{AgentSource, CallDirection, CallStatus, EndedBy, Quality};
use store::{Cursor, Filter, Recorder, State, Store};
use tokio::sync::mpsc;

use crate::databases::{Database, on_each_database};

/// A call that is up, with every field that may be set by then.
fn up(index: u64) -> CallRecord {
    let invite_at = 1_700_000_000_000 + index;
    CallRecord {
        trunk_id: Some("acme".into()),
        number: Some("+14155550100".into()),
        agent_id: Some("sales".into()),
        agent_source: Some(AgentSource::Assigned),
        from: Some("+442079460000".into()),
        from_raw: "\"O'Neil; DROP TABLE\" <sip:02079460000@x>".into(),
        to_raw: "s".into(),
        sip_call_id_a: format!("{index}@carrier"),
        transport: "udp".into(),
        source: "203.0.113.5:5060".into(),
        ringing_at: Some(invite_at + 100),
        ..CallRecord::begin(format!("{index:032x}"), CallDirection::Inbound, invite_at)
    }
}

/// The same call at its end, with every field set.
fn ended(index: u64) -> CallRecord {
    CallRecord {
        to: Some("+14155550100".into()),
        sip_call_id_b: Some("b".into()),
        codec: Some("PCMU".into()),
        media_encryption: true,
        media_encryption_a: Some("AES_CM_128_HMAC_SHA1_80".to_owned()),
        media_encryption_b: Some("AEAD_AES_128_GCM".to_owned()),
        answered_at: Some(1_700_000_000_200 + index),
        ended_at: Some(1_700_000_009_999 + index),
        duration_ms: 9_999,
        billable_s: 10,
        agent_active_ms: 9_799,
        status: Some(CallStatus::Completed),
        sip_status: Some(200),
        q850: Some(16),
        ended_by: Some(EndedBy::Caller),
        reason: Some("normal".into()),
        detail: Some("in words".into()),
        retry_after_s: None,
        quality_a: Some(Quality {
            packets: 500,
            lost: 1,
            jitter_ms: 0.125,
            jitter_max_ms: 9.25,
            mos: Some(4.31),
            rtt_ms: Some(62.5),
            sent: 480,
            far_lost: Some(3),
            far_jitter_ms: Some(2.25),
            far_mos: Some(4.02),
            foreign: 12,
            unauthenticated: 11,
            replayed: 10,
        }),
        quality_b: Some(Quality {
            packets: u64::from(u32::MAX) + 1,
            jitter_ms: 7.5,
            far_mos: Some(1.0),
            unauthenticated: u64::from(u32::MAX) + 2,
            ..Quality::default()
        }),
        ..up(index)
    }
}

async fn count(store: &Store) -> usize {
    store.recent_calls(u32::MAX).await.expect("read").len()
}

/// As a spool may hold it.
#[test]
fn a_record_of_before_there_were_scores_is_read() {
    let quality: Quality =
        serde_json::from_str(r#"{"packets": 7, "lost": 1, "jitter_ms": 0.5}"#).expect("read");
    assert_eq!(quality, Quality { packets: 7, lost: 1, jitter_ms: 0.5, ..Quality::default() });
}

async fn every_field_comes_back_under_its_own_name(database: Database) {
    let store = database.open().await;
    store.write(&[up(1), ended(2)]).await.expect("written");
    let calls = store.recent_calls(10).await.expect("read");
    assert_eq!(calls, [ended(2), up(1)]);
    let json = |record: &CallRecord| serde_json::to_string(record).expect("json");
    assert_eq!(json(&calls[0]), json(&ended(2)));
}

async fn every_word_of_a_record_comes_back(database: Database) {
    use CallStatus::{Busy, Canceled, Completed, Failed, NoAnswer, Refused};
    use EndedBy::{Agent, Caller, Carrier, Policy, System};
    let mut records = Vec::new();
    for (status, ended_by) in [
        (Busy, Agent),
        (Canceled, Caller),
        (Completed, Carrier),
        (Failed, Policy),
        (NoAnswer, System),
        (Refused, Policy),
    ] {
        let index = records.len() as u64;
        let (status, ended_by) = (Some(status), Some(ended_by));
        let (direction, agent_source) = (CallDirection::Outbound, Some(AgentSource::Default));
        records.push(CallRecord { status, ended_by, direction, agent_source, ..ended(index) });
    }
    let store = database.open().await;
    store.write(&records).await.expect("written");
    records.reverse();
    let read = store.recent_calls(10).await.expect("read");
    assert_eq!(read, records);
    for record in &read {
        let json = serde_json::to_value(record).expect("json");
        assert!(json["status"].is_string() && json["ended_by"].is_string());
    }
}

async fn a_batch_may_hold_a_call_and_its_end_among_any_number_of_others(database: Database) {
    let store = database.open().await;
    for others in 0..70 {
        let mut records: Vec<_> = (100..100 + others).map(ended).collect();
        records.insert(records.len() / 2, ended(1));
        records.insert(0, up(1));
        records.push(up(1));
        store.write(&records).await.expect("written");
        let listed = store.recent_calls(1_000).await.expect("listed");
        assert_eq!(listed.len(), usize::try_from(others).unwrap_or_default() + 1);
        assert!(listed.iter().all(|record| record.status.is_some()), "{listed:?}");
    }
}

async fn a_record_is_replaced_by_its_end_and_never_the_other_way(database: Database) {
    let store = database.open().await;
    store.write(&[up(1)]).await.expect("written");
    store.write(&[ended(1)]).await.expect("written");
    store.write(&[up(1)]).await.expect("written");
    assert_eq!(store.recent_calls(10).await.expect("read"), [ended(1)]);
    let again = CallRecord { reason: Some("corrected".into()), ..ended(1) };
    store.write(std::slice::from_ref(&again)).await.expect("written");
    assert_eq!(store.recent_calls(10).await.expect("read"), [again]);
}

async fn calls_are_listed_newest_first_in_pages_without_gaps(database: Database) {
    let store = database.open().await;
    let at = |index: u64| CallRecord { invite_at: 1_000 + index / 3, ..ended(index) };
    let records: Vec<_> = (0..100).map(at).collect();
    store.write(&records).await.expect("written");
    assert_eq!(count(&store).await, 100);
    let mut seen = store.recent_calls(7).await.expect("read");
    while let Some(last) = seen.last() {
        let last = Cursor::from(last);
        let page = store.records(&Filter::default(), Some(&last), 7).await.expect("read");
        if page.is_empty() {
            break;
        }
        seen.extend(page);
    }
    let mut expected = records;
    expected.reverse();
    assert_eq!(seen, expected);
}

async fn a_filter_lists_what_it_names_and_nothing_else(database: Database) {
    let store = database.open().await;
    let other = CallRecord {
        trunk_id: Some("other".into()),
        number: Some("+14155550199".into()),
        agent_id: None,
        direction: CallDirection::Outbound,
        status: Some(CallStatus::Busy),
        ..ended(2)
    };
    let all = [ended(1), other.clone(), up(3)];
    store.write(&all).await.expect("written");
    let text = |text: &str| Some(text.to_owned());
    let cases = [
        (Filter::default(), vec![3, 2, 1]),
        (Filter { number: text("+14155550199"), ..Filter::default() }, vec![2]),
        (Filter { trunk_id: text("acme"), ..Filter::default() }, vec![3, 1]),
        (Filter { agent_id: text("sales"), ..Filter::default() }, vec![3, 1]),
        (Filter { agent_id: text("sale"), ..Filter::default() }, vec![]),
        (Filter { direction: Some(CallDirection::Outbound), ..Filter::default() }, vec![2]),
        (Filter { state: Some(State::Up), ..Filter::default() }, vec![3]),
        (Filter { state: Some(State::Ended(CallStatus::Busy)), ..Filter::default() }, vec![2]),
        (Filter { since_ms: Some(all[1].invite_at), ..Filter::default() }, vec![3, 2]),
        (Filter { until_ms: Some(all[1].invite_at), ..Filter::default() }, vec![1]),
        (
            Filter {
                trunk_id: text("acme"),
                state: Some(State::Ended(CallStatus::Completed)),
                since_ms: Some(1),
                ..Filter::default()
            },
            vec![1],
        ),
    ];
    for (filter, expected) in cases {
        let found = store.records(&filter, None, 10).await.expect("read");
        let expected: Vec<_> = expected.into_iter().map(|index: usize| all[index - 1].clone()).collect();
        assert_eq!(found, expected, "{filter:?}");
        let behind = store.records(&filter, Some(&Cursor::from(&other)), 10).await.expect("read");
        let expected: Vec<_> = expected.into_iter().filter(|call| call.invite_at < other.invite_at).collect();
        assert_eq!(behind, expected, "{filter:?}");
    }
}

async fn the_calls_that_were_up_are_marked_as_cut_off_and_the_others_are_left(database: Database) {
    let store = database.open().await;
    store.write(&[up(1), ended(2), up(3)]).await.expect("written");
    let now = 1_700_000_060_000;
    assert_eq!(store.cut_off(now, None).await.expect("marked"), 2);
    assert_eq!(store.cut_off(now, None).await.expect("marked"), 0);
    let calls = store.recent_calls(10).await.expect("read");
    assert_eq!(calls[1], ended(2));
    for call in [&calls[0], &calls[2]] {
        assert_eq!((call.status, call.ended_by), (Some(CallStatus::Failed), Some(EndedBy::System)));
        assert_eq!((call.reason.as_deref(), call.ended_at, call.billable_s), (Some("cut-off"), Some(now), 0));
        assert_eq!(call.duration_ms, now - call.invite_at);
    }
}

async fn each_finished_call_is_confirmed_once_when_it_is_on_disk(database: Database) {
    let store = database.open().await;
    let (entries, waiting) = mpsc::unbounded_channel();
    let (confirm, mut confirmed) = mpsc::channel(1);
    let recorder = tokio::spawn(Recorder::new(store.clone(), None, 0).run(waiting, confirm, Arc::default()));
    let other = database.open().await;
    for index in 0..500 {
        entries.send((CallKey(index), Arc::new(up(index)))).expect("taken");
        entries.send((CallKey(index), Arc::new(ended(index)))).expect("taken");
    }
    drop(entries);
    for index in 0..500 {
        let Some(Input::Recorded(CallKey(key))) = confirmed.recv().await else {
            panic!("each is confirmed");
        };
        assert_eq!(key, index);
        if index < 5 {
            let calls = other.recent_calls(u32::MAX).await.expect("read");
            assert!(calls.contains(&ended(index)), "it was confirmed before it was there");
        }
    }
    assert!(confirmed.recv().await.is_none(), "once");
    recorder.await.expect("finished");
    assert_eq!(count(&other).await, 500);
}

async fn a_batch_that_is_cut_off_leaves_nothing_behind(database: Database) {
    let store = database.open().await;
    let records: Vec<_> = (0..20_000).map(ended).collect();
    let dying = database.open().await;
    let cut = tokio::time::timeout(Duration::from_millis(30), dying.write(&records)).await;
    assert!(cut.is_err(), "it was to be cut off");
    assert_eq!(count(&store).await, 0);
    store.write(&records[..10]).await.expect("the lock is free");
    assert_eq!(count(&store).await, 10);
}

on_each_database!(
    every_field_comes_back_under_its_own_name,
    every_word_of_a_record_comes_back,
    a_batch_may_hold_a_call_and_its_end_among_any_number_of_others,
    a_record_is_replaced_by_its_end_and_never_the_other_way,
    calls_are_listed_newest_first_in_pages_without_gaps,
    a_filter_lists_what_it_names_and_nothing_else,
    the_calls_that_were_up_are_marked_as_cut_off_and_the_others_are_left,
    each_finished_call_is_confirmed_once_when_it_is_on_disk,
    a_batch_that_is_cut_off_leaves_nothing_behind,
);
