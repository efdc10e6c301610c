//! The packet threads, as the configuration wants them.

use std::sync::Arc;

use media::ThreadCounts;
use media_net::{Backend, Choice, Dscp, Plan};
use tracing::info;

use crate::config::{Backend as Wish, Media};
use crate::failure::Failure;

/// `count` of them; says how they reach their sockets.
///
/// # Errors
/// The system has not the back end that is asked for.
pub(crate) fn plan(media: &Media, count: u16, seed: u64, counts: Arc<ThreadCounts>) -> Result<Plan, Failure> {
    let backend = match media.backend {
        Wish::Auto => choose(),
        Wish::Epoll => asked(Backend::Epoll),
        Wish::IoUring => {
            Backend::IoUring.probe().map_err(Failure::NoIoUring)?;
            asked(Backend::IoUring)
        }
    };
    let dscp = u8::try_from(media.dscp.0).ok().and_then(Dscp::new).unwrap_or(Dscp::EF);
    Ok(Plan { count, seed, backend, dscp, counts })
}

fn asked(backend: Backend) -> Backend {
    info!(backend = backend.name(), why = "media.backend", "packet threads");
    backend
}

/// Whichever is better here.
fn choose() -> Backend {
    let (backend, choice) = Backend::choose();
    let name = backend.name();
    match choice {
        Choice::Measured { epoll, io_uring } => info!(
            backend = name,
            why = "measured",
            epoll_ns = epoll.as_nanos(),
            io_uring_ns = io_uring.as_nanos(),
            "packet threads"
        ),
        Choice::Forbidden(error) => {
            info!(backend = name, why = "io-uring can't be had here", %error, "packet threads");
        }
        Choice::Unmeasured(error) => {
            info!(backend = name, why = "loopback can't be measured", %error, "packet threads");
        }
    }
    backend
}
