//! By which name a peer's address was called, for its certificate must be for that name (RFC 5922 s.7.3), and it must hear it
//! when we connect (SNI).
//!
//! Whom we looked up goes by the name that was asked for. Whoever came in and is to be called back, as its connection is gone, has
//! no such name: it goes by those that the inventory has for its trunk, else by the host name that its Route, Contact or Via says.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use rustls::pki_types::ServerName;
use sip::{Message, NameAddr, Uri};

use super::owners::Owners;

/// The names of the addresses resolved last, bounded.
#[derive(Debug, Default)]
pub(crate) struct Names {
    names: BTreeMap<SocketAddr, String>,
    /// Each address of `names` once, the oldest first.
    order: VecDeque<SocketAddr>,
}

impl Names {
    /// Takes note that `name` was resolved to `addresses`.
    pub(crate) fn learn(&mut self, name: &str, addresses: &[SocketAddr]) {
        let name = name.trim_end_matches('.');
        for &address in addresses {
            if self.names.insert(address, name.to_owned()).is_none() {
                self.order.push_back(address);
            }
        }
        while self.order.len() > MOST {
            if let Some(oldest) = self.order.pop_front() {
                self.names.remove(&oldest);
            }
        }
    }

    /// The name last resolved to `address`, else one resolved to another port there, for a peer's Contact names the port that it likes;
    /// without one, the address is the name.
    pub(crate) fn of(&self, address: SocketAddr) -> String {
        let name = self.names.get(&address).or_else(|| self.nearby(address));
        name.cloned().unwrap_or_else(|| address.ip().to_string())
    }

    /// The names of which one has to be the peer's that a message goes to by a new connection; the first is the one that it hears.
    pub(crate) fn called(&self, address: SocketAddr, owners: &Owners, message: &Bytes) -> Vec<String> {
        let said = match Message::parse(message.clone()) {
            Ok(message) => said(&message),
            Err(_) => Said::Nothing,
        };
        let said = match said {
            Said::Nothing => return vec![self.of(address)],
            Said::Address => None,
            Said::Name(name) => Some(name),
        };
        let mut names: Vec<String> = self.names.get(&address).cloned().into_iter().collect();
        let mut own = owners.tls_names(address.ip());
        if own.is_empty() {
            own.extend(said);
        } else if let Some(place) =
            own.iter().position(|own| said.as_ref().is_some_and(|said| own.eq_ignore_ascii_case(said)))
        {
            own.swap(0, place);
        }
        names.extend(own);
        if names.is_empty() {
            names.push(self.of(address));
        }
        names
    }

    fn nearby(&self, address: SocketAddr) -> Option<&String> {
        let ports = SocketAddr::new(address.ip(), 0)..=SocketAddr::new(address.ip(), u16::MAX);
        self.names.range(ports).next().map(|(_, name)| name)
    }
}

/// What a message says of whom it goes to.
enum Said {
    /// It begins something with whom we looked up.
    Nothing,
    Address,
    Name(String),
}

/// A request within a dialog goes to its first Route, or without one, or where that is a strict router, to its Request-URI
/// (RFC 3261 s.12.2.1.1); a response to the host of its Via (s.18.2.2).
fn said(message: &Message) -> Said {
    if !message.is_request() {
        return message.via().map_or(Said::Address, |via| host(via.host()));
    }
    if message.to_tag().is_none() {
        return Said::Nothing;
    }
    let route = message.header("Route");
    let route = route.as_deref().and_then(|route| NameAddr::parse(route).ok());
    let loose = route.map(|route| route.uri()).filter(Uri::lr);
    let next = loose.or_else(|| message.request_uri().and_then(|uri| Uri::parse(uri).ok()));
    next.map_or(Said::Address, |next| host(next.host()))
}

fn host(host: &str) -> Said {
    let host = host.trim_end_matches('.');
    let is_name =
        host.parse::<IpAddr>().is_err() && matches!(ServerName::try_from(host), Ok(ServerName::DnsName(_)));
    if is_name { Said::Name(host.to_owned()) } else { Said::Address }
}

const MOST: usize = 4096;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use numbers::{Directory, Inbound, Inventory, Trunk, TrunkLimits, TrunkSource};

    use super::*;

    #[test]
    fn an_address_goes_by_the_name_last_resolved_to_it_and_else_by_itself() {
        let mut names = Names::default();
        let address: SocketAddr = "192.0.2.1:5061".parse().unwrap();
        assert_eq!(names.of(address), "192.0.2.1");
        names.learn("a.example", &[address]);
        names.learn("b.example.", &[address]);
        assert_eq!(names.of(address), "b.example");
        assert_eq!(names.of("192.0.2.1:5071".parse().unwrap()), "b.example", "another port of the same peer");
        assert_eq!(names.of("192.0.2.2:5061".parse().unwrap()), "192.0.2.2");
    }

    fn owners(tls_names: &[&str]) -> Owners {
        let inbound = Inbound {
            addresses: vec!["192.0.2.0/28".parse().unwrap()],
            tls_names: tls_names.iter().map(|&name| name.to_owned()).collect(),
            ..Inbound::default()
        };
        let trunk = Trunk {
            id: "acme".to_owned(),
            label: None,
            source: TrunkSource::Byoc,
            inbound: Some(inbound),
            outbound: None,
            limits: TrunkLimits::default(),
            options_interval_s: None,
        };
        let inventory = Inventory { trunks: vec![trunk], ..Inventory::default() };
        Owners::new(Arc::new(Directory::new(inventory).unwrap()))
    }

    fn bye(target: &str, route: &str) -> Bytes {
        let head = "From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\nCall-ID: 1\r\nCSeq: 2 BYE\r\nVia: SIP/2.0/TLS h;branch=z9hG4bK1\r\n";
        Bytes::from(format!("BYE {target} SIP/2.0\r\n{head}{route}Content-Length: 0\r\n\r\n"))
    }

    fn called(names: &Names, owners: &Owners, message: &Bytes) -> Vec<String> {
        names.called("192.0.2.1:5061".parse().unwrap(), owners, message)
    }

    #[test]
    fn who_came_in_is_called_back_by_the_host_name_of_its_route_or_contact() {
        let (names, owners) = (Names::default(), owners(&[]));
        let by = |target: &str, route: &str| called(&names, &owners, &bye(target, route));
        assert_eq!(by("sip:c@sbc.example:5061;transport=tls", ""), ["sbc.example"]);
        assert_eq!(by("sip:c@inside.example", "Route: <sip:edge.example;lr>\r\n"), ["edge.example"]);
        assert_eq!(by("sip:strict.example", "Route: <sip:c@inside.example>\r\n"), ["strict.example"]);
        assert_eq!(by("sip:c@192.0.2.1", ""), ["192.0.2.1"]);
        let response = "SIP/2.0 200 OK\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\nCall-ID: 1\r\nCSeq: 2 BYE\r\nVia: SIP/2.0/TLS via.example;branch=z9hG4bK1\r\n\r\n";
        assert_eq!(called(&names, &owners, &Bytes::from(response)), ["via.example"]);
    }

    #[test]
    fn the_names_of_its_trunk_count_for_more_and_the_one_that_is_said_of_them_is_heard_first() {
        let (names, owners) = (Names::default(), owners(&["a.example", "b.example"]));
        let by = |target: &str| called(&names, &owners, &bye(target, ""));
        assert_eq!(by("sip:c@192.0.2.1"), ["a.example", "b.example"]);
        assert_eq!(by("sip:c@B.example"), ["b.example", "a.example"]);
        assert_eq!(by("sip:c@else.example"), ["a.example", "b.example"]);
    }

    #[test]
    fn whom_we_looked_up_hears_that_name_and_what_begins_something_goes_to_nobody_else() {
        let (mut names, owners) = (Names::default(), owners(&["a.example"]));
        names.learn("bot.example", &["192.0.2.1:5061".parse().unwrap()]);
        assert_eq!(called(&names, &owners, &bye("sip:c@a.example", "")), ["bot.example", "a.example"]);
        let fresh = bye("sip:c@a.example", "");
        let fresh = String::from_utf8(fresh.to_vec()).unwrap().replace(";tag=2", "");
        assert_eq!(called(&names, &owners, &Bytes::from(fresh)), ["bot.example"]);
    }

    #[test]
    fn old_names_make_room() {
        let mut names = Names::default();
        let address = |port| SocketAddr::from(([192, 0, 2, 1], port));
        for port in 0..=u16::try_from(MOST).unwrap() {
            names.learn("a.example", &[address(port)]);
        }
        assert_eq!((names.names.len(), names.order.len()), (MOST, MOST));
        assert!(!names.names.contains_key(&address(0)));
    }
}
