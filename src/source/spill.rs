//! Standard input that must be read twice is kept in a temporary file.

use std::io::{self, Read};
use std::sync::atomic::AtomicBool;

use tempfile::NamedTempFile;

use super::ahead::Ahead;
use super::{Error, Source};

/// Standard input as it came, in a file of the folder for temporary files (`$TMPDIR`) that only this user can read. The file goes
/// with the value.
#[derive(Debug)]
pub struct Spill(NamedTempFile);

impl Spill {
    /// Reads standard input to its end, or until it is told to stop.
    ///
    /// # Errors
    /// When it cannot be read, or there is no room for it.
    pub fn stdin(stop: &'static AtomicBool) -> Result<Spill, Error> {
        let fail = |error| Error { name: "-".to_owned(), error };
        Spill::of(&mut Ahead::new(|| Ok(io::stdin()), stop).map_err(fail)?)
    }

    fn of(input: &mut dyn Read) -> Result<Spill, Error> {
        let folder = std::env::temp_dir();
        let fail = |error| Error { name: format!("standard input kept in {}", folder.display()), error };
        let mut file = tempfile::Builder::new().prefix("firstfault-").tempfile().map_err(fail)?;
        io::copy(input, &mut file).map_err(fail)?;
        Ok(Spill(file))
    }

    /// The kept input, to be opened as often as one likes while this value lives.
    pub fn source(&self) -> Source {
        Source::Kept(self.0.path().to_owned())
    }
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
        drop(spill);
        assert!(open(&source, &Options::default()).is_err());
    }
}
