//! A daemon as the system sees it.

use std::fs;
use std::path::{Path, PathBuf};

/// The daemon of that folder, in `/proc`: other programs run in the same folder under another name.
pub(crate) fn process_of(folder: &Path) -> PathBuf {
    let folder = fs::canonicalize(folder).unwrap();
    let processes = fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path());
    let mut found = processes.filter(|process| {
        fs::read_to_string(process.join("comm")).is_ok_and(|name| name.trim() == "strowger")
            && fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd == folder)
    });
    found.next().expect("the daemon runs in its folder")
}

pub(crate) fn resident_kib(process: &Path) -> u64 {
    let status = fs::read_to_string(process.join("status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
