//! Why the ACK to a 2xx of ours may not have come: the far side sends it to our Contact, by way of the Record-Route of the 2xx (RFC 3261
//! s.12.2.1.1), whatever the way that our 2xx took. One of them is wrong, most often a private address.

use sip::Message;
use sip::endpoint::Transmit;

/// Where the 2xx went, and by which URIs its ACK had to come.
pub(crate) fn diagnosis(sent: &Transmit) -> String {
    let to = format!("our 200 went to {} by {}", sent.flow.remote, sent.flow.transport);
    let Ok(response) = Message::parse(sent.bytes.clone()) else { return to };
    let contact = response.header("Contact").unwrap_or_default();
    // A caller reverses the order.
    let mut routes: Vec<_> = response.headers("Record-Route").take(MAX_ROUTES).collect();
    routes.reverse();
    let way = if routes.is_empty() {
        "without a Record-Route".to_owned()
    } else {
        format!("by way of the Record-Route {}", routes.join(", "))
    };
    let mut words = format!(
        "{to}; its ACK had to come to our Contact {contact} {way}: one of these can't be reached from there, \
         see `advertised` in the configuration"
    );
    if words.len() > MAX_WORDS {
        words.truncate(words.floor_char_boundary(MAX_WORDS));
    }
    words
}

/// More proxies are on no way, and more words in no record.
const MAX_ROUTES: usize = 8;
const MAX_WORDS: usize = 1_000;

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use sip::{Flow, Transport};

    use super::*;

    fn told(routes: &str) -> String {
        let text = format!(
            "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\n\
             Call-ID: x\r\nCSeq: 1 INVITE\r\n{routes}Contact: <sip:strowger@10.0.0.5:5060>\r\nContent-Length: 0\r\n\r\n"
        );
        let flow = Flow {
            transport: Transport::Udp,
            local: "10.0.0.5:5060".parse().unwrap(),
            remote: "198.51.100.2:5060".parse().unwrap(),
        };
        diagnosis(&Transmit { flow, bytes: Bytes::from(text) })
    }

    #[test]
    fn the_contact_and_the_way_of_the_200_are_named() {
        let words = told("");
        assert!(words.starts_with("our 200 went to 198.51.100.2:5060 by "), "{words}");
        assert!(words.contains("Contact <sip:strowger@10.0.0.5:5060> without a Record-Route"), "{words}");
    }

    #[test]
    fn routes_are_named_in_the_order_of_the_ack() {
        let words = told("Record-Route: <sip:p2;lr>\r\nRecord-Route: <sip:p1;lr>\r\n");
        assert!(words.contains("by way of the Record-Route <sip:p1;lr>, <sip:p2;lr>:"), "{words}");
    }

    #[test]
    fn a_long_route_does_not_swell_the_record() {
        let words = told(&format!("Record-Route: <sip:{}>\r\n", "é".repeat(2_000)));
        assert!(words.len() <= MAX_WORDS);
    }
}
