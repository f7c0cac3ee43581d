//! Files and folders in a fixed order.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{Error, Source};

/// What the paths of a command line stand for.
#[derive(Debug, Default)]
pub struct Expansion {
    /// What can be read, in the order of the command line; the files of a folder sorted by path.
    pub sources: Vec<Source>,
    /// What cannot: no such file, no permission, a folder that cannot be listed.
    pub errors: Vec<Error>,
    /// What stands in a folder and is left out on purpose: hidden files, pipes and devices, sorted.
    pub left_out: Vec<String>,
}

/// Folders deeper than this are not entered: no export is, and a loop of mounts would be.
const MAX_FOLDER_DEPTH: usize = 64;

/// Turns paths into sources: `-` is standard input, a folder stands for all regular files in and below it. Hidden files
/// of a folder, and what is no file, are left out and named. No path at all means standard input.
pub fn expand(paths: &[PathBuf]) -> Expansion {
    let mut expansion = Expansion::default();
    if paths.is_empty() {
        expansion.sources.push(Source::Stdin);
    }
    for path in paths {
        if path.as_os_str() == "-" {
            expansion.sources.push(Source::Stdin);
        } else {
            add(path, &mut expansion);
        }
    }
    expansion
}

fn add(path: &Path, expansion: &mut Expansion) {
    match fs::metadata(path) {
        Ok(meta) if meta.is_dir() => walk(path, expansion),
        Ok(_) => expansion.sources.push(Source::File(path.to_owned())),
        Err(error) => expansion.errors.push(Error { name: path.display().to_string(), error }),
    }
}

/// Adds every file below `root`, sorted by path. Each real folder is entered once, so that links cannot loop.
fn walk(root: &Path, expansion: &mut Expansion) {
    let mut files = Vec::new();
    let mut entered = BTreeSet::new();
    let mut folders = vec![(root.to_owned(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        let listing = fs::canonicalize(&folder).and_then(|real| {
            if depth > MAX_FOLDER_DEPTH || !entered.insert(real) {
                return Ok(Vec::new());
            }
            let mut children = fs::read_dir(&folder)?.collect::<io::Result<Vec<_>>>()?;
            children.sort_by_key(fs::DirEntry::file_name);
            Ok(children)
        });
        match listing {
            Ok(children) => {
                for child in children {
                    let path = child.path();
                    if child.file_name().as_encoded_bytes().starts_with(b".") {
                        expansion.left_out.push(path.display().to_string());
                        continue;
                    }
                    match fs::metadata(&path) {
                        Ok(meta) if meta.is_dir() => folders.push((path, depth + 1)),
                        Ok(meta) if meta.is_file() => files.push(path),
                        // A pipe or device in a folder would be waited for without end.
                        Ok(_) => expansion.left_out.push(path.display().to_string()),
                        Err(error) => expansion.errors.push(Error { name: path.display().to_string(), error }),
                    }
                }
            }
            Err(error) => expansion.errors.push(Error { name: folder.display().to_string(), error }),
        }
    }
    files.sort_unstable();
    expansion.errors.sort_by(|a, b| a.name.cmp(&b.name));
    expansion.left_out.sort_unstable();
    expansion.sources.extend(files.into_iter().map(Source::File));
}

/// Reads a text file that was named on the command line: a signature file, a profile.
pub fn read_text(path: &Path) -> Result<String, Error> {
    fs::read_to_string(path).map_err(|error| Error { name: path.display().to_string(), error })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A fresh folder that is removed at the end.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Folder {
            let path = std::env::temp_dir().join(format!("firstfault-{name}-{}", std::process::id()));
            fs::create_dir_all(path.join("b/deep")).expect("the temporary folder is writable");
            Folder(path)
        }

        fn file(&self, name: &str) {
            fs::write(self.0.join(name), "[]").expect("the temporary folder is writable");
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_folder_is_read_whole_in_a_fixed_order() {
        let folder = Folder::new("order");
        for name in ["z.json", "b/2.json", "b/1.json", "b/deep/3.json", "a.json", ".hidden"] {
            folder.file(name);
        }
        let expansion = expand(std::slice::from_ref(&folder.0));
        let names: Vec<_> =
            expansion.sources.iter().map(|s| s.name().replace(&folder.0.display().to_string(), "")).collect();
        assert_eq!(names, ["/a.json", "/b/1.json", "/b/2.json", "/b/deep/3.json", "/z.json"]);
        assert!(expansion.errors.is_empty());
        assert!(expansion.left_out.len() == 1 && expansion.left_out[0].ends_with("/.hidden"));
    }

    #[test]
    fn what_is_missing_is_said_and_the_rest_is_kept() {
        let expansion = expand(&["/no/such/file".into(), "-".into()]);
        assert_eq!(expansion.sources, [Source::Stdin]);
        assert_eq!(expansion.errors.len(), 1);
        assert!(expansion.errors[0].to_string().starts_with("/no/such/file: "));
    }

    #[cfg(unix)]
    #[test]
    fn links_that_loop_end() {
        let folder = Folder::new("loop");
        folder.file("b/1.json");
        std::os::unix::fs::symlink(&folder.0, folder.0.join("b/deep/up")).expect("links can be made");
        assert_eq!(expand(std::slice::from_ref(&folder.0)).sources.len(), 1);
    }
}
