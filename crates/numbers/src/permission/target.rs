//! Whom a call would reach: the number, the country, and whether it is special.

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumber, PhoneNumberFormat, PhoneNumberType, Region};

use super::emergency::{self, Emergency};
use super::{Objection, form};
use crate::did::normalise;
use crate::did::writing::Writing;
use crate::{Country, Destination, E164, Refusal, Special};

/// Whom a call would reach. Of its number, nothing else than what was looked at here is dialled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Target {
    pub(super) e164: E164,
    pub(super) place: Place,
    pub(super) special: Option<Special>,
}

/// What a number belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place {
    Country(Country),
    /// A calling code of services and networks.
    NonGeographic(u16),
}

impl Target {
    /// Reads a destination in the writing of the asker's country, or else the international one. `home` is the country of the calling
    /// number, whose emergency numbers are meant where the asker has no country.
    pub(super) fn read(to: &str, asker: Option<Country>, home: Option<Country>) -> Result<Self, Objection> {
        form::check(to).map_err(|words| Objection::new(Refusal::DestinationInvalid, words))?;
        let writing = Writing::read(to, None).ok_or_else(|| {
            let words =
                "the destination is made of other than digits and separators; write it like +14155550100";
            Objection::new(Refusal::DestinationInvalid, words)
        })?;
        match emergency::called(&writing, asker.or(home)) {
            Some(Emergency::Here(country, e164)) => {
                return Ok(Self { e164, place: Place::Country(country), special: Some(Special::Emergency) });
            }
            Some(Emergency::Elsewhere) => {
                let words = "this is an emergency number elsewhere, and nobody's here";
                return Err(Objection::new(Refusal::DestinationEmergency, words));
            }
            None => {}
        }
        let e164 = normalise(to, asker, None).ok_or_else(|| incomplete(asker))?;
        Self::locate(e164)
    }

    fn locate(e164: E164) -> Result<Self, Objection> {
        let number = valid(e164).ok_or_else(|| {
            let words = "the destination is in no numbering plan: digits are missing or too many, or the range is in use nowhere";
            Objection::new(Refusal::DestinationInvalid, words)
        })?;
        let unknown = || {
            let words = "the country of the destination is not known";
            Objection::new(Refusal::CountryNotAllowed, words)
        };
        let e164 = canonical(&number).ok_or_else(unknown)?;
        let place = place(&number).ok_or_else(unknown)?;
        Ok(Self { e164, place, special: special(e164, &number) })
    }
}

/// The place of a number of ours.
pub(super) fn country_of(e164: E164) -> Option<Country> {
    match place(&valid(e164)?)? {
        Place::Country(country) => Some(country),
        Place::NonGeographic(_) => None,
    }
}

impl Place {
    /// Does this entry of a list hold it?
    pub(super) fn is_in(self, destination: Destination) -> bool {
        match (self, destination) {
            (Self::Country(_), Destination::Worldwide) => true,
            (Self::Country(country), Destination::Country(allowed)) => {
                country == allowed || [country, allowed].iter().all(|one| ONE_PLAN.contains(&one.as_str()))
            }
            (Self::NonGeographic(code), Destination::NonGeographic(allowed)) => code == allowed,
            (Self::Country(_), Destination::NonGeographic(_))
            | (Self::NonGeographic(_), Destination::Worldwide | Destination::Country(_)) => false,
        }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Country(country) => country.fmt(f),
            Self::NonGeographic(code) => write!(f, "+{code}"),
        }
    }
}

/// As the numbering plan has it: a national prefix that was written behind the calling code is gone.
fn valid(e164: E164) -> Option<PhoneNumber> {
    let number = PHONE_NUMBER_UTIL.parse(e164.to_string(), None).ok()?;
    number.is_valid().then_some(number)
}

/// The number as it was looked at. It has to be read the same again by whoever gets it.
fn canonical(number: &PhoneNumber) -> Option<E164> {
    let e164 = E164::parse(&number.format_as(PhoneNumberFormat::E164)).ok()?;
    (valid(e164)? == *number).then_some(e164)
}

fn place(number: &PhoneNumber) -> Option<Place> {
    let region = number.get_region_code()?;
    if region == Region::World {
        return u16::try_from(number.country_code).ok().map(Place::NonGeographic);
    }
    let code = if is_western_sahara(region, number) { "EH".to_owned() } else { region.to_string() };
    code.parse().ok().map(Place::Country)
}

/// The numbering library has these ranges in both plans, and names Morocco.
fn is_western_sahara(region: Region, number: &PhoneNumber) -> bool {
    let is_its_range = |national: String| national.starts_with("5288") || national.starts_with("5289");
    region == Region::MA && is_its_range(number.get_national_significant_number())
}

fn special(e164: E164, number: &PhoneNumber) -> Option<Special> {
    let digits = e164.digits().to_string();
    if SATELLITE.iter().any(|prefix| digits.starts_with(prefix)) {
        return Some(Special::Satellite);
    }
    match number.get_type() {
        // Each of these may pay a share of the call's price to whoever is called.
        PhoneNumberType::PremiumRate
        | PhoneNumberType::SharedCost
        | PhoneNumberType::PersonalNumber
        | PhoneNumberType::Pager => Some(Special::Premium),
        PhoneNumberType::FixedLine
        | PhoneNumberType::Mobile
        | PhoneNumberType::FixedLineOrMobile
        | PhoneNumberType::TollFree
        | PhoneNumberType::UAN
        | PhoneNumberType::VoIP
        | PhoneNumberType::VoiceMail
        | PhoneNumberType::Unknown => None,
    }
}

fn incomplete(asker: Option<Country>) -> Objection {
    let words = match asker {
        Some(country) => {
            format!(
                "the destination is neither a number of {country} as dialled there nor an international one"
            )
        }
        None => "the destination is no international number; write it like +14155550100".to_owned(),
    };
    Objection::new(Refusal::DestinationInvalid, words)
}

/// Saint Barthelemy and Saint Martin have one numbering plan: nothing in a number tells them apart.
const ONE_PLAN: [&str; 2] = ["BL", "MF"];

/// Satellite networks, and those of ships and aircraft that are reached by satellite: Inmarsat (+870), the global mobile satellite system
/// (+881), and of the international networks those that run such (ITU-T E.164, list of assigned codes).
const SATELLITE: [&str; 9] = ["870", "881", "88213", "88216", "88220", "88232", "88242", "88298", "88299"];
