//! A telephone that loses a part of what it says, reads our RTCP and reports in its turn: how the call sounds is told while it is up, in its
//! record and in the metrics.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use phone::{Config, Invite, Phone, Step};
use serde_json::Value;

use crate::support::{Daemon, PATIENCE, get};

const NUMBER: &str = "14155550177";
const SSRC: u32 = 0x5157_0077;
/// Packets of a stranger.
const FOREIGN: u8 = 9;
const FRAME: Duration = Duration::from_millis(20);
/// What it says that it missed, of all that came to it.
const MISSED: u8 = 7;
/// What it says that it found, in samples: 5 ms.
const JITTER: u32 = 40;
/// One in so many packets gets lost on its way to us.
const LOSES: u16 = 10;

/// Audio and reports of one telephone that calls an echo.
struct Caller {
    phone: Phone,
    sip: UdpSocket,
    rtp: UdpSocket,
    rtcp: UdpSocket,
    began: Instant,
    sequence: u16,
    /// Where our RTP went.
    far: Option<SocketAddr>,
    /// Our sender reports that it has answered.
    answered: usize,
}

impl Caller {
    fn new(daemon: SocketAddr) -> Self {
        let sip = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let (rtp, reports) = pair();
        sip.set_read_timeout(Some(Duration::from_millis(2))).unwrap();
        for socket in [&rtp, &reports] {
            socket.set_nonblocking(true).unwrap();
        }
        let sdp = phone::sdp::pcmu(rtp.local_addr().unwrap());
        let config = Config {
            name: "caller".to_owned(),
            user: "+12125550199".to_owned(),
            address: sip.local_addr().unwrap(),
            outbound_proxy: None,
            sdp: None,
            seed: 1,
        };
        let invite = Invite::to(format!("sip:{NUMBER}@{daemon}")).offer(sdp);
        let phone =
            Phone::new(config, vec![Step::Invite(invite), Step::Expect(200), Step::Ack { sdp: None }]);
        Self { phone, sip, rtp, rtcp: reports, began: Instant::now(), sequence: 0, far: None, answered: 0 }
    }

    /// Talks and reports until `done`.
    fn talk(&mut self, mut done: impl FnMut(&mut Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !done(self) {
            assert!(Instant::now() < deadline, "it never came to be as expected: {:?}", self.phone.fault());
            let now = Instant::now();
            self.phone.expire(now);
            while let Some((to, message)) = self.phone.poll_transmit() {
                self.sip.send_to(&message, to).unwrap();
            }
            self.far = self.phone.remote_rtp().or(self.far);
            if let Some(far) = self.far.filter(|_| self.phone.is_up()) {
                self.say(now, far);
                self.report(far);
            }
            let mut message = [0; 8_192];
            if let Ok((length, from)) = self.sip.recv_from(&mut message) {
                self.phone.receive(Instant::now(), from, &message[..length]);
            }
        }
    }

    /// The frames that are due, and reads what comes back.
    fn say(&mut self, now: Instant, far: SocketAddr) {
        if self.sequence == 0 {
            self.began = now;
        }
        while self.began + FRAME * self.sequence.into() <= now {
            let mut packet = vec![0x80, 0];
            packet.extend(self.sequence.to_be_bytes());
            packet.extend((u32::from(self.sequence) * 160).to_be_bytes());
            packet.extend(SSRC.to_be_bytes());
            packet.resize(12 + 160, 0x91);
            if self.sequence % LOSES != LOSES / 2 {
                self.rtp.send_to(&packet, far).unwrap();
            }
            self.sequence += 1;
        }
        let mut heard = [0; 2_048];
        while self.rtp.recv_from(&mut heard).is_ok() {}
    }

    /// Answers each of our sender reports by a receiver report.
    fn report(&mut self, far: SocketAddr) {
        let mut told = [0; 2_048];
        while let Ok((length, from)) = self.rtcp.recv_from(&mut told) {
            let [0x81, 200, 0, 12, rest @ ..] = &told[..length] else {
                // A first report may come before the echo has said a word.
                assert!(matches!(told[..length], [0x80 | 0x81, 201, ..]), "{:?}", &told[..length]);
                continue;
            };
            assert_eq!(from, SocketAddr::new(far.ip(), far.port() + 1));
            // Of its own stream: what was lost, as it knows.
            let block = &rest[24..];
            assert_eq!(block[..4], SSRC.to_be_bytes());
            let lost = u32::from_be_bytes([0, block[5], block[6], block[7]]);
            let lost_here = u32::from(self.sequence / LOSES);
            assert!(lost.abs_diff(lost_here) <= 1, "{lost} of {lost_here}");
            let mut report = vec![0x81, 201, 0, 7];
            report.extend(SSRC.to_be_bytes());
            report.extend(&rest[..4]);
            report.extend([0, 0, 0, MISSED]);
            report.extend([0; 4]);
            report.extend(JITTER.to_be_bytes());
            // The middle of the NTP time, and no time held.
            report.extend(&rest[6..10]);
            report.extend([0; 4]);
            self.rtcp.send_to(&report, from).unwrap();
            self.answered += 1;
        }
    }
}

/// An even port and the one after it.
fn pair() -> (UdpSocket, UdpSocket) {
    loop {
        let even = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = even.local_addr().unwrap().port();
        if port.is_multiple_of(2)
            && let Ok(odd) = UdpSocket::bind((Ipv4Addr::LOCALHOST, port + 1))
        {
            return (even, odd);
        }
    }
}

/// Somebody else sends what might be the caller's.
fn stranger(port: SocketAddr) {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    for number in 0..FOREIGN {
        let mut packet = vec![0x80, 0, 0xf0, number];
        packet.resize(12 + 160, 0x17);
        socket.send_to(&packet, port).unwrap();
    }
}

/// What each account of the call has to say of its one leg.
fn assert_quality(quality: &Value) {
    let real = |key: &str| quality[key].as_f64().unwrap_or_else(|| panic!("no {key}: {quality:#}"));
    let (packets, lost, sent) = (real("packets"), real("lost"), real("sent"));
    assert!((0.08..0.12).contains(&(lost / (packets + lost))), "{quality:#}");
    assert_eq!(quality["far_lost"], MISSED, "{quality:#}");
    assert!(sent > 10.0 * f64::from(MISSED), "{quality:#}");
    assert_eq!(quality["far_jitter_ms"], 5.0, "{quality:#}");
    assert!((0.0..1_000.0).contains(&real("rtt_ms")), "{quality:#}");
    // A tenth is lost there, and less here.
    assert!((2.8..3.5).contains(&real("mos")) && real("far_mos") > real("mos"), "{quality:#}");
    assert!(real("jitter_ms") <= real("jitter_max_ms"), "{quality:#}");
    let dropped = ["foreign", "unauthenticated", "replayed"].map(|why| quality[why].as_u64());
    assert_eq!(dropped, [Some(FOREIGN.into()), Some(0), Some(0)], "{quality:#}");
}

#[test]
fn a_phone_and_its_reports_are_scored_live_in_the_record_and_in_the_metrics() {
    let inventory = format!(
        r#"
[[agents]]
id = "echo"
endpoint = {{ kind = "echo" }}

[[trunks]]
id = "phones"
inbound = {{ addresses = ["127.0.0.0/8"], did_country = "US" }}

[[numbers]]
e164 = "+{NUMBER}"
trunk_id = "phones"
agent_id = "echo"
"#
    );
    let daemon = Daemon::start(&inventory);
    let mut caller = Caller::new(daemon.sip);
    caller.talk(|caller| caller.answered >= 2);
    let answered = caller.answered;
    stranger(caller.far.unwrap());
    // The leg tells of a report with its own next one.
    caller.talk(|caller| caller.answered > answered);
    let (status, up) = get(&daemon.api(), "/v1/calls");
    let up: Value = serde_json::from_str(&up).unwrap();
    assert_eq!((status, up["items"].as_array().unwrap().len()), (200, 1), "{up:#}");
    assert_quality(&up["items"][0]["quality_a"]);
    let id = up["items"][0]["id"].as_str().unwrap().to_owned();
    let (_, one) = get(&daemon.api(), &format!("/v1/calls/{id}"));
    let one: Value = serde_json::from_str(&one).unwrap();
    assert!(one["status"].is_null(), "{one:#}");
    assert_quality(&one["quality_a"]);
    caller.phone.hang_up(Instant::now());
    caller.talk(|caller| caller.phone.outcome().is_some());
    let records = daemon.records_when(|records| records.len() == 1 && records[0]["status"] == "completed");
    assert_quality(&records[0]["quality_a"]);
    assert!(records[0]["quality_b"].is_null(), "an echo has no leg of its own");
    let (_, text) = get(&daemon.api(), "/metrics");
    for series in [
        "mos_count{leg=\"a\",way=\"received\"} 1",
        "mos_count{leg=\"a\",way=\"sent\"} 1",
        "mos_bucket{le=\"3.6\",leg=\"a\",way=\"received\"} 1",
        "loss_ratio_bucket{le=\"0.2\",leg=\"a\",way=\"received\"} 1",
        "round_trip_seconds_count{leg=\"a\"} 1",
        "mos_count{leg=\"b\",way=\"received\"} 0",
    ] {
        assert!(text.contains(&format!("strowger_call_{series}")), "{series}\n{text}");
    }
    let shown = daemon.strowger(&["call", "show", &id]);
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains(&format!("{MISSED} lost, 5.0 ms jitter")) && shown.contains("MOS "), "{shown}");
    assert!(shown.contains(&format!("{FOREIGN} packets foreign")), "{shown}");
}
