//! Whether the `uri` of credentials means the Request-URI that they came with.

use crate::uri::{Scheme, Uri, unescaped};

/// Whether both call the same user.
///
/// RFC 7616 s.3.4.6 wants the same resource. What must not change is who is called: with a request that is held back on the way, its
/// credentials would call somebody else. Host, port, password and parameters are not compared: a session border controller or a
/// proxy may write our address into the Request-URI for the name that the caller knows, and `FreePBX` and others leave `;transport`
/// and the like out of the one and not of the other. Nonce and realm are ours alone, so no other host's credentials could pass.
pub(super) fn is_same(uri: &str, request_uri: &str) -> bool {
    if uri == request_uri {
        return true;
    }
    let (Ok(uri), Ok(request_uri)) = (Uri::parse(uri), Uri::parse(request_uri)) else { return false };
    called(&uri) == called(&request_uri)
}

/// Who is called: the user without its own parameters, of a number without what makes it readable (RFC 3966 s.5.1.1).
fn called(uri: &Uri<'_>) -> Option<String> {
    match uri.scheme() {
        Scheme::Sip | Scheme::Sips | Scheme::Tel => {
            let user = unescaped(uri.user()?);
            let user = user.split(';').next().unwrap_or_default();
            let number = user.bytes().all(|byte| byte.is_ascii_digit() || b"+-.()".contains(&byte));
            Some(if number { user.replace(['-', '.', '(', ')'], "") } else { user.to_owned() })
        }
        Scheme::Other(_) => Some(uri.as_str().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_counts_and_not_what_hops_rewrite() {
        let same = [
            ("sip:+14155550100@example.com", "sip:+14155550100@192.0.2.1:5060;transport=udp"),
            ("sip:+14155550100@example.com;user=phone", "sips:+14155550100@example.com"),
            ("sip:%2B14155550100@example.com", "sip:+14155550100@example.com"),
            ("tel:+1-415-555-0100", "sip:+14155550100@example.com"),
            ("sip:example.com", "sip:192.0.2.1"),
            ("sip:a:secret@example.com", "sip:a@example.com"),
        ];
        for (uri, request_uri) in same {
            assert!(is_same(uri, request_uri), "{uri} {request_uri}");
        }
        let others = [
            ("sip:+14155550100@example.com", "sip:+14155550101@example.com"),
            ("sip:a@example.com", "sip:A@example.com"),
            ("sip:a-b@example.com", "sip:ab@example.com"),
            ("sip:example.com", "sip:a@example.com"),
            ("", "sip:a@example.com"),
            ("/dir", "sip:a@example.com"),
            ("urn:a", "urn:b"),
        ];
        for (uri, request_uri) in others {
            assert!(!is_same(uri, request_uri), "{uri} {request_uri}");
        }
    }
}
