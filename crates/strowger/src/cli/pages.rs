//! What the command line writes of itself: completions for shells, and manual pages.

use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

#[derive(Args, Debug)]
pub(crate) struct Completions {
    /// For this shell
    #[arg(value_enum)]
    pub(crate) shell: Shell,
}

#[derive(Args, Debug)]
pub(crate) struct Man {
    /// Where the pages go, such as /usr/local/share/man/man1; it has to exist
    #[arg(value_name = "DIRECTORY")]
    pub(crate) directory: PathBuf,
}
