//! Which number was called.

mod normalise;
#[cfg(test)]
mod tests;
pub(crate) mod writing;

use crate::{DidSource, Directory, E164, Trunk};

pub use normalise::normalise;
use writing::{is_dialled, user_of};

/// What an INVITE says of the called number. User parts as received, without the parameters of the URI.
pub struct Called<'a> {
    /// The user part of the Request-URI; of a `tel:` URI, all of it.
    pub request_uri_user: Option<&'a str>,
    /// The user part of To; of a `tel:` URI, all of it.
    pub to_user: Option<&'a str>,
    /// The user part of P-Called-Party-ID, or its whole value.
    pub p_called_party_id: Option<&'a str>,
    /// The value of the first header of that name.
    pub header: &'a dyn Fn(&str) -> Option<String>,
}

/// The called number.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Did {
    /// As received.
    pub raw: String,
    /// As the world knows it, if it is a number.
    pub e164: Option<E164>,
    /// Where it stood.
    pub origin: DidOrigin,
}

/// Where a called number was found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DidOrigin {
    /// In the Request-URI.
    RequestUri,
    /// In To.
    To,
    /// In P-Called-Party-ID.
    PCalledPartyId,
    /// In the header of this name.
    Header(String),
    /// Nowhere: nothing that looks dialled was called, and the trunk has one number only.
    OnlyNumber,
}

/// Finds the called number as the trunk's `did_source` says.
///
/// With `auto`, the first of Request-URI, P-Called-Party-ID and To that is a number of ours. If nothing in any of
/// them looks dialled (a registered PBX is often called by its user name), and the trunk has one number only, it is
/// that. A dialled number that is not ours never becomes that one.
pub fn extract(trunk: &Trunk, directory: &Directory, called: &Called<'_>) -> Did {
    let source = trunk.inbound.as_ref().map_or(&DidSource::Auto, |inbound| &inbound.did_source);
    let read = |origin, raw: Option<&str>| read(trunk, directory, origin, raw.unwrap_or_default());
    match source {
        DidSource::Auto => auto(trunk, directory, called),
        DidSource::RequestUri => read(DidOrigin::RequestUri, called.request_uri_user),
        DidSource::To => read(DidOrigin::To, called.to_user),
        DidSource::PCalledPartyId => read(DidOrigin::PCalledPartyId, called.p_called_party_id.map(user_of)),
        DidSource::Header(name) => {
            let value = (called.header)(name);
            read(DidOrigin::Header(name.clone()), value.as_deref().map(user_of))
        }
    }
}

fn auto(trunk: &Trunk, directory: &Directory, called: &Called<'_>) -> Did {
    let places = [
        (DidOrigin::RequestUri, called.request_uri_user),
        (DidOrigin::PCalledPartyId, called.p_called_party_id.map(user_of)),
        (DidOrigin::To, called.to_user),
    ];
    let mut dids: Vec<Did> =
        places.into_iter().filter_map(|(origin, raw)| Some(read(trunk, directory, origin, raw?))).collect();
    let is_ours = |did: &Did| did.e164.is_some_and(|e164| directory.number(e164).is_some());
    let best = dids
        .iter()
        .position(is_ours)
        .or_else(|| dids.iter().position(|did| did.e164.is_some()))
        .or_else(|| dids.iter().position(|did| is_dialled(&did.raw)));
    if let Some(best) = best {
        return dids.swap_remove(best);
    }
    let raw = called.request_uri_user.unwrap_or_default().to_owned();
    let only = directory.only_number(&trunk.id).map(|number| number.e164);
    let origin = if only.is_some() { DidOrigin::OnlyNumber } else { DidOrigin::RequestUri };
    Did { raw, e164: only, origin }
}

/// One place's writing. Bare digits that are a number of ours as they stand are that number, whatever country the
/// trunk is in.
fn read(trunk: &Trunk, directory: &Directory, origin: DidOrigin, raw: &str) -> Did {
    let inbound = trunk.inbound.as_ref();
    let country = inbound.and_then(|inbound| inbound.did_country);
    let strip_prefix = inbound.and_then(|inbound| inbound.strip_prefix.as_deref());
    let is_ours = |e164: &E164| directory.number(*e164).is_some();
    let usual = normalise(raw, country, strip_prefix);
    let e164 =
        usual.filter(is_ours).or_else(|| writing::bare_digits(raw, strip_prefix).filter(is_ours)).or(usual);
    Did { raw: raw.to_owned(), e164, origin }
}
