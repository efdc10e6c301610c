//! The command line of the built binary: faults are told with file, line, key and remedy, and change nothing.

#![expect(clippy::unwrap_used, reason = "a test ends where its world is not as it should be")]

mod desk;

use std::fs;
use std::net::UdpSocket;

use desk::{Desk, Said};
use serde_json::{Value, json};

const INVENTORY: &str = r#"
[settings]
default_agent_id = "reception"

[[agents]]
id = "reception"
endpoint = { kind = "echo" }

[[trunks]]
id = "acme"
inbound = { addresses = ["203.0.113.0/28"] }

[[numbers]]
e164 = "+14155550100"
trunk_id = "acme"
"#;

#[test]
fn a_faulty_configuration_is_refused_with_file_line_key_expectation_and_remedy() {
    for (text, told) in [
        (
            "[sip]\nudp = [\"localhost\"]\n",
            "faulty.toml:2: sip.udp: expected 1 to 16 different addresses IP:PORT, found [\"localhost\"]; \
             write, for example, udp = [\"0.0.0.0:5060\"]",
        ),
        (
            "[sip]\nunknown_source = \"ignore\"\n",
            "faulty.toml:2: sip.unknown_source: expected \"drop\" or \"reject\", found \"ignore\"; \
             write, for example, unknown_source = \"drop\"",
        ),
        (
            "\n\n[sip]\ntcp = [\"0.0.0.0\"]\n",
            "faulty.toml:4: sip.tcp: expected at most 16 different addresses IP:PORT, \
             found [\"0.0.0.0\"]; write, for example, tcp = [\"0.0.0.0:5060\"]",
        ),
        (
            "[sip]\nname_servers = [\"dns.example\"]\n",
            "faulty.toml:2: sip.name_servers: expected at most 8 different addresses IP or IP:PORT, \
             found [\"dns.example\"]; write, for example, name_servers = [\"192.0.2.53\"]",
        ),
        (
            "[media]\nbackend = \"io_uring\"\n",
            "faulty.toml:2: media.backend: expected \"auto\", \"io-uring\" or \"epoll\", \
             found \"io_uring\"; write, for example, backend = \"auto\"",
        ),
        ("[limits]\nring = 5\n", "faulty.toml:2: limits.ring: no such key; did you mean `ring_s`?"),
        ("[logs]\n", "faulty.toml:1: logs: no such section; did you mean `log`?"),
    ] {
        let desk = Desk::new();
        desk.write("faulty.toml", text);
        for command in ["check", "run"] {
            let said = desk.run(&[command, "--config", "faulty.toml"]);
            assert_eq!(said.code, Some(1), "{text}");
            assert_eq!(said.err, format!("strowger: {told}\n"));
        }
        assert!(!desk.path().join("strowger.db").exists(), "nothing is made");
    }
}

#[test]
fn text_that_is_no_toml_is_told_with_its_line() {
    let desk = Desk::new();
    desk.write("faulty.toml", "[sip]\nudp = [\n\n");
    let said = desk.run(&["check", "--config", "faulty.toml"]);
    assert!(
        said.err.starts_with("strowger: faulty.toml:") && said.err.contains("not TOML: "),
        "{}",
        said.err
    );
    assert_eq!(said.err.lines().count(), 1, "{}", said.err);
}

#[test]
fn a_faulty_variable_of_the_environment_is_named() {
    let desk = Desk::new();
    let said = Said::of(desk.command(&["check"]).env("STROWGER__LIMITS__RING_S", "soon").output().unwrap());
    assert_eq!(
        said.err,
        "strowger: environment: STROWGER__LIMITS__RING_S: limits.ring_s: expected a whole number of seconds from 1 \
         to 600, found \"soon\"; write, for example, ring_s = 60\n"
    );
}

#[test]
fn a_faulty_inventory_is_refused_and_the_stored_one_stays() {
    for (text, told) in [
        (
            INVENTORY.replace("trunk_id = \"acme\"", "trunk_id = \"acne\""),
            "faulty.toml:15: numbers[0].trunk_id: no trunk has the id `acne`",
        ),
        (
            INVENTORY.replace("trunk_id =", "trunkid ="),
            "faulty.toml:15: numbers[0].trunkid: unknown field `trunkid`",
        ),
        (
            INVENTORY.replace("\"+14155550100\"", "\"4155550100\""),
            "faulty.toml:14: numbers[0].e164: `4155550100`: an E.164 number begins with +, like +14155550100",
        ),
        (
            INVENTORY.replace("kind = \"echo\"", "kind = \"ecko\""),
            "faulty.toml:7: agents[0].endpoint.kind: unknown variant `ecko`",
        ),
        (
            INVENTORY.replace("203.0.113.0/28", "203.0.113.0/99"),
            "faulty.toml:11: trunks[0].inbound.addresses: `203.0.113.0/99` is neither a network",
        ),
        (
            INVENTORY.replace("default_agent_id = \"reception\"", "default_agent_id = \"nobody\""),
            "faulty.toml:3: settings.default_agent_id: no agent has the id `nobody`",
        ),
    ] {
        let desk = Desk::applied(INVENTORY);
        let before = desk.run(&["number", "list", "--json"]).out;
        desk.write("faulty.toml", &text);
        for command in [&["apply", "faulty.toml"][..], &["check", "--inventory", "faulty.toml"]] {
            let said = desk.run(command);
            assert_eq!(said.code, Some(1), "{told}");
            assert!(said.err.starts_with(&format!("strowger: {told}")), "{}\nexpected {told}", said.err);
            assert_eq!(said.err.lines().count(), 1, "{}", said.err);
        }
        assert_eq!(desk.run(&["number", "list", "--json"]).out, before);
    }
}

#[test]
fn every_fault_is_named_not_only_the_first() {
    let desk = Desk::new();
    desk.write("faulty.toml", &INVENTORY.replace("id = \"reception\"\nendpoint", "id = \"r\"\nendpoint"));
    desk.write("conf.toml", "[log]\nlevel = \"loud\"\n");
    let said = desk.run(&["check", "--config", "conf.toml", "--inventory", "faulty.toml"]);
    assert!(
        said.err.contains("conf.toml:2: log.level: ") && said.err.contains("faulty.toml:3: "),
        "{}",
        said.err
    );
}

#[test]
fn a_dry_run_prints_the_plan_and_changes_nothing() {
    let desk = Desk::new();
    desk.write("inventory.toml", INVENTORY);
    let said = desk.run(&["apply", "inventory.toml", "--dry-run"]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(said.out.contains("+ number +14155550100\n"), "{}", said.out);
    assert!(!desk.path().join("strowger.db").exists());
}

#[test]
fn what_was_applied_is_listed_and_applying_it_again_changes_nothing() {
    let desk = Desk::applied(INVENTORY);
    assert_eq!(desk.run(&["apply", "inventory.toml"]).out, "nothing to do\n");
    let table = desk.run(&["number", "list"]).out;
    assert!(table.contains("+14155550100") && table.contains("reception (default)"), "{table}");
    assert!(desk.run(&["trunk", "list"]).out.contains("203.0.113.0/28"));
    assert!(desk.run(&["agent", "list"]).out.contains("echo"));
    assert_eq!(desk.run(&["call", "list"]).out, "none\n");
    let list: Value = serde_json::from_str(&desk.run(&["number", "list", "--json"]).out).unwrap();
    assert_eq!(list["items"][0]["e164"], "+14155550100");
    desk.write("inventory.toml", &INVENTORY[..INVENTORY.find("[[numbers]]").unwrap()]);
    assert!(desk.run(&["apply", "inventory.toml"]).out.contains("- number +14155550100\n"));
    assert_eq!(desk.run(&["number", "list"]).out, "none\n");
}

#[test]
fn what_apply_and_check_say_is_told_in_json_too() {
    let desk = Desk::new();
    desk.write("inventory.toml", INVENTORY);
    let counts = json!({ "numbers": 1, "agents": 1, "trunks": 1 });
    let dry = desk.json(&["apply", "inventory.toml", "--dry-run"]);
    assert_eq!((&dry["dry_run"], &dry["plan"]["add"]), (&true.into(), &3.into()), "{dry:#}");
    assert!(!desk.path().join("strowger.db").exists());
    let applied = desk.json(&["apply", "inventory.toml"]);
    assert_eq!((&applied["dry_run"], &applied["inventory"]), (&false.into(), &counts), "{applied:#}");
    let last = json!({ "action": "add", "kind": "number", "id": "+14155550100", "fields": [] });
    assert_eq!(applied["plan"]["changes"].as_array().unwrap().last(), Some(&last));
    assert!(applied["warnings"].is_array(), "{applied:#}");
    let again = desk.json(&["apply", "inventory.toml"]);
    assert_eq!(again["plan"], json!({ "add": 0, "change": 0, "remove": 0, "changes": [] }));
    let checked = desk.json(&["check", "--inventory", "inventory.toml"]);
    assert_eq!(checked["inventory"], counts, "{checked:#}");
    assert_eq!(desk.json(&["check"])["inventory"], json!(null));
    assert_eq!(desk.json(&["backup", "copy.db"]), json!({ "file": "copy.db" }));
}

#[test]
fn a_kept_password_of_another_realm_is_told_by_check_and_apply() {
    let desk = Desk::new();
    let hashes = format!(r#"md5 = "{}", sha256 = "{}""#, "0a".repeat(16), "0a".repeat(32));
    desk.write(
        "inventory.toml",
        &format!(
            r#"trunks = [{{ id = "pbx", inbound = {{ username = "pbx", password = {{ username = "pbx", realm = "strowger", {hashes} }} }} }}]"#
        ),
    );
    let (check, apply) = (["check", "--inventory", "inventory.toml"], ["apply", "inventory.toml"]);
    for command in [&check[..], &apply] {
        assert_eq!(desk.json(command)["warnings"], json!([]), "{command:?}");
    }
    desk.write("strowger.toml", "sip.realm = \"sip.example\"");
    let words = "trunk `pbx` can't show its password: what is kept of it is for the realm `strowger`, and sip.realm is `sip.example`; \
                 give the password again, or set sip.realm back";
    for command in [&check[..], &apply] {
        let with_file = [command, &["--config", "strowger.toml"]].concat();
        assert_eq!(desk.json(&with_file)["warnings"], json!([words]), "{command:?}");
        assert!(desk.run(&with_file).out.contains(&format!("warning: {words}\n")), "{command:?}");
    }
}

#[test]
fn in_json_a_failure_is_a_problem_document_on_standard_error() {
    let desk = Desk::applied(INVENTORY);
    desk.write("faulty.toml", &INVENTORY.replace("trunk_id = \"acme\"", "trunk_id = \"acne\""));
    for command in [&["apply", "faulty.toml"][..], &["check", "--inventory", "faulty.toml"]] {
        let (said, problem) = desk.problem(command);
        assert_eq!((said.code, said.out.as_str()), (Some(1), ""), "{command:?}");
        assert_eq!(problem["type"], "urn:strowger:problem:files-faulty");
        assert_eq!(problem["field"], "numbers[0].trunk_id");
        assert_eq!(problem["errors"][0]["place"], "faulty.toml:15", "{problem:#}");
    }
    desk.write("copy.db", "");
    for (command, kind) in [
        (&["backup", "copy.db"][..], "store-failed"),
        (&["number", "show", "+14155550199"], "unknown"),
        (&["call", "show", "abcdef"], "unknown"),
        (&["drain"], "daemon-nowhere"),
        (&["route-test", "none.sip", "--source", "192.0.2.1:1"], "files-faulty"),
    ] {
        let (said, problem) = desk.problem(command);
        assert_eq!((said.code, said.out.as_str()), (Some(1), ""), "{command:?}");
        assert_eq!(problem["type"], format!("urn:strowger:problem:{kind}"), "{problem:#}");
        assert!(problem["title"].is_string() && problem["detail"].is_string(), "{problem:#}");
    }
}

#[test]
fn a_store_that_is_not_there_or_no_store_is_one_clear_line() {
    let desk = Desk::new();
    let said = desk.run(&["call", "list"]);
    assert_eq!(said.code, Some(1));
    assert_eq!(
        said.err,
        "strowger: the store strowger.db does not exist; `strowger apply` or `strowger run` makes it\n"
    );

    desk.write("conf.toml", "[store]\nurl = \"sqlite:no/such/directory/s.db\"\n");
    let said = desk.run(&["run", "--config", "conf.toml"]);
    assert_eq!(said.code, Some(1));
    let told = "strowger: the store no/such/directory/s.db can't be made: its directory does not exist\n";
    assert_eq!(said.err, told);

    desk.write(
        "text.db",
        "this is no database, however long it may be ......................................",
    );
    desk.write("conf.toml", "[store]\nurl = \"sqlite:text.db\"\n");
    let said = desk.run(&["run", "--config", "conf.toml"]);
    assert_eq!(said.code, Some(1));
    assert_eq!(said.err, "strowger: text.db is no SQLite database; move it away, or name another file\n");
}

#[test]
fn a_port_in_use_is_one_clear_line() {
    let desk = Desk::applied(INVENTORY);
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    desk.write("conf.toml", &format!("[sip]\nudp = [\"{address}\"]\n"));
    let said = desk.run(&["run", "--config", "conf.toml"]);
    assert_eq!(said.code, Some(1));
    assert_eq!(
        said.err.lines().last().unwrap(),
        format!(
            "strowger: port in use: {address} ([sip] udp) is taken by another process; stop it or choose another port"
        )
    );
}

#[test]
fn a_file_that_is_not_there_is_one_clear_line() {
    let desk = Desk::new();
    let said = desk.run(&["run", "--config", "none.toml"]);
    assert_eq!((said.code, said.err.lines().count()), (Some(1), 1));
    assert!(said.err.starts_with("strowger: none.toml: can't be read: "), "{}", said.err);
}

#[test]
fn a_wrong_command_line_ends_with_2_and_help_shows_examples() {
    let desk = Desk::new();
    assert_eq!(desk.run(&["rum"]).code, Some(2));
    for command in [
        "run",
        "demo",
        "check",
        "apply",
        "number",
        "agent",
        "trunk",
        "settings",
        "key",
        "call",
        "drain",
        "route-test",
        "completions",
        "man",
    ] {
        let said = desk.run(&[command, "--help"]);
        assert_eq!(said.code, Some(0));
        assert!(
            said.out.contains("Example") && said.out.contains(&format!("strowger {command}")),
            "{}",
            said.out
        );
    }
}

#[test]
fn the_example_inventory_is_in_order() {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../../conf/inventory.example.toml");
    let said = Desk::new().run(&["check", "--inventory", example]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(said.out.contains("2 numbers, 2 agents, 1 trunk\n"), "{}", said.out);
}

const INVITE: &str = "INVITE sip:4155550100@198.51.100.5 SIP/2.0
Via: SIP/2.0/UDP 203.0.113.7;branch=z9hG4bK1
Max-Forwards: 70
From: <sip:+12125550199@203.0.113.7>;tag=1
To: <sip:4155550100@198.51.100.5>
Call-ID: i
CSeq: 1 INVITE
Contact: <sip:203.0.113.7>
Content-Length: 0

";

#[test]
fn a_route_is_tested_against_the_store_or_a_file_without_a_call() {
    let desk = Desk::applied(&INVENTORY.replace("/28\"]", "/28\"], did_country = \"US\""));
    desk.write("invite.sip", INVITE);
    let test = ["route-test", "invite.sip", "--source", "203.0.113.7:5060"];
    let said = desk.run(&test);
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert_eq!(
        said.out,
        "source   203.0.113.7 by udp is trunk `acme`, as 203.0.113.0/28 is among its addresses\n\
         called   the Request-URI has \"4155550100\" (did_source = auto, did_country = US); that is +14155550100\n\
         number   it is ours: an inbound call\n\
         agent    `reception`, the default agent, as the number has none of its own\n\
         audio    the INVITE offers none: the 200 will\n\
         result   agent `reception` answers for +14155550100\n\
         apart    not considered: passwords (who has a username, and a stranger who may have one, is challenged), \
         loops (Max-Forwards, Via), limits and drain, whether who is called can be reached\n"
    );
    let stranger = desk.run(&["route-test", "invite.sip", "--source", "192.0.2.1:5060"]);
    assert!(
        stranger.out.contains("result   dropped without an answer, source-unknown: "),
        "{}",
        stranger.out
    );
    desk.write("other.toml", INVENTORY);
    let other = desk.run(&[&test[..], &["--inventory", "other.toml", "--json"]].concat());
    let told: Value = serde_json::from_str(&other.out).unwrap();
    assert_eq!(told["not_considered"].as_array().map(Vec::len), Some(4));
    assert_eq!(
        (&told["outcome"]["kind"], &told["outcome"]["reason"]),
        (&"refused".into(), &"did-unknown".into())
    );
    desk.write("invite.sip", &INVITE.replace("INVITE", "OPTIONS"));
    let said = desk.run(&test);
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("invite.sip: OPTIONS makes no call; give a file"), "{}", said.err);
}

#[test]
fn one_object_is_shown_field_by_field_and_no_secret_with_it() {
    let agent = "[[agents]]\nid = \"bot\"\nendpoint = { kind = \"media-stream\", url = \"wss://b.example/?token=hush\" }\n\n[[trunks]]";
    let desk = Desk::applied(&INVENTORY.replacen("[[trunks]]", agent, 1));
    let shown = desk.run(&["agent", "show", "bot"]).out;
    assert!(shown.contains("endpoint.kind") && shown.contains("media-stream"), "{shown}");
    assert!(!shown.contains("hush"), "{shown}");
    let said = desk.run(&["number", "show", "+14155550199"]);
    assert_eq!(said.code, Some(1));
    assert_eq!(said.err, "strowger: there is no number `+14155550199`; `strowger number list` shows all\n");
    let said = desk.run(&["number", "set", "+14155550100", "outbound=true"]);
    assert!(
        said.err.contains("the configuration does not say where the running daemon listens"),
        "{}",
        said.err
    );
}

#[test]
fn completions_and_manual_pages_know_every_command() {
    let desk = Desk::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = desk.run(&["completions", shell]);
        assert_eq!(script.code, Some(0));
        assert!(script.out.contains("route-test") && script.out.contains("dry-run"), "{shell}");
    }
    let said = desk.run(&["man", "."]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    let page = fs::read_to_string(desk.path().join("strowger-number-set.1")).unwrap();
    assert!(page.contains("FIELD=VALUE"), "{page}");
    let said = desk.run(&["man", "nowhere"]);
    assert!(said.err.contains("can't be written into nowhere"), "{}", said.err);
}

#[test]
fn the_first_key_is_made_in_the_store_told_once_and_taken_back() {
    let desk = Desk::new();
    let made = desk.run(&["key", "add", "--role", "admin", "--label", "ops", "--expires", "90d", "--json"]);
    assert_eq!(made.code, Some(0), "{}", made.err);
    let made: Value = serde_json::from_str(&made.out).unwrap();
    let (id, token) = (made["id"].as_str().unwrap(), made["token"].as_str().unwrap());
    let listed = desk.run(&["key", "list"]).out;
    assert!(listed.contains(id) && listed.contains("ops") && listed.contains("admin"), "{listed}");
    assert!(!listed.contains(token) && !listed.contains("never"), "{listed}");
    assert_eq!(desk.run(&["key", "remove", id]).out, format!("removed key {id}\n"));
    assert_eq!(desk.run(&["key", "list"]).out, "none\n");
    assert_eq!(desk.run(&["key", "remove", id]).code, Some(1));
}
