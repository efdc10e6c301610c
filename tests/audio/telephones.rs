//! Encrypted calls with a telephone that nobody here wrote: baresip, as Debian packs it, with SRTP keyed by descriptions (RFC 4568). What it
//! decrypts is compared with what was said.

use serde_json::Value;

use crate::baresip::{Baresip, is_installed};
use crate::heard::likenesses;
use crate::signal::signal;
use crate::story::place;
use crate::support::Daemon;

const ECHO: &str = "+14155550100";
const DESK: &str = "+14155550101";
const SUITE: &str = "AES_CM_128_HMAC_SHA1_80";
/// Frames that who calls says: four seconds.
const SHORT: usize = 200;
/// And who is called: longer, so that the caller ends the call.
const LONG: usize = 400;

/// The trunk of who calls, and an agent that is called, each with what it wants of encryption.
fn inventory(caller: &str, desk: &Baresip) -> String {
    format!(
        "[[agents]]\nid = \"echo\"\nendpoint = {{ kind = \"echo\" }}\n\
         [[agents]]\nid = \"desk\"\nendpoint = {{ kind = \"sip\", uri = \"sip:100@{}\", media_encryption = \"required\" }}\n\
         [[trunks]]\nid = \"pbx\"\ninbound = {{ addresses = [\"127.0.0.0/8\"], media_encryption = \"{caller}\" }}\n\
         [[numbers]]\ne164 = \"{ECHO}\"\ntrunk_id = \"pbx\"\nagent_id = \"echo\"\n\
         [[numbers]]\ne164 = \"{DESK}\"\ntrunk_id = \"pbx\"\nagent_id = \"desk\"\n",
        desk.sip()
    )
}

/// Waits for the end of the only call: in order, and with these suites.
fn assert_record(daemon: &Daemon, a: Option<&str>, b: Option<&str>) {
    daemon.logged("status=completed");
    let records = daemon.records_when(|records| records.len() == 1 && !records[0]["status"].is_null());
    let [record] = &records[..] else { panic!("{records:?}") };
    assert_eq!(record["status"], "completed", "{record}");
    let suites = [&record["media_encryption_a"], &record["media_encryption_b"]];
    assert_eq!(suites.map(Value::as_str), [a, b], "{record}");
}

/// A telephone without time to play may play something else for a while, or begin late: a part that is right says enough, since of what is
/// decrypted by a wrong key none is.
#[track_caller]
fn assert_heard(said: &[i16], heard: &[i16]) {
    let likenesses = likenesses(said, heard);
    println!("{likenesses:.5?} in {} samples", heard.len());
    assert!(
        likenesses.iter().any(|likeness| *likeness > 0.999),
        "{likenesses:.5?} in {} samples",
        heard.len()
    );
}

#[tokio::test]
async fn a_telephone_that_insists_on_encryption_hears_its_own_echo() {
    if !is_installed() {
        return;
    }
    let _place = place().await;
    let said = signal(SHORT, 1);
    let mut caller = Baresip::new("srtp-mand", &said);
    let daemon = Daemon::start(&inventory("required", &caller));
    caller.call(ECHO, daemon.sip);
    assert_record(&daemon, Some(SUITE), None);
    assert_heard(&said, &caller.heard());
}

#[tokio::test]
async fn a_plain_telephone_and_an_encrypted_one_hear_each_other() {
    if !is_installed() {
        return;
    }
    let _place = place().await;
    let [a, b] = [signal(SHORT, 2), signal(LONG, 3)];
    let (mut caller, mut desk) = (Baresip::new("", &a), Baresip::new("srtp-mand", &b));
    let daemon = Daemon::start(&inventory("off", &desk));
    desk.wait();
    caller.call(DESK, daemon.sip);
    assert_record(&daemon, None, Some(SUITE));
    assert_heard(&a, &desk.heard());
    assert_heard(&b[..a.len()], &caller.heard());
}
