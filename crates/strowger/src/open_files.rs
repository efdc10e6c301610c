//! The bound on open files, which is a bound on calls: each holds up to four sockets.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::warn;

/// Raises our own bound as far as the system lets us, and warns if the calls that may be up don't fit below it beside the
/// connections that peers may hold open.
pub(crate) fn provide(max_calls: u32, connections: u64) {
    let bound = getrlimit(Resource::Nofile);
    if bound.current != bound.maximum
        && let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: bound.maximum, ..bound })
    {
        warn!(%error, "the bound on open files can't be raised");
    }
    let Some(most) = getrlimit(Resource::Nofile).current else { return };
    let fit = calls_that_fit(most.saturating_sub(connections));
    if fit < u64::from(max_calls) {
        warn!(
            open_files = most,
            max_calls,
            fit,
            "limits.max_calls is more than the bound on open files has room for: raise it (ulimit -n, LimitNOFILE=)"
        );
    }
}

const fn calls_that_fit(open_files: u64) -> u64 {
    open_files.saturating_sub(OF_OUR_OWN) / OF_A_CALL
}

/// RTP and RTCP towards the caller, and as many towards a SIP agent; a stream needs one less.
const OF_A_CALL: u64 = 4;
/// Listeners, store, threads.
const OF_OUR_OWN: u64 = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_sockets_are_kept_for_each_call() {
        assert_eq!(calls_that_fit(1024), 240);
        assert_eq!(calls_that_fit(10), 0);
    }
}
