//! Standard input that must be read twice is kept in a temporary file.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::ahead::Ahead;
use super::{Error, Source, Stop};

/// Names that are tried: files that runs with the same process id left behind when they were killed.
const MOST_NAMES: usize = 1000;

/// Standard input as it came, in a file of the folder for temporary files (`$TMPDIR`) that only this user can read. The file goes
/// with the value.
#[derive(Debug)]
pub struct Spill(PathBuf);

impl Spill {
    /// Reads standard input to its end, or until it is told to stop.
    ///
    /// # Errors
    /// When it cannot be read, or there is no room for it.
    pub fn stdin(stop: &Stop) -> Result<Spill, Error> {
        let fail = |error| Error { name: "-".to_owned(), error };
        Spill::of(&mut Ahead::new(|| Ok(io::stdin()), stop).map_err(fail)?)
    }

    fn of(input: &mut dyn Read) -> Result<Spill, Error> {
        let folder = std::env::temp_dir();
        let fail = |error| Error { name: format!("standard input kept in {}", folder.display()), error };
        let (path, mut file) = create(&folder).map_err(fail)?;
        let kept = Spill(path);
        io::copy(input, &mut file).map_err(fail)?;
        Ok(kept)
    }

    /// The kept input, to be opened as often as one likes while this value lives.
    pub fn source(&self) -> Source {
        Source::Kept(self.0.clone())
    }
}

impl Drop for Spill {
    fn drop(&mut self) {
        // The system clears its folder for temporary files: what cannot be removed is no loss.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A new file that only this user can read. A name that is taken, by a link too, is never opened.
fn create(folder: &Path) -> io::Result<(PathBuf, File)> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    for n in 0..MOST_NAMES {
        let path = folder.join(format!("firstfault-{}-{n}", std::process::id()));
        match options.open(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            opened => return opened.map(|file| (path, file)),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Options, open};

    #[test]
    fn what_is_kept_is_read_twice_and_then_gone() {
        let spill = Spill::of(&mut &b"[{}]"[..]).expect("there is room for four bytes");
        let source = spill.source();
        for _ in 0..2 {
            let mut text = String::new();
            let mut opened = open(&source, &Options::default()).expect("the file is there");
            opened.read_to_string(&mut text).expect("it can be read");
            assert_eq!((text.as_str(), source.name().as_str()), ("[{}]", "-"));
        }
        let other = Spill::of(&mut &b"[]"[..]).expect("there is room for two bytes");
        assert_ne!(other.0, spill.0);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(&spill.0).expect("the file is there").permissions().mode();
            assert_eq!(mode & 0o077, 0, "others may not read it");
        }
        drop(spill);
        assert!(open(&source, &Options::default()).is_err());
    }
}
