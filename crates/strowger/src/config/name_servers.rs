//! The name servers of `[sip]`.

use std::net::{IpAddr, SocketAddr};

use serde::Deserialize;

use super::value::{Items, Unfit};

/// At most 8 different name servers; none for those of the system.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(try_from = "Items")]
pub(crate) struct NameServers(Vec<SocketAddr>);

impl NameServers {
    pub(crate) fn asked(&self) -> sip_net::NameServers {
        if self.0.is_empty() {
            sip_net::NameServers::System
        } else {
            sip_net::NameServers::At(self.0.clone())
        }
    }
}

impl TryFrom<Items> for NameServers {
    type Error = Unfit;
    fn try_from(items: Items) -> Result<Self, Unfit> {
        let mut servers: Vec<SocketAddr> = Vec::new();
        for word in items.words()? {
            let server = parse(&word)?;
            if servers.contains(&server) {
                return Err(Unfit);
            }
            servers.push(server);
        }
        if servers.len() <= MAX_NAME_SERVERS { Ok(Self(servers)) } else { Err(Unfit) }
    }
}

fn parse(text: &str) -> Result<SocketAddr, Unfit> {
    let server = match (text.parse::<SocketAddr>(), text.parse::<IpAddr>()) {
        (Ok(whole), _) => whole,
        (Err(_), Ok(ip)) => SocketAddr::new(ip, DNS),
        (Err(_), Err(_)) => return Err(Unfit),
    };
    let ip = server.ip();
    if ip.is_unspecified() || ip.is_multicast() || server.port() == 0 { Err(Unfit) } else { Ok(server) }
}

const DNS: u16 = 53;
const MAX_NAME_SERVERS: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(joined: &str) -> Result<sip_net::NameServers, Unfit> {
        NameServers::try_from(Items::Joined(joined.to_owned())).map(|servers| servers.asked())
    }

    #[test]
    fn each_is_an_address_with_or_without_its_port_and_none_are_the_systems() {
        let at = |servers: &[&str]| {
            Ok(sip_net::NameServers::At(servers.iter().map(|server| server.parse().unwrap()).collect()))
        };
        assert_eq!(read(""), Ok(sip_net::NameServers::System));
        assert_eq!(read("192.0.2.53, ::1"), at(&["192.0.2.53:53", "[::1]:53"]));
        assert_eq!(read("127.0.0.1:5353,[::1]:5353"), at(&["127.0.0.1:5353", "[::1]:5353"]));
        for faulty in
            ["dns.example.com", "0.0.0.0", "224.0.0.251:5353", "192.0.2.53:0", "192.0.2.53,192.0.2.53:53"]
        {
            assert_eq!(read(faulty), Err(Unfit), "{faulty}");
        }
        let nine: Vec<String> = (1..=9).map(|last| format!("192.0.2.{last}")).collect();
        assert_eq!(read(&nine.join(",")), Err(Unfit));
    }
}
