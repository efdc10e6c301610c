//! Opening the listener, with errors that tell what to do.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use tokio::net::TcpListener;

/// Why it could not be bound: one line for the operator.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another socket has it.
    #[error(
        "port in use: {0} ([admin] listen) is taken by another process; stop it, choose another port, or write \
         listen = \"\" to do without"
    )]
    InUse(SocketAddr),
    /// It would be reached from outside, in the clear.
    #[error(
        "{0} ([admin] listen) is no loopback address, and there is no TLS: set admin.certificate and admin.private_key, or \
         choose 127.0.0.1 or [::1]"
    )]
    NoTls(SocketAddr),
    /// It would be reached from outside, by anybody.
    #[error(
        "{0} ([admin] listen) is no loopback address, and there are no keys: make one with `strowger key add --role admin`, \
         or choose 127.0.0.1 or [::1]"
    )]
    NoKeys(SocketAddr),
    /// Anything else.
    #[error("{0} ([admin] listen): {1}")]
    Other(SocketAddr, io::Error),
}

/// What keeps others out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Guarded {
    /// How what is said is hidden.
    pub by_tls: Present,
    /// How who speaks is known.
    pub by_keys: Present,
}

/// Whether something is there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "each is its own word")]
pub enum Present {
    Yes,
    No,
}

/// Binds it. Port 0 takes any free port. An address that is reached from elsewhere needs TLS and keys.
///
/// # Errors
/// [`BindError`].
pub async fn bind(address: SocketAddr, guarded: Guarded) -> Result<TcpListener, BindError> {
    match guarded {
        _ if address.ip().is_loopback() => {}
        Guarded { by_tls: Present::No, .. } => return Err(BindError::NoTls(address)),
        Guarded { by_keys: Present::No, .. } => return Err(BindError::NoKeys(address)),
        Guarded { by_tls: Present::Yes, by_keys: Present::Yes } => {}
    }
    TcpListener::bind(address).await.map_err(|error| {
        if error.kind() == ErrorKind::AddrInUse {
            BindError::InUse(address)
        } else {
            BindError::Other(address, error)
        }
    })
}

impl From<bool> for Present {
    fn from(is_present: bool) -> Self {
        if is_present { Self::Yes } else { Self::No }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: Guarded = Guarded { by_tls: Present::No, by_keys: Present::No };

    #[tokio::test]
    async fn a_port_that_is_taken_is_told_with_a_remedy() {
        let taken = bind("127.0.0.1:0".parse().unwrap(), OPEN).await.unwrap();
        let again = bind(taken.local_addr().unwrap(), OPEN).await.unwrap_err().to_string();
        assert!(again.starts_with("port in use: 127.0.0.1:") && again.contains("listen = \"\""), "{again}");
    }

    #[tokio::test]
    async fn what_is_reached_from_elsewhere_needs_tls_and_keys() {
        for (by_tls, by_keys, lack) in [
            (Present::No, Present::No, "there is no TLS"),
            (Present::No, Present::Yes, "there is no TLS"),
            (Present::Yes, Present::No, "there are no keys"),
        ] {
            for outside in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
                let refused = bind(outside.parse().unwrap(), Guarded { by_tls, by_keys }).await;
                let refused = refused.unwrap_err().to_string();
                assert!(refused.contains("no loopback address") && refused.contains(lack), "{refused}");
            }
        }
        let guarded = Guarded { by_tls: Present::Yes, by_keys: Present::Yes };
        assert!(bind("0.0.0.0:0".parse().unwrap(), guarded).await.is_ok());
    }
}
