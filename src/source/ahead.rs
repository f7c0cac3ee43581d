//! Reading ahead, in a thread of its own: whoever waits for a pipe can be told to stop waiting, and what is compressed is unpacked
//! while others look at what was unpacked before.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::thread;
use std::time::Duration;

use super::Stop;

/// Bytes that are read at once: four times what a pipe holds.
const BLOCK: usize = 256 << 10;

/// Blocks that wait to be taken.
const WAITING: usize = 2;

/// How often a stop is looked for while nothing comes.
const LOOK: Duration = Duration::from_millis(50);

/// What a thread reads ahead. It ends where the input ends, and after a stop.
pub(super) struct Ahead {
    blocks: Receiver<io::Result<Block>>,
    /// Blocks go back this way, to be filled again.
    used: Sender<Block>,
    block: Block,
    at: usize,
    stop: Stop,
}

/// Bytes, of which the first `len` were read.
#[derive(Debug, Default)]
struct Block {
    bytes: Vec<u8>,
    len: usize,
}

impl Ahead {
    /// Opens and reads what `open` gives, which may wait as long as it likes. When nobody listens any more the thread ends with
    /// its next block, or with the program.
    ///
    /// # Errors
    /// When no thread can be started.
    pub(super) fn new<R: Read>(
        open: impl FnOnce() -> io::Result<R> + Send + 'static,
        stop: &Stop,
    ) -> io::Result<Ahead> {
        let (sender, blocks) = sync_channel(WAITING);
        let (used, empty) = channel();
        thread::Builder::new().name("read ahead".to_owned()).spawn(move || match open() {
            Ok(reader) => read_all(reader, &sender, &empty),
            Err(error) => drop(sender.send(Err(error))),
        })?;
        Ok(Ahead { blocks, used, block: Block::default(), at: 0, stop: stop.clone() })
    }

    /// Waits for the next block; `false` at the end.
    fn next(&mut self) -> io::Result<bool> {
        while !self.stop.is_set() {
            match self.blocks.recv_timeout(LOOK) {
                Ok(block) => {
                    let used = std::mem::replace(&mut self.block, block?);
                    self.at = 0;
                    // The thread may have ended: then nobody needs it.
                    let _ = self.used.send(used);
                    return Ok(true);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(false),
            }
        }
        Ok(false)
    }
}

impl Read for Ahead {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.block.len {
            if buffer.is_empty() || !self.next()? {
                return Ok(0);
            }
        }
        let n = buffer.len().min(self.block.len - self.at);
        buffer[..n].copy_from_slice(&self.block.bytes[self.at..self.at + n]);
        self.at += n;
        Ok(n)
    }
}

fn read_all(mut reader: impl Read, sender: &SyncSender<io::Result<Block>>, empty: &Receiver<Block>) {
    loop {
        let mut block = empty.try_recv().unwrap_or_default();
        block.bytes.resize(BLOCK, 0);
        let read = match reader.read(&mut block.bytes) {
            Ok(0) => return,
            Ok(len) => Ok(Block { len, ..block }),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => Err(error),
        };
        let failed = read.is_err();
        if sender.send(read).is_err() || failed {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_ahead_is_what_was_there() {
        let bytes: Vec<u8> = (0..1_000_000u32).map(|n| (n % 251) as u8).collect();
        let copy = bytes.clone();
        let mut ahead = Ahead::new(move || Ok(io::Cursor::new(copy)), &Stop::default()).expect("a thread");
        let mut read = Vec::new();
        ahead.read_to_end(&mut read).expect("memory is readable");
        assert!(read == bytes);
    }

    #[test]
    fn an_error_comes_through() {
        let open = || Err::<io::Empty, _>(io::Error::from(io::ErrorKind::PermissionDenied));
        let mut ahead = Ahead::new(open, &Stop::default()).expect("a thread");
        assert_eq!(ahead.read(&mut [0; 8]).map_err(|e| e.kind()), Err(io::ErrorKind::PermissionDenied));
    }

    /// A reader from which nothing ever comes.
    struct Unanswered;

    impl Read for Unanswered {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            thread::sleep(Duration::from_secs(3600));
            Ok(0)
        }
    }

    #[test]
    fn a_stop_ends_the_wait() {
        let stop = Stop::default();
        let mut ahead = Ahead::new(|| Ok(Unanswered), &stop).expect("a thread");
        thread::spawn(move || {
            thread::sleep(Duration::from_millis(20));
            stop.set();
        });
        assert_eq!(ahead.read(&mut [0; 8]).map_err(|e| e.kind()), Ok(0));
    }
}
