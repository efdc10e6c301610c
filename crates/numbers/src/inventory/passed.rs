//! Which headers of a caller's INVITE an agent is let see.

use super::Agent;
use super::trunk::is_token;

impl Agent {
    /// How a header of the caller's INVITE is spelled for this agent; `None` if `pass_headers` does not let it through. A name that
    /// the list spells out is spelled so, one that it covers by `*` as received.
    pub fn passes<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        if !is_passable(name) {
            return None;
        }
        let spelled = self.pass_headers.iter().find(|own| own.eq_ignore_ascii_case(name));
        let covered = || self.pass_headers.iter().any(|own| covers(own, name));
        spelled.map(String::as_str).or_else(|| covered().then_some(name))
    }
}

/// Whether a header may be let through to an agent at all: what says something of the call, and nothing of how its messages go or of
/// who takes part in it.
pub fn is_passable(name: &str) -> bool {
    let named = PASSABLE.iter().any(|own| own.eq_ignore_ascii_case(name));
    named || (name.len() > PRIVATE.len() && starts_with(name, PRIVATE) && is_token(name))
}

/// Whether this may stand in a list of headers to pass.
pub(super) fn is_pattern(text: &str) -> bool {
    match text.strip_suffix('*') {
        Some(prefix) => starts_with(prefix, PRIVATE) && is_token(prefix) && !prefix.contains('*'),
        None => is_passable(text) && !text.contains('*'),
    }
}

fn covers(pattern: &str, name: &str) -> bool {
    pattern.strip_suffix('*').is_some_and(|prefix| starts_with(name, prefix))
}

fn starts_with(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

/// What private headers begin with.
const PRIVATE: &str = "X-";

/// Those beside the private ones.
pub(super) const PASSABLE: [&str; 7] =
    ["Accept-Language", "Alert-Info", "Call-Info", "Organization", "Priority", "Subject", "User-to-User"];

#[cfg(test)]
mod tests {
    use super::*;

    fn agent(patterns: &[&str]) -> Agent {
        let agent =
            serde_json::json!({ "id": "a", "endpoint": { "kind": "echo" }, "pass_headers": patterns });
        serde_json::from_value(agent).unwrap()
    }

    #[test]
    fn what_the_list_names_or_covers_is_passed() {
        let agent = agent(&["X-Account", "X-Acme-*", "Subject"]);
        for (name, spelled) in [
            ("x-account", Some("X-Account")),
            ("X-ACME-Id", Some("X-ACME-Id")),
            ("subject", Some("Subject")),
            ("X-Acme-", Some("X-Acme-")),
            ("X-Acme", None),
            ("X-Accounts", None),
            ("Priority", None),
        ] {
            assert_eq!(agent.passes(name), spelled, "{name}");
        }
    }

    #[test]
    fn what_routes_a_call_is_never_passed_whatever_the_list_says() {
        let names = [
            "Via",
            "v",
            "Route",
            "Record-Route",
            "Contact",
            "From",
            "Call-ID",
            "User-Agent",
            "P-Asserted-Identity",
        ];
        let agent = agent(&["*", "V*", "P-*", "X-*"].into_iter().chain(names).collect::<Vec<_>>());
        for name in names {
            assert_eq!(agent.passes(name), None, "{name}");
        }
        assert_eq!(agent.passes("X-"), None);
        assert_eq!(agent.passes("X-a b"), None);
    }

    #[test]
    fn a_pattern_is_a_passable_name_or_a_private_prefix() {
        for pattern in ["X-*", "x-acme-*", "X-Account", "user-to-user"] {
            assert!(is_pattern(pattern), "{pattern}");
        }
        for pattern in ["", "*", "X*", "X-", "X-a*b", "X-**", "P-*", "Via", "X-a b*", "X-é*"] {
            assert!(!is_pattern(pattern), "{pattern}");
        }
    }
}
