//! The sockets of `[sip]`: bound, named to the core, and bounded in what peers may take of us.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use sip::Transport;
use sip_net::{BindError, Listener, StreamLimits, Tls, Trust, bind_tcp, bind_tls, bind_udp, bind_ws};
use tracing::info;

use crate::addresses;
use crate::config::{Advertised, Config, Listening};
use crate::failure::Failure;
use crate::observers::{Observer, Observers};

/// Binds all of them; the core knows each by its bound address and says its advertised one.
///
/// # Errors
/// What is in the way: a port in use, a certificate that can't be read.
pub(crate) fn bind(
    config: &Config,
    observers: &mut Observers,
) -> Result<(Vec<Listener>, Vec<sip::endpoint::Listener>), Failure> {
    let mut bound = Bound { config, listeners: Vec::new(), named: Vec::new() };
    bound.add(&config.sip.udp.0, bind_udp)?;
    bound.add(&config.sip.tcp.0, bind_tcp)?;
    if let Some(files) = config.tls_files() {
        let tls = Tls::load(files, &Trust::System)?;
        observers.spawn(Observer::Certificates, Arc::clone(&tls).follow());
        bound.add(&config.sip.tls.0, |address| bind_tls(address, tls.clone()))?;
    }
    bound.add(&config.sip.ws.0, bind_ws)?;
    Ok((bound.listeners, bound.named))
}

/// What peers may take of us. A connection outlives the longest call on it that is silent.
pub(crate) fn limits(config: &Config) -> StreamLimits {
    let calls = config.limits.max_calls.0 as usize;
    let connections = calls.clamp(FEWEST_CONNECTIONS, MOST_CONNECTIONS);
    StreamLimits {
        connections,
        per_source: connections.div_ceil(2),
        idle: Duration::from_secs(config.limits.max_call_s.0.into()) + AFTER_A_CALL,
        ..StreamLimits::default()
    }
}

/// How many connections may be open: those of peers, and as many of ours.
pub(crate) fn connections(config: &Config) -> u64 {
    if config.has_streams() { 2 * limits(config).connections as u64 } else { 0 }
}

struct Bound<'a> {
    config: &'a Config,
    listeners: Vec<Listener>,
    named: Vec<sip::endpoint::Listener>,
}

impl Bound<'_> {
    fn add(
        &mut self,
        wanted: &[Listening],
        bind: impl Fn(SocketAddr) -> Result<Listener, BindError>,
    ) -> Result<(), BindError> {
        for listening in wanted {
            let listener = bind(listening.address)?;
            let (transport, local) = (listener.transport(), listener.local());
            let common = addresses::advertised(self.config.sip.advertised.0, local);
            let advertised = match listening.advertised {
                Advertised::AsAll => SocketAddr::new(common, local.port()),
                Advertised::Ip(ip) => SocketAddr::new(ip, local.port()),
                Advertised::Whole(whole) => whole,
            };
            info!(listen = %local, %advertised, "SIP over {}", name(transport));
            self.named.push(sip::endpoint::Listener { transport, local, advertised });
            self.listeners.push(listener);
        }
        Ok(())
    }
}

const fn name(transport: Transport) -> &'static str {
    match transport {
        Transport::Udp => "UDP",
        Transport::Tcp => "TCP",
        Transport::Tls => "TLS",
        Transport::Ws => "WebSocket",
    }
}

const FEWEST_CONNECTIONS: usize = 128;
const MOST_CONNECTIONS: usize = 4_000;
const AFTER_A_CALL: Duration = Duration::from_mins(10);
