//! The agent streams that are attached to a worker's legs.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use media::agent::{TapEvent, TapInput};
use media::{MediaKey, Taken};
use tokio::sync::mpsc::{Receiver, Sender};

use crate::bell::{Alarm, TapWaker};

/// One leg's channels to and from its agent stream.
pub(crate) struct Tap {
    events: Sender<TapEvent>,
    /// `None` when the stream has dropped its end.
    inputs: Option<Receiver<TapInput>>,
    waker: Waker,
}

impl Tap {
    pub(crate) fn new(
        media: MediaKey,
        events: Sender<TapEvent>,
        inputs: Receiver<TapInput>,
        alarm: Alarm,
    ) -> Self {
        let waker = Waker::from(Arc::new(TapWaker { media, alarm }));
        Self { events, inputs: Some(inputs), waker }
    }

    /// Hands something to the stream, if its channel has room.
    pub(crate) fn offer(&self, event: TapEvent) -> Taken {
        match self.events.try_send(event) {
            Ok(()) => Taken::Yes,
            Err(_) => Taken::No,
        }
    }

    /// The stream's next wish. Without one, the worker is woken when there is.
    pub(crate) fn next(&mut self) -> Option<TapInput> {
        let inputs = self.inputs.as_mut()?;
        match inputs.poll_recv(&mut Context::from_waker(&self.waker)) {
            Poll::Ready(Some(input)) => Some(input),
            Poll::Ready(None) => {
                self.inputs = None;
                None
            }
            Poll::Pending => None,
        }
    }
}
