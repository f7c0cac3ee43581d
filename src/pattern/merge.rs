//! Merging: what makes threads, files and machines one code path.

/// A commutative monoid: `default` is the identity and `merge` is associative and commutative.
pub trait Merge: Default {
    /// Takes in everything `other` has seen. Cannot fail.
    fn merge(&mut self, other: Self);
}

impl Merge for () {
    fn merge(&mut self, (): ()) {}
}

/// A count.
impl Merge for u64 {
    fn merge(&mut self, other: u64) {
        *self = self.saturating_add(other);
    }
}
