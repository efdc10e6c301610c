//! Connections that die under a call, and INVITEs that need one.

use std::net::{TcpListener, UdpSocket};

use tempfile::TempDir;

use super::house::*;

fn daemon(directory: &TempDir, config: &str, agent: &str) -> Daemon {
    Authority::new(directory.path()).write(directory.path());
    Daemon::start_with(directory.path(), config, agent)
}

#[test]
fn a_call_whose_connection_is_gone_is_ended_by_a_bye_to_its_contact() {
    let directory = TempDir::new().unwrap();
    let daemon = daemon(&directory, CONFIG, "sip:bot@127.0.0.1:9");
    let contact = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = contact.local_addr().unwrap().port();
    lose(&daemon, Wire::new(tcp(daemon.tcp)), &format!("caller@127.0.0.1:{port};transport=tcp"));
    let (stream, _) = contact.accept().unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let bye = Wire::new(stream).message();
    assert!(bye.starts_with(&format!("BYE sip:caller@127.0.0.1:{port};transport=tcp SIP/2.0")), "{bye}");
    assert!(header(&bye, "Via").starts_with("SIP/2.0/TCP 203.0.113.5:5060;"), "{bye}");
}

#[test]
fn a_bye_that_finds_nobody_is_told_with_the_contact_that_was_in_the_way() {
    let directory = TempDir::new().unwrap();
    let mut daemon = daemon(&directory, CONFIG, "sip:bot@127.0.0.1:9");
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    lose(&daemon, Wire::new(tcp(daemon.tcp)), &format!("caller@127.0.0.1:{port};transport=tcp"));
    let line = daemon.read_until("undeliverable");
    assert_eq!(line["method"], "BYE");
    assert!(line["to"].as_str().unwrap().contains(&format!("sip:cal*er@127.0.0.1:{port}")), "{line}");
    assert!(line["remedy"].as_str().unwrap().contains("Contact"), "{line}");
}

#[test]
fn a_long_invite_goes_by_tcp_to_an_agent_that_is_called_over_udp() {
    let directory = TempDir::new().unwrap();
    let bot = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = bot.local_addr().unwrap().port();
    let config = CONFIG.replace("[tls]", "udp_max_payload = 300\n[tls]");
    let daemon = daemon(&directory, &config, &format!("sip:bot@127.0.0.1:{port}"));
    let mut caller = Wire::new(tcp(daemon.tcp));
    caller.send(&request("INVITE", "+14155550101", 1, "", &sdp()));
    let (stream, _) = bot.accept().unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let invite = Wire::new(stream).message();
    assert!(invite.starts_with("INVITE "), "{invite}");
    assert!(header(&invite, "Via").starts_with("SIP/2.0/TCP 203.0.113.5:5060;"), "{invite}");
    assert!(header(&invite, "Contact").contains(";transport=tcp>"), "{invite}");
}

#[test]
fn a_long_invite_goes_by_udp_to_an_agent_that_takes_no_tcp() {
    let directory = TempDir::new().unwrap();
    let bot = UdpSocket::bind("127.0.0.1:0").unwrap();
    bot.set_read_timeout(Some(PATIENCE)).unwrap();
    let port = bot.local_addr().unwrap().port();
    let config = CONFIG.replace("[tls]", "udp_max_payload = 300\n[tls]");
    let mut daemon = daemon(&directory, &config, &format!("sip:bot@127.0.0.1:{port}"));
    let mut caller = Wire::new(tcp(daemon.tcp));
    caller.send(&request("INVITE", "+14155550101", 1, "", &sdp()));
    let mut buffer = [0; 4_096];
    let (length, _) = bot.recv_from(&mut buffer).unwrap();
    let invite = String::from_utf8_lossy(&buffer[..length]).into_owned();
    assert!(invite.starts_with("INVITE ") && header(&invite, "Via").starts_with("SIP/2.0/UDP "), "{invite}");
    daemon.read_until(&format!("tcp 127.0.0.1:{port} can't be reached: connection refused"));
}
