//! Where the running daemon is, and by which key it is spoken to.

use std::path::PathBuf;

use admin::Url;
use clap::Args;

use super::{ConfigFile, Telling};

#[derive(Args, Debug)]
pub(crate) struct Daemon {
    /// The running daemon [default: the [admin] section of the configuration]
    #[arg(long, value_name = "URL", env = "STROWGER_URL")]
    pub(crate) url: Option<Url>,
    /// A key of its API
    #[arg(long, value_name = "KEY", env = "STROWGER_KEY", hide_env_values = true)]
    pub(crate) key: Option<String>,
    /// Trust the certificates of this PEM file, beside the system's
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

/// Whom to ask, and how the answer is printed.
#[derive(Args, Debug)]
pub(crate) struct Asking {
    #[command(flatten)]
    pub(crate) telling: Telling,
    #[command(flatten)]
    pub(crate) daemon: Daemon,
}

#[derive(Args, Debug)]
pub(crate) struct Drain {
    /// Calls may go on for so long [default: what the daemon's configuration says]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(0..=86_400))]
    pub(crate) within: Option<u32>,
    #[command(flatten)]
    pub(crate) asking: Asking,
}
