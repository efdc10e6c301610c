//! The outer form of a destination: what may stand around its digits.
//!
//! Stricter than what is read of a called number that comes in: a wrong guess there finds no number of ours, here it would
//! call somebody else.

/// Longer is no number, whatever it is made of.
const MAX_LENGTH: usize = 256;

/// Names of parameters that would have to be carried on, and are not (RFC 3966, section 3, and RFC 2806).
const NOT_CARRIED: [&str; 3] = ["ext", "isub", "postd"];

/// Says what is wrong with the form, in words that hold nothing of it.
pub(super) fn check(to: &str) -> Result<(), &'static str> {
    if to.is_empty() {
        return Err("no destination is given");
    }
    if to.len() > MAX_LENGTH {
        return Err("the destination is longer than 256 octets");
    }
    if !to.is_ascii() {
        return Err("the destination holds a character that is not ASCII: digits are 0 to 9");
    }
    if to.bytes().any(|byte| byte.is_ascii_control()) {
        return Err("the destination holds a tab, a line end or another control character");
    }
    let mut parts = to.split(';');
    let number = parts.next().unwrap_or_default();
    let mut contexts = 0;
    for parameter in parts {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        if NOT_CARRIED.iter().any(|not_carried| name.trim_ascii().eq_ignore_ascii_case(not_carried)) {
            return Err(
                "the destination has an extension or a subaddress, which is not carried on: leave it out",
            );
        }
        if name.trim_ascii().eq_ignore_ascii_case("phone-context") {
            contexts += 1;
            check_context(number, name, value)?;
        }
    }
    if contexts > 1 {
        return Err("the destination has more than one phone-context");
    }
    Ok(())
}

/// A context is a calling code (RFC 3966, section 5.1.5), and does not contradict the number.
fn check_context(number: &str, name: &str, value: &str) -> Result<(), &'static str> {
    let digits = value.strip_prefix('+').unwrap_or_default();
    let is_code = (1..=4).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_code || name != name.trim_ascii() {
        return Err(
            "phone-context is to be + and a calling code, like +1: numbers of a domain are known there only",
        );
    }
    if number.contains('+') || number.contains("%2") {
        return Err("the destination is international, and has a phone-context all the same: leave that out");
    }
    Ok(())
}
