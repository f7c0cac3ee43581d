//! Gzip and Zstandard by their magic bytes, with a bound on what they may expand to.

use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::GzDecoder;
use serde::{Deserialize, Serialize};

use super::{ByteStream, FREE_EXPANSION, Options, read_head};

/// How the bytes of a source are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// Gzip, one or more members.
    Gzip,
    /// Zstandard, one or more frames.
    Zstd,
}

impl Compression {
    /// As reports print it behind the encoding.
    pub fn suffix(self) -> &'static str {
        match self {
            Compression::None => "",
            Compression::Gzip => ", gzip",
            Compression::Zstd => ", zstd",
        }
    }
}

/// Compressed bytes are read in pieces of this size; larger ones leave the second level cache.
const COMPRESSED_BLOCK: usize = 128 << 10;

/// Looks at the magic bytes of `raw` and undoes the compression they announce.
pub(super) fn decompress(mut raw: ByteStream, options: &Options) -> io::Result<(Compression, ByteStream)> {
    let mut magic = [0; 4];
    let n = read_head(&mut raw, &mut magic)?;
    let head = io::Cursor::new(magic).take(n as u64).chain(raw);
    let compression = match magic {
        [0x1f, 0x8b, ..] if n >= 2 => Compression::Gzip,
        [0x28, 0xb5, 0x2f, 0xfd] if n == 4 => Compression::Zstd,
        // pzstd begins with a frame to be skipped (RFC 8878, 3.1.2).
        [0x50..=0x5f, 0x2a, 0x4d, 0x18] if n == 4 => Compression::Zstd,
        _ => return Ok((Compression::None, Box::new(head))),
    };
    let consumed = Arc::new(AtomicU64::new(0));
    let counted = BufReader::with_capacity(COMPRESSED_BLOCK, Counted { inner: head, n: Arc::clone(&consumed) });
    let plain: ByteStream = match compression {
        Compression::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(counted)?;
            decoder.window_log_max(MAX_WINDOW_LOG)?;
            Box::new(decoder)
        }
        _ => Box::new(Members::new(counted)),
    };
    Ok((
        compression,
        Box::new(ExpansionGuard { inner: plain, consumed, produced: 0, max_expansion: options.max_expansion }),
    ))
}

/// Windows up to 2 GiB (`zstd --long=31`), the largest there are. Their memory is only used as far as the data fills it.
const MAX_WINDOW_LOG: u32 = 31;

/// Counts what is read through it.
struct Counted<R> {
    inner: R,
    n: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.n.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

/// Stops a stream that expands beyond all reason, and says what to pass to read it anyway.
struct ExpansionGuard {
    inner: ByteStream,
    consumed: Arc<AtomicU64>,
    produced: u64,
    max_expansion: u64,
}

impl Read for ExpansionGuard {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let consumed = self.consumed.load(Ordering::Relaxed);
        if self.produced > FREE_EXPANSION && self.produced / self.max_expansion.max(1) > consumed {
            return Err(io::Error::other(format!(
                "{consumed} compressed bytes became {} already, more than {} times as many: not read further; if the \
                 file is trusted, raise the limit with --max-expansion",
                self.produced, self.max_expansion
            )));
        }
        let n = self.inner.read(buffer).map_err(|e| {
            io::Error::new(e.kind(), format!("damaged compressed data after byte {consumed} of the file: {e}"))
        })?;
        self.produced += n as u64;
        Ok(n)
    }
}

/// All members of a gzip file, one after another; zero padding after the last one is legal and ignored.
struct Members<R: BufRead> {
    current: Option<GzDecoder<R>>,
}

impl<R: BufRead> Members<R> {
    fn new(inner: R) -> Members<R> {
        Members { current: Some(GzDecoder::new(inner)) }
    }

    /// Opens the member that follows the one just ended, if there is one.
    fn next_member(&mut self) -> io::Result<()> {
        let Some(ended) = self.current.take() else { return Ok(()) };
        let mut inner = ended.into_inner();
        loop {
            let ahead = inner.fill_buf()?;
            let Some(first) = ahead.iter().position(|b| *b != 0) else {
                let n = ahead.len();
                if n == 0 {
                    return Ok(());
                }
                inner.consume(n);
                continue;
            };
            if ahead[first] != 0x1f {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "other data follows the last gzip member"));
            }
            inner.consume(first);
            self.current = Some(GzDecoder::new(inner));
            return Ok(());
        }
    }
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.current {
            match member.read(buffer)? {
                0 if !buffer.is_empty() => self.next_member()?,
                n => return Ok(n),
            }
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn gz(text: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(text).expect("memory is writable");
        encoder.finish().expect("memory is writable")
    }

    /// What a reader gives before it ends or fails.
    fn drain(bytes: Vec<u8>, options: &Options) -> (Compression, Vec<u8>, Option<String>) {
        let (compression, mut reader) = decompress(Box::new(io::Cursor::new(bytes)), options).expect("it opens");
        let (mut out, mut block) = (Vec::new(), vec![0; 1 << 16]);
        loop {
            match reader.read(&mut block) {
                Ok(0) => return (compression, out, None),
                Ok(n) => out.extend_from_slice(&block[..n]),
                Err(e) => return (compression, out, Some(e.to_string())),
            }
        }
    }

    #[test]
    fn members_follow_each_other_and_padding_is_ignored() {
        let mut file = gz(b"one\n");
        file.extend(gz(b""));
        file.extend(gz(b"two\n"));
        file.extend([0; 700]);
        assert_eq!(drain(file, &Options::default()), (Compression::Gzip, b"one\ntwo\n".to_vec(), None));
    }

    #[test]
    fn a_cut_member_keeps_what_is_whole_and_says_so() {
        let text: Vec<u8> =
            (0..40_000u32).flat_map(|i| format!("line {}\n", i.wrapping_mul(2654435761)).into_bytes()).collect();
        let mut file = gz(&text);
        file.truncate(file.len() / 2);
        let (_, out, error) = drain(file, &Options::default());
        assert!(out.len() > text.len() / 4 && text.starts_with(&out), "{} of {}", out.len(), text.len());
        assert!(error.expect("an error follows").contains("damaged compressed data"));
    }

    #[test]
    fn zstd_with_a_long_window_and_in_skipped_frames_is_read() {
        let mut encoder = zstd::Encoder::new(Vec::new(), 1).expect("memory is writable");
        encoder.window_log(28).expect("zstd takes it");
        encoder.write_all(b"one\n").expect("memory is writable");
        let frame = encoder.finish().expect("memory is writable");
        let skipped = [&[0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 9, 9, 9, 9], frame.as_slice()].concat();
        for file in [frame, skipped] {
            assert_eq!(drain(file, &Options::default()), (Compression::Zstd, b"one\n".to_vec(), None));
        }
    }

    #[test]
    fn zstd_frames_follow_each_other() {
        let mut file = zstd::encode_all(&b"one\n"[..], 3).expect("memory is writable");
        file.extend(zstd::encode_all(&b"two\n"[..], 3).expect("memory is writable"));
        assert_eq!(drain(file, &Options::default()), (Compression::Zstd, b"one\ntwo\n".to_vec(), None));
    }

    #[test]
    fn a_bomb_is_stopped_with_the_option_that_allows_it() {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        let zeros = vec![0; 1 << 20];
        for _ in 0..1100 {
            encoder.write_all(&zeros).expect("memory is writable");
        }
        let bomb = encoder.finish().expect("memory is writable");
        let options = Options { max_expansion: 50, ..Options::default() };
        let (_, mut reader) = decompress(Box::new(io::Cursor::new(bomb)), &options).expect("it opens");
        let error = io::copy(&mut reader, &mut io::sink()).expect_err("it is stopped");
        assert!(error.to_string().contains("--max-expansion"), "{error}");
    }
}
