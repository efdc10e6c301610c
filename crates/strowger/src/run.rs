//! `strowger run`: the daemon, from its configuration to its end by a signal, or by `strowger drain`.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use store::Store;
use tokio::time::sleep;
use tracing::{error, info, warn};

use crate::config::Config;
use crate::failure::Failure;
use crate::node::{Node, Woken};
use crate::signal::Stop;
use crate::{log, open_files, service, sockets};

/// Takes calls until SIGTERM or SIGINT, or until the API asks that it drain.
///
/// # Errors
/// What kept it from starting.
pub(crate) async fn run(path: Option<&Path>) -> Result<ExitCode, Failure> {
    let mut stop = Stop::listen()?;
    let config = Config::load(path)?;
    log::start(&config.log);
    open_files::provide(config.limits.max_calls.0, sockets::connections(&config));
    let store = Store::open_patiently(&config.store_url()).await?.of_realm(&config.realm());
    let mut node = Node::start(&config, store.clone()).await?;
    service::ready(&mut node);
    info!("ready for calls");
    let configured = Duration::from_secs(config.node.drain_s.0.into());
    let within = tokio::select! {
        signal = stop.asked() => {
            info!(signal, "asked to stop");
            Ok(configured)
        }
        woken = node.woken() => match woken {
            Woken::Drain(drain) => {
                info!("asked to drain, over HTTP");
                Ok(drain.within.unwrap_or(configured))
            }
            Woken::Failed(failure) => Err(failure),
        },
    };
    let ended = match within {
        Ok(within) => drain(&mut node, &mut stop, within).await,
        Err(failure) => Err(failure),
    };
    if let Err(failure) = &ended {
        error!(%failure, "stopping: a part of the node has failed; calls are ended, records written");
    }
    node.stop().await;
    store.close().await;
    info!("stopped");
    ended.map(|()| ExitCode::SUCCESS)
}

/// Lets the calls that are up end by themselves: for so long, or until a second signal comes.
///
/// # Errors
/// A part of the node has failed meanwhile.
async fn drain(node: &mut Node, stop: &mut Stop, within: Duration) -> Result<(), Failure> {
    service::stopping(within);
    let seen = node.seen().clone();
    let calls = || seen.metrics.signalling().gauges().calls;
    tokio::select! {
        drained = node.drain(within) => drained,
        () = sleep(within) => {
            if calls() > 0 {
                warn!(calls = calls(), "calls are up when their time is over: they are ended");
            }
            Ok(())
        }
        signal = stop.asked() => {
            info!(signal, calls = calls(), "asked to stop once more: calls are ended");
            Ok(())
        }
    }
}
