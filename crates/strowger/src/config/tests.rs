use super::*;

fn merged(text: &str) -> Result<Config, String> {
    Config::merge(Some(("strowger.toml".into(), text.into())), &BTreeMap::new())
        .map_err(|faults| faults.to_string())
}

fn fault(text: &str) -> String {
    merged(text).expect_err("a fault")
}

fn overridden(key: &str, value: &str) -> Result<Config, String> {
    let overrides = BTreeMap::from([(key.to_owned(), value.to_owned())]);
    Config::embedded(&overrides).map_err(|faults| faults.to_string())
}

#[test]
fn an_empty_file_means_the_defaults() {
    let config = merged("").unwrap();
    assert_eq!(config.sip.udp.0, [listening("0.0.0.0:5060", Advertised::AsAll)]);
    assert!(config.tls_files().is_none() && !config.has_streams());
    assert_eq!(config.media.ports.0, 10_000..=29_999);
    assert_eq!(config.limits.max_calls.0, 2000);
    assert_eq!(config.store_url(), "sqlite:strowger.db");
    assert!(!config.log.full_numbers);
}

#[test]
fn the_documented_file_has_every_key_and_a_comment_on_each() {
    let document = Document::parse(DEFAULTS.to_owned()).unwrap();
    for key in KEYS {
        assert!(
            document.get(key.section()).and_then(|section| section.get(key.own_name())).is_some(),
            "{}",
            key.name
        );
        let line = DEFAULTS.lines().find(|line| line.starts_with(&format!("{} =", key.own_name()))).unwrap();
        assert!(line.contains(" # "), "{line}");
    }
    assert_eq!(merged(DEFAULTS).unwrap().limits.ring_s.0, 60);
}

#[test]
fn every_example_is_a_value_that_its_key_takes() {
    for key in KEYS {
        let beside =
            if key.name == "sip.tls" { "[tls]\ncertificate = \"c\"\nprivate_key = \"k\"\n" } else { "" };
        let with = match key.name {
            "admin.certificate" => "private_key = \"k\"\n",
            "admin.private_key" => "certificate = \"c\"\n",
            _ => "",
        };
        let text = format!("{beside}[{}]\n{} = {}\n{with}", key.section(), key.own_name(), key.example);
        assert!(merged(&text).is_ok(), "{text}");
    }
}

#[test]
fn each_fault_names_line_key_what_was_expected_and_a_remedy() {
    let cases = [
        (
            "[limits]\nmax_calls = \"many\"\n",
            "strowger.toml:2: limits.max_calls: expected a whole number from 1 to 100000, found \"many\"; write, for example, max_calls = 2000",
        ),
        (
            "[limits]\nmax_calls = 1.5\n",
            "strowger.toml:2: limits.max_calls: expected a whole number from 1 to 100000, found 1.5; write, for example, max_calls = 2000",
        ),
        (
            "[sip]\nudp = []\n",
            "strowger.toml:2: sip.udp: expected 1 to 16 different addresses IP:PORT, found []; write, for example, udp = [\"0.0.0.0:5060\"]",
        ),
        (
            "[sip]\n\ntls = [\"0.0.0.0:5061 as bot.example\"]\n",
            "strowger.toml:3: sip.tls: expected at most 16 different addresses IP:PORT, found [\"0.0.0.0:5061 as bot.example\"]; write, for example, tls = [\"0.0.0.0:5061\"]",
        ),
        (
            "[sip]\ntls = [\"0.0.0.0:5061\"]\n[tls]\nprivate_key = \"k.pem\"\ncertificate = \"\"\n",
            "strowger.toml:5: tls.certificate: sip.tls listens, and needs it; write, for example, certificate = \"/etc/strowger/cert.pem\"",
        ),
        (
            "[sip]\nsession_expires_s = 60\n",
            "strowger.toml:2: sip.session_expires_s: expected a whole number of seconds from 90, the least that RFC 4028 allows, to 86400, found 60; write, for example, session_expires_s = 1800",
        ),
        (
            "[sip]\nsession_expires_s = 120\nmin_se_s = 180\n",
            "strowger.toml:3: sip.min_se_s: 180 is longer than sip.session_expires_s, which is 120; write at most as many seconds",
        ),
        (
            "[admin]\nlisten = \"localhost:8080\"\n",
            "strowger.toml:2: admin.listen: expected an address IP:PORT, or nothing, found \"localhost:8080\"; write, for example, listen = \"127.0.0.1:8080\"",
        ),
        (
            "[admin]\ncertificate = \"/etc/cert.pem\"\n",
            "the embedded defaults: admin.private_key: admin.certificate is set, and needs it; write, for example, private_key = \"/etc/strowger/key.pem\"",
        ),
        (
            "[hep]\ncollector = \"127.0.0.1:9060\"\nkey = { env = \"STROWGER_TEST_NOT_SET\" }\n",
            "strowger.toml:3: hep.key: the environment has no variable STROWGER_TEST_NOT_SET; make it readable to this process, or write the secret itself",
        ),
        (
            "[media]\nports = \"20000-10000\"\n",
            "strowger.toml:2: media.ports: expected a range of at least two ports from 1024 to 65535, found \"20000-10000\"; write, for example, ports = \"10000-29999\"",
        ),
        (
            "[store]\nurl = \"mysql://db/strowger\"\n",
            "strowger.toml:2: store.url: expected sqlite:FILE or postgres://USER@HOST/DATABASE, found \"mysql://db/strowger\"; write, for example, url = \"sqlite:strowger.db\"",
        ),
        (
            "[limits]\nmax_cals = 3\n",
            "strowger.toml:2: limits.max_cals: no such key; did you mean `max_calls`?",
        ),
        ("[limit]\nmax_calls = 3\n", "strowger.toml:1: limit: no such section; did you mean `limits`?"),
        (
            "sip = 5\n",
            "strowger.toml:1: sip: expected a section; write it as [sip] on its own line, with its keys below",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(fault(text), expected);
    }
}

fn listening(address: &str, advertised: Advertised) -> Listening {
    Listening { address: address.parse().unwrap(), advertised }
}

#[test]
fn a_listener_may_say_how_peers_reach_it() {
    let text = "[sip]\ntcp = [\"10.0.0.5:5060 as 203.0.113.5\", \"[::]:5060 as [2001:db8::5]:7060\", \"10.0.0.5:5070\"]\n";
    let expected = [
        listening("10.0.0.5:5060", Advertised::Ip("203.0.113.5".parse().unwrap())),
        listening("[::]:5060", Advertised::Whole("[2001:db8::5]:7060".parse().unwrap())),
        listening("10.0.0.5:5070", Advertised::AsAll),
    ];
    assert_eq!(merged(text).unwrap().sip.tcp.0, expected);
    for nowhere in ["0.0.0.0", "203.0.113.5:0", ""] {
        assert!(merged(&format!("[sip]\ntcp = [\"10.0.0.5:5060 as {nowhere}\"]\n")).is_err(), "{nowhere}");
    }
    assert_eq!(overridden("sip.ws", "").unwrap().sip.ws.0, []);
}

#[test]
fn the_listener_of_the_api_may_be_off_and_the_collector_has_a_key() {
    assert_eq!(overridden("admin.listen", "").unwrap().admin.listen.0, None);
    let on = merged("[admin]\nlisten = \"[::1]:0\"\n").unwrap();
    assert_eq!(on.admin.listen.0, Some("[::1]:0".parse().unwrap()));
    let hep =
        merged("[hep]\ncollector = \"[2001:db8::9]:9060\"\nkey = { file = \"/proc/sys/kernel/ostype\" }\n");
    assert_eq!(hep.unwrap().hep.key.reveal(), "Linux");
    let unused = merged("[hep]\nkey = { env = \"STROWGER_TEST_NOT_SET\" }\n");
    assert!(unused.is_ok(), "without a collector there is no need of a key");
    for nowhere in ["0.0.0.0:9060", "127.0.0.1:0", "homer"] {
        assert!(overridden("hep.collector", nowhere).is_err(), "{nowhere}");
    }
}

#[test]
fn all_faults_are_told_at_once() {
    let told = fault("[log]\nlevel = \"loud\"\nformat = 3\n");
    assert_eq!(told.lines().count(), 2, "{told}");
}

#[test]
fn text_that_is_no_toml_is_told_with_its_line() {
    let told = fault("[log]\nlevel = \n");
    assert!(told.starts_with("strowger.toml:2: not TOML: "), "{told}");
}

#[test]
fn the_environment_wins_and_is_named_when_it_is_wrong() {
    assert_eq!(overridden("limits.max_calls", "7").unwrap().limits.max_calls.0, 7);
    let listeners = overridden("sip.udp", "127.0.0.1:5070, [::1]:5070").unwrap().sip.udp.0;
    let expected = ["127.0.0.1:5070", "[::1]:5070"].map(|address| listening(address, Advertised::AsAll));
    assert_eq!(listeners, expected);
    assert!(overridden("log.full_numbers", "true").unwrap().log.full_numbers);
    assert_eq!(
        overridden("limits.max_calls", "0").unwrap_err(),
        "environment: STROWGER__LIMITS__MAX_CALLS: limits.max_calls: expected a whole number from 1 to 100000, found \"0\"; write, for example, max_calls = 2000"
    );
    assert_eq!(
        overridden("sip.updd", "x").unwrap_err(),
        "environment: STROWGER__SIP__UPDD: names no key; did you mean STROWGER__SIP__UDP?"
    );
}

#[test]
fn a_relative_store_lies_in_the_data_directory() {
    let config = merged("[node]\ndata_dir = \"/var/lib/strowger\"\n").unwrap();
    assert_eq!(config.store_url(), "sqlite:/var/lib/strowger/strowger.db");
    let config = merged("[node]\ndata_dir = \"/x\"\n[store]\nurl = \"sqlite:/y/z.db\"\n").unwrap();
    assert_eq!(config.store_url(), "sqlite:/y/z.db");
    assert_eq!(config.secrets_folder().display().to_string(), "/x/secrets");
    let config =
        merged("[node]\ndata_dir = \"/x\"\n[store]\nsecrets_folder = \"/run/credentials/s\"\n").unwrap();
    assert_eq!(config.secrets_folder().display().to_string(), "/run/credentials/s");
    let config = merged("[node]\ndata_dir = \"/x\"\n[store]\nurl = \"postgres://s@h/db\"\n").unwrap();
    assert_eq!(config.store_url(), "postgres://s@h/db");
}
