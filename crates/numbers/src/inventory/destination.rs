//! Where an agent or a trunk is: its secrets are for there, and go along to no other place.

use super::{Agent, Endpoint, Gateway, Trunk};

impl Agent {
    /// Whether it is at another place than before, or reached otherwise.
    pub fn leads_elsewhere(&self, before: &Self) -> bool {
        place(&self.endpoint) != place(&before.endpoint)
    }
}

impl Trunk {
    /// Whether calls to it may go to a gateway that was none before.
    pub fn leads_elsewhere(&self, before: &Self) -> bool {
        let places = |trunk: &Self| -> Vec<_> {
            trunk.outbound.iter().flat_map(|outbound| &outbound.gateways).map(gateway).collect()
        };
        let known = places(before);
        places(self).iter().any(|place| !known.contains(place))
    }
}

/// Scheme, host and port; of a SIP URI what stands behind them too, as it may name another place, and the transport.
fn place(endpoint: &Endpoint) -> Option<String> {
    match endpoint {
        Endpoint::MediaStream { url, .. } => {
            let (scheme, rest) = url.split_once("://").unwrap_or((url, ""));
            let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
            Some(format!("{scheme}://{}", behind_user(authority)).to_ascii_lowercase())
        }
        Endpoint::Sip { uri, transport, .. } => {
            let (scheme, rest) = uri.split_once(':').unwrap_or((uri, ""));
            Some(format!("{scheme}:{} {transport:?}", behind_user(rest)).to_ascii_lowercase())
        }
        Endpoint::Echo => None,
    }
}

fn behind_user(authority: &str) -> &str {
    authority.rsplit_once('@').map_or(authority, |(_, host)| host)
}

fn gateway(gateway: &Gateway) -> String {
    let Gateway { host, port, transport, priority: _, weight: _, media_encryption: _ } = gateway;
    format!("{host} {port:?} {transport:?}").to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agent(endpoint: &str) -> Agent {
        toml::from_str(&format!("id = 'a'\nendpoint = {{ {endpoint} }}")).unwrap()
    }

    fn trunk(outbound: &str) -> Trunk {
        toml::from_str(&format!("id = 't'\n{outbound}")).unwrap()
    }

    #[test]
    fn an_agent_is_elsewhere_by_scheme_host_port_and_transport() {
        let stream = |url: &str| agent(&format!("kind = 'media-stream', url = '{url}'"));
        let before = stream("wss://bob:x@bots.example:9000/a?b=c");
        for same in ["wss://bots.example:9000", "WSS://eve@Bots.Example:9000/d", "wss://bots.example:9000?@e"]
        {
            assert!(!stream(same).leads_elsewhere(&before), "{same}");
        }
        for moved in [
            "ws://bots.example:9000/a",
            "wss://bots.example/a",
            "wss://bots.example:9001/a",
            "wss://other.example:9000/a",
            "wss://bots.example:9000@other.example/a",
            "wss://other.example?@bots.example:9000",
        ] {
            assert!(stream(moved).leads_elsewhere(&before), "{moved}");
        }
        let sip = |rest: &str| agent(&format!("kind = 'sip', {rest}"));
        let before = sip("uri = 'sip:bot@bots.example'");
        assert!(!sip("uri = 'sip:other@bots.example'").leads_elsewhere(&before));
        for moved in [
            "uri = 'sips:bot@bots.example'",
            "uri = 'sip:bot@other.example'",
            "uri = 'sip:bot@bots.example:5070'",
            "uri = 'sip:bot@bots.example;maddr=192.0.2.1'",
            "uri = 'sip:bot@bots.example', transport = 'tcp'",
        ] {
            assert!(sip(moved).leads_elsewhere(&before), "{moved}");
        }
        assert!(stream("wss://bots.example").leads_elsewhere(&before));
        assert!(before.leads_elsewhere(&agent("kind = 'echo'")));
    }

    #[test]
    fn a_trunk_is_elsewhere_with_a_gateway_that_it_had_not() {
        let gateways = |list: &str| trunk(&format!("outbound = {{ gateways = [{list}] }}"));
        let before = gateways("{ host = 'a.example' }, { host = 'b.example', port = 5070 }");
        for same in
            ["", "{ host = 'B.example', port = 5070, priority = 7 }", "{ host = 'a.example', weight = 2 }"]
        {
            assert!(!gateways(same).leads_elsewhere(&before), "{same}");
        }
        for moved in [
            "{ host = 'c.example' }",
            "{ host = 'a.example' }, { host = 'b.example' }",
            "{ host = 'a.example', transport = 'tcp' }",
        ] {
            assert!(gateways(moved).leads_elsewhere(&before), "{moved}");
        }
        assert!(before.leads_elsewhere(&trunk("")) && !trunk("").leads_elsewhere(&before));
    }
}
