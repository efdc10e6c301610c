//! Secrets that the inventory only names, `{ file = "..." }` or `{ env = "..." }`, are looked up here and nowhere else:
//! the store keeps the name, the directory that calls are routed by the secret.

use std::fs::{self, File};
use std::io::{self, Read as _};

use numbers::Secret;

/// The secret, wherever it is.
///
/// # Errors
/// Why it can't be had.
pub(crate) fn look_up(secret: &Secret) -> Result<String, String> {
    match secret {
        Secret::Value(value) => Ok(value.clone()),
        Secret::File(named) => read(&named.file)
            .map(|text| text.trim_end_matches(['\r', '\n']).to_owned())
            .map_err(|error| format!("the file {} can't be read: {error}", named.file)),
        Secret::Env(named) => {
            std::env::var(&named.env).map_err(|_| format!("the environment has no variable {}", named.env))
        }
    }
}

/// Whole, and soon: a pipe or a device may have no end, or nothing to say.
fn read(path: &str) -> io::Result<String> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let mut text = String::new();
    File::open(path)?.take(LONGEST + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LONGEST {
        return Err(io::Error::other(format!("it has more than {LONGEST} octets")));
    }
    Ok(text)
}

/// More than any password or token has.
const LONGEST: u64 = 64 << 10;

pub(crate) const REMEDY: &str = "make it readable to this process, or write the secret itself";

#[cfg(test)]
mod tests {
    use numbers::{Inventory, SecretFile};

    use super::*;

    fn of_file(path: &str) -> Result<String, String> {
        look_up(&Secret::File(SecretFile { file: path.into() }))
    }

    #[test]
    fn every_secret_that_is_nowhere_is_told_with_its_path() {
        let text = "[[agents]]\nid = \"a\"\n[agents.endpoint]\nkind = \"media-stream\"\nurl = \"wss://bot.example\"\n\
                    [agents.endpoint.headers]\nX-A = \"in place\"\nX-B = { env = \"STROWGER_TEST_NOT_SET\" }\n\
                    [[trunks]]\nid = \"t\"\n[trunks.outbound.headers]\nX-C = { env = \"STROWGER_TEST_NOT_SET\" }\n";
        let inventory: Inventory = toml::from_str(text).unwrap();
        let faults = inventory.resolve(look_up).unwrap_err();
        let paths: Vec<_> = faults.iter().map(|fault| fault.path.as_str()).collect();
        assert_eq!(paths, ["agents[0].endpoint.headers.X-B", "trunks[0].outbound.headers.X-C"]);
        assert_eq!(faults[0].message, "the environment has no variable STROWGER_TEST_NOT_SET");
    }

    #[test]
    fn a_secret_in_a_file_is_its_content_without_the_line_end() {
        assert_eq!(of_file("/proc/sys/kernel/ostype").unwrap(), "Linux");
    }

    #[test]
    fn what_has_no_end_is_no_secret() {
        for device in ["/dev/zero", "/dev/null", "/proc"] {
            let refused = of_file(device).unwrap_err();
            assert_eq!(refused, format!("the file {device} can't be read: it is no regular file"));
        }
        let large = std::env::temp_dir().join(format!("strowger-large-secret-{}", std::process::id()));
        fs::write(&large, "x".repeat(65_536)).unwrap();
        assert_eq!(of_file(&large.display().to_string()).unwrap().len(), 65_536);
        fs::write(&large, "x".repeat(65_537)).unwrap();
        let refused = of_file(&large.display().to_string()).unwrap_err();
        fs::remove_file(&large).unwrap();
        assert!(refused.ends_with("it has more than 65536 octets"), "{refused}");
    }
}
