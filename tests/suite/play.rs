//! A scenario, played over one transport.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;

use super::world::{Carrier, ECHO, MUTE, Transport, World};
use crate::support::tests_file;

/// What is called, with what, and what must be left of it.
pub(super) struct Play {
    called: &'static str,
    carrier: Carrier,
    seconds: u32,
    settings: Vec<(&'static str, &'static str)>,
    arguments: Vec<&'static str>,
    records: Vec<(&'static str, &'static str)>,
    fields: Vec<(&'static str, &'static str)>,
    logged: Vec<&'static str>,
}

/// A call that ends as calls should.
pub(super) const COMPLETED: (&str, &str) = ("completed", "normal");

/// A call to the echo, which is answered and hung up.
pub(super) fn echo() -> Play {
    call(ECHO)
}

/// A call to a bot that says nothing, so that it rings.
pub(super) fn ring() -> Play {
    call(MUTE)
}

/// A call to a number, which is answered and hung up.
pub(super) fn call(called: &'static str) -> Play {
    Play {
        called,
        carrier: Carrier::Known,
        seconds: 30,
        settings: Vec::new(),
        arguments: Vec::new(),
        records: vec![COMPLETED],
        fields: Vec::new(),
        logged: Vec::new(),
    }
}

impl Play {
    /// The records that it leaves, by status and reason, the latest first; no others.
    pub(super) fn leaves(mut self, records: &[(&'static str, &'static str)]) -> Self {
        self.records = records.to_vec();
        self
    }

    /// The caller's address is none of the trunk's.
    pub(super) fn of_a_stranger(mut self) -> Self {
        self.carrier = Carrier::Stranger;
        self
    }

    /// What a field of the latest record is, or, if it is a text, has in it.
    pub(super) fn with(mut self, field: &'static str, value: &'static str) -> Self {
        self.fields.push((field, value));
        self
    }

    /// Words that the daemon's log must have.
    pub(super) fn logs(mut self, words: &'static str) -> Self {
        self.logged.push(words);
        self
    }

    /// A variable of the daemon's configuration.
    pub(super) fn set(mut self, name: &'static str, value: &'static str) -> Self {
        self.settings.push((name, value));
        self
    }

    /// Arguments for the caller's SIPp.
    pub(super) fn sipp(mut self, arguments: &[&'static str]) -> Self {
        self.arguments.extend(arguments);
        self
    }

    /// How long SIPp may take.
    pub(super) fn seconds(mut self, seconds: u32) -> Self {
        self.seconds = seconds;
        self
    }

    /// Plays it. The agent is `NAME.agent.xml`, if there is such a file, and the caller `NAME.xml`.
    pub(super) fn over(&self, transport: Transport, folder: &str, name: &str) {
        let mut world = World::new(transport, self.carrier, &self.settings);
        let timeout = self.seconds.to_string();
        let agent = file(folder, &format!("{name}.agent"));
        let agent = agent.is_file().then(|| {
            let mut sipp = world.sipp(world.hosts.agent, &agent);
            sipp.args(["-timeout", &timeout, "-timeout_error"]).stdout(Stdio::piped()).stderr(Stdio::piped());
            let mut agent = Agent(Some(sipp.spawn().unwrap()));
            world.await_ears(world.hosts.agent, agent.0.as_mut().unwrap());
            agent
        });
        let mut caller = world.sipp(world.hosts.caller, &file(folder, name));
        // With `-timeout` alone SIPp waits on for what never comes.
        caller.args(["-s", self.called, "-timeout", &timeout, "-timeout_error"]).args(&self.arguments);
        let caller = caller.arg(world.entrance().to_string()).output().unwrap();
        let told = |who: &str, what: &str| {
            let traces = [world.hosts.caller, world.hosts.agent].map(|host| world.trace(host)).join("\n");
            format!("{name} over {transport}: {who}: {what}\n{traces}\n{}", world.logs())
        };
        let failed = |ended: &std::process::Output| {
            format!("SIPp failed ({}): {}", ended.status, String::from_utf8_lossy(&ended.stderr))
        };
        assert!(caller.status.success(), "{}", told("the caller's", &failed(&caller)));
        if let Some(agent) = agent {
            let ended = agent.ended();
            assert!(ended.status.success(), "{}", told("the agent's", &failed(&ended)));
        }
        let seen = |records: &[Value]| records.iter().map(ended_as).collect::<Vec<_>>();
        let wanted: Vec<_> =
            self.records.iter().map(|(status, reason)| format!("{status} {reason}")).collect();
        let records = world.daemon.records_when(|records| {
            records.len() >= wanted.len() && records.iter().all(|record| record["status"].is_string())
        });
        assert_eq!(seen(&records), wanted, "{}", told("the records", &format!("{records:#?}")));
        for (field, value) in &self.fields {
            let is = &records[0][field];
            let fits = match value.parse::<u64>() {
                Ok(number) if is.is_number() => is.as_u64() == Some(number),
                Ok(_) | Err(_) => is.as_str().is_some_and(|text| text.contains(value)),
            };
            assert!(fits, "{}", told("the record", &format!("{field} is {is}, not {value}")));
        }
        for words in &self.logged {
            world.daemon.logged(words);
        }
        assert!(
            world.daemon.terminate(),
            "{name} over {transport}: SIGTERM ends it with 0\n{}",
            world.logs()
        );
        let after = world.daemon.records();
        assert_eq!(seen(&after), wanted, "{name} over {transport}: nothing was left to be ended\n{after:#?}");
    }
}

/// The agent's SIPp. Dropping it ends it.
struct Agent(Option<std::process::Child>);

impl Agent {
    fn ended(mut self) -> std::process::Output {
        self.0.take().unwrap().wait_with_output().unwrap()
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            // It may have ended already: then there is nothing to end.
            child.kill().ok();
            child.wait().ok();
        }
    }
}

fn ended_as(record: &Value) -> String {
    ["status", "reason"].map(|field| record[field].as_str().unwrap_or("-")).join(" ")
}

fn file(folder: &str, name: &str) -> PathBuf {
    tests_file(&format!("sipp/{folder}/{name}.xml")).canonicalize().unwrap_or_default()
}

/// Each file of a folder is a scenario of its table or the agent of one, so that none is left unplayed.
pub(super) fn assert_whole(folder: &str, names: &[&str]) {
    let files = std::fs::read_dir(tests_file(&format!("sipp/{folder}"))).unwrap();
    let left: Vec<_> = files
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .filter(|file| !names.iter().any(|name| is_of(file, name)))
        .collect();
    assert!(left.is_empty(), "files of tests/sipp/{folder} that no line plays: {left:?}");
}

fn is_of(file: &str, name: &str) -> bool {
    let stem = Path::new(file).file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    stem.strip_suffix(".agent").unwrap_or(stem) == name
}
