//! What libsrtp's own tests expect (`test/srtp_driver.c`): the same keys and packets, to the byte.

use media::srtp::{MasterKey, Mki, Opener, Sealer, Suite};

use crate::{open_rtcp, open_rtp, seal_rtcp, seal_rtp};

fn hex(text: &str) -> Vec<u8> {
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).expect("hex"), 16).expect("hex");
    text.as_bytes().chunks(2).map(byte).collect()
}

const RTP: &str = "800f1234decafbadcafebabeabababababababababababababababab";
const RTCP: &str = "81c8000bcafebabeabababababababababababababababab";
const SHORT: &str = "e1f97a0d3e018be0d64fa32c06de41390ec675ad498afeebb6960b3aabe6";
const LONG: &str =
    "f0f04914b513f2763a1b1fa130f10e2998f6f6e43e4309d1e622a0e332b9f1b63b04803de51ee7c96423ab5b78d2";
const GCM: &str = "000102030405060708090a0b0c0d0e0fa0a1a2a3a4a5a6a7a8a9aaab";

#[test]
fn packets_are_the_same_to_the_byte() {
    let tag_80 = "800f1234decafbadcafebabe4e55dc4ce79978d88ca4d215949d2402b78d6acc99ea179b8dbb";
    let named = "800f1234decafbadcafebabe4e55dc4ce79978d88ca4d215949d2402e1f97a0db78d6acc99ea179b8dbb";
    let gcm = "800f1234decafbadcafebabec5002ede04cfdd2eb91159e0880aa06ed2976826f796b201df3131a127e8a392";
    let long = "800f1234decafbadcafebabef1d9de17ff251ff1aa007774b0b4b40da08d9d9a5b3a55d8873b";
    let report = "81c8000bcafebabe7128035be487b9bdbef89041f977a5a880000001993e08cd54d6c1230798";
    let named_report = "81c8000bcafebabe7128035be487b9bdbef89041f977a5a880000001e1f97a0d993e08cd54d6c1230798";
    let gcm_report =
        "81c8000bcafebabec98b8b5df0392a55852b6c21ac8e7025c52c6fbea2b3b446ea31123ba88ce61e80000001";
    let mki = Mki::new(&hex("e1f97a0d")).unwrap();
    for (suite, key, mki, sealed, report) in [
        (Suite::AesCm128HmacSha1Tag80, SHORT, None, tag_80, Some(report)),
        (Suite::AesCm128HmacSha1Tag80, SHORT, Some(mki), named, Some(named_report)),
        (Suite::AesCm256HmacSha1Tag80, LONG, None, long, None),
        (Suite::AeadAes128Gcm, GCM, None, gcm, Some(gcm_report)),
    ] {
        let mut key = MasterKey::new(suite, &hex(key)).unwrap();
        if let Some(mki) = mki {
            key = key.named(mki);
        }
        let (mut sealer, mut opener) = (Sealer::new(&key, 0xcafe_babe), Opener::new(&key));
        assert_eq!(seal_rtp(&mut sealer, &hex(RTP)), Ok(hex(sealed)), "{suite:?}");
        assert_eq!(open_rtp(&mut opener, &hex(sealed)), Ok(hex(RTP)), "{suite:?}");
        let Some(report) = report else { continue };
        // libsrtp counts reports from 1.
        seal_rtcp(&mut sealer, &hex(RTCP)).unwrap();
        assert_eq!(seal_rtcp(&mut sealer, &hex(RTCP)), Ok(hex(report)), "{suite:?}");
        assert_eq!(open_rtcp(&mut opener, &hex(report)), Ok(hex(RTCP)), "{suite:?}");
    }
}
