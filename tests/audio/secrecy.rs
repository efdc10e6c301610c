//! An encrypted call whose keys are looked for wherever something is said, shown or kept of it: with the log at its most verbose.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::thread::JoinHandle;
use std::time::Instant;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use media::srtp::Suite;
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;

use crate::call::Call;
use crate::codec::Codec;
use crate::handset::Manner;
use crate::seal::Protection;
use crate::signal::signal;
use crate::story::{Plan, inventory, place, play};
use crate::support::{Daemon, PATIENCE, get};
use crate::weather::Weather;

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn no_key_of_either_leg_stands_anywhere() {
    let _place = place().await;
    let suites = [Suite::AesCm128HmacSha1Tag80, Suite::AeadAes256Gcm];
    let manners = suites.map(|suite| Manner { codec: Codec::Pcmu, protection: Protection::Sdes(suite) });
    let mut call = Call::between(manners, 500).await;
    for (seed, handset) in (1..).zip([&mut call.caller, &mut call.callee]) {
        handset.will_say(signal(FRAMES, seed), Weather::Fair.departures(FRAMES, seed));
    }
    let (told, talking) = oneshot::channel();
    call.talking = Some(told);
    let plans = vec![Plan { words: "by SRTP".to_owned(), call }];

    let homer = UdpSocket::bind("127.0.0.1:0").unwrap();
    homer.set_read_timeout(Some(PATIENCE)).unwrap();
    let environment = [
        ("STROWGER__LOG__LEVEL", "trace".to_owned()),
        ("STROWGER__LOG__FULL_NUMBERS", "true".to_owned()),
        ("STROWGER__HEP__COLLECTOR", homer.local_addr().unwrap().to_string()),
    ];
    let mut daemon = Daemon::start_with(&inventory(&plans), &environment);
    let url = daemon.api();
    let events = follow_events(&url);
    let live = tokio::spawn({
        let url = url.clone();
        async move {
            talking.await.unwrap();
            spawn_blocking(move || get(&url, "/v1/calls").1).await.unwrap()
        }
    });
    let stories = play(&daemon, plans).await;
    let [(_, story)] = &stories[..] else { panic!("one call") };
    assert!(story.faults.is_empty() && story.from_caller.heard > 0, "{story:?}");

    daemon.logged("status=completed");
    let records = daemon.records_when(|records| records.len() == 1 && records[0]["status"].is_string());
    let id = records[0]["id"].as_str().unwrap().to_owned();
    let mut places = vec![
        ("/v1/calls while it was up".to_owned(), live.await.unwrap()),
        ("its trace".to_owned(), trace(&url, &id)),
        ("what Homer gets".to_owned(), captured(&homer)),
    ];
    let record = format!("/v1/calls/{id}");
    for path in [
        &record,
        "/v1/records",
        "/v1/calls",
        "/v1/numbers",
        "/v1/audit",
        "/v1/trunks",
        "/v1/agents",
        "/metrics",
    ] {
        let (status, body) = get(&url, path);
        assert_eq!(status, 200, "{path}: {body}");
        places.push((path.to_owned(), body));
    }
    // Of the store, and of the daemon.
    for arguments in [
        &["call", "list"][..],
        &["call", "list", "--url", &url],
        &["call", "show", &id],
        &["call", "show", &id, "--url", &url],
        &["call", "show", &id, "--ladder", "--url", &url],
    ] {
        let output = daemon.strowger(arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        places.push((arguments.join(" "), said));
    }
    assert!(daemon.terminate());
    places.push(("the events".to_owned(), events.join().unwrap()));
    places.push(("the log".to_owned(), daemon.log()));
    for entry in fs::read_dir(daemon.folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let held = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
            places.push((path.display().to_string(), held));
        }
    }

    // Each end has a key, and was told one: the called one four, to choose from.
    assert_eq!(story.keys.len(), 1 + 1 + 1 + 4);
    for key in story.keys.iter().flat_map(|key| writings(key)) {
        for (place, text) in &places {
            assert!(!text.contains(&key), "a key is in {place}: {text}");
        }
    }
}

/// A key as somebody might write it: as descriptions do, in hexadecimal, or as Rust shows bytes.
fn writings(key: &str) -> Vec<String> {
    let bytes = STANDARD.decode(key).unwrap();
    let hexadecimal: String = bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    // A piece is enough to give a whole away.
    let shown = |separator: &str| bytes[..8].iter().map(u8::to_string).collect::<Vec<_>>().join(separator);
    vec![
        STANDARD_NO_PAD.encode(&bytes[..12]),
        URL_SAFE_NO_PAD.encode(&bytes[..12]),
        hexadecimal[..16].to_uppercase(),
        hexadecimal[..16].to_owned(),
        shown(", "),
        shown(","),
    ]
}

/// All events, until the daemon ends.
fn follow_events(url: &str) -> JoinHandle<String> {
    let host = url.strip_prefix("http://").unwrap().to_owned();
    let mut stream = TcpStream::connect(&host).unwrap();
    write!(stream, "GET /v1/events HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
    // They are followed from the head of the answer on.
    let mut head = [0; 12];
    stream.read_exact(&mut head).unwrap();
    assert_eq!(&head, b"HTTP/1.1 200");
    std::thread::spawn(move || {
        let mut events = Vec::new();
        stream.read_to_end(&mut events).unwrap();
        String::from_utf8_lossy(&events).into_owned()
    })
}

/// The trace, once all descriptions of the call are in it.
fn trace(url: &str, id: &str) -> String {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let (status, trace) = get(url, &format!("/v1/calls/{id}/trace"));
        assert_eq!(status, 200, "{trace}");
        if trace.matches("a=crypto:").count() >= LINES {
            return trace;
        }
        assert!(Instant::now() < deadline, "{trace}");
    }
}

/// What came at Homer, once all descriptions of the call did.
fn captured(homer: &UdpSocket) -> String {
    let mut captured = String::new();
    let mut packet = vec![0; 65_535];
    while captured.matches("a=crypto:").count() < LINES {
        let (length, _) = homer.recv_from(&mut packet).expect("all of the call comes at Homer");
        captured += &String::from_utf8_lossy(&packet[..length]);
    }
    captured
}

/// `a=crypto` lines in the messages of the call: of the caller's offer, of our answer, of our offer, of its answer.
const LINES: usize = 1 + 1 + 4 + 1;
/// That each end says: two seconds.
const FRAMES: usize = 100;
