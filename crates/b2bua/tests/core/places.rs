//! Several listeners: each leg's session description gives the address that faces its peer.

use std::net::{IpAddr, SocketAddr};

use b2bua::{Input, MediaAddress};
use bytes::Bytes;
use sip::endpoint::Listener;
use sip::{Flow, Transport};

use crate::house::{AGENT, CALLER, House, INVENTORY, US};
use crate::text::{Dial, OFFER, body};

/// The one that faces the SIP agent, and its address from outside.
const INSIDE: &str = "10.0.0.5:5060";
const INSIDE_ADVERTISED: &str = "198.51.100.200";

/// An agent that is called by TCP, which only the inside listener speaks.
const BY_TCP: &str = "sip:desk@198.51.100.7:5060;transport=tcp";

/// Two listeners; `written` is what `media.advertised` says.
fn house(written: Option<&str>) -> House {
    let inventory = INVENTORY.replace("sip:desk@198.51.100.7:5060", BY_TCP);
    House::with(&inventory, |config| {
        let (local, advertised): (SocketAddr, IpAddr) =
            (INSIDE.parse().unwrap(), INSIDE_ADVERTISED.parse().unwrap());
        config.sip.listeners.push(Listener {
            transport: Transport::Tcp,
            local,
            advertised: (advertised, 5060).into(),
        });
        if let Some(written) = written {
            config.media.advertised = written.parse().unwrap();
        } else {
            let inside = MediaAddress { advertised, bind: local.ip() };
            config.media_of.push((Transport::Tcp, local, inside));
        }
    })
}

fn connection(text: &str) -> &str {
    body(text).lines().find_map(|line| line.strip_prefix("c=IN IP4 ")).unwrap_or_default()
}

fn agent_answers(house: &mut House) {
    let invite = house.last(AGENT, "INVITE");
    let line = |name: &str| invite.lines().find(|line| line.starts_with(name)).unwrap_or_default().to_owned();
    let ok = format!(
        "SIP/2.0 200 OK\r\n{}\r\n{}\r\n{};tag=agent\r\n{}\r\n{}\r\nContact: <{BY_TCP}>\r\n\
         Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{OFFER}",
        line("Via:"),
        line("From:"),
        line("To:"),
        line("Call-ID:"),
        line("CSeq:"),
        OFFER.len(),
    );
    let flow =
        Flow { transport: Transport::Tcp, local: INSIDE.parse().unwrap(), remote: AGENT.parse().unwrap() };
    house.input(Input::Datagram { flow, bytes: Bytes::from(ok) });
}

#[test]
fn each_leg_is_told_the_address_of_its_own_listener() {
    let mut house = house(None);
    Dial::to("+14155550103").place(&mut house);
    assert_eq!(connection(&house.last(AGENT, "INVITE")), INSIDE_ADVERTISED);
    agent_answers(&mut house);
    let us: SocketAddr = US.parse().unwrap();
    assert_eq!(connection(&house.last(CALLER, "200")), us.ip().to_string());
    let bound: Vec<IpAddr> = vec![us.ip(), INSIDE.parse::<SocketAddr>().unwrap().ip()];
    assert_eq!(house.bound, bound, "each pair of ports is where its leg's peer is told");
}

#[test]
fn an_address_for_all_media_is_told_on_every_leg() {
    let mut house = house(Some("192.0.2.200"));
    Dial::to("+14155550103").place(&mut house);
    assert_eq!(connection(&house.last(AGENT, "INVITE")), "192.0.2.200");
    agent_answers(&mut house);
    assert_eq!(connection(&house.last(CALLER, "200")), "192.0.2.200");
}

#[test]
fn to_names_who_is_called_and_the_request_uri_how() {
    let mut house = house(None);
    Dial::to("+14155550103").place(&mut house);
    let invite = house.last(AGENT, "INVITE");
    assert!(invite.starts_with(&format!("INVITE {BY_TCP} SIP/2.0\r\n")), "{invite}");
    assert!(invite.contains("\r\nTo: <sip:desk@198.51.100.7>\r\n"), "{invite}");
}
