//! The resolver against a name server on loopback.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod fail_over;
mod lookups;
mod server;

use std::time::Duration;

use sip::Transport::{Tcp, Tls, Udp};
use sip::Uri;
use sip::locate::{Candidate, Families, Reach, Target};
use sip_resolve::{Config, NameServers, Resolver};

use server::NameServer;

fn config(server: &NameServer) -> Config {
    let reach = Reach { transports: vec![Udp, Tcp, Tls], families: Families::V4 };
    Config::new(NameServers::At(vec![server.address]), reach, 7)
}

fn resolver(server: &NameServer) -> Resolver {
    Resolver::new(config(server)).unwrap()
}

fn target(uri: &str) -> Target {
    Target::of(&Uri::parse(uri).unwrap()).unwrap()
}

fn lines(candidates: &[Candidate]) -> Vec<String> {
    candidates.iter().map(ToString::to_string).collect()
}

const SHORT: Duration = Duration::from_millis(400);
