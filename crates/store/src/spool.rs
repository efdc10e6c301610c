//! Where call records wait on this machine while the database is gone: a file to which they are appended, a line of JSON each, and
//! which is emptied when the database has them all.

use std::borrow::Borrow;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use b2bua::CallRecord;
use tokio::task::spawn_blocking;
use tracing::error;

use crate::Error;

/// The file. A record that is in it outlives the process and a power cut.
#[derive(Clone, Debug)]
pub struct Spool {
    file: Arc<File>,
    path: Arc<PathBuf>,
}

impl Spool {
    /// Opens the file, or makes it. Nobody else may read it.
    ///
    /// # Errors
    ///
    /// If it can't be read and written.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let opened = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path);
        let whole = opened.and_then(|file| end_line(&file).map(|()| file));
        let file = whole.map_err(|cause| Error::Spool { path: path.to_owned(), cause })?;
        Ok(Self { file: Arc::new(file), path: Arc::new(path.to_owned()) })
    }

    /// Adds records, and returns when they are on disk.
    pub(crate) async fn append<R: Borrow<CallRecord>>(&self, records: &[R]) -> Result<(), Error> {
        let mut lines = String::new();
        for record in records {
            // A record has no key that is not a text.
            lines.push_str(&serde_json::to_string(record.borrow()).unwrap_or_default());
            lines.push('\n');
        }
        self.with(move |mut file| {
            let length = file.metadata()?.len();
            if length + lines.len() as u64 > MOST {
                return Err(io::Error::new(io::ErrorKind::StorageFull, "it is as large as it may be"));
            }
            let written = file.write_all(lines.as_bytes()).and_then(|()| file.sync_data());
            if written.is_err() {
                // As little of it as can be: what is left is half a line.
                file.set_len(length)?;
            }
            written
        })
        .await
    }

    /// Some records, beginning at an offset, and the offset behind them; none at the end. A line that was cut off by the end of its process
    /// is passed over: its record was not confirmed.
    pub(crate) async fn read(&self, offset: u64) -> Result<(Vec<CallRecord>, u64), Error> {
        let path = Arc::clone(&self.path);
        self.with(move |mut file| {
            file.seek(SeekFrom::Start(offset))?;
            let mut reader = BufReader::new(file);
            let (mut records, mut offset) = (Vec::new(), offset);
            let mut line = Vec::new();
            while records.len() < BATCH {
                line.clear();
                let length = reader.read_until(b'\n', &mut line)?;
                if length == 0 {
                    break;
                }
                offset += length as u64;
                match serde_json::from_slice(&line) {
                    Ok(record) => records.push(record),
                    Err(cause) => {
                        let path = path.display();
                        error!(%path, offset, %cause, "a line of the spool is no call record, and is passed over");
                    }
                }
            }
            Ok((records, offset))
        })
        .await
    }

    /// Empties the file.
    pub(crate) async fn clear(&self) -> Result<(), Error> {
        self.with(|file| {
            if file.metadata()?.len() > 0 {
                file.set_len(0)?;
                file.sync_data()?;
            }
            Ok(())
        })
        .await
    }

    /// The disk may take its time.
    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&File) -> io::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        let file = Arc::clone(&self.file);
        let done = spawn_blocking(move || work(&file)).await.map_err(io::Error::other).flatten();
        done.map_err(|cause| Error::Spool { path: self.path.to_path_buf(), cause })
    }
}

/// Half a line, of a process that was cut off, must not be glued to the next.
fn end_line(mut file: &File) -> io::Result<()> {
    if file.metadata()?.len() == 0 {
        return Ok(());
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    if last == [b'\n'] { Ok(()) } else { file.write_all(b"\n") }
}

/// Records that are read at once.
const BATCH: usize = 512;
/// Half a million calls. Beyond it records wait in memory, and their calls with them.
const MOST: u64 = 1 << 30;
