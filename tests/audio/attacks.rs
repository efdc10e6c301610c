//! Calls that others meddle with: what is said arrives all the same, nothing else does, the daemon grows by nothing, and it counts what it dropped.

use std::path::PathBuf;
use std::time::Duration;

use media::srtp::Suite;
use media_net::Backend;
use serde_json::Value;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::attack::{Mischief, dropped_by_the_system, strangers};
use crate::call::{Call, Story};
use crate::codec::Codec;
use crate::handset::{Manner, SSRC};
use crate::process::{process_of, resident_kib};
use crate::seal::Protection;
use crate::story::{Plan, can_be_had, house, let_both_talk, place, play, seconds, tell};
use crate::support::get;
use crate::weather::Weather;

const PLAIN: Protection = Protection::Plain;
const SDES: Protection = Protection::Sdes(Suite::AesCm128HmacSha1Tag80);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_at_the_ports_of_a_call_are_neither_heard_nor_answered_by_epoll() {
    strangers_come(Backend::Epoll).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_at_the_ports_of_a_call_are_neither_heard_nor_answered_by_io_uring() {
    strangers_come(Backend::IoUring).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replayed_srtp_is_heard_once_by_epoll() {
    packets_come_again(Backend::Epoll).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replayed_srtp_is_heard_once_by_io_uring() {
    packets_come_again(Backend::IoUring).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forged_srtp_is_not_heard_and_moves_nothing_by_epoll() {
    packets_are_forged(Backend::Epoll).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forged_srtp_is_not_heard_and_moves_nothing_by_io_uring() {
    packets_are_forged(Backend::IoUring).await;
}

async fn strangers_come(backend: Backend) {
    let Some(after) = meddled_with("10,000 streams a second", backend, PLAIN, Mischief::None).await else {
        return;
    };
    after.assert_counted("foreign", after.strangers.map(|sent| sent.saturating_sub(HELD)));
    assert!(
        after.strangers[0] > 1_000 && after.strangers[1] > 10,
        "{:?} packets are no flood",
        after.strangers
    );
}

async fn packets_come_again(backend: Backend) {
    let Some(after) = meddled_with("replays", backend, SDES, Mischief::Replays).await else { return };
    let Story { from_caller, from_callee, .. } = &after.story;
    assert_eq!((from_caller.repeated, from_callee.repeated), (0, 0));
    // Both ends send each packet again at once, and all but the last hundred once more.
    let sent = [from_caller, from_callee].map(|account| u64::try_from(account.said).unwrap() * 2 - 100);
    after.assert_counted("replayed", sent);
}

async fn packets_are_forged(backend: Backend) {
    let Some(after) = meddled_with("forgeries", backend, SDES, Mischief::Forgeries).await else { return };
    let Story { from_caller, from_callee, .. } = &after.story;
    let forged = [from_caller, from_callee].map(|account| u64::try_from(account.said).unwrap() * 3);
    after.assert_counted("unauthenticated", forged);
}

/// A call that was meddled with, after its end.
struct After {
    story: Story,
    /// Datagrams that the system had no room for, at the port of the caller and at that of the callee.
    lost: [u64; 2],
    /// Packets of strangers that were sent to each port.
    strangers: [u64; 2],
    record: Value,
    metrics: String,
}

impl After {
    /// Packets that were dropped for that reason at the ports of the caller and the callee, by the call's record; the metrics say the same.
    fn counted(&self, why: &str) -> [u64; 2] {
        let legs = ["quality_a", "quality_b"].map(|leg| self.record[leg][why].as_u64().unwrap());
        let name = format!("strowger_media_dropped_total{{why=\"{why}\"}} ");
        let all: u64 =
            self.metrics.lines().find_map(|line| line.strip_prefix(&name)).unwrap().trim().parse().unwrap();
        assert_eq!(legs[0] + legs[1], all, "{why}, by the record and by the metrics");
        legs
    }

    /// Each packet that was sent, but for those that the system had no room for, is counted where it came.
    fn assert_counted(&self, why: &str, sent: [u64; 2]) {
        let counted = self.counted(why);
        for ((counted, lost), sent) in counted.into_iter().zip(self.lost).zip(sent) {
            assert!(counted + lost >= sent, "{counted} of {sent} were counted as {why}, {lost} had no room");
        }
    }
}

/// A call with strangers at its ports, and with mischief by its own addresses. All is heard but for what the system itself had no room for,
/// and the daemon does not grow. None where the back end can't be had.
async fn meddled_with(
    words: &str,
    backend: Backend,
    protection: Protection,
    mischief: Mischief,
) -> Option<After> {
    if !can_be_had(backend) {
        return None;
    }
    let _place = place().await;
    let manner = Manner { codec: Codec::Pcmu, protection };
    let mut call = Call::between([manner; 2], 1).await;
    (call.caller.mischief, call.callee.mischief) = (mischief, mischief);
    let_both_talk(&mut call, 1, Weather::Fair);
    let mut plans = vec![Plan { words: words.to_owned(), call }];
    let daemon = house(&plans, backend);
    let seen = meddle(&mut plans[0].call, process_of(daemon.folder()));
    let mut stories = play(&daemon, plans).await;
    let Seen { lost, strangers, resident } = seen.await.unwrap();
    let (_, story) = stories.remove(0);
    let (mut report, mut faults) = (String::new(), String::new());
    tell(&mut report, &mut faults, words, &story, lost);
    println!(
        "{}: {report}{resident:?} KiB resident, {lost:?} datagrams for which the system had no room",
        backend.name()
    );
    assert!(faults.is_empty(), "{faults}\n{}", daemon.log());
    // On a busy machine some of them, but not most: else it is the call that is not heard.
    let flood = u64::try_from(seconds()).unwrap() * 10_000;
    assert!(lost[0] < flood / 2, "{} of {flood} strangers' datagrams had no room", lost[0]);
    assert!(resident[1] * 100 <= resident[0] * 105, "{resident:?} KiB resident, early and late in the call");
    let record =
        daemon.records_when(|records| records.len() == 1 && !records[0]["status"].is_null()).remove(0);
    let (status, metrics) = get(&daemon.api(), "/metrics");
    assert_eq!(status, 200);
    Some(After { story, lost, strangers, record, metrics })
}

/// What was seen of the daemon from outside.
struct Seen {
    /// Datagrams that the system had no room for, at the port of the caller and at that of the callee.
    lost: [u64; 2],
    strangers: [u64; 2],
    /// KiB, after the first quarter and at the end.
    resident: [u64; 2],
}

/// Sends strangers to the ports of a call as soon as each end has heard the other. Nobody hangs up before they are gone and counted.
fn meddle(call: &mut Call, process: PathBuf) -> JoinHandle<Seen> {
    let (talking, talk) = oneshot::channel();
    let (gone, meddling) = oneshot::channel();
    (call.talking, call.meddling) = (Some(talking), Some(meddling));
    let payload_type = call.caller.manner.codec.payload_type();
    tokio::spawn(async move {
        let ports = talk.await.unwrap();
        let length = Duration::from_secs(seconds().try_into().unwrap());
        let first = strangers(ports, payload_type, SSRC, length / 4).await;
        let early = resident_kib(&process);
        let rest = strangers(ports, payload_type, SSRC, length * 3 / 4).await;
        let strangers = [first[0] + rest[0], first[1] + rest[1]];
        let lost =
            ports.map(|port| dropped_by_the_system(port).expect("the port is open while the call is up"));
        let seen = Seen { lost, strangers, resident: [early, resident_kib(&process)] };
        gone.send(()).expect("the call waits for it");
        seen
    })
}

/// More packets than wait at one port at the end of a call.
const HELD: u64 = 500;
