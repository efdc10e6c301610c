//! `strowger route-test`: which trunk or agent owns the source of an INVITE, whom it calls, and who answers, by which rule
//! it leaves, or why neither. No call is placed.

use std::fmt::Write;
use std::io::Read;
use std::path::Path;

use b2bua::{Explained, Origin, Outcome, explain};
use numbers::Directory;
use sip::Message;
use store::Store;

use crate::cli::RouteTest;
use crate::commands;
use crate::config::{Config, UnknownSource};
use crate::failure::Failure;
use crate::fault::{Fault, Faults, Place};
use crate::{directories, inventory_file, secrets};

/// Explains it.
///
/// # Errors
/// The file or the inventory can't be read, or the file holds no INVITE.
pub(crate) async fn run(test: &RouteTest) -> Result<(), Failure> {
    let config = Config::load(test.config.path.as_deref())?;
    let name = test.invite.display().to_string();
    let invite = read(&test.invite)
        .and_then(|octets| parse(&octets))
        .map_err(|words| fault(&name, words, "give a file that holds one INVITE, with its headers"))?;
    let directory = match &test.inventory {
        Some(file) => written(file)?,
        None => stored(&config).await?,
    };
    let origin = Origin {
        source: test.source,
        transport: test.transport.into(),
        unknown_source: match config.sip.unknown_source {
            UnknownSource::Drop => b2bua::UnknownSource::Drop,
            UnknownSource::Reject => b2bua::UnknownSource::Reject,
        },
    };
    let explained = explain(&directory, &invite, origin).ok_or_else(|| {
        let method = invite.method();
        fault(&name, format!("{method} makes no call"), "give a file that holds an INVITE")
    })?;
    commands::tell(test.telling.form, &serde_json::to_value(&explained)?, || page(&explained))
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let mut octets = Vec::new();
    let took = if path == Path::new("-") {
        std::io::stdin().take(LARGEST).read_to_end(&mut octets)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(LARGEST).read_to_end(&mut octets))
    };
    took.map(|_| octets).map_err(|error| format!("can't be read: {error}"))
}

/// The message of a file. In one whose lines end in LF the body has another length than on the wire: what is there is the body.
fn parse(octets: &[u8]) -> Result<Message, String> {
    let is_wire = octets.windows(2).any(|pair| pair == b"\r\n");
    let text: Vec<u8> = if is_wire {
        octets.to_vec()
    } else {
        let lines = octets.split(|octet| *octet == b'\n');
        let kept = lines.filter(|line| !is_length(line)).map(<[u8]>::to_vec).collect::<Vec<_>>();
        let mut text = kept.join(&b"\r\n"[..]);
        // A file of headers alone may end with the last of them.
        if !text.windows(4).any(|end| end == b"\r\n\r\n") {
            text.extend_from_slice(if text.ends_with(b"\r\n") { b"\r\n" } else { b"\r\n\r\n" });
        }
        text
    };
    Message::parse(text.into()).map_err(|malformed| format!("is no SIP: {}", malformed.fault))
}

fn is_length(line: &[u8]) -> bool {
    let name = line.split(|octet| *octet == b':').next().unwrap_or_default().trim_ascii();
    name.eq_ignore_ascii_case(b"content-length") || (name.eq_ignore_ascii_case(b"l") && line.contains(&b':'))
}

async fn stored(config: &Config) -> Result<Directory, Failure> {
    let store = Store::open_existing(&config.store_url()).await?;
    let directory = directories::load(&store).await;
    store.close().await;
    directory
}

/// The directory of a file, with its secrets as the daemon has them.
fn written(path: &Path) -> Result<Directory, Failure> {
    let inventory = inventory_file::load(path)?;
    let inventory = inventory.resolve(secrets::look_up).map_err(|faults| of_file(path, faults))?;
    Ok(Directory::new(inventory).map_err(|faults| of_file(path, faults))?)
}

fn of_file(path: &Path, faults: Vec<numbers::Fault>) -> Faults {
    let place = || Place::File(path.display().to_string());
    let told = faults.into_iter().map(|fault| Fault {
        place: place(),
        key: fault.path,
        message: fault.message,
        remedy: fault.remedy,
    });
    Faults(told.collect())
}

fn fault(name: &str, message: String, remedy: &str) -> Failure {
    let place = Place::File(name.to_owned());
    Faults(vec![Fault { place, key: String::new(), message, remedy: remedy.to_owned() }]).into()
}

/// A line for each step, one for the outcome, and one for what is left out.
fn page(explained: &Explained) -> String {
    let mut page = String::new();
    for step in &explained.steps {
        // Writing to a string does not fail.
        writeln!(page, "{:<9}{}", step.about, commands::printable(&step.words)).ok();
    }
    let result = match &explained.outcome {
        Outcome::Answered { number, agent_id, .. } => format!("agent `{agent_id}` answers for {number}"),
        Outcome::LetOut { trunk_id, number, to } => {
            format!("the call leaves by trunk `{trunk_id}`, from {number} to {to}")
        }
        Outcome::Refused { reason, status: Some(status), text } => {
            format!("refused with {status}, {reason}: {text}")
        }
        Outcome::Refused { reason, status: None, text } => {
            format!("dropped without an answer, {reason}: {text}")
        }
    };
    let apart = explained.not_considered.join(", ");
    page + &format!("{:<9}{}\n", "result", commands::printable(&result))
        + &format!("{:<9}not considered: {apart}", "apart")
}

/// More than any message that is read.
const LARGEST: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_lines_with_lf_is_read_with_its_body_whatever_its_content_length_says() {
        let text = "INVITE sip:a@b SIP/2.0\nVia: SIP/2.0/UDP c;branch=z9hG4bK1\nFrom: <sip:x@c>;tag=1\nTo: <sip:a@b>\n\
                    Call-ID: i\nCSeq: 1 INVITE\nMax-Forwards: 70\nContent-Type: application/sdp\nl: 3\n\nv=0\ns=-\n";
        let message = parse(text.as_bytes()).unwrap();
        assert_eq!(message.body(), b"v=0\r\ns=-\r\n");
        let bare = text.split("\n\n").next().unwrap();
        assert!(parse(bare.as_bytes()).unwrap().body().is_empty());
        let wire = text.replace('\n', "\r\n");
        assert_eq!(parse(wire.as_bytes()).unwrap().body(), b"v=0");
    }

    #[test]
    fn what_is_no_sip_is_told() {
        assert!(parse(b"hello\n").unwrap_err().starts_with("is no SIP: "));
    }
}
