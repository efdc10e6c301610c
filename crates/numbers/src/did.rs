//! Which number was called.

use crate::{Country, Directory, E164, Trunk};

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
    /// Nowhere: no number was called, and the trunk has one only.
    OnlyNumber,
}

/// Finds the called number as the trunk's `did_source` says.
pub fn extract(trunk: &Trunk, directory: &Directory, called: &Called<'_>) -> Did {
    let _ = (trunk, directory, called.header);
    todo!()
}

/// Reads a number in any of the usual writings.
pub fn normalise(raw: &str, did_country: Option<Country>, strip_prefix: Option<&str>) -> Option<E164> {
    let _ = (raw, did_country, strip_prefix);
    todo!()
}
