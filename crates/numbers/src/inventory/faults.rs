//! What is wrong with an inventory whose shape is right.

use super::Inventory;

/// One thing that is wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// The key, like `numbers[3].trunk_id`. Indices count from zero, in the order of the file.
    pub path: String,
    /// What is wrong with it.
    pub message: String,
    /// What to do about it.
    pub remedy: String,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}; {}", self.path, self.message, self.remedy)
    }
}

impl Inventory {
    /// Everything that is wrong with it, in the order of the file. Empty if it may become a [`crate::Directory`].
    pub fn faults(&self) -> Vec<Fault> {
        Vec::new()
    }
}
