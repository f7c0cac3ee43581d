//! Files that are written: whole or not at all.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use super::Error;

/// Writes `text` to `path`: to a new file beside it first, which then takes its place. An earlier file stays as it was
/// when anything goes wrong.
///
/// # Errors
/// When the folder cannot be written to, or the disk is full.
pub fn write_whole(path: &Path, text: impl AsRef<[u8]>) -> Result<(), Error> {
    write(path, text.as_ref(), false)
}

/// The same for what only its owner may read: accounts hold texts of logs as they were logged.
///
/// # Errors
/// As for [`write_whole`].
pub fn write_private(path: &Path, text: impl AsRef<[u8]>) -> Result<(), Error> {
    write(path, text.as_ref(), true)
}

fn write(path: &Path, text: &[u8], private: bool) -> Result<(), Error> {
    let fail = |error| Error { name: path.display().to_string(), error };
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().ok_or_else(|| fail(io::Error::from(io::ErrorKind::InvalidFilename)))?;
    // A pipe or a device cannot be replaced by renaming.
    if fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
        return fs::write(path, text).map_err(fail);
    }
    let mut part_name = std::ffi::OsString::from(".");
    part_name.push(name);
    part_name.push(format!(".{}.part", std::process::id()));
    let part = folder.join(part_name);
    let written = write_synced(&part, text, private).and_then(|()| fs::rename(&part, path));
    written.map_err(|error| {
        // The half file is of no use; that it may be gone already is not worth a word.
        let _ = fs::remove_file(&part);
        fail(error)
    })
}

fn write_synced(path: &Path, text: &[u8], private: bool) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    if private {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    let mut file = options.open(path)?;
    file.write_all(text)?;
    file.sync_all()
}
