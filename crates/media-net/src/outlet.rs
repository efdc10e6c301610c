//! The way out for events: in order, none lost but for what is told again.

use std::collections::VecDeque;

use media::Event;
use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::TrySendError;

pub(crate) struct Outlet {
    channel: Sender<Event>,
    /// What the channel had no room for.
    held: VecDeque<Event>,
}

impl Outlet {
    pub(crate) const fn new(channel: Sender<Event>) -> Self {
        Self { channel, held: VecDeque::new() }
    }

    /// What a leg measures is left out while others wait: it says so again.
    pub(crate) fn tell(&mut self, event: Event) {
        if self.is_holding() && matches!(event, Event::Measured { .. }) {
            return;
        }
        self.held.push_back(event);
        self.flush();
    }

    /// Sends what there is room for.
    pub(crate) fn flush(&mut self) {
        while let Some(event) = self.held.pop_front() {
            match self.channel.try_send(event) {
                Ok(()) => {}
                Err(TrySendError::Full(event)) => return self.held.push_front(event),
                // Nobody listens any more: the node is on its way down.
                Err(TrySendError::Closed(_)) => self.held.clear(),
            }
        }
    }

    pub(crate) fn is_holding(&self) -> bool {
        !self.held.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use media::MediaKey;

    use super::*;

    #[test]
    fn events_over_a_full_channel_are_held_in_order() {
        let (channel, mut events) = tokio::sync::mpsc::channel(2);
        let mut outlet = Outlet::new(channel);
        for key in 0..5 {
            outlet.tell(Event::Silent { media: MediaKey(key) });
        }
        let mut heard = Vec::new();
        while outlet.is_holding() {
            heard.extend(events.try_recv());
            outlet.flush();
        }
        heard.extend(std::iter::from_fn(|| events.try_recv().ok()));
        assert_eq!(heard, (0..5).map(|key| Event::Silent { media: MediaKey(key) }).collect::<Vec<_>>());
    }

    #[test]
    fn measures_do_not_pile_up_where_nobody_takes_them() {
        let (channel, mut events) = tokio::sync::mpsc::channel(1);
        let mut outlet = Outlet::new(channel);
        let measured =
            || Event::Measured { media: MediaKey(1), counters: media::command::Counters::default() };
        (0..100).for_each(|_| outlet.tell(measured()));
        outlet.tell(Event::Silent { media: MediaKey(1) });
        let mut heard = Vec::new();
        while let Ok(event) = events.try_recv() {
            heard.push(event);
            outlet.flush();
        }
        assert_eq!(heard, [measured(), measured(), Event::Silent { media: MediaKey(1) }]);
    }

    #[test]
    fn without_a_listener_nothing_is_held() {
        let (channel, events) = tokio::sync::mpsc::channel(1);
        drop(events);
        let mut outlet = Outlet::new(channel);
        outlet.tell(Event::Silent { media: MediaKey(1) });
        assert!(!outlet.is_holding());
    }
}
