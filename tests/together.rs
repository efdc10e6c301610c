//! Two daemons on one PostgreSQL: a change made through one is used by the other, and limits count the calls of both.

use std::ops::RangeInclusive;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use b2bua::CallRecord;
use b2bua::record::{CallDirection, CallStatus};
use numbers::Spoken;
use store::Store;

use crate::server::Server;
use crate::support::{Daemon, PATIENCE, Site, free_udp_address, get};
use crate::telephone::{Fate, Telephone};

/// Answered at once, by one trunk or another.
const ECHO: &str = "+14155550100";
const SECOND: &str = "+14155550101";
/// May call out, for a minute a day.
const OUTWARD: &str = "+14155550110";
const OUTSIDE: &str = "+12125550177";
const CALLER: &str = "+12125550123";

fn inventory() -> String {
    format!(
        r#"
agents = [{{ id = "echo", endpoint = {{ kind = "echo" }} }}]
trunks = [
  {{ id = "pbx", inbound = {{ addresses = ["127.0.0.0/8"], did_country = "US", originate = true }} }},
  {{ id = "away", outbound = {{ allowed_countries = ["US"], gateways = [{{ host = "127.0.0.1", port = 9 }}] }} }},
]
numbers = [
  {{ e164 = "{ECHO}", trunk_id = "pbx", agent_id = "echo" }},
  {{ e164 = "{SECOND}", trunk_id = "pbx", agent_id = "echo" }},
  {{ e164 = "{OUTWARD}", trunk_id = "away", outbound = true, max_minutes_per_day = 1 }},
]
"#
    )
}

/// Two daemons.
struct Pair {
    one: Daemon,
    two: Daemon,
    /// Stops after them.
    _server: Server,
}

impl Pair {
    /// On a database with which that is done before, and that when the first has started. Nothing without PostgreSQL, which is said aloud.
    fn start(
        media: RangeInclusive<u16>,
        before: impl FnOnce(&str),
        between: impl FnOnce(&str),
    ) -> Option<Self> {
        let server = Server::start()?;
        let url = server.url("postgres");
        before(&url);
        let half = (media.end() - media.start()) / 2;
        let daemon = |name: &str, media| {
            let environment = [
                ("STROWGER__STORE__URL", url.clone()),
                ("STROWGER__NODE__ID", name.to_owned()),
                ("STROWGER__LIMITS__MAX_CALLS", "20".to_owned()),
                // Who waits calls as fast as it can.
                ("STROWGER__LIMITS__MAX_CPS", "100000".to_owned()),
            ];
            let environment = environment.map(|(name, value)| (name.to_owned(), value)).to_vec();
            let folder = tempfile::tempdir().unwrap();
            let site = Site { folder, sip: free_udp_address(), media, environment };
            Daemon::at(site, &inventory())
        };
        let one = daemon("one", *media.start()..=media.start() + half);
        between(&url);
        let two = daemon("two", media.start() + half + 1..=*media.end());
        Some(Self { one, two, _server: server })
    }

    /// Changes an object through the first one's API; returns when both use it, and says how long after the answer that was for the other.
    fn change(&self, arguments: &[&str]) -> Duration {
        let revision = revision(&self.two);
        let changed = self.one.strowger(&[arguments, &["--url", &self.one.api()]].concat());
        let began = Instant::now();
        assert!(changed.status.success(), "{}", String::from_utf8_lossy(&changed.stderr));
        let until_in_force = |daemon: &Daemon| {
            until("the change is in force", || self::revision(daemon) > revision);
            began.elapsed()
        };
        let took = until_in_force(&self.two);
        until_in_force(&self.one);
        took
    }

    /// While a call is up at the first, the second refuses one for that reason, and takes it again when that has ended: each within a second.
    fn the_place_is_one(&self, to_one: &str, to_two: &str, reason: &str) {
        let mut all = Vec::new();
        while all.len() < ATTEMPTS {
            let took = self.place_is_taken_and_given_back(to_one, to_two, reason);
            println!("{reason}: known to the other daemon, and its end, after {took:.0?}");
            if took.iter().all(|took| *took < SOON) {
                return;
            }
            all.push(took);
        }
        panic!("{reason}: {all:?}");
    }

    /// How long it took until the second refused a call, and until it took one.
    fn place_is_taken_and_given_back(&self, to_one: &str, to_two: &str, reason: &str) -> [Duration; 2] {
        let full = Fate::refused(503, reason);
        // What was before may be over at the other daemon, and not told here.
        let (first, _) = until_call(&self.one, to_one, &Fate::Answered, &full);
        let (_, filled) = until_call(&self.two, to_two, &full, &Fate::Answered);
        self.two.records_when(|records| records.iter().any(|record| record["reason"] == reason));
        first.hangs_up();
        let (last, freed) = until_call(&self.two, to_two, &Fate::Answered, &full);
        last.hangs_up();
        [filled, freed]
    }
}

/// A machine that has much else to do may be late.
const ATTEMPTS: usize = 3;
/// A change, and what a call takes, are to be known on the other daemon by then.
const SOON: Duration = Duration::from_secs(1);

#[test]
fn a_change_made_through_one_daemon_is_used_by_the_other_within_a_second() {
    let Some(pair) = Pair::start(28_000..=28_079, |_| {}, |_| {}) else { return };
    let answered = |daemon: &Daemon| Telephone::call(daemon.sip, CALLER, ECHO).1;
    assert_eq!(answered(&pair.two), Fate::Answered);
    let took = pair.change(&["number", "set", ECHO, "status=suspended"]);
    assert_eq!(answered(&pair.two), Fate::refused(480, "number-inactive"), "the next call is by it");
    let back = pair.change(&["number", "set", ECHO, "status=active"]);
    assert_eq!(answered(&pair.two), Fate::Answered);
    println!(
        "a change was used by the other daemon {took:.0?} after the answer to who made it, the next after {back:.0?}"
    );
    assert!(took < SOON && back < SOON, "{took:?} {back:?}");
}

#[test]
fn a_place_of_a_number_and_of_a_trunk_is_taken_by_a_call_on_either_daemon() {
    // A pair of ports rests after each call, and there are as many calls as fit into the time that the other daemon takes.
    let Some(pair) = Pair::start(28_160..=32_159, |_| {}, |_| {}) else { return };
    pair.change(&["number", "set", ECHO, "max_calls=1"]);
    pair.the_place_is_one(ECHO, ECHO, "number-full");
    pair.change(&["number", "set", ECHO, "max_calls=null"]);
    pair.change(&["trunk", "set", "pbx", "limits.max_calls=1"]);
    pair.the_place_is_one(ECHO, SECOND, "trunk-full");
}

#[test]
fn the_minutes_of_a_day_are_those_of_both_daemons() {
    let Some(pair) = Pair::start(28_080..=28_159, spoken_by_one, until_one_is_heard) else { return };
    for daemon in [&pair.two, &pair.one] {
        let (_, fate) = Telephone::call(daemon.sip, OUTWARD, OUTSIDE);
        assert_eq!(fate, Fate::refused(503, "rate-limited"), "{}", daemon.log());
    }
    let records = pair.two.records_when(|records| {
        records.len() == 3 && records.iter().all(|record| record["status"].is_string())
    });
    let words: Vec<_> = records.iter().filter_map(|record| record["detail"].as_str()).collect();
    assert_eq!(words.len(), 2, "{records:#?}");
    assert!(words.iter().all(|words| words.contains("max_minutes_per_day = 1")), "{words:?}");
}

/// The first has had a call of a minute in this day, and in the next, should that begin meanwhile.
fn spoken_by_one(url: &str) {
    wait_for(async {
        let midnight = Spoken::midnight(wall_ms());
        let call = CallRecord {
            trunk_id: Some("away".to_owned()),
            number: Some(OUTWARD.to_owned()),
            answered_at: Some(midnight),
            ended_at: Some(midnight + 86_400_000 + 60_000),
            status: Some(CallStatus::Completed),
            ..CallRecord::begin("0".repeat(32), CallDirection::Outbound, midnight)
        };
        let store = Store::open(url).await.unwrap().of_node("one");
        store.write(&[call]).await.unwrap();
        store.close().await;
    });
}

/// Waits until the database has what the first daemon tells of itself.
fn until_one_is_heard(url: &str) {
    wait_for(async {
        let store = Store::open(url).await.unwrap().of_node("test");
        let deadline = Instant::now() + PATIENCE;
        while store.sharing().unwrap().begin().await.is_empty() {
            assert!(Instant::now() < deadline, "the first daemon is never heard");
        }
        store.close().await;
    });
}

fn wait_for(work: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work);
}

fn wall_ms() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

/// The inventory that calls are routed by.
fn revision(daemon: &Daemon) -> u64 {
    let metrics = get(&daemon.api(), "/metrics").1;
    let value = metrics.lines().find_map(|line| line.strip_prefix("strowger_directory_revision "));
    value.unwrap().parse().unwrap()
}

/// Calls until that is what becomes of a call, which goes on if it is answered, and says how long it took. Until then nothing but `before` may.
fn until_call(daemon: &Daemon, to: &str, wanted: &Fate, before: &Fate) -> (Telephone, Duration) {
    let began = Instant::now();
    loop {
        let (telephone, fate) = Telephone::call(daemon.sip, CALLER, to);
        let took = began.elapsed();
        if fate == *wanted {
            return (telephone, took);
        }
        assert!(fate == *before && took < PATIENCE, "{fate:?}, not {wanted:?}\n{}", daemon.log());
        if fate == Fate::Answered {
            telephone.hangs_up();
        }
    }
}

fn until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}: never");
    }
}
