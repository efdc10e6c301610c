//! What must not be seen in a log.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A password or token: given in place, or named by the file or environment variable that holds it. `Debug` never
/// shows it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "a string, { file = \"PATH\" } or { env = \"NAME\" }")]
pub enum Secret {
    /// The secret itself.
    Value(String),
    /// The file whose content it is, less the line end.
    File(SecretFile),
    /// The environment variable that holds it.
    Env(SecretEnv),
}

/// `{ file = "PATH" }`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SecretFile {
    /// The path of the file.
    pub file: String,
}

/// `{ env = "NAME" }`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SecretEnv {
    /// The name of the variable.
    pub env: String,
}

impl Secret {
    /// The secret itself. Empty while it is only named: a [`crate::Directory`] takes no such secret.
    pub fn reveal(&self) -> &str {
        match self {
            Self::Value(value) => value,
            Self::File(_) | Self::Env(_) => "",
        }
    }

    /// Is it still only named?
    pub const fn is_named(&self) -> bool {
        match self {
            Self::Value(_) => false,
            Self::File(_) | Self::Env(_) => true,
        }
    }
}

impl From<&str> for Secret {
    fn from(value: &str) -> Self {
        Self::Value(value.to_owned())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(_) => f.write_str("***"),
            Self::File(file) => file.fmt(f),
            Self::Env(env) => env.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_shows_its_value() {
        assert_eq!(format!("{:?}", Secret::from("hunter2")), "***");
    }

    #[test]
    fn may_be_named_by_a_file_or_a_variable() {
        let file: Secret = serde_json::from_str(r#"{"file": "/run/secrets/a"}"#).unwrap();
        assert_eq!(file, Secret::File(SecretFile { file: "/run/secrets/a".into() }));
        assert!(file.is_named());
        let env: Secret = serde_json::from_str(r#"{"env": "TOKEN"}"#).unwrap();
        assert_eq!(serde_json::to_string(&env).unwrap(), r#"{"env":"TOKEN"}"#);
        let error = serde_json::from_str::<Secret>(r#"{"vault": "x"}"#).unwrap_err().to_string();
        assert!(error.contains("{ env = \"NAME\" }"), "{error}");
    }
}
