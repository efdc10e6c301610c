//! No way of writing a number gets a call past the list.

use proptest::prelude::*;
use rlibphonenumber::PhoneNumber;

use super::*;
use crate::{Idle, Inventory};

const FROM: &str = "+14155550100";

fn allowing(list: &str) -> Directory {
    let text = format!(
        "trunks = [{{ id = 'acme', outbound = {{ allowed_countries = {list} }} }}]
         numbers = [{{ e164 = '{FROM}', trunk_id = 'acme', outbound = true }}]"
    );
    Directory::new(toml::from_str::<Inventory>(&text).unwrap()).unwrap()
}

fn ask(directory: &Directory, to: &str, country: &str) -> Result<Permit, Denial> {
    let asked = Asked { from: FROM, to, country: country.parse().ok() };
    permit_outbound(directory, &asked, &Idle, &Limits::default())
}

#[test]
fn usual_writings_of_an_allowed_number_are_that_number() {
    let directory = allowing("['GB']");
    for (text, country) in [
        ("+442079460000", "US"),
        ("+44 (0)20 7946-0000", "US"),
        ("00442079460000", "DE"),
        ("011442079460000", "US"),
        ("442079460000", "US"),
        ("02079460000", "GB"),
        ("020 7946 0000", "GB"),
        ("tel:+44-20-7946-0000", ""),
        ("tel:20-7946-0000;phone-context=+44", ""),
        ("20-7946-0000;phone-context=+44", "US"),
        ("+442079460000;user=phone", "US"),
        ("+442079460000;npdi;rn=+442079460999", "US"),
        ("%2B442079460000", "US"),
        ("0011442079460000", "AU"),
        ("810442079460000", "RU"),
    ] {
        let permit =
            ask(&directory, text, country).unwrap_or_else(|denial| panic!("{text}: {}", denial.words));
        assert_eq!(permit.to.to_string(), "+442079460000", "{text} in {country}");
    }
}

#[test]
fn what_is_not_plainly_a_number_is_refused() {
    let directory = allowing("'worldwide'");
    for text in [
        "+1\u{0664}155550100",
        "\u{ff0b}14155550100",
        "+1415\t5550100",
        "\t+14155550100",
        "+14155550100\r\n",
        "+1415555\u{200b}0100",
        "+1-415-555-CALL",
        "tel:+14155550100;ext=22",
        "+14155550100;isub=12",
        "+14155550100;postd=99",
        "4155550100;phone-context=example.com",
        "4155550100;phone-context=+1;phone-context=+44",
        "+14155550100;phone-context=+44",
        "%2B14155550100;phone-context=+44",
        "4155550100; phone-context=+44",
        "4155550100;phone-context=+44a",
        "+1415555%32%%30100",
        "+14155550100@example.com",
        "sip:+14155550100@example.com",
        "+14155550100,+14155550101",
        "+14155550100#22",
        "*67+14155550100",
        "++14155550100",
        "1+4155550100",
        "+14155550100/",
        "+1415555010012345",
    ] {
        let denial = ask(&directory, text, "US").expect_err(text);
        assert_eq!(denial.refusal, Refusal::DestinationInvalid, "{text}");
    }
}

/// What the permit is for lies in the list, by the numbering plan and by its first digits.
fn check(directory: &Directory, lists: &[&str], to: &str, country: &str) -> Result<(), TestCaseError> {
    let Ok(permit) = ask(directory, to, country) else { return Ok(()) };
    let number = PhoneNumber::parse(permit.to.to_string(), None).unwrap();
    prop_assert!(number.is_valid(), "{to} in {country}: {}", permit.to);
    let region = number.get_region_code().map(|region| region.to_string());
    prop_assert!(
        region.is_some_and(|region| lists.contains(&region.as_str())),
        "{to} in {country}: {}",
        permit.to
    );
    let codes = lists.iter().filter_map(|list| list.parse::<Country>().ok()?.calling_code());
    let digits = permit.to.digits().to_string();
    prop_assert!(codes.into_iter().any(|code| digits.starts_with(&code.to_string())), "{to}: {digits}");
    Ok(())
}

const ASKERS: [&str; 13] = ["", "US", "GB", "DE", "IT", "AU", "JP", "RU", "BR", "AR", "MX", "IN", "CA"];

/// Pieces of which people, and those who try to get past lists, make destinations.
const PIECES: [&str; 40] = [
    "+",
    "00",
    "011",
    "0",
    "1",
    "44",
    "7",
    "8",
    "810",
    "39",
    "(0)",
    "tel:",
    "TEL:",
    "sip:",
    " ",
    "-",
    ".",
    "(",
    ")",
    "%2B",
    "%2b",
    "%30",
    "%",
    ";phone-context=+1",
    ";phone-context=+44",
    ";phone-context=example.com",
    ";ext=1",
    ";isub=7",
    ";user=phone",
    ";npdi",
    ";rn=+33",
    "\t",
    "\u{0661}",
    "\u{ff11}",
    "\u{200b}",
    "a",
    "*",
    "#",
    ",",
    "@",
];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn no_text_gets_past_the_list(to in "\\PC{0,30}|[0-9+*#%;=.() a-z-]{0,30}|(\\+|00|011)?[0-9]{5,16}", asker in prop::sample::select(&ASKERS[..])) {
        check(&allowing("['CA', 'KZ', 'JE']"), &["CA", "KZ", "JE"], &to, asker)?;
    }

    #[test]
    fn no_pieces_get_past_the_list(
        pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..6),
        number in prop::sample::select(vec![
            "14165550100", "12125550100", "18765551234", "77272123456", "74951234567", "441534456789", "442079460000",
            "4165550100", "2125550100", "7272123456", "1534456789", "2079460000", "33612345678", "911", "19002345678",
        ]),
        cuts in prop::collection::vec(0_usize..16, 6),
        asker in prop::sample::select(&ASKERS[..]),
    ) {
        let mut text = number.to_owned();
        for (piece, cut) in pieces.iter().zip(&cuts) {
            let place = (0..=(*cut).min(text.len())).rev().find(|place| text.is_char_boundary(*place));
            text.insert_str(place.unwrap_or(0), piece);
        }
        check(&allowing("['CA', 'KZ', 'JE']"), &["CA", "KZ", "JE"], &text, asker)?;
    }

    #[test]
    fn separators_and_parameters_make_no_difference(
        places in prop::collection::vec((2_usize..13, prop::sample::select(vec!["-", ".", " ", "(", ")", "%20"])), 0..5),
        parameter in prop::sample::select(vec!["", ";user=phone", ";npdi;rn=+33612345678", ";cpc=ordinary"]),
        asker in prop::sample::select(&ASKERS[..]),
    ) {
        let mut texts: Vec<&str> = "+ 1 4 1 6 5 5 5 0 1 0 0".split(' ').collect();
        for (place, separator) in places {
            texts.insert(place.min(texts.len()), separator);
        }
        let text = format!("{}{parameter}", texts.concat());
        let permit = ask(&allowing("['CA']"), &text, asker);
        prop_assert_eq!(permit.map(|permit| permit.to.to_string()).ok(), Some("+14165550100".to_owned()), "{}", text);
    }
}
