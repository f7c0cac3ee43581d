//! The conductor: read in parallel, merge, conclude.
