//! Secrets that the inventory only names, `{ file = "..." }` or `{ env = "..." }`, are looked up here and nowhere else:
//! the store keeps the name, the directory that calls are routed by the secret.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Component, Path, PathBuf, absolute};

use admin::CheckSecret;
use numbers::Secret;

use crate::config::Config;

/// The directory below which files of secrets may be named over HTTP: who has a key of the API reads no other file by it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn of(config: &Config) -> Self {
        Self(config.secrets_folder())
    }

    /// Whether the file lies below it, whatever links there are.
    fn check_file(&self, file: &str) -> Result<(), String> {
        let folder = self.0.display();
        let outside = || {
            format!(
                "the file {file} is not below {folder}, where files of secrets lie (store.secrets_folder)"
            )
        };
        let climbs = Path::new(file).components().any(|part| part == Component::ParentDir);
        let (whole, within) = (absolute(file), absolute(&self.0));
        let (Ok(whole), Ok(within), false) = (whole, within, climbs) else { return Err(outside()) };
        if !whole.starts_with(within) {
            return Err(outside());
        }
        // Of what lies there, and only of that, may be told that it does not exist.
        let real = |path: &Path| {
            fs::canonicalize(path).map_err(|error| format!("{} can't be read: {error}", path.display()))
        };
        let (folder, file) = (real(&self.0)?, real(&whole)?);
        if file.starts_with(folder) { Ok(()) } else { Err(outside()) }
    }
}

impl CheckSecret for Folder {
    fn check(&self, secret: &Secret) -> Result<(), String> {
        match secret {
            Secret::File(named) => self.check_file(&named.file)?,
            Secret::Env(named) if !named.env.starts_with(NAMED) => {
                return Err(format!(
                    "over HTTP only variables that begin with {NAMED} may be named, and {} does not",
                    named.env.escape_debug()
                ));
            }
            Secret::Value(_) | Secret::Env(_) => {}
        }
        look_up(secret).map(drop)
    }
}

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

/// What variables begin with that may be named over HTTP: the others are the daemon's and the system's.
const NAMED: &str = "STROWGER_SECRET_";
/// More than any password or token has.
const LONGEST: u64 = 64 << 10;

pub(crate) const REMEDY: &str = "make it readable to this process, or write the secret itself";

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use numbers::{Inventory, SecretEnv, SecretFile};

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
    fn over_http_a_file_is_named_below_the_folder_and_nowhere_else() {
        let house = tempfile::tempdir().unwrap();
        let (inside, outside) = (house.path().join("secrets"), house.path().join("shadow"));
        fs::create_dir_all(inside.join("carriers")).unwrap();
        fs::write(inside.join("carriers/acme"), "hunter2\n").unwrap();
        fs::write(&outside, "root").unwrap();
        symlink(&outside, inside.join("link")).unwrap();
        symlink(house.path(), inside.join("up")).unwrap();
        symlink(inside.join("carriers/acme"), inside.join("alias")).unwrap();
        fs::create_dir(house.path().join("secrets-too")).unwrap();
        fs::write(house.path().join("secrets-too/x"), "x").unwrap();
        let folder = Folder(inside.clone());
        let check =
            |path: &Path| folder.check(&Secret::File(SecretFile { file: path.display().to_string() }));
        for path in ["carriers/acme", "./carriers//acme", "alias"] {
            assert_eq!(check(&inside.join(path)), Ok(()), "{path}");
        }
        for path in [
            outside.clone(),
            inside.join("link"),
            inside.join("up/shadow"),
            inside.join("../shadow"),
            inside.join("carriers/../carriers/acme"),
            house.path().join("secrets-too/x"),
            house.path().join("absent"),
            "/etc/passwd".into(),
            "".into(),
            "shadow".into(),
        ] {
            let refused = check(&path).unwrap_err();
            assert!(refused.contains("(store.secrets_folder)"), "{}: {refused}", path.display());
        }
        for path in ["absent", "carriers"] {
            let refused = check(&inside.join(path)).unwrap_err();
            assert!(refused.contains("can't be read"), "{refused}");
        }
        let nowhere = Folder(house.path().join("none"));
        let refused = nowhere
            .check(&Secret::File(SecretFile { file: house.path().join("none/x").display().to_string() }));
        assert!(refused.unwrap_err().contains("none can't be read"));
    }

    #[test]
    fn over_http_variables_are_named_that_are_there_for_it_and_no_others() {
        let folder = Folder("secrets".into());
        let check = |env: &str| folder.check(&Secret::Env(SecretEnv { env: env.into() })).unwrap_err();
        for own in ["PATH", "PGPASSWORD", "STROWGER__STORE__URL", ""] {
            assert!(check(own).contains("only variables that begin with STROWGER_SECRET_"), "{own}");
        }
        assert_eq!(
            check("STROWGER_SECRET_NOT_SET"),
            "the environment has no variable STROWGER_SECRET_NOT_SET"
        );
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
