//! `strowger run`: the daemon, from its configuration to its end by a signal.

use std::path::Path;
use std::process::ExitCode;

use store::Store;
use tracing::{error, info};

use crate::config::Config;
use crate::failure::Failure;
use crate::node::Node;
use crate::signal::Stop;
use crate::{log, open_files, sockets};

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
    let mut node = Node::start(&config, store.clone()).await?;
    info!("ready for calls");
    let ended = tokio::select! {
        signal = stop.asked() => {
            info!(signal, "stopping: calls are ended, records written");
            Ok(ExitCode::SUCCESS)
        }
        failure = node.failed() => {
            error!(%failure, "stopping: a part of the node has failed; calls are ended, records written");
            Err(failure)
        }
    };
    node.stop().await;
    store.close().await;
    info!("stopped");
    ended
}
