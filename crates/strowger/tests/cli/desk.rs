//! Where the commands are run, and what they say.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// A directory with a store and whatever a test writes into it; commands run in it.
pub(crate) struct Desk {
    directory: TempDir,
}

/// What a command said and how it ended.
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self { directory: TempDir::new().unwrap() }
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_strowger"));
        command.args(arguments).current_dir(self.path());
        // What else runs on this machine is not asked.
        command.env("STROWGER__ADMIN__LISTEN", "");
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Said {
        Said::of(self.command(arguments).output().unwrap())
    }

    /// What a command says with `--json`, if all goes well.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let said = self.run(&[arguments, &["--json"]].concat());
        assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{arguments:?}");
        serde_json::from_str(&said.out).unwrap()
    }

    /// And if not.
    pub(crate) fn problem(&self, arguments: &[&str]) -> (Said, Value) {
        let said = self.run(&[arguments, &["--json"]].concat());
        let problem = serde_json::from_str(&said.err).unwrap_or_else(|error| panic!("{error}: {}", said.err));
        (said, problem)
    }

    pub(crate) fn applied(inventory: &str) -> Self {
        let desk = Self::new();
        desk.write("inventory.toml", inventory);
        let said = desk.run(&["apply", "inventory.toml"]);
        assert_eq!(said.code, Some(0), "{}", said.err);
        desk
    }
}

impl Said {
    pub(crate) fn of(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}
