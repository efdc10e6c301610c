//! The far end of an agent stream, by script.

use std::time::Duration;

use media::agent::AgentKey;

/// An agent behind a WebSocket URL.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Bot {
    /// Its name on ladders.
    pub name: String,
    /// The URL that it listens on.
    pub url: String,
    /// What comes of opening it.
    pub opening: Opening,
    /// It closes the stream so long after it opened.
    pub closes: Option<Duration>,
}

/// What comes of opening a stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Opening {
    /// It is open after so long.
    After(Duration),
    /// It is refused after so long.
    Fails(Duration),
    /// Nothing; the core's own timeout ends it.
    Never,
}

impl Bot {
    /// A bot that opens after 100 ms and stays.
    pub fn new(name: impl Into<String>, url: impl Into<String>) -> Self {
        let opening = Opening::After(Duration::from_millis(100));
        Self { name: name.into(), url: url.into(), opening, closes: None }
    }

    /// With another opening.
    #[must_use]
    pub const fn opening(mut self, opening: Opening) -> Self {
        self.opening = opening;
        self
    }

    /// Closing so long after it opened.
    #[must_use]
    pub const fn closing(mut self, after: Duration) -> Self {
        self.closes = Some(after);
        self
    }
}

/// A stream that the core asked for and has not heard the end of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Stream {
    pub(crate) agent: AgentKey,
    pub(crate) bot: String,
}

/// What a bot was told when its stream was opened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Told {
    pub(crate) bot: String,
    pub(crate) parameters: Vec<(String, String)>,
}
