//! The command line as a client: what it asks of a daemon, and how it tells the answer. The daemon is a stand-in that answers once.

#![expect(clippy::unwrap_used, reason = "a test ends where its world is not as it should be")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::Command;
use std::sync::Arc;
use std::thread::{JoinHandle, spawn};
use std::time::{Duration, Instant};

use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};
use tempfile::TempDir;

/// What a command said: on standard output, on standard error.
type Said = (String, String);

fn strowger(directory: &TempDir, arguments: &[&str]) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_strowger"));
    let output = command.args(arguments).current_dir(directory.path()).output().unwrap();
    (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
}

/// Reads one request, and answers it so; `more` are lines of the head.
fn answer(stream: impl Read + Write, status: u16, more: &str, body: &str) -> String {
    let mut stream = BufReader::new(stream);
    let (mut request, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).unwrap();
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        request.push_str(&line);
        if line == "\r\n" {
            break;
        }
    }
    let mut sent = vec![0; length];
    stream.read_exact(&mut sent).unwrap();
    request.push_str(std::str::from_utf8(&sent).unwrap());
    let length = body.len();
    let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n{more}Connection: close\r\n\r\n");
    stream.get_mut().write_all((head + body).as_bytes()).unwrap();
    stream.get_mut().flush().unwrap();
    request
}

/// A daemon that answers once; the request it got.
fn daemon(status: u16, body: &'static str) -> (String, JoinHandle<String>) {
    let (url, requests) = daemon_of(vec![(status, "", body.to_owned())]);
    (url, spawn(move || requests.join().unwrap().remove(0)))
}

/// One that answers so often; the requests it got.
fn daemon_of(answers: Vec<(u16, &'static str, String)>) -> (String, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answers = answers.into_iter();
    (
        url,
        spawn(move || {
            let stream = || listener.accept().unwrap().0;
            answers.map(|(status, more, body)| answer(stream(), status, more, &body)).collect()
        }),
    )
}

#[test]
fn a_key_that_is_asked_for_is_asked_for_as_it_is_given_here() {
    let directory = TempDir::new().unwrap();
    let body = r#"{"type": "urn:strowger:problem:key-missing", "title": "No key", "field": "Authorization", "detail": "send a header"}"#;
    for (key, expected) in [
        (&[][..], "it asks for a key: give one by --key or STROWGER_KEY"),
        (&["--key", "k1"][..], "the key given by --key or STROWGER_KEY is not taken: send a header"),
    ] {
        let (url, asked) = daemon(401, body);
        let (_, said) = strowger(&directory, &[&["settings", "show", "--url", &url], key].concat());
        asked.join().unwrap();
        assert!(said.contains(expected) && !said.contains("Authorization"), "{said}");
    }
}

#[test]
fn fields_go_as_a_patch_of_json_with_the_key() {
    let directory = TempDir::new().unwrap();
    let (url, request) = daemon(200, r#"{"e164":"+14155550100","outbound":true,"agent_id":null}"#);
    let fields = ["outbound=true", "agent_id=null", "label=Front desk"];
    let arguments = [&["number", "set", "+14155550100", "--url", &url, "--key", "k1"], &fields[..]].concat();
    let (out, err) = strowger(&directory, &arguments);
    let request = request.join().unwrap();
    assert!(request.starts_with("PATCH /v1/numbers/+14155550100 HTTP/1.1\r\n"), "{request}{err}");
    assert!(request.contains("authorization: Bearer k1\r\n"), "{request}");
    assert!(request.ends_with(r#"{"agent_id":null,"label":"Front desk","outbound":true}"#), "{request}");
    assert_eq!(out, "e164      +14155550100\noutbound  true\n");
}

#[test]
fn a_file_and_fields_go_together_into_what_is_added() {
    let directory = TempDir::new().unwrap();
    std::fs::write(directory.path().join("a.json"), r#"{"id":"a","endpoint":{"kind":"echo"}}"#).unwrap();
    let (url, request) = daemon(201, r#"{"id":"a"}"#);
    let (out, err) =
        strowger(&directory, &["agent", "add", "--from", "a.json", "max_calls=3", "--json", "--url", &url]);
    let request = request.join().unwrap();
    assert!(request.starts_with("POST /v1/agents HTTP/1.1\r\n"), "{request}{err}");
    assert!(request.ends_with(r#"{"endpoint":{"kind":"echo"},"id":"a","max_calls":3}"#), "{request}");
    assert_eq!(out, "{\n  \"id\": \"a\"\n}\n");
}

#[test]
fn a_problem_is_told_in_words_with_its_field() {
    let directory = TempDir::new().unwrap();
    let problem = r#"{"type":"urn:strowger:problem:faulty","title":"Faulty","status":422,
        "detail":"no such trunk; name one of `strowger trunk list`","field":"trunk_id"}"#;
    let (url, request) = daemon(422, problem);
    let (_, err) = strowger(&directory, &["number", "add", "e164=+14155550100", "trunk_id=x", "--url", &url]);
    request.join().unwrap();
    assert_eq!(err, "strowger: trunk_id: no such trunk; name one of `strowger trunk list`\n");
}

#[test]
fn in_json_a_problem_of_the_daemon_is_told_as_it_came() {
    let directory = TempDir::new().unwrap();
    let problem = r#"{"type":"urn:strowger:problem:call-ended","title":"The call has ended","status":409,"detail":"it has ended","field":"id"}"#;
    for command in [&["call", "hangup", "3f9c21"][..], &["call", "dtmf", "3f9c21", "1"], &["drain"]] {
        let (url, asked) = daemon(409, problem);
        let (out, err) = strowger(&directory, &[command, &["--json", "--url", &url]].concat());
        asked.join().unwrap();
        let told: Value = serde_json::from_str(&err).unwrap_or_else(|error| panic!("{error}: {err}"));
        assert_eq!((out.as_str(), told), ("", serde_json::from_str(problem).unwrap()), "{command:?}");
    }
    let (_, err) = strowger(&directory, &["call", "list", "--json", "--url", "http://127.0.0.1:1"]);
    let told: Value = serde_json::from_str(&err).unwrap();
    assert_eq!(told["type"], "urn:strowger:problem:daemon-unreachable", "{err}");
    assert!(told["detail"].as_str().unwrap().starts_with("no daemon at http://127.0.0.1:1: "), "{err}");
}

#[test]
fn who_answers_no_json_is_no_daemon() {
    let directory = TempDir::new().unwrap();
    let (url, request) = daemon(200, "<html>");
    let (_, err) = strowger(&directory, &["settings", "show", "--json", "--url", &url]);
    request.join().unwrap();
    let told: Value = serde_json::from_str(&err).unwrap();
    assert_eq!(told["type"], "urn:strowger:problem:daemon-strange", "{err}");
    let words = format!("{url} gives no answer of a daemon: ");
    assert!(told["detail"].as_str().unwrap().starts_with(&words), "{err}");
}

#[test]
fn what_the_daemon_answers_is_the_json_of_what_changes_calls() {
    let directory = TempDir::new().unwrap();
    for (command, answer, expected) in [
        (&["call", "hangup", "3f9c21"][..], r#"{"id":"3f9c21d8"}"#, json!({ "id": "3f9c21d8" })),
        (&["call", "dtmf", "3f9c21", "1#"], "", json!({ "id": "3f9c21", "digits": "1#" })),
        (&["drain"], r#"{"state":"draining","calls":2}"#, json!({ "state": "draining", "calls": 2 })),
    ] {
        let (url, asked) = daemon(202, answer);
        let (out, err) = strowger(&directory, &[command, &["--json", "--url", &url]].concat());
        asked.join().unwrap();
        let told: Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{err}"));
        assert_eq!(told, expected, "{command:?}");
    }
}

#[test]
fn the_list_of_calls_is_asked_of_the_daemon() {
    let directory = TempDir::new().unwrap();
    let call = |id: &str, at: u64, status: Option<&str>| json!({ "id": id, "invite_at": at, "status": status, "from_raw": "a", "to_raw": "b" });
    let up = json!({ "items": [call("bbbbbbbb", 2, None)], "next_cursor": null }).to_string();
    let first = json!({ "items": [call("cccccccc", 3, Some("failed"))], "next_cursor": "3.c" }).to_string();
    let rest = json!({ "items": [call("aaaaaaaa", 1, Some("busy"))], "next_cursor": null }).to_string();
    let (url, asked) = daemon_of(vec![(200, "", up), (200, "", first), (200, "", rest)]);
    let (out, err) = strowger(&directory, &["call", "list", "--url", &url, "--key", "k1"]);
    let asked = asked.join().unwrap();
    let lines: Vec<_> = asked.iter().map(|request| request.lines().next().unwrap()).collect();
    let paths = ["/v1/calls?limit=200", "/v1/records?limit=200", "/v1/records?limit=200&cursor=3.c"];
    assert_eq!(lines, paths.map(|path| format!("GET {path} HTTP/1.1")), "{err}");
    assert!(asked.iter().all(|request| request.contains("authorization: Bearer k1\r\n")), "{asked:?}");
    let shown: Vec<_> = out.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>()).collect();
    let told: Vec<_> = shown.iter().map(|cells| format!("{} {}", cells[0], cells[6])).collect();
    assert_eq!(told, ["cccccccc failed", "bbbbbbbb up", "aaaaaaaa busy"], "{out}");
}

#[test]
fn a_daemon_that_is_asked_for_too_many_pages_is_asked_again_when_it_says() {
    let directory = TempDir::new().unwrap();
    let busy = r#"{"type":"urn:strowger:problem:rate-limited","title":"Too many requests","status":429,"detail":"ask less often"}"#;
    let empty = r#"{"items":[],"next_cursor":null}"#;
    let (url, asked) = daemon_of(vec![
        (429, "Retry-After: 1\r\n", busy.to_owned()),
        (200, "", empty.to_owned()),
        (200, "", empty.to_owned()),
    ]);
    let began = Instant::now();
    let (out, err) = strowger(&directory, &["call", "list", "--json", "--url", &url, "--key", "k1"]);
    assert!(began.elapsed() >= Duration::from_secs(1), "it was asked before it said");
    assert_eq!(serde_json::from_str::<Value>(&out).unwrap()["items"], json!([]), "{err}");
    let asked = asked.join().unwrap();
    assert_eq!(asked[0], asked[1]);
    assert!(asked[1].contains("authorization: Bearer k1\r\n"), "{asked:?}");

    let (url, asked) = daemon_of(vec![(429, "Retry-After: 3600\r\n", busy.to_owned())]);
    let (_, err) = strowger(&directory, &["call", "list", "--json", "--url", &url]);
    asked.join().unwrap();
    let told: Value = serde_json::from_str(&err).unwrap();
    assert_eq!(told["type"], "urn:strowger:problem:rate-limited", "nobody waits for an hour: {err}");
}

#[test]
fn by_https_a_daemon_is_asked_whose_certificate_is_of_a_trusted_ca() {
    let directory = TempDir::new().unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate =
        CertificateParams::new(vec!["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
    std::fs::write(directory.path().join("ca.pem"), certificate.pem()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        )
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    let server = spawn(move || {
        let accept = || {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            StreamOwned::new(connection, listener.accept().unwrap().0)
        };
        let request = answer(accept(), 200, "", r#"{"default_agent_id":"echo"}"#);
        // Whoever does not trust the certificate says so, and asks nothing.
        let refused = accept().read_to_end(&mut Vec::new()).is_err();
        (request, refused)
    });
    let (out, err) = strowger(&directory, &["settings", "show", "--url", &url, "--ca", "ca.pem"]);
    assert_eq!((out.as_str(), err.as_str()), ("default_agent_id  echo\n", ""));
    let (_, err) = strowger(&directory, &["settings", "show", "--url", &url]);
    assert!(err.contains("its TLS is not accepted") && err.contains("--ca"), "{err}");
    let (request, refused) = server.join().unwrap();
    assert!(request.starts_with("GET /v1/settings HTTP/1.1\r\n") && refused, "{request}");
    let (_, err) = strowger(&directory, &["settings", "show", "--url", &url, "--ca", "none.pem"]);
    assert!(err.starts_with("strowger: none.pem: "), "{err}");
}
