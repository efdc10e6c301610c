//! The running daemon, as the command line speaks to it.

use std::time::Duration;

use admin::{Answer, FetchError, Trust, Url, Wanted};
use serde_json::Value;
use tokio::time::sleep;

use crate::cli;
use crate::commands::printable;
use crate::config::Config;
use crate::failure::Failure;

/// Where it is, and by which key it is spoken to.
#[derive(Clone, Debug)]
pub(crate) struct Daemon {
    url: Url,
    key: Option<String>,
    trust: Trust,
}

impl Daemon {
    /// By what the command line says, else by the configuration.
    ///
    /// # Errors
    /// Neither says where it is.
    pub(crate) fn find(told: &cli::Daemon) -> Result<Self, Failure> {
        let url = match &told.url {
            Some(url) => url.clone(),
            None => configured(&Config::load(told.config.path.as_deref())?).ok_or(Failure::NoAddress)?,
        };
        let trust = told.ca.as_deref().map_or_else(|| Ok(Trust::default()), Trust::with)?;
        Ok(Self { url, key: told.key.clone(), trust })
    }

    /// The document that answers it.
    ///
    /// # Errors
    /// There is no answer, or it is a refusal.
    pub(crate) async fn ask(&self, wanted: &Wanted<'_>) -> Result<Value, Failure> {
        self.document(&self.send(wanted).await?)
    }

    /// The document at a path, for who reads many in a row: who is told to ask again soon does.
    ///
    /// # Errors
    /// There is no answer, or it is a refusal.
    pub(crate) async fn read(&self, path: &str) -> Result<Value, Failure> {
        let wanted = Wanted::get(path);
        for _ in 0..TIMES {
            let answer = self.answer(&wanted).await?;
            match answer.retry_after_s.map(Duration::from_secs) {
                Some(pause) if answer.status == 429 && pause <= LONGEST => sleep(pause).await,
                Some(_) | None => return self.document(&self.taken(path, answer)?),
            }
        }
        self.ask(&wanted).await
    }

    /// An answer that is none of a refusal.
    ///
    /// # Errors
    /// There is no answer, or it is a refusal.
    pub(crate) async fn send(&self, wanted: &Wanted<'_>) -> Result<Answer, Failure> {
        let answer = self.answer(wanted).await?;
        self.taken(wanted.path, answer)
    }

    async fn answer(&self, wanted: &Wanted<'_>) -> Result<Answer, FetchError> {
        self.url.send(&Wanted { key: self.key.as_deref(), ..*wanted }, &self.trust).await
    }

    /// The answer, unless it is a refusal.
    fn taken(&self, path: &str, answer: Answer) -> Result<Answer, Failure> {
        if (200..300).contains(&answer.status) {
            return Ok(answer);
        }
        let problem: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        if problem["type"] == "urn:strowger:problem:path-unknown" {
            let path = path.split('?').next().unwrap_or_default().to_owned();
            return Err(Failure::NotServed { url: self.url.clone(), path });
        }
        let words = self.words(path, answer.status, &problem);
        Err(Failure::Refused { words, problem: Box::new(problem) })
    }

    /// What it says; nothing is `null`.
    fn document(&self, answer: &Answer) -> Result<Value, Failure> {
        if answer.body.is_empty() {
            return Ok(Value::Null);
        }
        let strange = |words: serde_json::Error| FetchError::Strange {
            url: self.url.to_string(),
            words: words.to_string(),
        };
        Ok(serde_json::from_slice(&answer.body).map_err(strange)?)
    }

    /// A problem document in words: the field that is at fault, and what to do.
    fn words(&self, path: &str, status: u16, problem: &Value) -> String {
        let text = |key: &str| problem[key].as_str().map(printable);
        let Some(detail) = text("detail").or_else(|| text("title")) else {
            let url = &self.url;
            return format!(
                "{url} answers {status} to {path}: it is no strowger; say with --url where it listens"
            );
        };
        if status == 401 {
            return match self.key {
                None => "it asks for a key: give one by --key or STROWGER_KEY".to_owned(),
                Some(_) => format!("the key given by --key or STROWGER_KEY is not taken: {detail}"),
            };
        }
        match text("field") {
            Some(field) if !detail.contains(&field) => format!("{field}: {detail}"),
            Some(_) | None => detail,
        }
    }
}

/// Where the configuration says that the daemon listens. A port of the system's choice is not known.
pub(crate) fn configured(config: &Config) -> Option<Url> {
    let url = config.admin.listen.0.filter(|address| address.port() != 0).map(Url::from);
    if config.admin.certificate.0.is_some() { url.map(Url::secure) } else { url }
}

/// So often the same is asked again at most, if others ask much too.
const TIMES: usize = 5;
/// Who is to wait for longer is told so.
const LONGEST: Duration = Duration::from_secs(10);
