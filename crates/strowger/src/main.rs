//! The daemon and its command line: configuration, wiring, signals, and a demo that checks them from the outside.

mod addresses;
mod backup;
mod calendar;
mod call_line;
mod call_list;
mod cli;
mod commands;
mod config;
mod daemon;
mod demo;
mod directories;
mod drain;
mod failure;
mod fault;
mod inventory_file;
mod keys;
#[cfg(test)]
mod lines;
mod list;
mod log;
mod mask;
mod node;
mod notices;
mod objects;
mod observers;
mod open_files;
mod owned;
mod packets;
mod pages;
mod place;
mod plan;
mod problem;
mod route_test;
mod run;
mod secrets;
mod seeing;
mod service;
mod show;
mod signal;
mod sockets;
mod table;
mod wiring;

use std::process::ExitCode;

use clap::Parser;

use self::cli::{CallCommand, Cli, Command, Form};
use self::demo::After;
use self::failure::Failure;
use self::objects::Kind;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let form = cli.command.form();
    match perform(cli.command) {
        Ok(code) => code,
        Err(failure) => {
            match form {
                Form::Text => failure.to_string().lines().for_each(|line| eprintln!("strowger: {line}")),
                Form::Json => eprintln!("{:#}", problem::document(&failure)),
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
            Command::Backup(backup) => backup::backup(&backup).await.map(done),
            Command::Apply(apply) => commands::apply(&apply).await.map(done),
            Command::Number(number) => objects::number(&number).await.map(done),
            Command::Agent(agent) => objects::run(Kind::Agents, &agent).await.map(done),
            Command::Trunk(trunk) => objects::run(Kind::Trunks, &trunk).await.map(done),
            Command::Settings(settings) => objects::settings(&settings).await.map(done),
            Command::Key(key) => keys::run(&key).await.map(done),
            Command::Completions(shell) => pages::completions(&shell).map(done),
            Command::Man(man) => pages::man(&man).map(done),
            Command::Drain(wish) => drain::run(&wish).await.map(done),
            Command::RouteTest(test) => route_test::run(&test).await.map(done),
            Command::Call(CallCommand::Place(call)) => place::place(&call).await.map(done),
            Command::Call(CallCommand::Dtmf(call)) => place::dtmf(&call).await.map(done),
            Command::Call(CallCommand::Hangup(call)) => show::hangup(&call).await.map(done),
            Command::Call(CallCommand::Show(call)) => show::show(&call).await.map(done),
            Command::Call(CallCommand::List(listing)) => call_list::run(&listing).await.map(done),
        }
    })
}

const fn done((): ()) -> ExitCode {
    ExitCode::SUCCESS
}
