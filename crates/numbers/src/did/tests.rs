use std::collections::BTreeMap;

use proptest::prelude::*;

use super::writing::user_of;
use super::*;
use crate::{Country, Inbound, Inventory, Number};

fn e164(text: &str) -> E164 {
    E164::parse(text).unwrap()
}

fn country(text: &str) -> Option<Country> {
    text.parse().ok()
}

#[test]
fn international_writings_need_no_country() {
    for text in [
        "+14155550100",
        "+1-415-555-0100",
        "+1 (415) 555.0100",
        "(+1) 415 555 0100",
        "0014155550100",
        "01114155550100",
        "14155550100",
        "tel:+14155550100",
        "TEL:+1-415-555-0100",
        "+14155550100;user=phone",
        "+14155550100;npdi;rn=+14155550000",
        "tel:+14155550100;npdi",
        "4155550100;phone-context=+1",
        "tel:415-555-0100;phone-context=+1",
        "%2B14155550100",
        "+1%20415%20555%200100",
        " +14155550100 ",
    ] {
        assert_eq!(normalise(text, None, None), Some(e164("+14155550100")), "{text}");
    }
}

#[test]
fn national_writings_are_those_of_the_country() {
    for (text, land, number) in [
        ("4155550100", "US", "+14155550100"),
        ("14155550100", "US", "+14155550100"),
        ("(415) 555-0100", "US", "+14155550100"),
        ("011442079460000", "US", "+442079460000"),
        ("00442079460000", "US", "+442079460000"),
        ("02079460000", "GB", "+442079460000"),
        ("2079460000", "GB", "+442079460000"),
        ("442079460000", "GB", "+442079460000"),
        ("14155550100", "GB", "+14155550100"),
        ("00442079460000", "GB", "+442079460000"),
        ("01134960000", "GB", "+441134960000"),
        ("0612345678", "FR", "+33612345678"),
        ("0612345678", "IT", "+390612345678"),
        ("84951234567", "RU", "+74951234567"),
        ("81014155550100", "RU", "+14155550100"),
        ("001114155550100", "AU", "+14155550100"),
    ] {
        assert_eq!(normalise(text, country(land), None), Some(e164(number)), "{text} in {land}");
    }
}

#[test]
fn a_trunk_zero_in_brackets_is_left_out_where_it_is_not_dialled() {
    assert_eq!(normalise("+44 (0)20 7946 0000", None, None), Some(e164("+442079460000")));
    assert_eq!(normalise("+39 (0)6 1234 5678", None, None), Some(e164("+390612345678")));
}

#[test]
fn a_number_that_is_too_new_for_the_tables_is_read_by_its_length() {
    assert_eq!(normalise("+999123456789", None, None), Some(e164("+999123456789")));
    assert!(!e164("+11235550100").is_in_numbering_plan());
    assert_eq!(normalise("1235550100", country("US"), None), Some(e164("+11235550100")));
    assert_eq!(normalise("1235550100", None, None), None);
}

#[test]
fn short_codes_are_no_numbers() {
    for text in ["911", "112", "100", "0", "00", "011", "+911", "+1", "123456", "*98", "#31#", "0044"] {
        for land in [None, country("US"), country("GB"), country("DE"), country("IN")] {
            assert_eq!(normalise(text, land, None), None, "{text} in {land:?}");
        }
    }
}

#[test]
fn what_is_not_made_of_digits_is_no_number() {
    let unicode = ["+1415555\u{0660}100", "\u{ff11}4155550100", "\u{ff0b}14155550100", "%D9%A1%D9%A2%D9%A3"];
    let names =
        ["alice", "1-800-FLOWERS", "trunk1", "s", "", "+", "++14155550100", "1+4155550100", "+1415555O100"];
    let broken =
        ["%2", "%zz14155550100", "%00", "+14155550100\u{0}", "+1415\n5550100", "+1415/5550100", "+1,415"];
    for text in unicode.into_iter().chain(names).chain(broken) {
        for land in [None, country("US")] {
            assert_eq!(normalise(text, land, None), None, "{text:?} in {land:?}");
        }
    }
    assert_eq!(normalise(&"1".repeat(16), country("US"), None), None);
    assert_eq!(normalise(&" ".repeat(100_000), None, None), None);
}

#[test]
fn a_technical_prefix_is_taken_off_if_it_is_there() {
    assert_eq!(normalise("9#14155550100", None, Some("9#")), Some(e164("+14155550100")));
    assert_eq!(normalise("9%2314155550100", None, Some("9#")), Some(e164("+14155550100")));
    assert_eq!(normalise("12344155550100", country("US"), Some("1234")), Some(e164("+14155550100")));
    assert_eq!(normalise("+14155550100", None, Some("1234")), Some(e164("+14155550100")));
    assert_eq!(normalise("1234", None, Some("1234")), None);
}

#[test]
fn the_user_is_found_in_any_header_value() {
    for (value, user) in [
        ("+14155550100", "+14155550100"),
        ("<sip:+14155550100@carrier.example>", "+14155550100"),
        ("\"A <sip:x@y>, B\" <sip:+14155550100@carrier.example>;reason=unconditional", "+14155550100"),
        ("Bob <sips:+14155550100;npdi@carrier.example:5061;transport=tls>", "+14155550100;npdi"),
        ("<tel:+1-415-555-0100;npdi>", "tel:+1-415-555-0100;npdi"),
        ("sip:+14155550100@a.example, sip:+14155550101@b.example", "+14155550100"),
        ("<sip:carrier.example>", ""),
        ("<", ""),
        ("\"", "\""),
        ("", ""),
    ] {
        assert_eq!(user_of(value), user, "{value}");
    }
}

/// A trunk `a` with the numbers given, and a trunk `b` with `+442079460000`.
fn directory(numbers: &[&str], inbound: Inbound) -> Directory {
    let mut inventory: Inventory = toml::from_str(
        "agents = [{ id = 'x', endpoint = { kind = 'echo' } }]
         trunks = [{ id = 'a', inbound = { addresses = ['192.0.2.1'] } }, { id = 'b', inbound = { addresses = ['192.0.2.2'] } }]
         numbers = [{ e164 = '+442079460000', trunk_id = 'b', agent_id = 'x' }]",
    )
    .unwrap();
    let addresses = inventory.trunks[0].inbound.take().unwrap().addresses;
    inventory.trunks[0].inbound = Some(Inbound { addresses, ..inbound });
    inventory.numbers.extend(numbers.iter().map(|number| Number::new(e164(number), "a")));
    Directory::new(inventory).unwrap()
}

struct Invite<'a> {
    request_uri: &'a str,
    p_called_party_id: Option<&'a str>,
    to: &'a str,
    headers: BTreeMap<&'a str, &'a str>,
}

impl<'a> Invite<'a> {
    fn to(request_uri: &'a str, to: &'a str) -> Self {
        Self { request_uri, p_called_party_id: None, to, headers: BTreeMap::new() }
    }

    fn did(&self, directory: &Directory) -> Did {
        let trunk = directory.trunk("a").unwrap();
        let called = Called {
            request_uri_user: Some(self.request_uri),
            to_user: Some(self.to),
            p_called_party_id: self.p_called_party_id,
            header: &|name| self.headers.get(name).map(|value| (*value).to_owned()),
        };
        extract(trunk, directory, &called)
    }
}

#[test]
fn auto_takes_the_first_place_that_holds_a_number_of_ours() {
    let directory = directory(&["+14155550100", "+14155550101"], Inbound::default());
    let did = Invite::to("+14155550100", "+14155550101").did(&directory);
    assert_eq!((did.e164, did.origin), (Some(e164("+14155550100")), DidOrigin::RequestUri));
    let did = Invite::to("+14155559999", "+14155550101").did(&directory);
    assert_eq!((did.e164, did.origin), (Some(e164("+14155550101")), DidOrigin::To));
    let mut invite = Invite::to("s", "+14155550101");
    invite.p_called_party_id = Some("<sip:+14155550100@ims.example>");
    let did = invite.did(&directory);
    assert_eq!(
        (did.e164, did.origin, did.raw.as_str()),
        (Some(e164("+14155550100")), DidOrigin::PCalledPartyId, "+14155550100")
    );
}

#[test]
fn a_number_of_ours_is_ours_by_whichever_trunk_it_comes() {
    let directory = directory(&[], Inbound::default());
    assert_eq!(Invite::to("+442079460000", "").did(&directory).e164, Some(e164("+442079460000")));
}

#[test]
fn bare_digits_that_are_ours_as_they_stand_need_no_country() {
    let directory = directory(&["+4155550100"], Inbound::default());
    assert_eq!(Invite::to("4155550100", "").did(&directory).e164, Some(e164("+4155550100")));
}

#[test]
fn an_unknown_number_is_told_as_it_was_called() {
    let directory = directory(&["+14155550100", "+14155550101"], Inbound::default());
    let did = Invite::to("+1-212-555-0199", "+1-212-555-0198").did(&directory);
    assert_eq!((did.e164, did.raw.as_str()), (Some(e164("+12125550199")), "+1-212-555-0199"));
    let did = Invite::to("911", "sip").did(&directory);
    assert_eq!((did.e164, did.raw.as_str(), did.origin), (None, "911", DidOrigin::RequestUri));
}

#[test]
fn the_only_number_answers_for_a_name_but_never_for_another_number() {
    let one = directory(&["+14155550100"], Inbound::default());
    let did = Invite::to("s", "asterisk").did(&one);
    assert_eq!(
        (did.e164, did.origin, did.raw.as_str()),
        (Some(e164("+14155550100")), DidOrigin::OnlyNumber, "s")
    );
    assert_eq!(Invite::to("", "").did(&one).origin, DidOrigin::OnlyNumber);
    for (request_uri, to) in [
        ("+12125550199", "s"),
        ("s", "+12125550199"),
        ("911", "s"),
        ("*98", "s"),
        ("100", "100"),
        ("\u{0661}\u{0662}\u{0663}", "s"),
        ("%zz", "s"),
    ] {
        let did = Invite::to(request_uri, to).did(&one);
        assert_ne!(did.e164, Some(e164("+14155550100")), "{request_uri} {to}");
        assert_ne!(did.origin, DidOrigin::OnlyNumber, "{request_uri} {to}");
    }
    let two = directory(&["+14155550100", "+14155550101"], Inbound::default());
    assert_eq!(Invite::to("s", "asterisk").did(&two).e164, None);
}

#[test]
fn the_trunk_may_say_where_the_number_stands() {
    let with = |source: &str| Inbound { did_source: source.parse().unwrap(), ..Inbound::default() };
    let numbers = ["+14155550100", "+14155550101", "+14155550102", "+14155550103"];
    let mut invite = Invite::to("+14155550100", "+14155550101");
    invite.p_called_party_id = Some("+14155550102");
    invite.headers.insert("X-DID", "<sip:+14155550103@x>");
    for (source, number, origin) in [
        ("request-uri", "+14155550100", DidOrigin::RequestUri),
        ("to", "+14155550101", DidOrigin::To),
        ("p-called-party-id", "+14155550102", DidOrigin::PCalledPartyId),
        ("header:X-DID", "+14155550103", DidOrigin::Header("X-DID".into())),
    ] {
        let did = invite.did(&directory(&numbers, with(source)));
        assert_eq!((did.e164, did.origin), (Some(e164(number)), origin), "{source}");
    }
    let did = Invite::to("+14155550100", "").did(&directory(&["+14155550100"], with("header:X-DID")));
    assert_eq!((did.e164, did.raw.as_str()), (None, ""));
}

#[test]
fn the_trunk_may_have_a_country_and_a_prefix() {
    let inbound =
        Inbound { did_country: country("GB"), strip_prefix: Some("77".into()), ..Inbound::default() };
    let directory = directory(&["+442079460001"], inbound);
    assert_eq!(Invite::to("7702079460001", "").did(&directory).e164, Some(e164("+442079460001")));
    assert_eq!(Invite::to("02079460001", "").did(&directory).e164, Some(e164("+442079460001")));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_that_is_received_makes_it_panic(raw in "\\PC{0,40}|[0-9+*#%;=.() -]{0,40}", index in 0..COUNTRIES.len(), prefix in "[0-9#]{0,4}") {
        let land = COUNTRIES[index].parse().ok();
        if let Some(number) = normalise(&raw, land, Some(&prefix)) {
            let text = number.to_string();
            prop_assert!((8..=16).contains(&text.len()), "{text}");
            prop_assert_eq!(E164::parse(&text), Ok(number));
        }
        let _ = (is_dialled(&raw), user_of(&raw));
    }

    #[test]
    fn an_international_number_normalises_to_itself_in_every_country(digits in 1_000_000_u64..=999_999_999_999_999, index in 0..COUNTRIES.len()) {
        let number = e164(&format!("+{digits}"));
        let land = COUNTRIES[index].parse().ok();
        prop_assert_eq!(normalise(&number.to_string(), land, None), Some(number));
    }

    #[test]
    fn separators_make_no_difference(digits in "[0-9]{7,13}", places in prop::collection::vec((0_usize..14, prop::sample::select(vec!["-", ".", " ", ")", "%20"])), 0..6), index in 0..COUNTRIES.len()) {
        let land = COUNTRIES[index].parse().ok();
        let mut separated: Vec<char> = digits.chars().collect();
        let mut texts: Vec<String> = separated.drain(..).map(String::from).collect();
        for (place, separator) in places {
            let place = place.min(texts.len());
            texts.insert(place, separator.to_owned());
        }
        prop_assert_eq!(normalise(&texts.concat(), land, None), normalise(&digits, land, None));
    }
}

const COUNTRIES: [&str; 12] = ["US", "GB", "DE", "IT", "AU", "JP", "RU", "BR", "AR", "IN", "AC", "ZZ"];
