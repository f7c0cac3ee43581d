//! Sources that another program brings along: bytes in memory, a bucket, a socket.

use std::cmp::Ordering;
use std::fmt;
use std::io::{self, Cursor};
use std::sync::Arc;

use super::ByteStream;

/// Opens a source: called once for each pass, so it must give the same bytes every time.
type Opener = dyn Fn() -> io::Result<ByteStream> + Send + Sync;

/// A source by its name and how it is opened. Two are the same when their names are.
#[derive(Clone)]
pub struct Given {
    name: Arc<str>,
    opener: Arc<Opener>,
}

impl Given {
    /// A source that `open` opens.
    pub fn new(name: &str, open: impl Fn() -> io::Result<ByteStream> + Send + Sync + 'static) -> Given {
        Given { name: name.into(), opener: Arc::new(open) }
    }

    /// A source of these bytes.
    pub fn bytes(name: &str, bytes: impl Into<Arc<[u8]>>) -> Given {
        let bytes: Arc<[u8]> = bytes.into();
        Given::new(name, move || Ok(Box::new(Cursor::new(Arc::clone(&bytes)))))
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn open(&self) -> io::Result<ByteStream> {
        (self.opener)()
    }
}

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Given").field(&self.name).finish()
    }
}

impl PartialEq for Given {
    fn eq(&self, other: &Given) -> bool {
        self.name == other.name
    }
}

impl Eq for Given {}

impl PartialOrd for Given {
    fn partial_cmp(&self, other: &Given) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Given {
    fn cmp(&self, other: &Given) -> Ordering {
        self.name.cmp(&other.name)
    }
}
