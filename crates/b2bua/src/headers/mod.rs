//! Headers across the bridge: what of the caller's leg an agent or a gateway is told, and what of one leg's end the other is.
//!
//! Nothing is copied. What is passed on is read, bounded and written anew, with our address in each URI, or that of the trunk: an agent learns who calls,
//! by whom the call was diverted and what its inventory lets it see, and nothing of the way the call took (Via, Record-Route, Contact,
//! User-Agent, addresses within the carrier), which is our own on each leg.
//!
//! | of the caller's INVITE | to a SIP agent | to a stream |
//! |---|---|---|
//! | From, P-Asserted-Identity, P-Preferred-Identity, Remote-Party-ID, Privacy | From, P-Asserted-Identity | `from_number` |
//! | Request-URI, To, P-Called-Party-ID | P-Called-Party-ID | `to_number` |
//! | Diversion, History-Info | one of them ([`redirected`]) | `forwarded_from` |
//! | User-to-User | the same | if `pass_headers` says so |
//! | X- and a few more ([`numbers::is_passable`]) | if `pass_headers` says so | if `pass_headers` says so |
//! | Max-Forwards | one less (RFC 7332) | |
//! | any other | no | no |
//!
//! A gateway learns who calls whom, as its trunk wants it written, whether the caller lets itself be shown, and by whom the call was
//! diverted ([`for_trunk`]); nothing else of the INVITE that asks for the call.
//!
//! Reason (RFC 3326, RFC 6432) goes both ways, on BYE, CANCEL and final responses above 299: [`reason`].

mod carried;
mod diversion;
mod history;
mod outbound;
pub(crate) mod reason;
mod redirected;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use numbers::{Agent, Endpoint};
use sip::endpoint::Header;

pub(crate) use self::carried::Carried;
pub(crate) use self::outbound::{Dress, called, for_trunk, in_uri, user_phone};
pub(crate) use self::redirected::Redirected;

use crate::call::Brief;
use crate::parties::ANONYMOUS;

/// From of an INVITE to a SIP agent, without tag, and the headers beside those that the endpoint sets. `host` is ours, as URIs
/// write it.
pub(crate) fn for_sip(brief: &Brief, agent: &Agent, host: &str) -> (String, Vec<Header>) {
    let address =
        |name: &Option<String>, user: &str| format!("{}<sip:{user}@{host}>", displayed(name.as_deref()));
    let from = match brief.shown.as_str() {
        ANONYMOUS => ANONYMOUS_FROM.to_owned(),
        shown => address(&brief.shown_name, shown),
    };
    let mut headers = vec![Header::new("P-Called-Party-ID", format!("<sip:{}@{host}>", brief.to))];
    if brief.from != ANONYMOUS {
        headers.push(Header::new("P-Asserted-Identity", address(&brief.name, &brief.from)));
    }
    let Endpoint::Sip { headers: own, redirections, .. } = &agent.endpoint else { return (from, headers) };
    headers.extend(brief.redirected.headers(*redirections, &brief.to, host));
    let is_own = |name: &str| own.keys().any(|own| own.eq_ignore_ascii_case(name));
    for (name, value) in brief.carried.iter() {
        let user_data = name.eq_ignore_ascii_case(USER_TO_USER).then_some(USER_TO_USER);
        let spelled = agent.passes(name).or(user_data).filter(|spelled| !is_own(spelled));
        headers.extend(spelled.and_then(|spelled| Header::foreign(spelled, value)));
    }
    headers.extend(own.iter().filter_map(|(name, value)| Header::foreign(name, value.reveal())));
    (from, headers)
}

/// The `customParameters` of a stream agent: its own, the numbers, and the headers that it is let see. A header that came several
/// times is one parameter, its values with commas between.
pub(crate) fn for_stream(
    brief: &Brief,
    agent: &Agent,
    own: &BTreeMap<String, String>,
) -> Vec<(String, String)> {
    let mut numbers = vec![("from_number", brief.from.clone()), ("to_number", brief.to.clone())];
    numbers.extend(brief.redirected.last_party().map(|user| ("forwarded_from", user)));
    let own = own.iter().filter(|(name, _)| numbers.iter().all(|(number, _)| number != name));
    let mut parameters: Vec<_> = own.map(|(name, value)| (name.clone(), value.clone())).collect();
    parameters.extend(numbers.into_iter().map(|(name, value)| (name.to_owned(), value)));
    let ours = parameters.len();
    for (name, value) in brief.carried.iter() {
        let Some(spelled) = agent.passes(name) else { continue };
        match parameters.iter().position(|(own, _)| own.eq_ignore_ascii_case(spelled)) {
            Some(at) if at < ours => {}
            Some(at) => {
                let (_, values) = &mut parameters[at];
                values.push_str(", ");
                values.push_str(value);
            }
            None => parameters.push((spelled.to_owned(), value.to_owned())),
        }
    }
    parameters
}

/// A display name, in quotes and with a space after it, or nothing.
fn displayed(name: Option<&str>) -> String {
    let name = quotable(name.unwrap_or_default());
    if name.trim().is_empty() { String::new() } else { format!("\"{}\" ", name.trim()) }
}

/// What may stand between the quotes of a quoted-string.
pub(crate) fn quotable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() && !matches!(c, '"' | '\\')).collect()
}

/// RFC 3323 s.4.1.1.3.
const ANONYMOUS_FROM: &str = "\"Anonymous\" <sip:anonymous@anonymous.invalid>";

/// RFC 7433.
const USER_TO_USER: &str = "User-to-User";
