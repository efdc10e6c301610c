//! The first minute of a new user: `strowger demo` holds, in time, and leaves nothing behind.

use std::process::Command;
use std::time::{Duration, Instant};

#[test]
fn the_demo_holds_within_20_s_and_leaves_no_file() {
    let directory = tempfile::TempDir::new().unwrap();
    let began = Instant::now();
    let output = Command::new(env!("CARGO_BIN_EXE_strowger"))
        .arg("demo")
        .current_dir(directory.path())
        .output()
        .unwrap();
    let took = began.elapsed();
    let out = String::from_utf8(output.stdout).unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{out}\n{err}");
    assert!(!out.contains("FAILED") && out.contains("checks held"), "{out}");
    for story in [
        "carrier -> strowger  INVITE",
        "strowger -> carrier  180",
        "strowger -> carrier  404",
        "(nothing came back)",
        "strowger -> carrier  BYE",
        "the caller's audio came back to it: 24000 of 24000 samples equal",
        "digits that the bot saw: 42#",
        "did-unknown",
        "source-unknown",
    ] {
        assert!(out.contains(story), "no `{story}` in\n{out}");
    }
    assert_eq!(err, "", "nothing to complain of");
    assert!(took < Duration::from_secs(20), "{took:?}");
    assert_eq!(directory.path().read_dir().unwrap().count(), 0, "no files");
}
