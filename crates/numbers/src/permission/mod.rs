//! May this call leave, and by which trunk? The one place that lets a call out, on whatever way it was asked for: a snapshot, the asking and
//! the live usage go in, a permit or a denial comes out.

mod emergency;
mod form;
#[cfg(test)]
mod ladder_tests;
mod objection;
mod target;
#[cfg(test)]
mod writing_tests;

use std::sync::Arc;

pub(crate) use self::emergency::short as emergency_short;
pub(crate) use self::objection::Objection;
use self::target::{Place, Target, country_of};
use crate::usage::{check_calls, check_minutes, check_starts};
use crate::{
    AllowedCountries, Country, Directory, E164, Limits, Number, NumberStatus, Outbound, Refusal, Special,
    Trunk, Usage, did,
};

/// What somebody wants to call.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The calling number as written.
    pub from: &'a str,
    /// The destination as dialled: a user part, a `tel:` URI or digits, unescaped.
    pub to: &'a str,
    /// The country whose national writing the asker uses.
    pub country: Option<Country>,
}

/// A call that may leave. It goes to [`Permit::to`] and nowhere else, whatever was written. Only [`permit_outbound`] makes one, and
/// nobody changes it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Permit {
    number: Arc<Number>,
    trunk: Arc<Trunk>,
    to: E164,
    rule: String,
}

impl Permit {
    /// The calling number.
    pub const fn number(&self) -> &Arc<Number> {
        &self.number
    }

    /// The trunk that it leaves by.
    pub const fn trunk(&self) -> &Arc<Trunk> {
        &self.trunk
    }

    /// Whom it reaches. Written for the trunk by [`Outbound::dialled`].
    pub const fn to(&self) -> E164 {
        self.to
    }

    /// Which rule let it out, in words.
    pub fn rule(&self) -> &str {
        &self.rule
    }
}

/// A call that may not leave.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Denial {
    /// The reason.
    pub refusal: Refusal,
    /// Which rule of which object, and what to change. Holds no telephone number: fit for logs.
    pub words: String,
    /// Seconds for Retry-After.
    pub retry_after: Option<u32>,
    /// The calling number, if it is ours.
    pub number: Option<Arc<Number>>,
    /// The destination, if it is a number.
    pub to: Option<E164>,
}

/// Permits a call to leave.
///
/// What is looked at, in this order: the calling number, its trunk, the destination, the lists of countries and of special
/// destinations, and last the room, so that what would be refused anywhere is not tried again elsewhere.
///
/// # Errors
///
/// The first of the reasons against it.
pub fn permit_outbound(
    directory: &Directory,
    asked: &Asked<'_>,
    usage: &impl Usage,
    limits: &Limits,
) -> Result<Permit, Denial> {
    let number = calling_number(directory, asked).map_err(|objection| objection.denial(None, None))?;
    let (trunk, outbound) =
        check_caller(directory, number).map_err(|objection| objection.denial(Some(number), None))?;
    let target = Target::read(asked.to, asked.country, country_of(number.e164))
        .map_err(|objection| objection.denial(Some(number), None))?;
    let rule = check_target(number, trunk, outbound, &target)
        .and_then(|rule| {
            check_calls(trunk, number, usage, limits)?;
            check_starts(trunk, number, usage)?;
            check_minutes(trunk, number, usage)?;
            Ok(rule)
        })
        .map_err(|objection| objection.denial(Some(number), Some(target.e164)))?;
    Ok(Permit { number: Arc::clone(number), trunk: Arc::clone(trunk), to: target.e164, rule })
}

/// Bare digits that are a number of ours as they stand are that number, whatever the country.
fn calling_number<'a>(directory: &'a Directory, asked: &Asked<'_>) -> Result<&'a Arc<Number>, Objection> {
    let ours = |e164: Option<E164>| directory.number(e164?);
    ours(E164::parse(asked.from).ok())
        .or_else(|| ours(did::normalise(asked.from, asked.country, None)))
        .or_else(|| ours(E164::from_digits(asked.from).ok()))
        .ok_or_else(|| {
            let words = "the calling number is not in the inventory; call from one of its numbers, or add it to [[numbers]]";
            Objection::new(Refusal::CallerNotOwned, words)
        })
}

/// The calling number's own state, and its trunk.
fn check_caller<'a>(
    directory: &'a Directory,
    number: &Number,
) -> Result<(&'a Arc<Trunk>, &'a Outbound), Objection> {
    match number.status {
        NumberStatus::Active | NumberStatus::Pending if number.is_unverified() => {
            let words = "the calling number is personal and not verified: `strowger number verify` says that its owner was asked";
            return Err(Objection::new(Refusal::NumberUnverified, words));
        }
        NumberStatus::Active => {}
        NumberStatus::Pending => {
            let words = "the calling number is pending; set its status to active when it is in use";
            return Err(Objection::new(Refusal::NumberInactive, words));
        }
        NumberStatus::Suspended => {
            let words = "the calling number is suspended; set its status to active to use it again";
            return Err(Objection::new(Refusal::NumberInactive, words));
        }
    }
    if !number.outbound {
        let words = "outbound of the calling number is off; set outbound = true on it";
        return Err(Objection::new(Refusal::OutboundDisabled, words));
    }
    let id = &number.trunk_id;
    let off = |words| Objection::new(Refusal::OutboundDisabled, words);
    let trunk = directory.trunk(id).ok_or_else(|| off(format!("there is no trunk `{id}`")))?;
    let outbound = trunk.outbound.as_ref();
    let outbound = outbound
        .ok_or_else(|| off(format!("trunk `{id}` takes no outbound calls; give it an `outbound`")))?;
    if !outbound.enabled {
        return Err(off(format!("outbound of trunk `{id}` is off; set outbound.enabled = true on it")));
    }
    Ok((trunk, outbound))
}

/// The lists: of countries, and of special destinations. Says which entry holds the target.
fn check_target(
    number: &Number,
    trunk: &Trunk,
    outbound: &Outbound,
    target: &Target,
) -> Result<String, Objection> {
    let id = &trunk.id;
    let special = target.special.map(|special| (special, outbound.allow_special.contains(&special)));
    if let Some((Special::Emergency, false)) = special {
        let words = format!(
            "emergency numbers are not called unless outbound.allow_special of trunk `{id}` names \"emergency\""
        );
        return Err(Objection::new(Refusal::DestinationEmergency, words));
    }
    let place = target.place;
    let (owner, list) = match (&number.allowed_countries, &outbound.allowed_countries) {
        (Some(list), _) => ("allowed_countries of the calling number".to_owned(), list),
        (None, Some(list)) => (format!("outbound.allowed_countries of trunk `{id}`"), list),
        (None, None) => {
            let words = format!(
                "neither the calling number nor outbound of trunk `{id}` has allowed_countries; name \"{place}\" in one of them"
            );
            return Err(Objection::new(Refusal::CountryNotAllowed, words));
        }
    };
    let entry = list.0.iter().find(|entry| place.is_in(**entry));
    let Some(entry) = entry else {
        let words = format!("{owner} has {}, not \"{place}\"{}", told(list), hint(place, list));
        return Err(Objection::new(Refusal::CountryNotAllowed, words));
    };
    let rule = format!("\"{place}\" is in {owner} by \"{entry}\"");
    let Some((special, is_allowed)) = special else { return Ok(rule) };
    let name = match special {
        Special::Premium => "premium",
        Special::Satellite => "satellite",
        Special::Emergency => "emergency",
    };
    if !is_allowed {
        let words = format!(
            "this is a {name} number of {place}; outbound.allow_special of trunk `{id}` would have to name \"{name}\""
        );
        return Err(Objection::new(Refusal::DestinationPremium, words));
    }
    Ok(format!("{rule}, and outbound.allow_special of trunk `{id}` names \"{name}\""))
}

/// The entries of a list, the first few of a long one.
fn told(list: &AllowedCountries) -> String {
    let first: Vec<_> = list.0.iter().take(8).map(|entry| format!("\"{entry}\"")).collect();
    match list.0.len().checked_sub(first.len()) {
        None | Some(0) if first.is_empty() => "no entry".to_owned(),
        None | Some(0) => first.join(", "),
        Some(more) => format!("{} and {more} more", first.join(", ")),
    }
}

fn hint(place: Place, list: &AllowedCountries) -> &'static str {
    match place {
        Place::NonGeographic(_) if !list.0.is_empty() => "; a non-geographic code has to be named itself",
        Place::NonGeographic(_) | Place::Country(_) => "; add it there to allow it",
    }
}
