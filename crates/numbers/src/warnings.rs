//! What an operator should know of a number that is no fault.

use crate::{Directory, Number, NumberSource, NumberStatus, Outbound, Settings, Trunk};

impl Directory {
    /// Why calls to the number would not be answered, or not by an agent of its own, and why none would leave it, where that is not plainly
    /// meant. Empty for a number that does all that it is there for.
    pub fn warnings(&self, number: &Number) -> Vec<String> {
        warnings(number, self.settings(), self.trunk(&number.trunk_id).map(AsRef::as_ref))
    }
}

/// The same of a number, the settings, and the trunk that it is reached by.
pub fn warnings(number: &Number, settings: &Settings, trunk: Option<&Trunk>) -> Vec<String> {
    let mut warnings = Vec::new();
    warn_of_status(number, &mut warnings);
    warn_of_inbound(number, settings, trunk, &mut warnings);
    if number.outbound {
        warn_of_outbound(number, trunk, &mut warnings);
    }
    if !number.e164.is_in_numbering_plan() {
        warnings.push(
            "the number is not in the numbering plan of any country: check for a typing mistake".into(),
        );
    }
    warnings
}

fn warn_of_inbound(number: &Number, settings: &Settings, trunk: Option<&Trunk>, warnings: &mut Vec<String>) {
    if number.source == NumberSource::Personal {
        warnings.push("personal: calls to it are never answered here (inbound-disabled)".into());
        return;
    }
    if !number.inbound {
        warnings.push("inbound is off: calls to it are refused (inbound-disabled)".into());
        return;
    }
    match (&number.agent_id, &settings.default_agent_id) {
        (Some(_), _) => {}
        (None, Some(id)) => warnings.push(format!("unassigned: the default agent `{id}` answers")),
        (None, None) => warnings
            .push("no agent is assigned and there is no default agent: calls are refused (no-agent)".into()),
    }
    if !trunk.is_some_and(|trunk| trunk.inbound.as_ref().is_some_and(|inbound| inbound.enabled)) {
        warnings.push(format!("inbound is on, but trunk `{}` takes no inbound calls", number.trunk_id));
    }
}

fn warn_of_outbound(number: &Number, trunk: Option<&Trunk>, warnings: &mut Vec<String>) {
    let id = &number.trunk_id;
    let outbound = trunk.and_then(|trunk| trunk.outbound.as_ref());
    let Some(outbound) = outbound.filter(|outbound| outbound.enabled) else {
        warnings.push(format!("outbound is on, but trunk `{id}` takes no outbound calls"));
        return;
    };
    if outbound.gateways.is_empty() {
        warnings.push(format!("outbound is on, but trunk `{id}` has no gateways to send calls to"));
    }
    warnings.extend(nowhere(number, outbound));
}

fn warn_of_status(number: &Number, warnings: &mut Vec<String>) {
    if number.is_unverified() {
        warnings.push(
            "not verified: no call may show it until `strowger number verify` (number-unverified)".into(),
        );
    }
    match (number.status, number.source) {
        (NumberStatus::Active, _) | (NumberStatus::Pending, NumberSource::Personal) => {}
        (NumberStatus::Pending, _) => {
            warnings.push("pending: calls to it and from it are refused (number-inactive)".into());
        }
        (NumberStatus::Suspended, _) => {
            warnings.push("suspended: calls to it and from it are refused (number-inactive)".into());
        }
    }
}

fn nowhere(number: &Number, outbound: &Outbound) -> Option<String> {
    let id = &number.trunk_id;
    let list = match (&number.allowed_countries, &outbound.allowed_countries) {
        (Some(list), _) if list.0.is_empty() => "its allowed_countries is empty".to_owned(),
        (None, Some(list)) if list.0.is_empty() => {
            format!("outbound.allowed_countries of trunk `{id}` is empty")
        }
        (None, None) => format!("neither it nor outbound of trunk `{id}` has allowed_countries"),
        (Some(_), _) | (None, Some(_)) => return None,
    };
    Some(format!("outbound is on, but {list}: every call from it is refused (country-not-allowed)"))
}

#[cfg(test)]
mod tests {
    use crate::{Directory, E164, Inventory};

    const INVENTORY: &str = "
        agents = [{ id = 'reception', endpoint = { kind = 'echo' } }]
        trunks = [
            { id = 'acme', inbound = { addresses = ['192.0.2.1'] }, outbound = { gateways = [{ host = '192.0.2.1' }], allowed_countries = ['US'] } },
            { id = 'in', inbound = { addresses = ['192.0.2.2'] } },
            { id = 'bare', inbound = { addresses = ['192.0.2.3'] }, outbound = {} },
            { id = 'shut', inbound = { enabled = false }, outbound = { enabled = false } },
        ]
    ";

    fn warnings(settings: &str, number: &str) -> Vec<String> {
        let text = format!(
            "settings = {{ {settings} }}\n{INVENTORY}\nnumbers = [{{ e164 = '+14155550100', {number} }}]"
        );
        let directory = Directory::new(toml::from_str::<Inventory>(&text).unwrap()).unwrap();
        let number = directory.number(E164::parse("+14155550100").unwrap()).unwrap();
        directory.warnings(number)
    }

    #[test]
    fn a_number_that_does_what_it_is_there_for_has_none() {
        assert!(warnings("", "trunk_id = 'acme', agent_id = 'reception', outbound = true").is_empty());
    }

    #[test]
    fn a_typing_mistake_is_told() {
        let text = format!(
            "{INVENTORY}\nnumbers = [{{ e164 = '+10000000', trunk_id = 'acme', agent_id = 'reception' }}]"
        );
        let directory = Directory::new(toml::from_str::<Inventory>(&text).unwrap()).unwrap();
        let warnings: Vec<_> = directory.numbers().flat_map(|number| directory.warnings(number)).collect();
        assert!(warnings.len() == 1 && warnings[0].contains("check for a typing mistake"), "{warnings:?}");
    }

    #[test]
    fn every_reason_not_to_answer_and_not_to_call_is_told() {
        let default = "default_agent_id = 'reception'";
        let agent = "agent_id = 'reception'";
        for (settings, number, told) in [
            (
                default,
                "trunk_id = 'acme'".to_owned(),
                vec!["unassigned: the default agent `reception` answers"],
            ),
            ("", "trunk_id = 'acme'".into(), vec!["(no-agent)"]),
            ("", "trunk_id = 'acme', inbound = false".into(), vec!["inbound is off"]),
            ("", format!("trunk_id = 'acme', {agent}, status = 'suspended'"), vec!["suspended: "]),
            ("", format!("trunk_id = 'acme', {agent}, status = 'pending'"), vec!["pending: "]),
            ("", "trunk_id = 'acme', source = 'personal'".into(), vec!["(number-unverified)", "personal: "]),
            ("", format!("trunk_id = 'shut', {agent}"), vec!["trunk `shut` takes no inbound calls"]),
            (
                "",
                "trunk_id = 'acme', source = 'personal', status = 'suspended'".into(),
                vec!["(number-unverified)", "suspended: ", "personal: "],
            ),
            (
                "",
                "trunk_id = 'acme', source = 'personal', status = 'active', verified = { at = 1, by = 'ops' }".into(),
                vec!["personal: "],
            ),
            (
                "",
                format!("trunk_id = 'in', {agent}, outbound = true"),
                vec!["trunk `in` takes no outbound calls"],
            ),
            (
                "",
                format!("trunk_id = 'shut', {agent}, outbound = true"),
                vec!["takes no inbound calls", "takes no outbound calls"],
            ),
            (
                "",
                format!("trunk_id = 'bare', {agent}, outbound = true"),
                vec!["has no gateways", "neither it nor outbound of trunk `bare` has allowed_countries"],
            ),
            (
                "",
                format!("trunk_id = 'acme', {agent}, outbound = true, allowed_countries = []"),
                vec!["its allowed_countries is empty"],
            ),
        ] {
            let warnings = warnings(settings, &number);
            assert_eq!(warnings.len(), told.len(), "{number}: {warnings:?}");
            for (warning, told) in warnings.iter().zip(told) {
                assert!(warning.contains(told), "{number}: {warnings:?}");
            }
        }
    }
}
