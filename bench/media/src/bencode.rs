//! The little bencode that rtpengine's ng protocol takes.

/// A value that we send.
pub(crate) enum Value<'a> {
    Text(&'a str),
    List(&'a [&'a str]),
}

/// A dictionary.
pub(crate) fn dictionary(members: &[(&str, Value<'_>)]) -> String {
    let members = members.iter().map(|(name, value)| match value {
        Value::Text(value) => text(name) + &text(value),
        Value::List(values) => {
            let values: String = values.iter().map(|value| text(value)).collect();
            format!("{}l{values}e", text(name))
        }
    });
    format!("d{}e", members.collect::<String>())
}

fn text(value: &str) -> String {
    format!("{}:{value}", value.len())
}

/// The text of a member of a dictionary.
pub(crate) fn member<'a>(dictionary: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = dictionary.strip_prefix('d')?;
    while !rest.starts_with('e') {
        let (key, behind) = take_text(rest)?;
        if key == name {
            return take_text(behind).map(|(value, _)| value);
        }
        rest = skip(behind)?;
    }
    None
}

fn take_text(from: &str) -> Option<(&str, &str)> {
    let (length, rest) = from.split_once(':')?;
    rest.split_at_checked(length.parse().ok()?)
}

/// What is behind the first value.
fn skip(from: &str) -> Option<&str> {
    if let Some(number) = from.strip_prefix('i') {
        return number.split_once('e').map(|(_, rest)| rest);
    }
    let Some(mut members) = from.strip_prefix(['d', 'l']) else {
        return take_text(from).map(|(_, rest)| rest);
    };
    loop {
        if let Some(rest) = members.strip_prefix('e') {
            return Some(rest);
        }
        members = skip(members)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dictionary_is_written_and_read() {
        let written = dictionary(&[("command", Value::Text("offer")), ("flags", Value::List(&["a", "bc"]))]);
        assert_eq!(written, "d7:command5:offer5:flagsl1:a2:bcee");
        assert_eq!(member(&written, "command"), Some("offer"));
        assert_eq!(member("d1:xd1:yi-4ee1:zl2:abe3:sdp3:v=0e", "sdp"), Some("v=0"));
        assert_eq!(member("d3:sdp9:v=0e", "sdp"), None);
        assert_eq!(member(&written, "sdp"), None);
    }
}
