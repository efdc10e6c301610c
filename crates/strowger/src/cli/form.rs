//! How a command tells what it did: to people, or to programs.

use clap::builder::{BoolishValueParser, TypedValueParser};
use clap::{ArgAction, Args};

use super::{CallCommand, Command, KeyCommand, NumberCommand, ObjectCommand, SettingsCommand};

/// In which form a command tells what it did, and why it could not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Form {
    /// Lines for people.
    Text,
    /// One JSON document, on standard output what was done, on standard error a problem document.
    Json,
}

/// `--json`, of each command that tells something.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Telling {
    /// Print JSON; where that fails, a problem document on standard error
    #[arg(
        long = "json",
        action = ArgAction::SetTrue,
        value_parser = BoolishValueParser::new().map(|is_given| if is_given { Form::Json } else { Form::Text }),
    )]
    pub(crate) form: Form,
}

impl Command {
    /// In which form it is to tell.
    pub(crate) const fn form(&self) -> Form {
        match self {
            Self::Run(_) | Self::Demo(_) | Self::Completions(_) | Self::Man(_) => Form::Text,
            Self::Check(check) => check.telling.form,
            Self::Apply(apply) => apply.telling.form,
            Self::Backup(backup) => backup.telling.form,
            Self::Number(NumberCommand::Object(command)) | Self::Agent(command) | Self::Trunk(command) => {
                of_object(command)
            }
            Self::Number(NumberCommand::Verify(named)) | Self::Key(KeyCommand::Remove(named)) => {
                named.asking.telling.form
            }
            Self::Settings(SettingsCommand::Show(asking)) | Self::Key(KeyCommand::List(asking)) => {
                asking.telling.form
            }
            Self::Settings(SettingsCommand::Set(added)) => added.asking.telling.form,
            Self::Key(KeyCommand::Add(key)) => key.asking.telling.form,
            Self::Drain(drain) => drain.asking.telling.form,
            Self::RouteTest(test) => test.telling.form,
            Self::Call(CallCommand::List(listing)) => listing.asking.telling.form,
            Self::Call(CallCommand::Show(call)) => call.asking.telling.form,
            Self::Call(CallCommand::Hangup(call)) => call.asking.telling.form,
            Self::Call(CallCommand::Place(call)) => call.asking.telling.form,
            Self::Call(CallCommand::Dtmf(call)) => call.asking.telling.form,
        }
    }
}

const fn of_object(command: &ObjectCommand) -> Form {
    match command {
        ObjectCommand::List(asking) => asking.telling.form,
        ObjectCommand::Show(named) | ObjectCommand::Remove(named) => named.asking.telling.form,
        ObjectCommand::Add(added) => added.asking.telling.form,
        ObjectCommand::Set(changed) => changed.asking.telling.form,
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;
    use crate::cli::Cli;

    /// Each command that takes `--json`, as it is written, with what else it has to be given.
    const WRITTEN: [&str; 28] = [
        "check",
        "apply f",
        "backup f",
        "number list",
        "number show x",
        "number add a=1",
        "number set x a=1",
        "number remove x",
        "number verify x",
        "agent list",
        "agent show x",
        "agent add a=1",
        "agent set x a=1",
        "agent remove x",
        "trunk list",
        "trunk show x",
        "trunk add a=1",
        "trunk set x a=1",
        "trunk remove x",
        "settings show",
        "settings set a=1",
        "key list",
        "key add --role viewer --label x",
        "key remove x",
        "drain",
        "route-test f --source 192.0.2.1:1",
        "call list",
        "call show 3f9c21",
    ];
    const CALLS: [&str; 3] =
        ["call hangup 3f9c21", "call dtmf 3f9c21 1", "call place --from +14155550100 --to +12125550177"];
    /// They tell nothing but what is asked for, or run on.
    const OTHERS: [&str; 4] = ["run", "demo", "completions", "man"];

    fn form(line: &str, more: &[&str]) -> Form {
        let words = ["strowger"].into_iter().chain(line.split(' ')).chain(more.iter().copied());
        Cli::try_parse_from(words).unwrap_or_else(|error| panic!("{line}: {error}")).command.form()
    }

    #[test]
    fn every_command_that_tells_something_does_so_in_json_if_it_is_asked_to() {
        for line in WRITTEN.into_iter().chain(CALLS) {
            assert_eq!(form(line, &[]), Form::Text, "{line}");
            assert_eq!(form(line, &["--json"]), Form::Json, "{line}");
        }
    }

    #[test]
    fn no_command_is_left_out() {
        let known = |name: &str| {
            let mut lines = WRITTEN.into_iter().chain(CALLS).chain(OTHERS);
            lines.any(|line| line == name || line.starts_with(&format!("{name} ")))
        };
        for command in Cli::command().get_subcommands() {
            let name = command.get_name();
            assert!(known(name), "{name}");
            for inner in command.get_subcommands() {
                assert!(known(&format!("{name} {}", inner.get_name())), "{name} {}", inner.get_name());
            }
        }
    }
}
