//! One valid number of each region: it may be called where the list has that region alone, and not where it has all the others.

#![expect(clippy::disallowed_methods, reason = "a corpus lies in files, where the environment says")]
#![expect(clippy::unwrap_used, reason = "a test ends where its world is not as it should be")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use numbers::{Asked, Directory, E164, Idle, Inventory, Limits, Refusal, permit_outbound};
use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumber, PhoneNumberFormat};

/// Premium numbers are allowed, so that the list of countries alone decides.
fn allowing<'a>(list: impl Iterator<Item = &'a str>) -> Directory {
    let list = serde_json::to_string(&list.collect::<Vec<_>>()).unwrap();
    let text = format!(
        "trunks = [{{ id = 'acme', outbound = {{ allowed_countries = {list}, allow_special = ['premium', 'satellite'] }} }}]
         numbers = [{{ e164 = '+14155550100', trunk_id = 'acme', outbound = true }}]"
    );
    Directory::new(toml::from_str::<Inventory>(&text).unwrap()).unwrap()
}

fn ask(directory: &Directory, to: &str) -> Result<E164, Refusal> {
    let asked = Asked { from: "+14155550100", to, country: None };
    permit_outbound(directory, &asked, &Idle, &Limits::default())
        .map(|permit| permit.to())
        .map_err(|denial| denial.refusal)
}

/// The entry of a list that a row of the sample file is of: a country, or the calling code of no country.
fn entry(region: &str, code: &str) -> String {
    if region == "001" { format!("+{code}") } else { region.to_owned() }
}

/// The sample numbers by entry; `None`, aloud, where the corpus is not at hand.
fn samples() -> Option<BTreeMap<String, Vec<String>>> {
    let corpus = std::env::var_os("STROWGER_CORPUS").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    let path = corpus.join("phone_numbers/libphonenumber/example_numbers.csv");
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("skipped: no {}", path.display());
        return None;
    };
    let mut samples: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in text.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let [region, code, _, national] = fields[..] else { panic!("{line}") };
        samples.entry(entry(region, code)).or_default().push(format!("+{code}{national}"));
    }
    Some(samples)
}

/// The countries that the numbering library knows, and all codes of no country.
fn entries() -> BTreeSet<String> {
    let regions = PHONE_NUMBER_UTIL.get_supported_regions().map(|region| region.to_string());
    let codes = ["+800", "+808", "+870", "+878", "+881", "+882", "+883", "+888", "+979"];
    regions.filter(|region| region != "001").chain(codes.map(str::to_owned)).collect()
}

/// Countries with one numbering plan: what allows one allows both.
const ONE_PLAN: [&str; 2] = ["BL", "MF"];

/// A country's mobile numbers may be its neighbour's too: of those that share them, the library names one.
fn is_of(number: &str, entry: &str) -> bool {
    let number = PhoneNumber::parse(number, None).unwrap();
    let region = number.get_region_code().map(|region| region.to_string()).unwrap_or_default();
    entry == self::entry(&region, &number.country_code.to_string())
        || [entry, &region].iter().all(|one| ONE_PLAN.contains(one))
}

fn check(entries: &BTreeSet<String>, entry: &str, number: &str) {
    let alone = allowing([entry].into_iter());
    assert_eq!(ask(&alone, number), Ok(number.parse().unwrap()), "{number} where {entry} alone is allowed");
    let is_same = |other: &str| other == entry || [other, entry].iter().all(|one| ONE_PLAN.contains(one));
    let others = allowing(entries.iter().map(String::as_str).filter(|other| !is_same(other)));
    let refused = Err(Refusal::CountryNotAllowed);
    assert_eq!(ask(&others, number), refused, "{number} where all but {entry} are allowed");
}

#[test]
fn a_sample_of_each_region_is_allowed_by_its_own_entry_alone() {
    let Some(samples) = samples() else { return };
    let entries = entries();
    let mut without = Vec::new();
    for (entry, numbers) in &samples {
        match numbers.iter().find(|number| is_of(number, entry)) {
            Some(number) => check(&entries, entry, number),
            None => without.push(entry),
        }
    }
    println!("{} regions of the samples", samples.len());
    assert!(without.is_empty(), "no number of their own: {without:?}");
    assert!(samples.len() > 160, "{}", samples.len());
}

#[test]
fn an_example_of_every_country_is_allowed_by_its_own_entry_alone() {
    let entries = entries();
    let mut count = 0;
    for region in PHONE_NUMBER_UTIL.get_supported_regions() {
        let entry = region.to_string();
        let Ok(example) = PHONE_NUMBER_UTIL.get_example_number(region) else { continue };
        let number = example.format_as(PhoneNumberFormat::E164).into_owned();
        check(&entries, &entry, &number);
        count += 1;
    }
    println!("{count} countries");
    assert!(count > 240, "{count}");
}

#[test]
fn the_national_writing_for_a_trunk_is_read_there_as_the_same_number() {
    let trunks = ["US", "GB", "DE", "IT", "AU", "JP", "RU", "BR", "AR", "MX", "SG", "ZA"];
    for region in PHONE_NUMBER_UTIL.get_supported_regions() {
        let Ok(example) = PHONE_NUMBER_UTIL.get_example_number(region) else { continue };
        let number = E164::parse(&example.format_as(PhoneNumberFormat::E164)).unwrap();
        for country in trunks.iter().copied().map(str::to_owned).chain([region.to_string()]) {
            let text = format!("number_format = 'national'\ncountry = '{country}'");
            let outbound: numbers::Outbound = toml::from_str(&text).unwrap();
            let dialled = outbound.dialled(number);
            let read = PhoneNumber::parse(&dialled, country.parse().ok()).unwrap();
            let read = E164::parse(&read.format_as(PhoneNumberFormat::E164));
            assert_eq!(read, Ok(number), "{dialled} in {country}");
            if country == region.to_string() {
                assert!(!dialled.starts_with('+'), "{dialled} in {country}");
            }
        }
    }
}
