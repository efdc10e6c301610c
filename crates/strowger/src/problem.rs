//! A failure as a problem document (RFC 9457), as `--json` has it on standard error.

use serde_json::{Value, json};

use crate::failure::Failure;
use crate::fault::{Fault, Faults};

/// What the daemon said, as it said it; of all else a document of the same shape, without the status of an answer that there was not.
pub(crate) fn document(failure: &Failure) -> Value {
    let (kind, title) = match failure {
        Failure::Refused { problem, .. } if problem["type"].is_string() => return (**problem).clone(),
        Failure::Faulty(faults) => return faulty(faults),
        Failure::Refused { .. } | Failure::Daemon(admin::FetchError::Strange { .. }) => {
            ("daemon-strange", "The daemon gives no answer that is known")
        }
        Failure::Daemon(admin::FetchError::Unreachable { .. }) => {
            ("daemon-unreachable", "There is no daemon")
        }
        Failure::NoAddress => ("daemon-nowhere", "Nobody says where the daemon listens"),
        Failure::NotServed { .. } => ("path-unknown", "No such resource"),
        Failure::Absent(_) => ("unknown", "There is no such thing"),
        Failure::Ambiguous(_) => ("id-ambiguous", "More than one call"),
        Failure::Trust(_) | Failure::Tls(_) => ("certificate-faulty", "A file of TLS can't be used"),
        Failure::Store(_) => ("store-failed", "The store can't be used"),
        Failure::Output(_) | Failure::Json(_) | Failure::Pages { .. } => {
            ("output-failed", "The answer can't be written")
        }
        Failure::Listen(_)
        | Failure::Admin(_)
        | Failure::Collector(..)
        | Failure::Workers(_)
        | Failure::NoIoUring(_)
        | Failure::Randomness(_)
        | Failure::Signals(_)
        | Failure::Runtime(_)
        | Failure::Loopback(_)
        | Failure::Indexing(_)
        | Failure::Signalling(_)
        | Failure::Worker(_)
        | Failure::Recorder(_)
        | Failure::Sharing(_)
        | Failure::Carrier(_) => ("failed", "It can't go on"),
    };
    told(kind, title, &failure.to_string())
}

fn faulty(faults: &Faults) -> Value {
    let detail = faults.0.first().map(ToString::to_string).unwrap_or_default();
    let mut document = told("files-faulty", "What is written can't be taken", &detail);
    if let Some(first) = faults.0.first().filter(|first| !first.key.is_empty()) {
        document["field"] = first.key.as_str().into();
    }
    document["errors"] = faults.0.iter().map(error).collect();
    document
}

fn error(fault: &Fault) -> Value {
    let detail =
        [fault.message.as_str(), fault.remedy.as_str()].into_iter().filter(|words| !words.is_empty());
    json!({
        "place": fault.place.to_string(),
        "field": if fault.key.is_empty() { Value::Null } else { fault.key.as_str().into() },
        "detail": detail.collect::<Vec<_>>().join("; "),
    })
}

fn told(kind: &str, title: &str, detail: &str) -> Value {
    json!({ "type": format!("urn:strowger:problem:{kind}"), "title": title, "detail": detail })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Place;

    #[test]
    fn every_fault_of_a_file_stands_in_the_document_with_its_place() {
        let fault = |line, key: &str, remedy: &str| Fault {
            place: Place::Line { file: "a.toml".into(), line },
            key: key.into(),
            message: "no such trunk".into(),
            remedy: remedy.into(),
        };
        let faults = Faults(vec![fault(3, "numbers[0].trunk_id", "name one"), fault(9, "", "")]);
        assert_eq!(
            document(&faults.into()),
            json!({
                "type": "urn:strowger:problem:files-faulty",
                "title": "What is written can't be taken",
                "detail": "a.toml:3: numbers[0].trunk_id: no such trunk; name one",
                "field": "numbers[0].trunk_id",
                "errors": [
                    { "place": "a.toml:3", "field": "numbers[0].trunk_id", "detail": "no such trunk; name one" },
                    { "place": "a.toml:9", "field": null, "detail": "no such trunk" },
                ],
            })
        );
    }

    #[test]
    fn what_the_daemon_says_stays_as_it_is() {
        let problem =
            json!({ "type": "urn:strowger:problem:exists", "status": 409, "detail": "it is there" });
        let refused = Failure::Refused { words: "it is there".into(), problem: Box::new(problem.clone()) };
        assert_eq!(document(&refused), problem);
        let strange = Failure::Refused { words: "it is no strowger".into(), problem: Box::new(Value::Null) };
        assert_eq!(document(&strange)["detail"], "it is no strowger");
    }
}
