//! `strowger run`: the daemon, from its configuration to its end by a signal.

use std::path::Path;
use std::process::ExitCode;

use store::Store;
use tracing::{info, warn};

use crate::config::Config;
use crate::failure::Failure;
use crate::node::Node;
use crate::signal::Stop;
use crate::{calendar, log, open_files, sockets};

/// Takes calls until SIGTERM or SIGINT.
///
/// # Errors
/// What kept it from starting.
pub(crate) async fn run(path: Option<&Path>) -> Result<ExitCode, Failure> {
    let mut stop = Stop::listen()?;
    let config = Config::load(path)?;
    log::start(&config.log);
    open_files::provide(config.limits.max_calls.0, sockets::connections(&config));
    let store = Store::open(&config.store_url()).await?;
    let cut_off = store.cut_off(calendar::wall_ms()).await?;
    if cut_off > 0 {
        warn!(
            calls = cut_off,
            "calls were up when the daemon last stopped: their records are marked cut-off"
        );
    }
    let mut node = Node::start(&config, store.clone()).await?;
    info!("ready for calls");
    tokio::select! {
        signal = stop.asked() => {
            info!(signal, "stopping: calls are ended, records written");
            node.stop().await;
            store.close().await;
            info!("stopped");
            Ok(ExitCode::SUCCESS)
        }
        failure = node.failed() => Err(failure),
    }
}
