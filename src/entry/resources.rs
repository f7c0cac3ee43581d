//! Resources that were met: one that comes again is known by its bytes.

use std::hash::BuildHasher;

use rustc_hash::{FxBuildHasher, FxHashMap};

use super::cursor::{Broken, Cursor};

/// Resources that were met, so that one that comes again is known by its bytes alone and need not be read.
#[derive(Debug)]
pub struct Resources {
    texts: Vec<Box<str>>,
    by_hash: FxHashMap<u64, u32>,
    /// Numbers by the hash of how a resource begins, the last met first.
    recent: Vec<[u32; WAYS]>,
}

/// Bytes of a resource by which it is looked up: the names of project, place and service stand there.
const BEGINNING: usize = 64;

/// Resources of one beginning that are tried: pods differ further back.
const WAYS: usize = 4;

/// Beginnings told apart.
const BEGINNINGS: usize = 256;

impl Default for Resources {
    fn default() -> Resources {
        Resources { texts: Vec::new(), by_hash: FxHashMap::default(), recent: vec![[u32::MAX; WAYS]; BEGINNINGS] }
    }
}

impl Resources {
    /// The number of a resource that was met. It is then one of the recent ones.
    pub fn number(&mut self, text: &str) -> Option<u32> {
        let number = *self.by_hash.get(&FxBuildHasher.hash_one(text))?;
        // Another one of the same hash is rare beyond measure, and stays unknown.
        (*self.texts[number as usize] == *text).then_some(())?;
        if let Some(slot) = slot(text) {
            self.recent[slot].rotate_right(1);
            self.recent[slot][0] = number;
        }
        Some(number)
    }

    /// Notes a resource that was read and is whole.
    pub fn add(&mut self, text: &str) {
        self.by_hash.entry(FxBuildHasher.hash_one(text)).or_insert(self.texts.len() as u32);
        self.texts.push(text.into());
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// True when none was met.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        *self = Resources::default();
    }

    /// Passes over the resource at the cursor; its number, when it was met of late.
    pub(super) fn pass(&self, cursor: &mut Cursor<'_>) -> Result<Option<u32>, Broken> {
        let Some((number, len)) = self.at(&cursor.text[cursor.at..]) else {
            return cursor.skip().map(|()| None);
        };
        cursor.at += len;
        Ok(Some(number))
    }

    /// The number and the length of the resource that `text` begins with, when it was met of late.
    fn at(&self, text: &str) -> Option<(u32, usize)> {
        self.recent[slot(text)?].iter().find_map(|number| {
            let known = self.texts.get(*number as usize)?;
            // A whole object: whatever follows, it ends here.
            text.as_bytes().starts_with(known.as_bytes()).then_some((*number, known.len()))
        })
    }
}

fn slot(text: &str) -> Option<usize> {
    let beginning: &[u8; BEGINNING] = text.as_bytes().first_chunk()?;
    Some(FxBuildHasher.hash_one(beginning) as usize % BEGINNINGS)
}
