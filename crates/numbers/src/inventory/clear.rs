//! Keys in clear: the keys of SRTP stand in the signalling (RFC 4568), and whoever sees that has them, unless it goes by TLS. That is allowed,
//! for a network may be trusted, and told.

use super::{Agent, Endpoint, Inbound, Inventory, MediaEncryption, Outbound, Transport, Trunk, uri};

impl Inventory {
    /// Where keys go by signalling that is not encrypted, in words. None of it is a fault.
    pub fn warnings(&self) -> Vec<String> {
        let agents = self.agents.iter().filter_map(Agent::keys_in_clear);
        agents.chain(self.trunks.iter().flat_map(Trunk::keys_in_clear)).collect()
    }
}

impl Agent {
    /// That its keys go by signalling that is not encrypted, and what to do, in words; `None` where they don't.
    pub fn keys_in_clear(&self) -> Option<String> {
        let Endpoint::Sip { uri, transport, media_encryption, .. } = &self.endpoint else { return None };
        let spoken = transport.or_else(|| uri::check_sip_uri(uri).ok())?;
        let keys = keys(*media_encryption)?;
        let remedy = "set its transport to \"tls\"";
        (!is_sealed(spoken))
            .then(|| format!("agent `{}` {keys}, and is called without TLS: {remedy}", self.id))
    }
}

impl Trunk {
    /// The same of a trunk's keys: of the calls from it, and of those to it.
    pub fn keys_in_clear(&self) -> Vec<String> {
        let id = &self.id;
        let inbound = self.inbound.as_ref().filter(|inbound| {
            inbound.enabled
                && (inbound.transports.is_empty() || !inbound.transports.iter().copied().all(is_sealed))
        });
        let inbound = inbound.and_then(|Inbound { media_encryption, .. }| {
            let keys = keys(*media_encryption)?;
            Some(format!(
                "inbound of trunk `{id}` {keys}, and may come without TLS: set its transports to [\"tls\"]"
            ))
        });
        let outbound = self.outbound.as_ref().filter(|outbound| outbound.enabled);
        let outbound = outbound.and_then(|outbound| {
            let keys = keys(in_clear(outbound))?;
            Some(format!(
                "outbound of trunk `{id}` {keys}, and has gateways that are called without TLS: set their transport to \"tls\""
            ))
        });
        inbound.into_iter().chain(outbound).collect()
    }
}

/// The most that is wanted of a gateway that is called without TLS.
fn in_clear(outbound: &Outbound) -> MediaEncryption {
    let gateways = outbound.gateways.iter().filter(|gateway| !is_sealed(gateway.transport));
    let wanted = gateways.map(|gateway| outbound.media_encryption_of(gateway));
    wanted.fold(MediaEncryption::Off, |most, wanted| match (most, wanted) {
        (MediaEncryption::Off, other) | (other, MediaEncryption::Off) => other,
        (MediaEncryption::Optional, MediaEncryption::Optional) => MediaEncryption::Optional,
        (MediaEncryption::Required, _) | (_, MediaEncryption::Required) => MediaEncryption::Required,
    })
}

const fn is_sealed(transport: Transport) -> bool {
    match transport {
        Transport::Tls | Transport::Wss => true,
        Transport::Udp | Transport::Tcp | Transport::Ws => false,
    }
}

const fn keys(media_encryption: MediaEncryption) -> Option<&'static str> {
    match media_encryption {
        MediaEncryption::Off => None,
        MediaEncryption::Optional => Some("may have media keys in its messages"),
        MediaEncryption::Required => Some("has media keys in its messages"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warnings(text: &str) -> Vec<String> {
        toml::from_str::<Inventory>(text).unwrap().warnings()
    }

    #[test]
    fn keys_that_go_by_tls_alone_are_no_matter() {
        let text = "
            agents = [
                { id = 'a', endpoint = { kind = 'sip', uri = 'sips:a@h.example', media_encryption = 'required' } },
                { id = 'b', endpoint = { kind = 'sip', uri = 'sip:a@h.example', transport = 'tls', media_encryption = 'optional' } },
                { id = 'c', endpoint = { kind = 'sip', uri = 'sip:a@h.example' } },
            ]
            trunks = [
                { id = 't', inbound = { transports = ['tls'], media_encryption = 'required' }, outbound = { gateways = [{ host = 'h', transport = 'tls' }], media_encryption = 'required' } },
                { id = 'u', inbound = {}, outbound = { gateways = [{ host = 'h' }] } },
                { id = 'v', outbound = { gateways = [{ host = 'h', transport = 'tls' }, { host = 'g', media_encryption = 'off' }], media_encryption = 'required' } },
            ]
        ";
        assert_eq!(warnings(text), Vec::<String>::new());
    }

    #[test]
    fn keys_in_clear_are_told_with_what_to_do() {
        for (text, told) in [
            (
                "agents = [{ id = 'a', endpoint = { kind = 'sip', uri = 'sip:a@h.example', media_encryption = 'required' } }]",
                "agent `a` has media keys in its messages, and is called without TLS: set its transport to \"tls\"",
            ),
            (
                "trunks = [{ id = 't', inbound = { transports = ['udp', 'tls'], media_encryption = 'optional' } }]",
                "inbound of trunk `t` may have media keys in its messages, and may come without TLS: set its transports to [\"tls\"]",
            ),
            (
                "trunks = [{ id = 't', outbound = { gateways = [{ host = 'h' }], media_encryption = 'required' } }]",
                "outbound of trunk `t` has media keys in its messages, and has gateways that are called without TLS: set their transport to \"tls\"",
            ),
            (
                "trunks = [{ id = 't', outbound = { gateways = [{ host = 'h', transport = 'tls', media_encryption = 'required' }, { host = 'g' }], media_encryption = 'optional' } }]",
                "outbound of trunk `t` may have media keys in its messages, and has gateways that are called without TLS: set their transport to \"tls\"",
            ),
        ] {
            assert_eq!(warnings(text), [told]);
        }
    }
}
