//! `strowger completions` and `strowger man`: both are made of the command line's own description.

use std::io::{self, Write};

use clap::CommandFactory;

use crate::cli::{Cli, Completions, Man};
use crate::commands;
use crate::failure::Failure;

/// Writes the script to standard output.
///
/// # Errors
/// It can't be written.
pub(crate) fn completions(completions: &Completions) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(completions.shell, &mut Cli::command(), NAME, &mut script);
    match io::stdout().write_all(&script) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(Failure::Output),
    }
}

/// Writes a page for each command.
///
/// # Errors
/// The directory is none, or can't be written.
pub(crate) fn man(man: &Man) -> Result<(), Failure> {
    let directory = &man.directory;
    clap_mangen::generate_to(Cli::command(), directory)
        .map_err(|system| Failure::Pages { directory: directory.clone(), system })?;
    commands::write_out(&format!("the pages are in {}; read one by: man {0}/strowger.1", directory.display()))
}

const NAME: &str = "strowger";
