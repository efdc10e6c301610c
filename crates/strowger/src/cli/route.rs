//! `strowger route-test`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{ConfigFile, Telling};

#[derive(Args, Debug)]
pub(crate) struct RouteTest {
    /// A SIP INVITE, as text: lines may end in LF or CRLF; `-` reads standard input
    #[arg(value_name = "INVITE")]
    pub(crate) invite: PathBuf,
    /// Where it comes from
    #[arg(long, value_name = "IP:PORT")]
    pub(crate) source: SocketAddr,
    /// By what it comes
    #[arg(long, value_enum, default_value = "udp")]
    pub(crate) transport: Transport,
    /// Ask this file instead of the stored inventory
    #[arg(long, value_name = "FILE")]
    pub(crate) inventory: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) telling: Telling,
    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Clone, Copy, ValueEnum, Debug)]
pub(crate) enum Transport {
    Udp,
    Tcp,
    Tls,
    Ws,
}

impl From<Transport> for sip::Transport {
    fn from(transport: Transport) -> Self {
        match transport {
            Transport::Udp => Self::Udp,
            Transport::Tcp => Self::Tcp,
            Transport::Tls => Self::Tls,
            Transport::Ws => Self::Ws,
        }
    }
}
