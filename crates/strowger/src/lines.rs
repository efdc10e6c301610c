//! The lines of a log, for tests.

use std::io::{self, Write};
use std::sync::Arc;

use tracing_subscriber::fmt::MakeWriter;

/// Hands each line of the log on.
pub(crate) struct Lines<F>(Arc<F>);

impl<F> Lines<F> {
    /// To there.
    pub(crate) fn of(tell: F) -> Self {
        Self(Arc::new(tell))
    }
}

impl<F> MakeWriter<'_> for Lines<F>
where
    Self: Write,
{
    type Writer = Self;

    fn make_writer(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<F, E> Write for Lines<F>
where
    F: Fn(String) -> Result<(), E>,
    E: std::error::Error + Send + Sync + 'static,
{
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        (self.0)(String::from_utf8_lossy(line).into_owned()).map_err(io::Error::other)?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
