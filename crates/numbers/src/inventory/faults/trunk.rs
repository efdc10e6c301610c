//! What may be wrong with a trunk.

use std::collections::BTreeMap;

use ipnet::IpNet;

use super::{Faults, check_destinations, check_limit, headers, login};
use crate::inventory::uri;
use crate::prefixes::canonical;
use crate::{Inbound, NumberFormat, Outbound, Transport, Trunk};

pub(super) fn check(path: &str, trunk: &Trunk, faults: &mut Faults) {
    if let Some(inbound) = &trunk.inbound {
        check_inbound(&format!("{path}.inbound"), inbound, faults);
    }
    if let Some(outbound) = &trunk.outbound {
        check_outbound(&format!("{path}.outbound"), outbound, faults);
    }
    check_limit(|| format!("{path}.limits.max_calls"), trunk.limits.max_calls, faults);
    check_limit(|| format!("{path}.limits.max_cps"), trunk.limits.max_cps, faults);
    let minutes = trunk.limits.max_minutes_per_day;
    check_limit(|| format!("{path}.limits.max_minutes_per_day"), minutes, faults);
    if trunk.options_interval_s.is_some() {
        faults.add_unsupported(
            format!("{path}.options_interval_s"),
            "sends no OPTIONS to gateways",
            "remove it",
        );
    }
}

fn check_inbound(path: &str, inbound: &Inbound, faults: &mut Faults) {
    if inbound.enabled && inbound.addresses.is_empty() && inbound.username.is_none() {
        let message = "neither an address nor a username: no call could be known to come from this trunk";
        faults.add(
            format!("{path}.addresses"),
            message,
            "list the carrier's signalling addresses or networks, or set username and password",
        );
    }
    check_addresses(&format!("{path}.addresses"), &inbound.addresses, faults);
    login::check_shown(path, inbound.username.as_deref(), inbound.password.as_ref(), faults);
    if inbound.registers {
        faults.add_unsupported(
            format!("{path}.registers"),
            "is no registrar",
            "set false, and list addresses",
        );
    }
    for transport in &inbound.transports {
        match transport {
            Transport::Udp | Transport::Tcp | Transport::Tls | Transport::Ws => {}
            Transport::Wss => {
                faults.add_unsupported(
                    format!("{path}.transports"),
                    "listens on no WebSocket under TLS",
                    "take it out, or put \"ws\" behind a proxy that speaks TLS",
                );
            }
        }
    }
    for (index, name) in inbound.tls_names.iter().enumerate() {
        if let Err(message) = uri::check_host(name) {
            let remedy = "write a name that the carrier's certificate is for, like sbc.acme.example; the port has no place here";
            faults.add(format!("{path}.tls_names[{index}]"), message, remedy);
        }
    }
    if let Some(country) = inbound.did_country.filter(|country| country.calling_code().is_none()) {
        let message = format!("`{country}` is no country with telephones");
        faults.add(format!("{path}.did_country"), message, "use two letters of ISO 3166, like US or GB");
    }
    if let Some(prefix) = &inbound.strip_prefix {
        let is_prefix =
            !prefix.is_empty() && prefix.bytes().all(|byte| byte.is_ascii_graphic() && byte != b';');
        if !is_prefix {
            let message = format!("`{}` can't begin a called number", prefix.escape_debug());
            faults.add(
                format!("{path}.strip_prefix"),
                message,
                "use the digits that the carrier puts in front",
            );
        }
    }
}

fn check_outbound(path: &str, outbound: &Outbound, faults: &mut Faults) {
    if outbound.register {
        faults.add_unsupported(
            format!("{path}.register"),
            "does not register with trunks",
            "set false, or remove it",
        );
    }
    let ours = format!("{path}.");
    login::check_ours(&ours, outbound.username.as_deref(), outbound.password.as_ref(), faults);
    for (index, gateway) in outbound.gateways.iter().enumerate() {
        let path = format!("{path}.gateways[{index}]");
        if let Err(message) = uri::check_host(&gateway.host) {
            let remedy = "write a name like sip.acme.example or an address; the port has its own key";
            faults.add(format!("{path}.host"), message, remedy);
        }
        match gateway.transport {
            Transport::Udp | Transport::Tcp | Transport::Tls => {}
            Transport::Ws | Transport::Wss => {
                faults.add_unsupported(
                    format!("{path}.transport"),
                    "reaches gateways by UDP, TCP and TLS only",
                    "set \"udp\", \"tcp\" or \"tls\", or remove it",
                );
            }
        }
        if gateway.port == Some(0) {
            faults.add(format!("{path}.port"), "0 is no port", "use 1 to 65535, or remove it");
        }
    }
    check_writing(path, outbound, faults);
    if let Some(Err(message)) = outbound.from_domain.as_deref().map(uri::check_host) {
        faults.add(format!("{path}.from_domain"), message, "write a name like sip.acme.example");
    }
    check_destinations(|| format!("{path}.allowed_countries"), outbound.allowed_countries.as_ref(), faults);
    headers::check_sip(&format!("{path}.headers"), &outbound.headers, faults);
}

/// How numbers are written.
fn check_writing(path: &str, outbound: &Outbound, faults: &mut Faults) {
    let country = format!("{path}.country");
    match (outbound.number_format, outbound.country) {
        (NumberFormat::National, None) => {
            let remedy = "name the country as which the trunk reads numbers, like \"US\"";
            faults.add(country, "number_format = \"national\" is the writing of a country", remedy);
        }
        (NumberFormat::National, Some(of)) => {
            if of.calling_code().is_none() {
                let message = format!("`{of}` is no country with telephones");
                faults.add(country, message, "use two letters of ISO 3166, like US or GB");
            }
        }
        (NumberFormat::PlusE164 | NumberFormat::E164, Some(_)) => {
            let message = "only number_format = \"national\" has a country";
            faults.add(country, message, "remove it, or set number_format = \"national\"");
        }
        (NumberFormat::PlusE164 | NumberFormat::E164, None) => {}
    }
    if let Some(prefix) = &outbound.prefix {
        let is_dialled = |byte: u8| byte.is_ascii_digit() || b"+*#".contains(&byte);
        if !(1..=16).contains(&prefix.len()) || !prefix.bytes().all(is_dialled) {
            let message = format!("`{}` can't stand before a number", prefix.escape_debug());
            faults.add(format!("{path}.prefix"), message, "use 1 to 16 digits, *, # or +");
        }
    }
}

pub(super) fn check_addresses(path: &str, addresses: &[IpNet], faults: &mut Faults) {
    for (index, network) in addresses.iter().enumerate() {
        if *network != network.trunc() {
            let message = format!("`{network}` has bits set behind its prefix");
            let remedy =
                format!("write {} for the network, or {} for the host", network.trunc(), network.addr());
            faults.add(format!("{path}[{index}]"), message, remedy);
        }
    }
}

/// Two trunks must not own the same network. One within another is fine: the longer prefix wins.
pub(super) fn check_overlaps(trunks: &[Trunk], faults: &mut Faults) {
    let mut owners: BTreeMap<IpNet, usize> = BTreeMap::new();
    for (index, trunk) in trunks.iter().enumerate() {
        let addresses = trunk.inbound.iter().flat_map(|inbound| &inbound.addresses);
        for (place, network) in addresses.enumerate() {
            let owner = *owners.entry(canonical(*network)).or_insert(index);
            if owner != index {
                let message = format!("`{network}` belongs to trunk `{}` too", trunks[owner].id);
                let remedy = "give each address to one trunk; a narrower network within another is fine";
                faults.add(format!("trunks[{index}].inbound.addresses[{place}]"), message, remedy);
            }
        }
    }
}
