//! One thing changed in a sound inventory is one fault, which says where it is and what is wrong.

mod agents;
mod trunks;

use crate::{AllowedCountries, Destination, Directory, Inventory, NumberStatus, Secret};

/// Sound, and with every key that this version knows how to act on, or only keeps.
const SOUND: &str = r#"
[settings]
default_agent_id = "reception"
workspace_id = "main"

[[agents]]
id = "reception"
endpoint = { kind = "echo" }

[[agents]]
id = "sales"
name = "Sales"
endpoint = { kind = "media-stream", url = "wss://bots.example.com/sales", headers = { Authorization = "Bearer x" }, parameters = { persona = "sales" } }
fallback_agent_id = "desk"
max_calls = 10

[[agents]]
id = "desk"
endpoint = { kind = "sip", uri = "sip:bot@10.0.0.7:5060", transport = "udp", media_encryption = "required", addresses = ["10.0.0.7"], headers = { X-Tenant = "blue" }, redirections = "diversion" }
fallback_agent_id = "reception"
ringback = "local"
pass_headers = ["X-Account", "X-Acme-*", "User-to-User"]

[[trunks]]
id = "acme"
label = "Acme Telecom"
source = "byoc"
limits = { max_calls = 100, max_cps = 10, max_minutes_per_day = 600 }

[trunks.inbound]
enabled = true
addresses = ["203.0.113.0/28", "2001:db8::5"]
registers = false
transports = ["udp"]
tls_names = ["sbc.acme.example"]
media_encryption = "optional"
did_source = "header:X-DID"
did_country = "US"
strip_prefix = "9#"
originate = false

[trunks.outbound]
enabled = true
gateways = [{ host = "sip.acme.example", port = 5060, transport = "tls", priority = 10, weight = 50 }, { host = "192.0.2.1" }]
media_encryption = "required"
username = "u"
password = { env = "ACME" }
register = false
from_domain = "example.com"
from_user = "u"
number_format = "+e164"
prefix = "1234"
identity = "p-asserted-identity"
allowed_countries = ["US", "CA", "+800"]
allow_special = ["premium"]
user_phone = true
headers = { X-Token = "t" }

[[numbers]]
e164 = "+14155550100"
label = "Main"
source = "purchased"
trunk_id = "acme"
agent_id = "sales"
outbound = true
allowed_countries = "worldwide"
max_calls = 5
max_cps = 2
max_minutes_per_day = 60
status = "active"

[[numbers]]
e164 = "+14155550101"
trunk_id = "acme"

[[numbers]]
e164 = "+14155550102"
source = "personal"
trunk_id = "acme"
"#;

fn read(text: &str) -> Inventory {
    toml::from_str(text).unwrap_or_else(|error| panic!("{error}"))
}

/// The faults of the sound inventory with one thing changed.
fn faults_with(from: &str, to: &str) -> Vec<String> {
    assert!(SOUND.contains(from), "{from}");
    read(&SOUND.replacen(from, to, 1)).faults().iter().map(ToString::to_string).collect()
}

#[track_caller]
fn expect_one(from: &str, to: &str, path: &str, words: &str) {
    let faults = faults_with(from, to);
    let [fault] = faults.as_slice() else { panic!("{faults:#?}") };
    assert!(fault.starts_with(&format!("{path}: ")) && fault.contains(words), "{fault}");
}

#[test]
fn a_sound_inventory_has_no_faults_and_comes_back_from_json() {
    let inventory = read(SOUND);
    assert_eq!(inventory.faults(), []);
    let json = serde_json::to_string(&inventory).unwrap();
    assert_eq!(serde_json::from_str::<Inventory>(&json).unwrap(), inventory);
}

#[test]
fn what_is_left_out_takes_its_default() {
    let inventory = read(SOUND);
    let [_, plain, personal] = inventory.numbers.as_slice() else { panic!() };
    assert!(
        plain.inbound && !plain.outbound && plain.status == NumberStatus::Active && plain.agent_id.is_none()
    );
    assert!(!personal.inbound && personal.status == NumberStatus::Pending);
    let trunk = read("trunks = [{ id = 'a', inbound = { addresses = ['192.0.2.1'] }, outbound = {} }]")
        .trunks
        .remove(0);
    assert!(trunk.inbound.unwrap().enabled && trunk.outbound.unwrap().enabled);
    let number = inventory.numbers[0].allowed_countries.clone();
    assert_eq!(number, Some(AllowedCountries(vec![Destination::Worldwide])));
}

#[test]
fn an_unknown_key_or_word_is_refused() {
    for text in [
        "[setings]",
        "agents = [{ id = 'a', endpoint = { kind = 'echo' }, colour = 1 }]",
        "agents = [{ id = 'a', endpoint = { kind = 'media-stream', url = 'ws://a', header = {} } }]",
        "agents = [{ id = 'a', endpoint = { kind = 'telepathy' } }]",
        "agents = [{ id = 'a' }]",
        "trunks = [{ id = 'a', inbound = { address = [] } }]",
        "trunks = [{ id = 'a', inbound = { addresses = ['192.0.2.0/33'] } }]",
        "trunks = [{ id = 'a', inbound = { addresses = ['sip.acme.example'] } }]",
        "trunks = [{ id = 'a', inbound = { did_source = 'header:' } }]",
        "trunks = [{ id = 'a', inbound = { did_country = 'USA' } }]",
        "trunks = [{ id = 'a', limits = { max_call = 1 } }]",
        "trunks = [{ id = 'a', outbound = { gateways = [{ port = 5060 }] } }]",
        "numbers = [{ e164 = '4155550100', trunk_id = 'a' }]",
        "numbers = [{ e164 = '+14155550100' }]",
        "numbers = [{ e164 = '+14155550100', trunk_id = 'a', warnings = [] }]",
        "numbers = [{ e164 = '+14155550100', trunk_id = 'a', max_calls = -1 }]",
    ] {
        assert!(toml::from_str::<Inventory>(text).is_err(), "{text}");
    }
    let error =
        toml::from_str::<Inventory>("trunks = [{ id = 'a', inbound = { did_source = 'via' } }]").unwrap_err();
    assert!(
        error.to_string().contains("expected auto, request-uri, to, p-called-party-id or header:NAME"),
        "{error}"
    );
}

#[test]
fn dangling_ids_are_told_with_what_there_is() {
    expect_one(
        "default_agent_id = \"reception\"",
        "default_agent_id = \"recpetion\"",
        "settings.default_agent_id",
        "no agent has the id `recpetion`",
    );
    expect_one(
        "agent_id = \"sales\"",
        "agent_id = \"sale\"",
        "numbers[0].agent_id",
        "use one of: reception, sales, desk",
    );
    expect_one(
        "e164 = \"+14155550101\"\ntrunk_id = \"acme\"",
        "e164 = \"+14155550101\"\ntrunk_id = \"acne\"",
        "numbers[1].trunk_id",
        "no trunk has the id `acne`",
    );
    expect_one(
        "fallback_agent_id = \"desk\"",
        "fallback_agent_id = \"dusk\"",
        "agents[1].fallback_agent_id",
        "`dusk`",
    );
    let faults = read("numbers = [{ e164 = '+14155550100', trunk_id = 'a' }]").faults();
    assert_eq!(faults[0].remedy, "add it to [[trunks]]");
}

#[test]
fn duplicates_are_told_with_the_first() {
    expect_one("+14155550101", "+14155550100", "numbers[1].e164", "+14155550100 is numbers[0] too");
    let twice = "trunks = [{ id = 'a' }, { id = 'b' }, { id = 'a' }]";
    let faults = read(twice).faults();
    assert_eq!(faults.len(), 1);
    assert_eq!(
        (faults[0].path.as_str(), faults[0].message.as_str()),
        ("trunks[2].id", "`a` is the id of trunks[0] too")
    );
}

#[test]
fn ids_are_fit_for_urls() {
    for id in ["", "a b", "a/b", "é", &"x".repeat(65)] {
        let faults = read(&format!("agents = [{{ id = '{id}', endpoint = {{ kind = 'echo' }} }}]")).faults();
        assert_eq!(faults.len(), 1, "{id}: {faults:?}");
        assert_eq!(faults[0].path, "agents[0].id");
    }
}

#[test]
fn countries_must_exist() {
    expect_one(
        "did_country = \"US\"",
        "did_country = \"XX\"",
        "trunks[0].inbound.did_country",
        "`XX` is no country",
    );
    expect_one("\"CA\", ", "\"UK\", ", "trunks[0].outbound.allowed_countries", "`UK` is no country");
    expect_one(
        "\"+800\"",
        "\"+44\"",
        "trunks[0].outbound.allowed_countries",
        "`+44` is no non-geographic code",
    );
    expect_one("\"worldwide\"", "[\"worldwide\", \"QQ\"]", "numbers[0].allowed_countries", "`QQ`");
}

#[test]
fn a_limit_of_zero_is_a_mistake() {
    expect_one("max_calls = 100", "max_calls = 0", "trunks[0].limits.max_calls", "leave it out for no limit");
    expect_one("max_cps = 10", "max_cps = 0", "trunks[0].limits.max_cps", "0 would");
    expect_one("max_calls = 5", "max_calls = 0", "numbers[0].max_calls", "0 would");
    expect_one("max_cps = 2\n", "max_cps = 0\n", "numbers[0].max_cps", "0 would");
    expect_one("per_day = 60\n", "per_day = 0\n", "numbers[0].max_minutes_per_day", "0 would");
    expect_one("per_day = 600", "per_day = 0", "trunks[0].limits.max_minutes_per_day", "0 would");
    expect_one("max_calls = 10\n", "max_calls = 0\n", "agents[1].max_calls", "0 would");
}

#[test]
fn a_personal_number_is_neither_called_nor_verified_by_a_file() {
    let personal = "source = \"personal\"";
    expect_one(
        personal,
        "source = \"personal\"\ninbound = true",
        "numbers[2].inbound",
        "takes no inbound calls",
    );
    expect_one(
        personal,
        "source = \"personal\"\nstatus = \"active\"",
        "numbers[2].status",
        "until it is verified",
    );
    let verified = "verified = { at = 1, by = \"ops\" }";
    let plain = "e164 = \"+14155550101\"";
    expect_one(plain, &format!("{plain}\n{verified}"), "numbers[1].verified", "only a personal number");
    let both = format!("source = \"personal\"\nstatus = \"active\"\n{verified}");
    assert_eq!(faults_with(personal, &both), Vec::<String>::new());
}

#[test]
fn what_this_version_does_not_do_is_refused_in_words() {
    for (from, to, path) in [
        ("registers = false", "registers = true", "trunks[0].inbound.registers"),
        ("transports = [\"udp\"]", "transports = [\"udp\", \"wss\"]", "trunks[0].inbound.transports"),
        ("register = false", "register = true", "trunks[0].outbound.register"),
        ("label = \"Acme Telecom\"", "options_interval_s = 60", "trunks[0].options_interval_s"),
        ("transport = \"udp\"", "transport = \"wss\"", "agents[2].endpoint.transport"),
    ] {
        if path.ends_with("register") {
            // `registers` of the inbound side stands first in the text.
            let text = SOUND.replace("\nregister = false", "\nregister = true");
            let faults = read(&text).faults();
            assert!(
                faults.len() == 1 && faults[0].path == path && faults[0].message.contains("this version"),
                "{faults:?}"
            );
            continue;
        }
        expect_one(from, to, path, "this version");
    }
}

#[test]
fn a_directory_takes_no_secret_that_is_only_named() {
    let faults = Directory::new(read(SOUND)).unwrap_err();
    assert_eq!(faults.len(), 1);
    assert_eq!(faults[0].path, "trunks[0].outbound.password");
    let read_env = |secret: &Secret| match secret {
        Secret::Env(env) if env.env == "ACME" => Ok("hunter2".to_owned()),
        Secret::Env(_) | Secret::File(_) | Secret::Value(_) => Err("not there".to_owned()),
    };
    let inventory = read(SOUND).resolve(read_env).unwrap();
    let directory = Directory::new(inventory).unwrap();
    let password = directory.trunk("acme").unwrap().outbound.as_ref().unwrap().password.as_ref();
    assert_eq!(password.map(Secret::reveal), Some("hunter2"));
    let faults = read(SOUND).resolve(|_| Err("no variable ACME".to_owned())).unwrap_err();
    assert_eq!(
        (faults[0].path.as_str(), faults[0].message.as_str()),
        ("trunks[0].outbound.password", "no variable ACME")
    );
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the example is a file")]
fn the_example_inventory_is_sound() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../conf/inventory.example.toml");
    let inventory = read(&std::fs::read_to_string(path).unwrap());
    assert_eq!(inventory.faults(), []);
    assert!(Directory::new(inventory).is_ok());
}
