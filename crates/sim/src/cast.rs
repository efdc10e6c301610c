//! Who is usually in a world: a carrier's phones and proxies, a SIP agent, a stranger, and what we own.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use b2bua::Config;
use b2bua::ask::{Asker, Place};
use b2bua::io::Command;
use phone::{Invite, Phone, Proxy, Recording, Step, sdp};
use sip::Transport;
use sip::endpoint::Listener;

use crate::{Setup, Weather};

/// Where we are.
pub const US: SocketAddr = address([192, 0, 2, 1], 5060);
/// The carrier's first proxy.
pub const P1: SocketAddr = address([198, 51, 100, 1], 5060);
/// The carrier's second proxy, next to us.
pub const P2: SocketAddr = address([198, 51, 100, 2], 5060);
/// A caller of the carrier.
pub const CALLER: SocketAddr = address([198, 51, 100, 10], 5060);
/// Where the caller, or its audio, moves to.
pub const MOVED: SocketAddr = address([198, 51, 100, 30], 5060);
/// The SIP agent.
pub const DESK: SocketAddr = address([192, 0, 2, 20], 5060);
/// A telephone behind the SIP agent, where that one forks.
pub const DESK_1: SocketAddr = address([192, 0, 2, 21], 5060);
/// Another.
pub const DESK_2: SocketAddr = address([192, 0, 2, 22], 5060);
/// A PBX that calls out through us.
pub const PBX: SocketAddr = address([192, 0, 2, 40], 5060);
/// The gateway that calls out go to first.
pub const GATEWAY: SocketAddr = address([198, 18, 0, 1], 5060);
/// The gateway that they go to next.
pub const GATEWAY_2: SocketAddr = address([198, 18, 0, 2], 5060);
/// Nobody that we know.
pub const STRANGER: SocketAddr = address([203, 0, 113, 66], 5060);

/// Answered by the echo agent.
pub const ECHO: &str = "+14155550100";
/// Answered by the SIP agent at [`DESK`].
pub const AT_DESK: &str = "+14155550101";
/// Answered by the bot at [`BOT_URL`].
pub const BOT: &str = "+14155550102";
/// Answered by the bot at [`FRAIL_URL`], and by the one at [`BOT_URL`] in its stead.
pub const FRAIL: &str = "+14155550103";
/// Assigned to nobody: the default agent, echo, answers.
pub const UNASSIGNED: &str = "+14155550104";
/// Answered by the SIP agent, and by the bot at [`BOT_URL`] in its stead.
pub const AT_DESK_OR_BOT: &str = "+14155550105";
/// Answered by the SIP agent under a host name.
pub const AT_NAMED_DESK: &str = "+14155550106";
/// Answered by the SIP agent, whose callers hear the ringing of their own network.
pub const AT_DESK_RINGING_LOCALLY: &str = "+14155550107";
/// Answered by the SIP agent, whose callers hear nothing before it answers.
pub const AT_SILENT_DESK: &str = "+14155550108";
/// Answered by the bot at [`BOT_URL`], whose callers hear nothing before it answers.
pub const SILENT_BOT: &str = "+14155550109";
/// Ours, and may call out.
pub const OUTWARD: &str = "+14155550120";
/// Somebody in the telephone network that may be called.
pub const OUTSIDE: &str = "+12125550177";
/// Not ours.
pub const UNKNOWN: &str = "+14155550999";

/// A bot.
pub const BOT_URL: &str = "wss://bot.example.com/";
/// A bot with a fallback.
pub const FRAIL_URL: &str = "wss://frail.example.com/";
/// The host name of a SIP agent.
pub const DESK_NAME: &str = "desk.example.com";

const INVENTORY: &str = r#"
[settings]
default_agent_id = "echo"

[[agents]]
id = "echo"
endpoint = { kind = "echo" }
[[agents]]
id = "desk"
endpoint = { kind = "sip", uri = "sip:desk@192.0.2.20:5060", addresses = ["192.0.2.20/32"] }
[[agents]]
id = "desk-or-bot"
endpoint = { kind = "sip", uri = "sip:desk@192.0.2.20:5060" }
fallback_agent_id = "bot"
[[agents]]
id = "named-desk"
endpoint = { kind = "sip", uri = "sip:desk@desk.example.com" }
[[agents]]
id = "bot"
endpoint = { kind = "media-stream", url = "wss://bot.example.com/" }
[[agents]]
id = "frail"
endpoint = { kind = "media-stream", url = "wss://frail.example.com/" }
fallback_agent_id = "bot"

[[agents]]
id = "desk-ringing-locally"
endpoint = { kind = "sip", uri = "sip:desk@192.0.2.20:5060" }
ringback = "local"
[[agents]]
id = "silent-desk"
endpoint = { kind = "sip", uri = "sip:desk@192.0.2.20:5060" }
ringback = "none"
[[agents]]
id = "silent-bot"
endpoint = { kind = "media-stream", url = "wss://bot.example.com/" }
ringback = "none"

[[trunks]]
id = "acme"
label = "Acme Telecom"
inbound = { addresses = ["198.51.100.0/24"], did_country = "US" }

[[trunks]]
id = "pbx"
inbound = { addresses = ["192.0.2.40/32"], did_country = "US", originate = true }

[[trunks]]
id = "carrier"
[trunks.outbound]
gateways = [{ host = "198.18.0.2", priority = 20 }, { host = "198.18.0.1", priority = 10 }]
allowed_countries = ["US"]

[[numbers]]
e164 = "+14155550120"
trunk_id = "carrier"
agent_id = "echo"
outbound = true
[[numbers]]
e164 = "+14155550100"
trunk_id = "acme"
agent_id = "echo"
[[numbers]]
e164 = "+14155550101"
trunk_id = "acme"
agent_id = "desk"
[[numbers]]
e164 = "+14155550102"
trunk_id = "acme"
agent_id = "bot"
[[numbers]]
e164 = "+14155550103"
trunk_id = "acme"
agent_id = "frail"
[[numbers]]
e164 = "+14155550104"
trunk_id = "acme"
[[numbers]]
e164 = "+14155550105"
trunk_id = "acme"
agent_id = "desk-or-bot"
[[numbers]]
e164 = "+14155550106"
trunk_id = "acme"
agent_id = "named-desk"
[[numbers]]
e164 = "+14155550107"
trunk_id = "acme"
agent_id = "desk-ringing-locally"
[[numbers]]
e164 = "+14155550108"
trunk_id = "acme"
agent_id = "silent-desk"
[[numbers]]
e164 = "+14155550109"
trunk_id = "acme"
agent_id = "silent-bot"
"#;

/// What a world of this cast is made of.
pub fn setup(seed: u64, weather: Weather) -> Setup {
    let sip = sip::endpoint::Config {
        listeners: vec![Listener { transport: Transport::Udp, local: US, advertised: US }],
        user_agent: "strowger".to_owned(),
        t1: Duration::from_millis(500),
        t2: Duration::from_secs(4),
        t4: Duration::from_secs(5),
        max_transactions: 10_000,
        max_dialogs: 10_000,
        udp_max_payload: 1_300,
        session: sip::endpoint::SessionTimer::default(),
    };
    let config = Config::new(sip, US.ip(), 10_000..=10_999);
    Setup { seed, weather, inventory: INVENTORY.to_owned(), config }
}

/// A phone at that address; its RTP is on port 4000.
pub fn phone(name: &str, user: &str, at: SocketAddr, script: Vec<Step>) -> Phone {
    Phone::new(config(name, user, at, None), script)
}

/// A phone whose INVITE goes to `proxy` first.
pub fn phone_behind(name: &str, user: &str, at: SocketAddr, proxy: SocketAddr, script: Vec<Step>) -> Phone {
    Phone::new(config(name, user, at, Some(proxy)), script)
}

/// The carrier's caller, [`CALLER`].
pub fn caller(script: Vec<Step>) -> Phone {
    phone("caller", "+12125550199", CALLER, script)
}

/// The SIP agent, [`DESK`].
pub fn desk(script: Vec<Step>) -> Phone {
    phone("desk", "desk", DESK, script)
}

/// A proxy before `next`.
pub fn proxy(name: &str, at: SocketAddr, next: SocketAddr, route: Recording) -> Proxy {
    Proxy::new(name, at, next, route)
}

/// An INVITE for one of our numbers, with an offer, of a phone at that address.
pub fn invite(number: &str, of: SocketAddr) -> Step {
    Step::Invite(Invite::to(format!("sip:{number}@{US}")).offer(description(of)))
}

/// An INVITE for one of our numbers, without an offer.
pub fn invite_without_offer(number: &str) -> Step {
    Step::Invite(Invite::to(format!("sip:{number}@{US}")))
}

/// A phone's session description: RTP at its address, port 4000.
pub fn description(of: SocketAddr) -> String {
    sdp::pcmu(SocketAddr::new(of.ip(), 4000))
}

/// The script of a call to `number` that lasts `talk` and is ended by the caller.
pub fn talk(number: &str, talk: Duration) -> Vec<Step> {
    vec![invite(number, CALLER), Step::Expect(200), Step::Ack { sdp: None }, Step::Wait(talk), Step::Bye]
}

/// The script of a call to the telephone network by the phone at that address, from [`OUTWARD`].
pub fn call_out(of: SocketAddr, talk: Duration) -> Vec<Step> {
    vec![
        ask_for(OUTSIDE, OUTWARD, of),
        Step::Expect(200),
        Step::Ack { sdp: None },
        Step::Wait(talk),
        Step::Bye,
    ]
}

/// The wish for a call of our own from [`OUTWARD`] to [`OUTSIDE`].
///
/// # Panics
/// Never: both are numbers.
pub fn wish() -> Place {
    Place::new(OUTWARD, OUTSIDE).expect("both are numbers")
}

/// The command that asks for it.
pub fn place(wish: Place) -> Command {
    Command::Place(Asker(7), Box::new(wish))
}

/// An INVITE to that number, asserted to be from that one, with an offer, of a phone at that address.
pub fn ask_for(to: &str, from: &str, of: SocketAddr) -> Step {
    let invite = Invite::to(format!("sip:{to}@{US}")).offer(description(of));
    Step::Invite(invite.header("P-Asserted-Identity", format!("<sip:{from}@{of}>")))
}

/// A gateway that rings for `ringing`, answers, and stays.
pub fn gateway(at: SocketAddr, ringing: Duration) -> Phone {
    let script = vec![
        Step::ExpectInvite,
        Step::Ring { status: 180, sdp: None },
        Step::Wait(ringing),
        Step::Answer { sdp: Some(description(at)) },
    ];
    phone("gateway", "carrier", at, script)
}

/// The script of an agent that rings for `ringing`, answers, and stays.
pub fn pick_up(ringing: Duration) -> Vec<Step> {
    vec![
        Step::ExpectInvite,
        Step::Ring { status: 180, sdp: None },
        Step::Wait(ringing),
        Step::Answer { sdp: Some(description(DESK)) },
    ]
}

fn config(name: &str, user: &str, at: SocketAddr, outbound_proxy: Option<SocketAddr>) -> phone::Config {
    let IpSeed(seed) = IpSeed::of(at);
    phone::Config {
        name: name.to_owned(),
        user: user.to_owned(),
        address: at,
        outbound_proxy,
        sdp: Some(description(at)),
        seed,
    }
}

/// Phones at different addresses have different tags and branches.
struct IpSeed(u64);

impl IpSeed {
    fn of(address: SocketAddr) -> Self {
        let bytes = address.to_string().into_bytes();
        Self(bytes.iter().fold(14_695_981_039_346_656_037, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(1_099_511_628_211)
        }))
    }
}

const fn address(ip: [u8; 4], port: u16) -> SocketAddr {
    let [a, b, c, d] = ip;
    SocketAddr::V4(std::net::SocketAddrV4::new(Ipv4Addr::new(a, b, c, d), port))
}
