//! What the digest challenges of `[sip]` offer.

use serde::Deserialize;
use sip::digest::{Algorithm, Offer};

use super::value::{Items, Unfit};

/// `SHA-256`, `MD5` or both, in the order in which they are offered.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(try_from = "Items")]
pub(crate) struct DigestAlgorithms(pub(crate) Offer);

impl TryFrom<Items> for DigestAlgorithms {
    type Error = Unfit;
    fn try_from(items: Items) -> Result<Self, Unfit> {
        let words = items.words()?;
        let named: Option<Vec<_>> = words.iter().map(|word| Algorithm::named(Some(word))).collect();
        named.and_then(Offer::of).map(Self).ok_or(Unfit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_there_once_in_the_order_written_and_one_at_least() {
        let read = |joined: &str| DigestAlgorithms::try_from(Items::Joined(joined.to_owned()));
        let offer = |algorithms: &[Algorithm]| Ok(DigestAlgorithms(Offer::of(algorithms.to_vec()).unwrap()));
        assert_eq!(read("SHA-256,MD5"), Ok(DigestAlgorithms(Offer::default())));
        assert_eq!(read("MD5, sha-256"), offer(&[Algorithm::Md5, Algorithm::Sha256]));
        assert_eq!(read("MD5"), offer(&[Algorithm::Md5]));
        for faulty in ["", "MD5,MD5", "SHA-512-256", "MD5-sess", "SHA-256;MD5"] {
            assert_eq!(read(faulty), Err(Unfit), "{faulty}");
        }
    }
}
