//! TLS: a certificate that changes on disk, and who is called and let in.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};
use tempfile::TempDir;

use super::house::*;

#[test]
fn a_certificate_replaced_on_disk_is_that_of_the_next_connection_while_a_call_goes_on() {
    let directory = TempDir::new().unwrap();
    let authority = Authority::new(directory.path());
    authority.write(directory.path());
    let mut daemon = Daemon::start(directory.path(), 9);
    let listener = daemon.tls;
    let connect = || secure(listener, &authority);
    let shown = |wire: &Wire<Secure>| wire.stream.conn.peer_certificates().unwrap()[0].clone();
    let mut before = connect();
    before.send(&request("INVITE", "+14155550100", 1, "", &sdp()));
    let answer = before.last();
    assert!(answer.starts_with("SIP/2.0 200"), "{answer}");
    let tag = header(&answer, "To").split_once(';').map(|(_, tag)| format!(";{tag}")).unwrap();
    before.send(&request("ACK", "+14155550100", 1, &tag, ""));

    authority.write(directory.path());
    daemon.read_until("the files of [tls] have changed and are read anew");
    let mut after = connect();
    after.send(&request("OPTIONS", "+14155550100", 7, "", ""));
    assert!(after.last().starts_with("SIP/2.0 200"));
    assert_ne!(shown(&before), shown(&after));
    before.send(&request("BYE", "+14155550100", 2, &tag, ""));
    assert!(before.last().starts_with("SIP/2.0 200"));
}

#[test]
fn a_sip_agent_is_called_over_tls_by_its_configured_name() {
    let directory = TempDir::new().unwrap();
    let authority = Authority::new(directory.path());
    authority.write(directory.path());
    let bot = Bot::new(&authority, "localhost", Age::Current);
    let daemon = Daemon::start(directory.path(), bot.port());
    let mut caller = Wire::new(tcp(daemon.tcp));
    caller.send(&request("INVITE", "+14155550101", 1, "", &sdp()));
    let mut agent = Wire::new(bot.accept());
    let invite = agent.message();
    assert!(
        invite.starts_with(&format!("INVITE sip:bot@localhost:{};transport=tls SIP/2.0", bot.port())),
        "{invite}"
    );
    assert!(header(&invite, "Via").starts_with("SIP/2.0/TLS "), "{invite}");
    assert_eq!(agent.stream.conn.server_name(), Some("localhost"));
    let response = format!(
        "SIP/2.0 486 Busy Here\r\nVia: {}\r\nFrom: {}\r\nTo: {};tag=bot\r\nCall-ID: {}\r\nCSeq: {}\r\nContent-Length: 0\r\n\r\n",
        header(&invite, "Via"),
        header(&invite, "From"),
        header(&invite, "To"),
        header(&invite, "Call-ID"),
        header(&invite, "CSeq"),
    );
    agent.send(&response);
    assert!(agent.message().starts_with("ACK "));
    let refused = caller.last();
    assert!(refused.starts_with("SIP/2.0 486") || refused.starts_with("SIP/2.0 480"), "{refused}");
}

/// Has the daemon call a SIP agent, whose certificate it must refuse with these words in the log.
fn refuses(directory: &TempDir, bot: &Bot, words: &str) {
    let mut daemon = Daemon::start(directory.path(), bot.port());
    let mut caller = Wire::new(tcp(daemon.tcp));
    caller.send(&request("INVITE", "+14155550101", 1, "", &sdp()));
    let mut agent = bot.accept();
    assert!(agent.read(&mut [0; 16]).is_err(), "the handshake is broken off");
    daemon.read_until(words);
    let answer = caller.last();
    assert!(answer.starts_with("SIP/2.0 480"), "{answer}");
}

#[test]
fn a_sip_agent_of_another_name_is_not_called_and_the_log_says_why() {
    let directory = TempDir::new().unwrap();
    let authority = Authority::new(directory.path());
    authority.write(directory.path());
    let bot = Bot::new(&authority, "somebody.example", Age::Current);
    let words = "(localhost): wrong name: its certificate is for somebody.example, not for localhost";
    refuses(&directory, &bot, words);
}

#[test]
fn a_sip_agent_with_an_expired_certificate_is_not_called_and_the_log_says_why() {
    let directory = TempDir::new().unwrap();
    let authority = Authority::new(directory.path());
    authority.write(directory.path());
    let bot = Bot::new(&authority, "localhost", Age::Expired);
    refuses(&directory, &bot, "(localhost): its certificate has expired; its operator has to renew it");
}

#[test]
fn a_sip_agent_of_an_unknown_ca_is_not_called_and_the_log_says_why() {
    let (directory, elsewhere) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    Authority::new(directory.path()).write(directory.path());
    let bot = Bot::new(&Authority::new(elsewhere.path()), "localhost", Age::Current);
    refuses(&directory, &bot, "(localhost): unknown CA: its certificate comes from nobody we trust");
}

#[test]
fn a_peer_must_show_a_certificate_of_our_ca_where_one_is_asked_for_and_the_log_says_what_is_wrong() {
    let (directory, elsewhere) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let authority = Authority::new(directory.path());
    let strange = Authority::new(elsewhere.path());
    authority.write(directory.path());
    let config = CONFIG.replace("[log]", "client_ca = \"ca.pem\"\n[log]");
    let mut daemon = Daemon::start_with(directory.path(), &config, "sip:bot@127.0.0.1:9");
    let mut knock = |own, words: &str| {
        let name = ServerName::try_from("us.example").unwrap();
        let session = ClientConnection::new(authority.client(own), name).unwrap();
        let mut stream = StreamOwned::new(session, tcp(daemon.tls));
        // With TLS 1.3 the client is done before it hears that it is refused.
        stream.write_all(request("OPTIONS", "+14155550100", 7, "", "").as_bytes()).ok();
        let heard = stream.read(&mut [0; 16]);
        assert!(!matches!(heard, Ok(1..)), "{heard:?}");
        daemon.read_until(words);
    };
    knock(None, "refused: it showed no certificate, and tls.client_ca asks for one");
    let expired = authority.certify("peer.example", Age::Expired);
    knock(Some(expired), "refused: its certificate has expired; its operator has to renew it");
    let unknown = strange.certify("peer.example", Age::Current);
    knock(Some(unknown), "refused, unknown CA: its certificate comes from none of tls.client_ca");
}

type Secure = StreamOwned<ClientConnection, TcpStream>;

/// A connection to the daemon by TLS, as one that its name is certified to.
fn secure(daemon: SocketAddr, authority: &Authority) -> Wire<Secure> {
    let name = ServerName::try_from("us.example").unwrap();
    let session = ClientConnection::new(authority.client(None), name).unwrap();
    Wire::new(StreamOwned::new(session, tcp(daemon)))
}

#[test]
fn a_call_over_tls_whose_connection_is_gone_is_ended_by_a_bye_to_the_host_of_its_contact() {
    let directory = TempDir::new().unwrap();
    let authority = Authority::new(directory.path());
    authority.write(directory.path());
    let sbc = Bot::new(&authority, "sbc.example", Age::Current);
    let daemon = Daemon::start(directory.path(), 9);
    lose(
        &daemon,
        secure(daemon.tls, &authority),
        &format!("caller@sbc.example:{};transport=tls", sbc.port()),
    );
    let mut called = Wire::new(sbc.accept());
    let bye = called.message();
    assert!(bye.starts_with("BYE sip:caller@sbc.example:"), "{bye}");
    assert_eq!(called.stream.conn.server_name(), Some("sbc.example"));
}

#[test]
fn a_call_over_tls_is_not_ended_at_a_server_that_is_not_the_host_of_its_contact() {
    let directory = TempDir::new().unwrap();
    let authority = Authority::new(directory.path());
    authority.write(directory.path());
    let other = Bot::new(&authority, "other.example", Age::Current);
    let mut daemon = Daemon::start(directory.path(), 9);
    lose(
        &daemon,
        secure(daemon.tls, &authority),
        &format!("caller@sbc.example:{};transport=tls", other.port()),
    );
    assert!(other.accept().read(&mut [0; 16]).is_err(), "the handshake is broken off");
    daemon.read_until("(sbc.example): wrong name: its certificate is for other.example");
}

#[test]
fn a_call_over_tls_from_an_address_is_ended_at_a_server_with_one_of_its_trunks_names() {
    let directory = TempDir::new().unwrap();
    let authority = Authority::new(directory.path());
    authority.write(directory.path());
    let sbc = Bot::new(&authority, "two.example", Age::Current);
    let names = "transports = [\"tcp\", \"tls\"], tls_names = [\"one.example\", \"two.example\"]";
    let inventory = INVENTORY.replace("transports = [\"tcp\", \"tls\"]", names);
    let daemon = Daemon::start_owning(directory.path(), &inventory);
    lose(&daemon, secure(daemon.tls, &authority), &format!("caller@127.0.0.1:{};transport=tls", sbc.port()));
    let bye = Wire::new(sbc.accept()).message();
    assert!(bye.starts_with("BYE sip:caller@127.0.0.1:"), "{bye}");
}
