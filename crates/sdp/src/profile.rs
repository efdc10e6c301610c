//! The transport of an `m=` line (RFC 8866 s.5.14).

/// RTP over UDP, as the four profiles name it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Profile {
    /// RFC 3551.
    Avp,
    /// RFC 4585.
    Avpf,
    /// RFC 3711.
    Savp,
    /// RFC 5124.
    Savpf,
}

impl Profile {
    /// As in an `m=` line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Avp => "RTP/AVP",
            Self::Avpf => "RTP/AVPF",
            Self::Savp => "RTP/SAVP",
            Self::Savpf => "RTP/SAVPF",
        }
    }

    /// Whether it says that all is encrypted.
    pub const fn is_secure(self) -> bool {
        match self {
            Self::Avp | Self::Avpf => false,
            Self::Savp | Self::Savpf => true,
        }
    }
}

/// What a transport is to us.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Transport {
    Rtp(Profile),
    /// SRTP that is keyed by DTLS (RFC 5764).
    Dtls,
    /// Not RTP over UDP.
    Other,
}

impl Transport {
    /// In any case.
    pub(crate) fn named(name: &str) -> Self {
        let is = |known: &str| known.eq_ignore_ascii_case(name);
        let profiles = [Profile::Avp, Profile::Avpf, Profile::Savp, Profile::Savpf];
        match profiles.into_iter().find(|profile| is(profile.name())) {
            Some(profile) => Self::Rtp(profile),
            None if is("UDP/TLS/RTP/SAVP") || is("UDP/TLS/RTP/SAVPF") => Self::Dtls,
            None => Self::Other,
        }
    }
}
