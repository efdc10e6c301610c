//! The carrier: a scripted phone on real UDP sockets. It shares no code with the daemon's signalling.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use phone::{Config, Invite, Ladder, Outcome, Phone, Step};
use tokio::net::UdpSocket;
use tokio::time::{Instant as Tick, MissedTickBehavior, interval, sleep_until};

use super::rtp::{Listener, SLOT_MS, Speaker};

/// One call to place.
pub(super) struct Plan {
    /// Where the carrier calls from.
    pub(super) address: IpAddr,
    pub(super) from: &'static str,
    pub(super) to: &'static str,
    pub(super) seed: u64,
    pub(super) talk: Talk,
}

/// What the caller does once the call is answered.
pub(super) enum Talk {
    /// Says this, presses these keys in the middle, hangs up.
    Speak { voice: Vec<u8>, keys: &'static str },
    /// Listens until the far side hangs up.
    Listen,
    /// Expects a final response above 299.
    Refused,
    /// Expects no answer of any kind for so long.
    Nothing(Duration),
}

/// What the caller saw and heard.
pub(super) struct Heard {
    pub(super) ladder: Ladder,
    pub(super) outcome: Option<Outcome>,
    pub(super) spoken: Vec<Instant>,
    pub(super) audio: Listener,
    /// The Reason headers (RFC 3326) of what the daemon sent.
    pub(super) reasons: Vec<String>,
    /// SIP datagrams from the daemon.
    pub(super) datagrams: usize,
}

/// Places the call and stays with it to its end.
///
/// # Errors
/// When loopback gives no socket.
pub(super) async fn place(plan: Plan, daemon: SocketAddr) -> io::Result<Heard> {
    let (sip, rtp) = sockets(plan.address).await?;
    let address = sip.local_addr()?;
    let sdp = phone::sdp::pcmu(rtp.local_addr()?);
    let mut speaker = match &plan.talk {
        Talk::Speak { voice, keys } => Speaker::new(voice, keys),
        Talk::Listen | Talk::Refused | Talk::Nothing(_) => Speaker::new(&[], ""),
    };
    let script = script(&plan, daemon, &sdp, speaker.slots());
    let config = Config {
        name: "carrier".to_owned(),
        user: plan.from.to_owned(),
        address,
        outbound_proxy: None,
        sdp: Some(sdp),
        seed: plan.seed,
    };
    let mut phone = Phone::new(config, script);
    let mut heard = Listener::default();
    let (mut reasons, mut datagrams) = (Vec::new(), 0);
    let start = Instant::now();
    let patience = match plan.talk {
        Talk::Nothing(patience) => patience,
        Talk::Speak { .. } | Talk::Listen | Talk::Refused => PATIENCE,
    };
    let mut slots = interval(Duration::from_millis(SLOT_MS));
    // A late packet is followed by the next in time: what is measured is the daemon, not this process's rest.
    slots.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let (mut message, mut packet) = (vec![0; LARGEST_DATAGRAM], [0; 2048]);
    phone.expire(start);
    loop {
        while let Some((to, bytes)) = phone.poll_transmit() {
            sip.send_to(&bytes, to).await?;
        }
        let over = phone.outcome().is_some();
        if over || start.elapsed() >= patience {
            break;
        }
        let due = phone.deadline().unwrap_or(start + patience).min(start + patience);
        tokio::select! {
            // The audio that came before a BYE is heard before it.
            biased;
            received = rtp.recv_from(&mut packet) => {
                let (length, _) = received?;
                heard.hear(Instant::now(), &packet[..length]);
            }
            received = sip.recv_from(&mut message) => {
                let (length, from) = received?;
                datagrams += 1;
                reasons.extend(reasons_of(&message[..length]));
                phone.receive(Instant::now(), from, &message[..length]);
            }
            _ = slots.tick() => {
                if let Some(to) = phone.remote_rtp().filter(|_| phone.is_up()) {
                    for packet in speaker.speak(Instant::now()) {
                        rtp.send_to(&packet, to).await?;
                    }
                }
            }
            () = sleep_until(Tick::from_std(due)) => phone.expire(Instant::now()),
        }
    }
    Ok(Heard {
        ladder: phone.ladder(start, |_| "strowger".to_owned()),
        outcome: phone.outcome(),
        spoken: speaker.spoken,
        audio: heard,
        reasons,
        datagrams,
    })
}

async fn sockets(address: IpAddr) -> io::Result<(UdpSocket, UdpSocket)> {
    Ok((UdpSocket::bind((address, 0)).await?, UdpSocket::bind((address, 0)).await?))
}

fn script(plan: &Plan, daemon: SocketAddr, sdp: &str, slots: usize) -> Vec<Step> {
    let invite = Step::Invite(Invite::to(format!("sip:{}@{daemon}", plan.to)).offer(sdp));
    let answered = [invite.clone(), Step::Expect(200), Step::Ack { sdp: None }];
    match &plan.talk {
        Talk::Speak { .. } => {
            let spoken = Duration::from_millis(SLOT_MS) * u32::try_from(slots).unwrap_or(u32::MAX);
            [&answered[..], &[Step::Wait(spoken + TAIL), Step::Bye]].concat()
        }
        Talk::Listen => [&answered[..], &[Step::ExpectBye]].concat(),
        Talk::Refused | Talk::Nothing(_) => vec![invite, Step::ExpectFinal],
    }
}

fn reasons_of(message: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(message);
    text.lines()
        .filter_map(|line| line.strip_prefix("Reason:"))
        .map(|value| value.trim().to_owned())
        .collect()
}

/// Within it the last of what was said has come back.
const TAIL: Duration = Duration::from_millis(700);
/// After it a call that has no end is a fault.
const PATIENCE: Duration = Duration::from_secs(12);
const LARGEST_DATAGRAM: usize = 65_535;
