//! The command line, and the help that teaches it.

mod daemon;
mod form;
mod objects;
mod pages;
mod place;
mod route;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub(crate) use self::daemon::{Asking, Daemon, Drain};
pub(crate) use self::form::{Form, Telling};
pub(crate) use self::objects::{
    Added, Changed, Fields, KeyCommand, Named, NewKey, NumberCommand, ObjectCommand, Role, SettingsCommand,
};
pub(crate) use self::pages::{Completions, Man};
pub(crate) use self::place::{CallDtmf, CallPlace};
pub(crate) use self::route::RouteTest;

#[derive(Parser, Debug)]
#[command(
    name = "strowger",
    version,
    about = "Connects telephone numbers to AI voice agents",
    long_about = "Strowger stands between carriers and AI voice agents: a call to one of your numbers comes in over \
                  SIP, the number picks the agent, and audio flows both ways.",
    after_help = "The first minute:\n  \
                  strowger demo                                real calls on loopback, no set-up, no files left behind\n\n\
                  Then your own numbers:\n  \
                  strowger check --inventory inventory.toml    name every fault, change nothing\n  \
                  strowger apply inventory.toml                make the inventory equal to the file\n  \
                  strowger run                                 take calls\n  \
                  strowger call list                           see what became of them"
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Take calls until SIGTERM
    #[command(after_help = "Examples:\n  \
                            strowger run\n  \
                            strowger run --config /etc/strowger/strowger.toml\n  \
                            STROWGER__SIP__UDP=127.0.0.1:5070 strowger run\n\n\
                            The inventory comes from the store (see `strowger apply`); a change to it is picked up \
                            while running.\nAt SIGTERM or Ctrl-C no further calls are taken; those that are up may end within \
                            node.drain_s, or until a second signal, then they get a BYE. Records are written, the exit \
                            status is 0.")]
    Run(ConfigFile),

    /// Place real calls on loopback and check what came of them
    #[command(after_help = "Examples:\n  \
                            strowger demo           ladders, audio and digits checked, records; exits 0 if all held\n  \
                            strowger demo --keep    and then keep the daemon running, to call it yourself")]
    Demo(Demo),

    /// Name every fault of the configuration and the inventory, and change nothing
    #[command(after_help = "Examples:\n  \
                            strowger check\n  \
                            strowger check --config /etc/strowger/strowger.toml --inventory inventory.toml")]
    Check(Check),

    /// Make the stored inventory equal to a file
    #[command(after_help = "Examples:\n  \
                            strowger apply inventory.toml --dry-run    print the plan only\n  \
                            strowger apply inventory.toml\n\n\
                            What is in the store and not in the file is removed. A running daemon takes the change \
                            up by itself; calls that are up keep what they were admitted with.\n\
                            A file that is in force is \"nothing to do\". The exit status is 0 with or without changes, \
                            with --dry-run too, and 1 where there is a fault: nothing is changed then.")]
    Apply(Apply),

    /// Copy the SQLite store to a file, while it is in use
    #[command(after_help = "Example:\n  strowger backup /var/backups/strowger.db\n\n\
                            The copy is the store of one moment, secrets and all, and is opened as a store itself: \
                            `store.url = \"sqlite:/var/backups/strowger.db\"`. PostgreSQL has pg_dump for this.")]
    Backup(Backup),

    /// The numbers: list, show, add, set, remove, verify
    #[command(subcommand, after_help = objects::NUMBER_EXAMPLES)]
    Number(NumberCommand),

    /// The agents: list, show, add, set, remove
    #[command(subcommand, after_help = objects::AGENT_EXAMPLES)]
    Agent(ObjectCommand),

    /// The trunks: list, show, add, set, remove
    #[command(subcommand, after_help = objects::TRUNK_EXAMPLES)]
    Trunk(ObjectCommand),

    /// What holds for all: the default agent
    #[command(subcommand, after_help = objects::SETTINGS_EXAMPLES)]
    Settings(SettingsCommand),

    /// The keys of the HTTP API: list, add, remove
    #[command(subcommand, after_help = objects::KEY_EXAMPLES)]
    Key(KeyCommand),

    /// Take no further calls, let those that are up end, then stop the daemon
    #[command(after_help = "Examples:\n  \
                            strowger drain                 calls may go on for node.drain_s, then they get a BYE\n  \
                            strowger drain --within 3600   for an hour\n\n\
                            SIGTERM does the same. `/readyz` says how many calls are up; INVITEs get 503, draining.")]
    Drain(Drain),

    /// Tell what would become of an INVITE, without a call
    #[command(after_help = "Examples:\n  \
                            strowger route-test invite.sip --source 203.0.113.7:5060\n  \
                            strowger route-test - --source 203.0.113.7:5061 --transport tls --json < invite.sip\n  \
                            strowger route-test invite.sip --source 203.0.113.7:5060 --inventory inventory.toml")]
    RouteTest(RouteTest),

    /// Print the completions of a shell
    #[command(after_help = "Examples:\n  \
                            strowger completions bash > /etc/bash_completion.d/strowger\n  \
                            strowger completions zsh > \"${fpath[1]}/_strowger\"\n  \
                            strowger completions fish > ~/.config/fish/completions/strowger.fish")]
    Completions(Completions),

    /// Write the manual pages into a directory
    #[command(after_help = "Example:\n  strowger man /usr/local/share/man/man1")]
    Man(Man),

    /// The calls and what became of them; calls of our own
    #[command(
        subcommand,
        after_help = "Examples:\n  strowger call list --limit 20\n  strowger call place --from +14155550100 --to +12125550177"
    )]
    Call(CallCommand),
}

#[derive(Args, Debug)]
pub(crate) struct ConfigFile {
    /// The node's configuration [default: conf/strowger.toml if it is there, else the built-in defaults]
    #[arg(long = "config", value_name = "FILE")]
    pub(crate) path: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct Demo {
    /// Keep the daemon and its bot running after the calls, until Ctrl-C
    #[arg(long)]
    pub(crate) keep: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Check {
    #[command(flatten)]
    pub(crate) config: ConfigFile,
    /// An inventory file to check too
    #[arg(long, value_name = "FILE")]
    pub(crate) inventory: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) telling: Telling,
}

#[derive(Args, Debug)]
pub(crate) struct Backup {
    /// A file that does not exist
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) telling: Telling,
    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Args, Debug)]
pub(crate) struct Apply {
    /// The inventory, such as inventory.toml
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Print the plan and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print the whole plan, as JSON always has it; else the first hundred changes and how many more there are
    #[arg(long)]
    pub(crate) full: bool,
    #[command(flatten)]
    pub(crate) telling: Telling,
    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Subcommand, Debug)]
pub(crate) enum CallCommand {
    /// The latest calls, newest first
    #[command(after_help = "Examples:\n  \
                            strowger call list --limit 20\n  \
                            strowger call list --json\n\n\
                            Where no daemon answers, the store of this machine is read. On a PostgreSQL that daemons \
                            share, those that are up are those of the daemon that is asked.")]
    List(CallListing),

    /// One call: its record, or its SIP as a ladder
    #[command(after_help = "Examples:\n  \
                            strowger call show 3f9c21d8             its record\n  \
                            strowger call show 3f9c21d8 --ladder    its SIP, both legs, from the running daemon\n\n\
                            The first digits of an id will do, as `strowger call list` shows them.")]
    Show(CallShow),

    /// End a call that is up, both legs by a BYE
    #[command(after_help = "Example:\n  strowger call hangup 3f9c21d8")]
    Hangup(CallHangup),

    /// Ring somebody from one of our numbers, and let an agent talk with them
    #[command(after_help = "Examples:\n  \
                            strowger call place --from +14155550100 --to +12125550177\n  \
                            strowger call place --from +14155550100 --to +12125550177 --agent sales --ring 30\n  \
                            strowger call place --from +14155550100 --to +12125550177 --parameter campaign=spring\n\n\
                            The number has to be one of the inventory that may call there; without --agent its own \
                            agent joins, or the default one. `strowger call show ID` says what became of it.")]
    Place(CallPlace),

    /// Send digits to whoever an agent talks with
    #[command(after_help = "Example:\n  strowger call dtmf 3f9c21d8 '1234#'")]
    Dtmf(CallDtmf),
}

#[derive(Args, Debug)]
pub(crate) struct CallHangup {
    /// The call's id, or its first digits, six or more
    #[arg(value_name = "ID", value_parser = call_id)]
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) asking: Asking,
}

#[derive(Args, Debug)]
pub(crate) struct CallListing {
    /// At most so many
    #[arg(long, default_value_t = 50, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) limit: u32,
    #[command(flatten)]
    pub(crate) asking: Asking,
}

#[derive(Args, Debug)]
pub(crate) struct CallShow {
    /// The call's id, or its first digits, six or more
    #[arg(value_name = "ID", value_parser = call_id)]
    pub(crate) id: String,
    /// The messages of both legs, drawn; with --json, in full
    #[arg(long)]
    pub(crate) ladder: bool,
    #[command(flatten)]
    pub(crate) asking: Asking,
}

fn call_id(text: &str) -> Result<String, &'static str> {
    if (6..=32).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(text.to_ascii_lowercase());
    }
    Err("expected 6 to 32 hex digits, as `strowger call list` shows them")
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
