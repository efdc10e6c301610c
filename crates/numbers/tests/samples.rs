//! The valid sample numbers of every region, in every usual writing.

#![expect(clippy::disallowed_methods, reason = "a corpus lies in files, where the environment says")]

use std::path::PathBuf;

use numbers::did::normalise;
use numbers::{Country, E164};
use rlibphonenumber::{PhoneNumber, PhoneNumberFormat};

struct Sample {
    region: String,
    kind: String,
    e164: E164,
}

/// `None`, aloud, where the corpus is not at hand.
fn samples() -> Option<Vec<Sample>> {
    let corpus = std::env::var_os("STROWGER_CORPUS").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    let path = corpus.join("phone_numbers/libphonenumber/example_numbers.csv");
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("skipped: no {}", path.display());
        return None;
    };
    let sample = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        let [region, code, kind, national] = fields[..] else { panic!("{line}") };
        let e164 = E164::parse(&format!("+{code}{national}")).expect("an E.164 number");
        Sample { region: region.to_owned(), kind: kind.to_owned(), e164 }
    };
    let samples: Vec<Sample> = text.lines().skip(1).map(sample).collect();
    assert!(samples.len() > 700, "{}", samples.len());
    Some(samples)
}

fn national(sample: &Sample) -> Option<String> {
    let number = PhoneNumber::parse(sample.e164.to_string(), None).ok()?;
    Some(number.format_as(PhoneNumberFormat::National).into_owned())
}

#[test]
fn every_international_writing_of_every_sample_is_that_number() {
    let Some(samples) = samples() else { return };
    for sample in &samples {
        let digits = sample.e164.digits();
        let number = PhoneNumber::parse(sample.e164.to_string(), None).unwrap();
        let spaced = number.format_as(PhoneNumberFormat::International).into_owned();
        let uri = number.format_as(PhoneNumberFormat::RFC3966).into_owned();
        let own: Option<Country> = sample.region.parse().ok();
        for text in [format!("+{digits}"), format!("00{digits}"), format!("011{digits}"), spaced, uri] {
            for country in [None, "US".parse().ok(), "DE".parse().ok(), own] {
                let read = normalise(&text, country, None);
                assert_eq!(
                    read,
                    Some(sample.e164),
                    "{text} in {country:?} ({} {})",
                    sample.region,
                    sample.kind
                );
            }
        }
    }
    println!("{} samples", samples.len());
}

#[test]
fn the_national_writing_of_every_sample_is_that_number_in_its_country() {
    let Some(samples) = samples() else { return };
    let (mut tried, mut missed) = (0_usize, 0_usize);
    for sample in &samples {
        let Ok(country) = sample.region.parse::<Country>() else { continue };
        let Some(text) = national(sample) else { continue };
        tried += 1;
        let read = normalise(&text, Some(country), None);
        if read != Some(sample.e164) {
            missed += 1;
            println!("{} {} {}: {text} is read as {read:?}", sample.region, sample.kind, sample.e164);
        }
    }
    println!("{} of {tried} national writings", tried - missed);
    assert!(tried > 700 && missed * 100 <= tried, "{missed} of {tried} national writings missed");
}
