//! The calls of the demo, and what has to hold of each.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use b2bua::CallRecord;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::audio::{FRAMES_PER_SECOND, voice};
use super::bot::{Seen, greeting};
use super::carrier::{Heard, Plan, Talk, place};
use super::report::{Report, ladder, title};
use crate::failure::Failure;
use crate::list::word;

/// How many calls are placed.
pub(super) const CALLS: usize = 5;

/// Places all calls at once, and tells of each in its turn.
///
/// # Errors
/// When loopback gives no socket.
pub(super) async fn play(
    report: &mut Report,
    daemon: SocketAddr,
    bot: &mut mpsc::Receiver<Seen>,
) -> Result<(), Failure> {
    let speak = |seed, keys| Talk::Speak { voice: spoken(seed), keys };
    let parrot = dial(daemon, CARRIER, PARROT, speak(PARROT_VOICE, KEYS));
    let default = dial(daemon, CARRIER, DEFAULT, speak(DEFAULT_VOICE, ""));
    let unknown = dial(daemon, CARRIER, UNKNOWN, Talk::Refused);
    let stranger = dial(daemon, STRANGER, PARROT, Talk::Nothing(Duration::from_secs(4)));
    let greeter = dial(daemon, CARRIER, GREETER, Talk::Listen);

    let (parrot, greeter) = (heard(parrot).await?, heard(greeter).await?);
    let (mut parrot_seen, mut greeter_seen) = (None, None);
    while let Ok(Some(seen)) = timeout(BOT_PATIENCE, bot.recv()).await {
        match seen.to.as_str() {
            PARROT => parrot_seen = Some(seen),
            _other => greeter_seen = Some(seen),
        }
        if parrot_seen.is_some() && greeter_seen.is_some() {
            break;
        }
    }
    to_the_parrot(report, &parrot, &parrot_seen.unwrap_or_default());
    to_the_default(report, &heard(default).await?);
    to_nobody(report, &heard(unknown).await?);
    from_a_stranger(report, &heard(stranger).await?);
    to_the_greeter(report, &greeter, &greeter_seen.unwrap_or_default());
    Ok(())
}

/// That each call has left one record, with the right fate.
pub(super) fn check_records(report: &mut Report, records: &[CallRecord]) {
    title("The call records, read back from the store");
    report.equal("records", &records.len().to_string(), &CALLS.to_string());
    for (to, source, fate) in [
        (PARROT, CARRIER, "completed 200 parrot assigned caller normal"),
        (DEFAULT, CARRIER, "completed 200 echo default caller normal"),
        (UNKNOWN, CARRIER, "refused 404 - - policy did-unknown"),
        (PARROT, STRANGER, "refused - - - policy source-unknown"),
        (GREETER, CARRIER, "completed 200 greeter assigned agent normal"),
    ] {
        let source = source.to_string();
        let found = records.iter().find(|record| {
            let called = record.to.as_deref() == Some(to) || record.to_raw.contains(to);
            called && record.source.starts_with(&source)
        });
        let found = found.map_or_else(|| "no record".to_owned(), summary);
        report.equal(&format!("{source} to {to}"), &found, fate);
    }
}

fn summary(record: &CallRecord) -> String {
    let none = || "-".to_owned();
    [
        record.status.as_ref().map_or_else(none, word),
        record.sip_status.map_or_else(none, |status| status.to_string()),
        record.agent_id.clone().unwrap_or_else(none),
        record.agent_source.as_ref().map_or_else(none, word),
        record.ended_by.as_ref().map_or_else(none, word),
        record.reason.clone().unwrap_or_else(none),
    ]
    .join(" ")
}

fn to_the_parrot(report: &mut Report, heard: &Heard, seen: &Seen) {
    title(format_args!("1. {PARROT} has an agent: a Media Streams bot that gives the audio back"));
    ladder(heard);
    report.outcome(heard, 200);
    let voice = spoken(PARROT_VOICE);
    report.audio("the bot heard the caller", &voice, &seen.audio);
    report.echo(heard, &voice);
    report.equal("digits that the bot saw", &seen.digits, KEYS);
    report.equal(
        "numbers in its `start`",
        &format!("{} {}", seen.from, seen.to),
        &format!("{CALLER} {PARROT}"),
    );
    let marks = format!("{} of {} marks came back, in order", seen.marks_back.len(), seen.marks_sent.len());
    report.check(!seen.marks_sent.is_empty() && seen.marks_back == seen.marks_sent, marks);
    let cleared = seen.cleared.map_or(u128::MAX, |after| after.as_millis());
    report.check(
        cleared < CLEARED_MS,
        match seen.cleared {
            Some(_) => format!(
                "`clear` emptied 3 s of queued audio: the mark behind it came back after {cleared} ms"
            ),
            None => "`clear` gave no mark back".to_owned(),
        },
    );
    let order = |name| seen.events.iter().position(|event| event == name);
    let framed = order("connected") == Some(0) && order("start") == Some(1) && order("media") == Some(2);
    let stopped = seen.events.last().is_some_and(|event| event == "stop");
    report.check(framed && stopped, "the stream began with connected, start, media and ended with stop");
    oddities(report, seen);
}

fn to_the_default(report: &mut Report, heard: &Heard) {
    title(format_args!("2. {DEFAULT} has no agent: the default one answers, the built-in echo"));
    ladder(heard);
    report.outcome(heard, 200);
    report.echo(heard, &spoken(DEFAULT_VOICE));
}

fn to_nobody(report: &mut Report, heard: &Heard) {
    title(format_args!("3. {UNKNOWN} is not ours"));
    ladder(heard);
    report.outcome(heard, 404);
    let told = heard.reasons.first().map_or("none", String::as_str);
    report.check(told.contains("cause=404"), format_args!("Reason: {told}"));
}

fn from_a_stranger(report: &mut Report, heard: &Heard) {
    title(format_args!("4. {STRANGER} belongs to no trunk"));
    ladder(heard);
    report.equal("datagrams that came back", &heard.datagrams.to_string(), "0");
}

fn to_the_greeter(report: &mut Report, heard: &Heard, seen: &Seen) {
    title(format_args!("5. {GREETER} has a bot that greets in one burst, waits for its mark, and hangs up"));
    ladder(heard);
    report.outcome(heard, 200);
    report.audio("the caller heard the greeting", &greeting(), &heard.audio.audio());
    report.equal("marks that came back", &seen.marks_back.join(" "), "greeted");
    let by_them = heard.outcome.as_ref().and_then(|outcome| outcome.ended) == Some(phone::Ended::ByThem);
    let told = if heard.reasons.is_empty() { "none".to_owned() } else { heard.reasons.join(", ") };
    report
        .check(by_them && !heard.reasons.is_empty(), format_args!("the caller got BYE with Reason: {told}"));
    oddities(report, seen);
}

fn oddities(report: &mut Report, seen: &Seen) {
    for oddity in &seen.oddities {
        report.check(false, format_args!("to the bot this was not the protocol: {oddity}"));
    }
}

fn dial(
    daemon: SocketAddr,
    address: Ipv4Addr,
    to: &'static str,
    talk: Talk,
) -> JoinHandle<std::io::Result<Heard>> {
    let seed =
        to.bytes().chain(address.octets()).fold(7, |seed, byte| seed * 31 % 1_000_003 + u64::from(byte));
    tokio::spawn(place(Plan { address: IpAddr::V4(address), from: CALLER, to, seed, talk }, daemon))
}

async fn heard(call: JoinHandle<std::io::Result<Heard>>) -> Result<Heard, Failure> {
    match call.await {
        Ok(heard) => heard.map_err(Failure::Loopback),
        Err(error) => Err(Failure::Loopback(std::io::Error::other(error))),
    }
}

fn spoken(seed: u32) -> Vec<u8> {
    voice(SECONDS * FRAMES_PER_SECOND, seed)
}

const CALLER: &str = "+12125550199";
const PARROT: &str = "+14155550100";
const DEFAULT: &str = "+14155550101";
const GREETER: &str = "+14155550102";
const UNKNOWN: &str = "+14155550199";
const CARRIER: Ipv4Addr = Ipv4Addr::LOCALHOST;
const STRANGER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 9);
const KEYS: &str = "42#";
const SECONDS: usize = 3;
const PARROT_VOICE: u32 = 1;
const DEFAULT_VOICE: u32 = 2;
/// Far from the three seconds that the cleared audio would have taken.
const CLEARED_MS: u128 = 1000;
/// The bot's story is there when its call is over.
const BOT_PATIENCE: Duration = Duration::from_secs(3);
