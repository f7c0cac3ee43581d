//! The one algebra of the line: what can be observed apart and merged in any order.

/// A commutative monoid: [`Default`] is the identity, `merge` is associative and commutative and cannot fail.
pub trait Merge: Default {
    /// Adds everything `other` has seen.
    fn merge(&mut self, other: Self);
}

impl Merge for u64 {
    fn merge(&mut self, other: u64) {
        *self += other;
    }
}
