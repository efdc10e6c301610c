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
    /// It would be reached from outside.
    #[error(
        "{0} ([admin] listen) is no loopback address; there are no keys and no TLS yet: choose 127.0.0.1 or [::1]"
    )]
    NotLoopback(SocketAddr),
    /// Anything else.
    #[error("{0} ([admin] listen): {1}")]
    Other(SocketAddr, io::Error),
}

/// Binds it. Port 0 takes any free port.
///
/// # Errors
/// [`BindError`].
pub async fn bind(address: SocketAddr) -> Result<TcpListener, BindError> {
    if !address.ip().is_loopback() {
        return Err(BindError::NotLoopback(address));
    }
    TcpListener::bind(address).await.map_err(|error| {
        if error.kind() == ErrorKind::AddrInUse {
            BindError::InUse(address)
        } else {
            BindError::Other(address, error)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_port_that_is_taken_and_an_address_that_is_not_ours_alone_are_refused_with_a_remedy() {
        let taken = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let again = bind(taken.local_addr().unwrap()).await.unwrap_err().to_string();
        assert!(again.starts_with("port in use: 127.0.0.1:") && again.contains("listen = \"\""), "{again}");
        for outside in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
            let refused = bind(outside.parse().unwrap()).await.unwrap_err().to_string();
            assert!(refused.contains("no loopback address"), "{refused}");
        }
    }
}
