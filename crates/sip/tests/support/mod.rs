//! The message corpus, where there is one.

#![expect(clippy::disallowed_methods, reason = "a corpus lies in files, where the environment says")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

/// The files of a folder of the message corpus, as paths within it and their bytes; `None`, said aloud, where it is absent.
pub(crate) fn folder(name: &str) -> Option<Vec<(String, Vec<u8>)>> {
    let root = std::env::var_os("STROWGER_CORPUS").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")),
        PathBuf::from,
    );
    let folder = root.join("sip_messages").join(name);
    let mut files = Vec::new();
    collect(&folder, &folder, &mut files);
    files.retain(|(path, _)| path != "SOURCE.txt" && path != "MANIFEST.json");
    files.sort();
    if files.is_empty() {
        eprintln!("skipped: no messages in {}", folder.display());
        return None;
    }
    Some(files)
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, files);
        } else {
            let name = path.strip_prefix(root).unwrap().display().to_string();
            files.push((name, fs::read(&path).unwrap()));
        }
    }
}

/// Where the headers end: behind the blank line. Blank lines in front of the message don't count.
pub(crate) fn head(message: &[u8]) -> Option<usize> {
    let blank = message.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    let end = message[blank..].windows(4).position(|window| window == b"\r\n\r\n")?;
    Some(blank + end + 4)
}

/// The message with the Content-Length that its body has, wherever it says another; with the blank line after the headers that
/// the cutting of the files lost here and there.
pub(crate) fn mended(message: &[u8]) -> Vec<u8> {
    let mut message = message.to_vec();
    while head(&message).is_none() {
        message.extend_from_slice(b"\r\n");
    }
    let end = head(&message).unwrap();
    let (head, body) = message.split_at(end);
    let mut mended = Vec::new();
    for line in head.split_inclusive(|&byte| byte == b'\n') {
        let name = line.split(|&byte| byte == b':').next().unwrap().trim_ascii();
        if name.eq_ignore_ascii_case(b"Content-Length") || name.eq_ignore_ascii_case(b"l") {
            mended.extend_from_slice(format!("Content-Length: {}\r\n", body.len()).as_bytes());
        } else {
            mended.extend_from_slice(line);
        }
    }
    mended.extend_from_slice(body);
    mended
}
