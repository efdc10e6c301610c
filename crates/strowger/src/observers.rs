//! Tasks that only look on: the end of one ends no call.

use std::convert::Infallible;

use tokio::task::{Id, JoinError, JoinSet};
use tracing::error;

/// They run for as long as the node, or until one fails.
#[derive(Debug, Default)]
pub(crate) struct Observers {
    tasks: JoinSet<()>,
    names: Vec<(Id, Observer)>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Observer {
    /// Keeps traces and sends packets to Homer.
    Witness,
    /// Answers HTTP.
    Api,
    /// Reads the files of `[tls]` anew.
    Certificates,
    /// Asks the store whether it is there.
    Pulse,
    /// Tells systemd that the daemon is alive.
    Watchdog,
    /// Reads the certificate of `[admin]` anew.
    AdminCertificate,
}

impl Observers {
    pub(crate) fn spawn(&mut self, observer: Observer, task: impl Future<Output = ()> + Send + 'static) {
        self.names.push((self.tasks.spawn(task).id(), observer));
    }

    /// Writes a line for each that ends, for ever.
    pub(crate) async fn tell_of_ends(&mut self) -> Infallible {
        while let Some(ended) = self.tasks.join_next_with_id().await {
            let id = ended.as_ref().map_or_else(JoinError::id, |(id, ())| *id);
            let error =
                ended.map_or_else(|error| error.to_string(), |_| "it had nothing more to do".to_owned());
            let observer = self.names.iter().find(|(own, _)| *own == id).map(|(_, observer)| *observer);
            let lost = observer.map_or("what it did", Observer::work);
            error!(
                ?error,
                "a task beside the calls has ended: {lost} stopped, calls go on; restart the daemon to have it back, and report this line"
            );
        }
        std::future::pending().await
    }
}

impl Observer {
    /// What nobody does after its end.
    const fn work(self) -> &'static str {
        match self {
            Self::Witness => "keeping traces and sending SIP to the HEP collector",
            Self::Api => "the HTTP API with its metrics",
            Self::Certificates => "reading changed files of [tls] anew",
            Self::Pulse => "asking the store whether it is there, for /readyz,",
            Self::Watchdog => "telling systemd that the daemon is alive",
            Self::AdminCertificate => "reading the changed certificate of [admin] anew",
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;
    use crate::lines::Lines;

    #[tokio::test]
    async fn the_end_of_an_observer_is_told_and_the_others_go_on() {
        let (told, mut lines) = mpsc::unbounded_channel();
        let log = tracing_subscriber::fmt()
            .with_writer(Lines::of(move |line| told.send(line)))
            .with_ansi(false)
            .finish();
        let _log = tracing::subscriber::set_default(log);
        let mut observers = Observers::default();
        observers.spawn(Observer::Witness, async { panic!("an observer that fails") });
        observers.spawn(Observer::Api, std::future::pending());
        let line = tokio::select! {
            never = observers.tell_of_ends() => match never {},
            line = lines.recv() => line.unwrap(),
        };
        assert!(line.contains("ERROR") && line.contains("an observer that fails"), "{line}");
        assert!(line.contains("keeping traces") && line.contains("restart the daemon"), "{line}");
        assert_eq!(observers.tasks.len(), 1);
    }
}
