//! Calls with audio through a system under test: sets them up, sends 50 packets a second in each direction of each, checks every
//! packet that comes out, and tells what became of them.
//!
//! It says on standard output, a line of JSON each: `up` when the calls are, `begin` and `end` of what is counted, the latter with the
//! counts. Then it waits for a line on standard input, hangs up and ends.

mod bencode;
mod calls;
mod load;
mod ng;
mod payload;
mod sdp;
mod seal;
mod sip;
mod tally;
mod wire;

use std::error::Error;
use std::io::{Write, stdin, stdout};
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{Parser, ValueEnum};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use serde_json::{Value, json};

use crate::calls::{Ends, Leg, Side, Trouble};
use crate::load::{Load, now};
use crate::sdp::Describing;
use crate::seal::Sealed;
use crate::wire::{Wire, nanoseconds};

/// Calls with audio through a system under test.
#[derive(Parser)]
struct Options {
    /// How calls are set up.
    #[arg(long, value_enum, default_value_t = By::Sip)]
    by: By,
    /// Where the system takes SIP or ng; for the floor its first media port.
    #[arg(long, default_value = "127.0.0.1:5070")]
    system: SocketAddrV4,
    /// The called number.
    #[arg(long, default_value = "+14155550100")]
    number: String,
    #[arg(long, default_value = "127.0.0.2")]
    caller: Ipv4Addr,
    #[arg(long, default_value = "127.0.0.3")]
    callee: Ipv4Addr,
    /// The port of both sides' SIP.
    #[arg(long, default_value_t = 5070)]
    sip_port: u16,
    /// The port of both sides' RTP.
    #[arg(long, default_value_t = 4000)]
    rtp_port: u16,
    #[arg(long, default_value_t = 300)]
    calls: usize,
    /// Seconds that are counted.
    #[arg(long, default_value_t = 10.0)]
    seconds: f64,
    /// Seconds before them.
    #[arg(long, default_value_t = 2.0)]
    warm_up: f64,
    /// Whose packets are encrypted.
    #[arg(long, value_enum, default_value_t = Sealed::None)]
    sealed: Sealed,
    /// Microseconds of rest between two looks at what is due.
    #[arg(long, default_value_t = 100)]
    tick: u64,
}

#[derive(Clone, Copy, ValueEnum)]
enum By {
    /// As a caller and a SIP agent.
    Sip,
    /// The ng protocol of rtpengine.
    Ng,
    /// Fixed ports, two a call.
    Floor,
}

/// Who set the calls up.
enum Calls {
    Sip(Box<sip::Calls>),
    Ng(ng::Calls),
    Floor,
}

impl Calls {
    fn hang_up(&mut self) -> Result<(), Trouble> {
        match self {
            Self::Sip(calls) => calls.hang_up(),
            Self::Ng(calls) => calls.hang_up(),
            Self::Floor => Ok(()),
        }
    }
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("media-load: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let began = Instant::now();
    let rtp = Ends {
        caller: SocketAddrV4::new(options.caller, options.rtp_port),
        callee: SocketAddrV4::new(options.callee, options.rtp_port),
    };
    let wire = |at| Wire::bind(at).map_err(Trouble::socket("RTP socket"));
    let wires = Ends { caller: wire(rtp.caller)?, callee: wire(rtp.callee)? };
    // Reports that come are nobody's here, and must not be refused by the system.
    let _rtcp = [rtcp(rtp.caller)?, rtcp(rtp.callee)?];
    let (mut calls, legs) = place(options, rtp)?;
    say(&json!({"event": "up", "calls": options.calls, "setup_s": began.elapsed().as_secs_f64()}))?;
    let mut load = Load::new(wires, &legs, Duration::from_micros(options.tick));
    load.run(Duration::from_secs_f64(options.warm_up))?;
    let window = Duration::from_secs_f64(options.seconds);
    let opens = now();
    load.tally.open(opens..opens + nanoseconds(window));
    let before = cpu()?;
    say(&json!({"event": "begin"}))?;
    load.run(window)?;
    let used = cpu()? - before;
    say(&json!({"event": "end"}))?;
    // The last ones have a load behind them too.
    load.run(LINGER)?;
    load.listen(LINGER)?;
    let mut told = load.tally.told();
    told["event"] = "told".into();
    told["generator_s"] = used.into();
    say(&told)?;
    stdin().read_line(&mut String::new())?;
    calls.hang_up()?;
    Ok(())
}

fn place(options: &Options, rtp: Ends<SocketAddrV4>) -> Result<(Calls, Ends<Vec<Leg>>), Trouble> {
    let describing = |side| Describing { side, rtp: *rtp.of(side), sealed: options.sealed };
    let describing = Ends { caller: describing(Side::Caller), callee: describing(Side::Callee) };
    match options.by {
        By::Sip => {
            let sip = Ends {
                caller: SocketAddrV4::new(options.caller, options.sip_port),
                callee: SocketAddrV4::new(options.callee, options.sip_port),
            };
            let mut calls = sip::Calls::new(options.system, &options.number, sip, describing)?;
            let legs = calls.place(options.calls)?;
            Ok((Calls::Sip(Box::new(calls)), legs))
        }
        By::Ng => {
            let mut calls = ng::Calls::new(options.system, describing)?;
            let legs = calls.place(options.calls)?;
            Ok((Calls::Ng(calls), legs))
        }
        By::Floor => {
            let legs = |first: u16| {
                let ports = (first..).step_by(2).take(options.calls);
                ports
                    .map(|port| Leg { rtp: SocketAddrV4::new(*options.system.ip(), port), keys: None })
                    .collect()
            };
            let first = options.system.port();
            Ok((Calls::Floor, Ends { caller: legs(first), callee: legs(first + 1) }))
        }
    }
}

fn rtcp(rtp: SocketAddrV4) -> Result<UdpSocket, Trouble> {
    UdpSocket::bind((*rtp.ip(), rtp.port() + 1)).map_err(Trouble::socket("RTCP socket"))
}

/// Seconds of CPU that this process has used.
fn cpu() -> nix::Result<f64> {
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    let spent = usage.user_time() + usage.system_time();
    Ok(Duration::from_micros(u64::try_from(spent.num_microseconds()).unwrap_or_default()).as_secs_f64())
}

fn say(line: &Value) -> std::io::Result<()> {
    let mut out = stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

/// For what is on its way when the count ends: longer than any delay that is told apart.
const LINGER: Duration = Duration::from_secs(1);
