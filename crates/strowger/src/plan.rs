//! The plan of `strowger apply`, like that of a diff, and no longer than anybody reads.

use std::fmt::Write;

use serde_json::{Value, json};
use store::{Action, Change, FieldChange, Kind, Plan};

use crate::table::STRUCK;

/// How much of a plan is printed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Length {
    /// The first changes, and how many more there are.
    Bounded,
    Full,
}

/// A line for each object, one for each field that changes, and one of counts.
pub(crate) fn text(plan: &Plan, length: Length) -> String {
    if plan.is_empty() {
        return "nothing to do".to_owned();
    }
    let most = match length {
        Length::Bounded => SHOWN,
        Length::Full => usize::MAX,
    };
    let (shown, rest) = plan.changes.split_at(plan.changes.len().min(most));
    let mut text = String::new();
    for change in shown {
        // Writing to a string does not fail.
        writeln!(text, "{change}").ok();
    }
    if !rest.is_empty() {
        writeln!(text, "... and {} more; --full shows all:", rest.len()).ok();
        for line in census(rest) {
            writeln!(text, "{line}").ok();
        }
    }
    text + &plan.summary()
}

/// All of it. `old` and `new` are values, null for what is not there.
pub(crate) fn document(plan: &Plan) -> Value {
    let change = |change: &Change| {
        let (action, fields) = match &change.action {
            Action::Add => ("add", &[][..]),
            Action::Change(fields) => ("change", fields.as_slice()),
            Action::Remove => ("remove", &[][..]),
        };
        let fields: Vec<_> = fields.iter().map(field).collect();
        json!({ "action": action, "kind": change.kind.word(), "id": change.id, "fields": fields })
    };
    let (add, changed, remove) = plan.counts();
    json!({
        "add": add,
        "change": changed,
        "remove": remove,
        "changes": plan.changes.iter().map(change).collect::<Vec<_>>(),
    })
}

fn field(change: &FieldChange) -> Value {
    // What may be secret is no JSON.
    let value = |text: &String| serde_json::from_str(text).unwrap_or_else(|_| Value::from(STRUCK));
    json!({
        "field": change.key,
        "old": change.old.as_ref().map(value),
        "new": change.new.as_ref().map(value),
    })
}

/// How many of each kind come, change and go.
fn census(changes: &[Change]) -> Vec<String> {
    let mut lines = Vec::new();
    for kind in [Kind::Settings, Kind::Agent, Kind::Trunk, Kind::Number] {
        for sign in ['+', '~', '-'] {
            let is_counted = |change: &&Change| change.kind == kind && sign_of(&change.action) == sign;
            let count = changes.iter().filter(is_counted).count();
            if count > 0 {
                let plural = if count == 1 || kind == Kind::Settings { "" } else { "s" };
                lines.push(format!("{sign} {count} {kind}{plural}"));
            }
        }
    }
    lines
}

const fn sign_of(action: &Action) -> char {
    match action {
        Action::Add => '+',
        Action::Change(_) => '~',
        Action::Remove => '-',
    }
}

/// A plan that is longer is the work of a program, and read by one.
const SHOWN: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(changes: Vec<Change>) -> Plan {
        Plan { revision: 1, changes }
    }

    fn change(kind: Kind, id: &str, action: Action) -> Change {
        Change { kind, id: id.to_owned(), action }
    }

    #[test]
    fn a_plan_reads_like_a_diff_and_ends_in_counts() {
        let fields = vec![
            FieldChange { key: "agent_id".into(), old: None, new: Some("\"sales\"".into()) },
            FieldChange { key: "outbound".into(), old: Some("false".into()), new: Some("true".into()) },
        ];
        let plan = plan(vec![
            change(Kind::Agent, "sales", Action::Add),
            change(Kind::Trunk, "old", Action::Remove),
            change(Kind::Number, "+14155550100", Action::Change(fields)),
        ]);
        assert_eq!(
            text(&plan, Length::Bounded),
            "+ agent sales\n- trunk old\n~ number +14155550100\n    agent_id: (none) -> \"sales\"\n    \
             outbound: false -> true\n1 to add, 1 to change, 1 to remove"
        );
    }

    #[test]
    fn a_plan_in_json_has_values_and_no_secret() {
        let fields = vec![
            FieldChange { key: "agent_id".into(), old: None, new: Some("\"sales\"".into()) },
            FieldChange { key: "endpoint.headers".into(), old: None, new: Some("(hidden)".into()) },
        ];
        let plan = plan(vec![
            change(Kind::Trunk, "old", Action::Remove),
            change(Kind::Settings, "", Action::Change(fields)),
        ]);
        let expected = json!({
            "add": 0, "change": 1, "remove": 1,
            "changes": [
                { "action": "remove", "kind": "trunk", "id": "old", "fields": [] },
                { "action": "change", "kind": "settings", "id": "", "fields": [
                    { "field": "agent_id", "old": null, "new": "sales" },
                    { "field": "endpoint.headers", "old": null, "new": "***" },
                ] },
            ],
        });
        assert_eq!(document(&plan), expected);
    }

    #[test]
    fn nothing_to_do_is_said_so() {
        assert_eq!(text(&plan(Vec::new()), Length::Bounded), "nothing to do");
    }

    #[test]
    fn a_long_plan_is_cut_and_says_what_was_left_out() {
        let numbers = (0..100_000).map(|n| change(Kind::Number, &format!("+1{n:010}"), Action::Add));
        let plan = plan(numbers.chain([change(Kind::Agent, "a", Action::Remove)]).collect());
        let bounded = text(&plan, Length::Bounded);
        assert_eq!(bounded.lines().count(), SHOWN + 4);
        let end = bounded.lines().skip(SHOWN).collect::<Vec<_>>().join("\n");
        assert_eq!(
            end,
            "... and 99901 more; --full shows all:\n- 1 agent\n+ 99900 numbers\n100000 to add, 0 to change, 1 to remove"
        );
        assert_eq!(text(&plan, Length::Full).lines().count(), 100_002);
    }
}
