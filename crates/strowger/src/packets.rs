//! The packet threads, as the configuration wants them.

use std::sync::Arc;

use media::ThreadCounts;
use media_net::{Backend, Choice, Dscp, Plan, Workers};
use tokio::sync::mpsc;
use tracing::info;

use crate::config::{Backend as Wish, Media};
use crate::failure::Failure;

/// Starts `count` of them, and says how they reach their sockets.
///
/// # Errors
/// The system has no threads for us, or not the back end that is asked for.
pub(crate) fn start(
    media: &Media,
    count: u16,
    seed: u64,
    counts: Arc<ThreadCounts>,
    events: &mpsc::Sender<media::Event>,
) -> Result<Workers, Failure> {
    let backend = match media.backend {
        Wish::Auto => choose(),
        Wish::Epoll => asked(Backend::Epoll),
        Wish::IoUring => {
            Backend::IoUring.probe().map_err(Failure::NoIoUring)?;
            asked(Backend::IoUring)
        }
    };
    let dscp = u8::try_from(media.dscp.0).ok().and_then(Dscp::new).unwrap_or(Dscp::EF);
    Workers::start(&Plan { count, seed, backend, dscp, counts }, events).map_err(Failure::Workers)
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
