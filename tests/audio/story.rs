//! What calls came to, in words, and the house in which they are made.

use std::fmt::Write;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU8, Ordering};

use media_net::Backend;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::call::{Call, Story};
use crate::handset::Handset;
use crate::heard::Account;
use crate::seal::Protection;
use crate::signal::signal;
use crate::support::{Daemon, Site};
use crate::weather::Weather;

/// A call to be made.
pub(crate) struct Plan {
    /// What is particular about it.
    pub(crate) words: String,
    pub(crate) call: Call,
}

/// How long the calls are: as the environment says, or short.
pub(crate) fn seconds() -> usize {
    std::env::var("STROWGER_AUDIO_SECONDS")
        .map_or(SECONDS, |seconds| seconds.parse().expect("STROWGER_AUDIO_SECONDS is a number of seconds"))
}

/// Gives both ends something to say.
pub(crate) fn let_both_talk(call: &mut Call, seed: u32, weather: Weather) {
    let frames = seconds() * FRAMES_PER_SECOND;
    for (end, handset) in (seed * 2..).zip([&mut call.caller, &mut call.callee]) {
        handset.will_say(signal(frames, end), weather.departures(frames, end));
    }
}

/// Whether this kernel lets the daemon reach its sockets so; said aloud where it does not.
pub(crate) fn can_be_had(backend: Backend) -> bool {
    let probed = backend.probe();
    if let Err(error) = &probed {
        println!("skipped: {} can't be had here: {error}", backend.name());
    }
    probed.is_ok()
}

/// A place among those that make calls at once: of more of them a machine with two cores would be late by seconds.
pub(crate) async fn place() -> SemaphorePermit<'static> {
    static PLACES: Semaphore = Semaphore::const_new(2);
    PLACES.acquire().await.unwrap()
}

/// A daemon of that back end that has a number and an agent for each of the calls.
pub(crate) fn house(plans: &[Plan], backend: Backend) -> Daemon {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    // An address of its own: the handsets of other tests take ports of 127.0.0.1 all the while.
    let process = u8::try_from(std::process::id() % 200).unwrap() + 20;
    let address = Ipv4Addr::new(127, process, 0, NEXT.fetch_add(1, Ordering::Relaxed));
    let site = Site {
        folder: tempfile::tempdir().unwrap(),
        sip: (address, 5_060).into(),
        media: 20_000..=20_099,
        environment: vec![("STROWGER__MEDIA__BACKEND".to_owned(), backend.name().to_owned())],
    };
    let daemon = Daemon::at(site, &inventory(plans));
    daemon.logged(&format!("packet threads backend=\"{}\" why=\"media.backend\"", backend.name()));
    daemon
}

/// Makes all the calls at once.
pub(crate) async fn play(daemon: &Daemon, plans: Vec<Plan>) -> Vec<(String, Story)> {
    let sip = daemon.sip;
    let mut playing = Vec::new();
    for (place, Plan { words, call }) in plans.into_iter().enumerate() {
        playing.push((words, tokio::spawn(async move { Box::pin(call.play(&number(place), sip)).await })));
    }
    let mut stories = Vec::new();
    for (words, story) in playing {
        stories.push((words, story.await.unwrap()));
    }
    stories
}

/// What was heard, and what is wrong with it: `lost` frames may be missing of each direction.
pub(crate) fn tell(report: &mut String, faults: &mut String, words: &str, story: &Story, lost: [u64; 2]) {
    for (way, account, lost) in
        [("there", &story.from_caller, lost[0]), ("back", &story.from_callee, lost[1])]
    {
        let Account { said, heard, repeated, likeness, wrong, .. } = account;
        let [half, most, all] = [50, 99, 100].map(|percent| account.delay(percent));
        writeln!(
            report,
            "{words}, {way}: {heard} of {said} frames, {repeated} again, likeness {likeness:.6}, \
             delay p50 {half:.1?}, p99 {most:.1?}, at most {all:.1?}"
        )
        .unwrap();
        let missing = u64::try_from(said - heard).unwrap();
        if missing > lost || !wrong.is_empty() || *likeness < 0.999 {
            let first: Vec<_> = wrong.iter().take(5).collect();
            writeln!(faults, "{words}, {way}: {heard} of {said} frames, {} wrong: {first:?}", wrong.len())
                .unwrap();
        }
    }
    if story.strange > 0 || !story.faults.is_empty() {
        writeln!(faults, "{words}: {} strange datagrams, {:?}", story.strange, story.faults).unwrap();
    }
}

fn number(place: usize) -> String {
    format!("+141555502{place:02}")
}

/// A trunk, and an agent and a number for each call.
pub(crate) fn inventory(plans: &[Plan]) -> String {
    let mut text = "[[trunks]]\nid = \"carrier\"\n\
                    inbound = { addresses = [\"127.0.0.0/8\"], did_country = \"US\", media_encryption = \"optional\" }\n"
        .to_owned();
    for (place, plan) in plans.iter().enumerate() {
        let Handset { manner, .. } = &plan.call.callee;
        let encryption = match manner.protection {
            Protection::Plain => "off",
            Protection::Sdes(_) => "required",
        };
        write!(
            text,
            "[[agents]]\nid = \"desk-{place}\"\n\
             endpoint = {{ kind = \"sip\", uri = \"sip:desk@{}\", media_encryption = \"{encryption}\" }}\n\
             [[numbers]]\ne164 = \"{}\"\ntrunk_id = \"carrier\"\nagent_id = \"desk-{place}\"\n",
            plan.call.callee.address(),
            number(place)
        )
        .unwrap();
    }
    text
}

/// Of calls, where nobody asks for others.
const SECONDS: usize = 10;
const FRAMES_PER_SECOND: usize = 50;
