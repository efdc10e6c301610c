//! What of a description is read at all. Gateways write much that nobody needs, some of it wrongly, and no call is to fail for that:
//! only `v=`, `m=`, `c=` and `a=` go on to the parser.

/// The lines that matter, with blanks where they belong.
///
/// Control characters (a trailing NUL above all) and runs of blanks become one blank; of several `c=` of the session the first one
/// counts; a line without `=` is none.
pub(crate) fn essentials(text: &str) -> String {
    let mut essentials = String::with_capacity(text.len());
    let mut part = Part::Head;
    for line in text.split(['\r', '\n']) {
        let Some((key, value)) = line.split_once('=') else { continue };
        let wanted = match (key, part) {
            ("v", Part::Head) => {
                part = Part::Session { connected: false };
                true
            }
            ("m", Part::Session { .. } | Part::Media) => {
                part = Part::Media;
                true
            }
            ("c", Part::Session { connected }) => {
                part = Part::Session { connected: true };
                !connected
            }
            ("c", Part::Media) | ("a", Part::Session { .. } | Part::Media) => true,
            // A description that does not begin with `v=` is none.
            (_, Part::Head) => return String::new(),
            (_, Part::Session { .. } | Part::Media) => false,
        };
        if wanted {
            essentials.push_str(key);
            essentials.push('=');
            append_collapsed(&mut essentials, value);
            essentials.push_str("\r\n");
        }
    }
    essentials
}

/// The session version in `o=`, if it is a number. Read from the end, for a user name may have blanks in it.
pub(crate) fn version(text: &str) -> Option<u64> {
    let origin = text.split(['\r', '\n']).find_map(|line| line.strip_prefix("o="))?;
    origin.split_ascii_whitespace().rev().nth(3)?.parse().ok()
}

/// Which part of a description a line is in.
#[derive(Clone, Copy)]
enum Part {
    Head,
    Session { connected: bool },
    Media,
}

fn append_collapsed(text: &mut String, value: &str) {
    let words = value.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    for (at, word) in words.enumerate() {
        if at > 0 {
            text.push(' ');
        }
        text.push_str(word);
    }
}
