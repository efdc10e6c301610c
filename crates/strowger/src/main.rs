//! The daemon and its command line: configuration, wiring, signals, and a demo that checks them from the outside.

mod addresses;
mod calendar;
mod call_line;
mod cli;
mod commands;
mod config;
mod demo;
mod directories;
mod failure;
mod fault;
mod inventory_file;
mod list;
mod log;
mod mask;
mod node;
mod notices;
mod observers;
mod open_files;
mod run;
mod secrets;
mod seeing;
mod show;
mod signal;
mod sockets;
mod table;
mod wiring;

use std::process::ExitCode;

use clap::Parser;

use self::cli::{CallCommand, Cli, Command, List};
use self::commands::Kind;
use self::demo::After;
use self::failure::Failure;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match perform(cli.command) {
        Ok(code) => code,
        Err(failure) => {
            for line in failure.to_string().lines() {
                eprintln!("strowger: {line}");
            }
            ExitCode::FAILURE
        }
    }
}

fn perform(command: Command) -> Result<ExitCode, Failure> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::Runtime)?;
    runtime.block_on(async {
        match command {
            Command::Run(config) => run::run(config.path.as_deref()).await,
            Command::Demo(demo) => demo::run(if demo.keep { After::Keep } else { After::Stop }).await,
            Command::Check(check) => commands::check(&check).map(done),
            Command::Apply(apply) => commands::apply(&apply).await.map(done),
            Command::Number(List::List(listing)) => commands::list(Kind::Numbers, &listing).await.map(done),
            Command::Agent(List::List(listing)) => commands::list(Kind::Agents, &listing).await.map(done),
            Command::Trunk(List::List(listing)) => commands::list(Kind::Trunks, &listing).await.map(done),
            Command::Call(CallCommand::Show(call)) => show::show(&call).await.map(done),
            Command::Call(CallCommand::List(listing)) => commands::call_list(&listing).await.map(done),
        }
    })
}

const fn done((): ()) -> ExitCode {
    ExitCode::SUCCESS
}
