//! Calls that others meddle with: what is said arrives all the same, nothing else does, the daemon grows by nothing, and it counts what it dropped.

use std::path::PathBuf;
use std::time::Duration;

use media::srtp::Suite;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::attack::{Mischief, dropped_by_the_system, strangers};
use crate::call::{Call, Story};
use crate::codec::Codec;
use crate::handset::{Manner, SSRC};
use crate::process::{process_of, resident_kib};
use crate::seal::Protection;
use crate::story::{Plan, house, let_both_talk, play, seconds, tell};
use crate::support::{Daemon, get};
use crate::weather::Weather;

const PLAIN: Protection = Protection::Plain;
const SDES: Protection = Protection::Sdes(Suite::AesCm128HmacSha1Tag80);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_at_the_ports_of_a_call_are_neither_heard_nor_answered() {
    let (daemon, story, lost) = meddled_with("10,000 streams a second", PLAIN, Mischief::None).await;
    let foreign = counted(&daemon, "foreign");
    let least = u64::try_from(seconds()).unwrap() * 1_000;
    assert!(foreign >= least, "{foreign} packets of strangers were counted, {lost:?} lost before: {story:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replayed_srtp_is_heard_once() {
    let (daemon, story, lost) = meddled_with("replays", SDES, Mischief::Replays).await;
    assert_eq!((story.from_caller.repeated, story.from_callee.repeated), (0, 0));
    // Both ends send each packet again at once, and all but the last hundred once more.
    let sent = u64::try_from(story.from_caller.said + story.from_callee.said).unwrap() * 2 - 200;
    let replayed = counted(&daemon, "replayed");
    assert!(
        replayed + lost[0] + lost[1] >= sent,
        "{replayed} of {sent} replayed packets were counted, {lost:?} lost before"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forged_srtp_is_not_heard_and_moves_nothing() {
    let (daemon, story, lost) = meddled_with("forgeries", SDES, Mischief::Forgeries).await;
    let forged = u64::try_from(story.from_caller.said + story.from_callee.said).unwrap() * 3;
    let refused = counted(&daemon, "unauthenticated");
    assert!(
        refused + lost[0] + lost[1] >= forged,
        "{refused} of {forged} forged packets were counted, {lost:?} lost before"
    );
}

/// A call with strangers at its ports, and with mischief by its own addresses. All is heard but for what the system itself had no room for,
/// and the daemon does not grow. Gives how many datagrams that were at each port.
async fn meddled_with(words: &str, protection: Protection, mischief: Mischief) -> (Daemon, Story, [u64; 2]) {
    let manner = Manner { codec: Codec::Pcmu, protection };
    let mut call = Call::between([manner; 2], 1).await;
    (call.caller.mischief, call.callee.mischief) = (mischief, mischief);
    let_both_talk(&mut call, 1, Weather::Fair);
    let mut plans = vec![Plan { words: words.to_owned(), call }];
    let daemon = house(&plans);
    let seen = meddle(&mut plans[0].call, process_of(daemon.folder()));
    let mut stories = play(&daemon, plans).await;
    let Seen { lost, resident } = seen.await.unwrap();
    let (_, story) = stories.remove(0);
    let (mut report, mut faults) = (String::new(), String::new());
    tell(&mut report, &mut faults, words, &story, lost);
    println!("{report}{resident:?} KiB resident, {lost:?} datagrams for which the system had no room");
    assert!(faults.is_empty(), "{faults}\n{}", daemon.log());
    // On a busy machine some of them, but not most: else it is the call that is not heard.
    let flood = u64::try_from(seconds()).unwrap() * 10_000;
    assert!(lost[0] < flood / 2, "{} of {flood} strangers' datagrams had no room", lost[0]);
    assert!(resident[1] * 100 <= resident[0] * 105, "{resident:?} KiB resident, early and late in the call");
    (daemon, story, lost)
}

/// What was seen of the daemon from outside.
struct Seen {
    /// Datagrams that the system had no room for, at the port of the caller and at that of the callee.
    lost: [u64; 2],
    /// KiB, after the first quarter and at the end.
    resident: [u64; 2],
}

/// Sends strangers to the ports of a call as soon as each end has heard the other, until the end.
fn meddle(call: &mut Call, process: PathBuf) -> JoinHandle<Seen> {
    let (talking, talk) = oneshot::channel();
    call.talking = Some(talking);
    let payload_type = call.caller.manner.codec.payload_type();
    tokio::spawn(async move {
        let ports = talk.await.unwrap();
        let length = Duration::from_secs(seconds().try_into().unwrap());
        strangers(ports, payload_type, SSRC, length / 4).await;
        let early = resident_kib(&process);
        strangers(ports, payload_type, SSRC, length * 3 / 4).await;
        Seen { lost: ports.map(dropped_by_the_system), resident: [early, resident_kib(&process)] }
    })
}

/// Packets that were dropped for that reason, by the counters of all legs that ended.
fn counted(daemon: &Daemon, why: &str) -> u64 {
    let (status, metrics) = get(&daemon.api(), "/metrics");
    assert_eq!(status, 200);
    let name = format!("strowger_media_dropped_total{{why=\"{why}\"}} ");
    metrics.lines().find_map(|line| line.strip_prefix(&name)).unwrap().trim().parse().unwrap()
}
