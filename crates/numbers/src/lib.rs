//! numbers
/// What we own.
#[derive(Debug)] pub struct Directory {}
