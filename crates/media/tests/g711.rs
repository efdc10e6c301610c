//! The tables against the ITU's sweeps of all 16-bit samples (ITU-T G.191).

#![expect(clippy::disallowed_methods, reason = "a corpus lies in files, where the environment says")]

use media::command::Codec;
use media::g711::{alaw_from_linear, linear_from_alaw, linear_from_ulaw, transcoder, ulaw_from_linear};

/// `STROWGER_CORPUS`, or where it lies beside the workspace.
fn corpus() -> String {
    std::env::var("STROWGER_CORPUS")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data").to_owned())
}

/// 16-bit little-endian words of a file of the corpus, or `None` without one.
fn words(name: &str) -> Option<Vec<i16>> {
    let corpus = corpus();
    let path = format!("{corpus}/codec_vectors/itu_g711_g722/g711/test_data/{name}");
    let Ok(bytes) = std::fs::read(&path) else {
        eprintln!("skipped: no {path}");
        return None;
    };
    Some(bytes.as_chunks::<2>().0.iter().map(|word| i16::from_le_bytes(*word)).collect())
}

fn byte(word: i16) -> u8 {
    u8::try_from(word).expect("a code is a byte")
}

#[test]
fn every_linear_sample_becomes_the_itus_ulaw() {
    let (Some(linear), Some(ulaw)) = (words("sweep.src"), words("sweep-r.u")) else { return };
    assert_eq!(linear.len(), 65_536);
    for (sample, code) in linear.iter().zip(&ulaw) {
        assert_eq!(ulaw_from_linear(*sample), byte(*code), "{sample}");
    }
}

#[test]
fn every_linear_sample_becomes_the_itus_alaw_and_comes_back_as_it_says() {
    let (Some(linear), Some(alaw), Some(back)) =
        (words("sweep.src"), words("sweep-r.a"), words("sweep-r.a-a"))
    else {
        return;
    };
    for ((sample, code), back) in linear.iter().zip(&alaw).zip(&back) {
        assert_eq!(alaw_from_linear(*sample), byte(*code), "{sample}");
        assert_eq!(linear_from_alaw(byte(*code)), *back, "{code}");
    }
}

#[test]
fn every_ulaw_code_is_the_itus_linear_sample() {
    let (Some(ulaw), Some(linear)) = (words("sweep-r.u"), words("sweep-r.reu")) else { return };
    for (code, sample) in ulaw.iter().zip(&linear) {
        assert_eq!(linear_from_ulaw(byte(*code)), *sample, "{code}");
    }
}

#[test]
fn the_other_law_is_the_nearest_to_the_same_sample() {
    let table = transcoder(Codec::Pcmu, Codec::Pcma).unwrap();
    let back = transcoder(Codec::Pcma, Codec::Pcmu).unwrap();
    for code in 0..=u8::MAX {
        assert_eq!(table[usize::from(code)], alaw_from_linear(linear_from_ulaw(code)));
        assert_eq!(back[usize::from(code)], ulaw_from_linear(linear_from_alaw(code)));
    }
    assert_eq!(transcoder(Codec::Pcma, Codec::Pcma), None);
}

#[test]
fn a_code_that_is_decoded_and_encoded_is_itself() {
    for code in 0..=u8::MAX {
        assert_eq!(alaw_from_linear(linear_from_alaw(code)), code);
        // µ-law has two zeros.
        let expected = if code == 0x7f { 0xff } else { code };
        assert_eq!(ulaw_from_linear(linear_from_ulaw(code)), expected);
    }
}
