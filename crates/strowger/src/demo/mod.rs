//! `strowger demo`: the daemon, a bot and a carrier on loopback; real calls, each checked from the outside.

mod audio;
mod bot;
mod carrier;
#[cfg(test)]
mod failing;
mod report;
mod rtp;
mod scenes;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use b2bua::CallRecord;
use numbers::Inventory;
use store::Store;

use self::report::Report;
use crate::config::Config;
use crate::failure::Failure;
use crate::node::Node;
use crate::signal::Stop;
use crate::{inventory_file, list, log};

/// Whether the daemon stays after the calls.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum After {
    Stop,
    Keep,
}

/// Runs it.
///
/// # Errors
/// When the machine does not give what it takes: ports on loopback, threads.
pub(crate) async fn run(after: After) -> Result<ExitCode, Failure> {
    let config = config(after)?;
    log::start(&config.log);
    let (bot, mut calls) = bot::start().await.map_err(Failure::Loopback)?;
    let store = Store::open(&config.store_url()).await?.of_realm(&config.realm());
    store.apply(&inventory(bot)?).await?;
    let node = Node::start(&config, store.clone()).await?;
    let daemon = node.listeners()[0];
    println!(
        "Strowger {}: a carrier on loopback calls, bots and the built-in echo answer.",
        env!("CARGO_PKG_VERSION")
    );
    println!("Daemon on sip:{daemon} (UDP), bot on ws://{bot}, inventory and records in memory.");
    println!("The times of the ladders are milliseconds since each call's start.");

    let began = Instant::now();
    let mut report = Report::default();
    scenes::play(&mut report, daemon, &mut calls).await?;
    let records = ended(&store, scenes::CALLS).await?;
    scenes::check_records(&mut report, &records);
    let listed = records.iter().map(serde_json::to_value).collect::<Result<Vec<_>, _>>()?;
    println!("\n{}", list::calls(listed).table.trim_fmt());
    let all_held = report.close(began.elapsed());

    if after == After::Keep {
        let mut stop = Stop::listen()?;
        keep(daemon);
        stop.asked().await;
    }
    node.stop().await;
    Ok(if all_held { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn config(after: After) -> Result<Config, Failure> {
    let level = match after {
        After::Stop => "error",
        After::Keep => "info",
    };
    let overrides = [
        ("node.id", "demo"),
        ("sip.udp", "127.0.0.1:0"),
        ("admin.listen", "127.0.0.1:0"),
        ("sip.advertised", "127.0.0.1"),
        ("media.workers", "2"),
        ("store.url", "sqlite::memory:"),
        ("log.level", level),
        ("log.full_numbers", "true"),
    ];
    let overrides: BTreeMap<String, String> =
        overrides.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    Ok(Config::embedded(&overrides)?)
}

/// What the demo owns: written as a user would write it, read as a user's file is.
fn inventory(bot: SocketAddr) -> Result<Inventory, Failure> {
    let text = INVENTORY.replace("BOT", &bot.to_string());
    Ok(inventory_file::parse("the demo's inventory", &text)?)
}

/// The records of the calls, first call first, once as many have ended.
async fn ended(store: &Store, calls: usize) -> Result<Vec<CallRecord>, Failure> {
    let began = Instant::now();
    loop {
        let mut records = store.recent_calls(50).await?;
        let ended = records.iter().filter(|record| record.status.is_some()).count();
        if ended >= calls || began.elapsed() > FLUSHED {
            records.reverse();
            return Ok(records);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn keep(daemon: SocketAddr) {
    println!(
        "\nThe daemon stays on sip:{daemon} (UDP) until Ctrl-C. From this machine, any SIP phone may call\n  \
         sip:+14155550100@{daemon}   a Media Streams bot that gives your audio back\n  \
         sip:+14155550101@{daemon}   the built-in echo\n  \
         sip:+14155550102@{daemon}   a bot that greets and hangs up\n\
         or, a hundred calls: sipp -sn uac -s +14155550101 -m 100 -r 10 {daemon}"
    );
}

const INVENTORY: &str = r#"
[settings]
default_agent_id = "echo"

[[agents]]
id = "parrot"
endpoint = { kind = "media-stream", url = "ws://BOT/", parameters = { role = "parrot" } }

[[agents]]
id = "greeter"
endpoint = { kind = "media-stream", url = "ws://BOT/", parameters = { role = "greeter" } }

[[agents]]
id = "echo"
endpoint = { kind = "echo" }

[[trunks]]
id = "carrier"
inbound = { addresses = ["127.0.0.1"] }

[[numbers]]
e164 = "+14155550100"
trunk_id = "carrier"
agent_id = "parrot"

[[numbers]]
e164 = "+14155550101"
trunk_id = "carrier"

[[numbers]]
e164 = "+14155550102"
trunk_id = "carrier"
agent_id = "greeter"
"#;

/// A record that is not on disk by then is lost.
const FLUSHED: Duration = Duration::from_secs(5);
