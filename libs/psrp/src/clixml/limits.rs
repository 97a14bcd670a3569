//! How much one document or message may ask for.

/// Limits of one read. The defaults are far above what Windows writes and far below what would
/// exhaust a stack or a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Elements open at once.
    pub depth: usize,
    /// Bytes of one text, name or unknown element.
    pub text_bytes: usize,
    /// Members of one object, `<Props>` and `<MS>` together.
    pub members: usize,
    /// Items of one container.
    pub items: usize,
    /// Objects of one document or message.
    pub objects: usize,
    /// Values that following every `<Ref>` of one document or message would visit again.
    pub expansion: usize,
}

impl Limits {
    /// PowerShell serializes a few levels (2 by default, 100 at most for `Export-Clixml`), each of
    /// three elements. Dropping a tree of this depth needs some 100 KB of stack.
    pub const DEPTH: usize = 384;
    /// Exchange refuses received objects above 75 MB, so no longer text can be honest.
    pub const TEXT_BYTES: usize = 75 * 1024 * 1024;
    /// The richest Exchange objects have some 300 members.
    pub const MEMBERS: usize = 16 * 1024;
    /// A distribution list or an array of bytes written as a list stays below this.
    pub const ITEMS: usize = 4 * 1024 * 1024;
    /// An export of a million devices with three nested objects each.
    pub const OBJECTS: usize = 4 * 1024 * 1024;
    /// What a walk through a document may visit twice or more: some seconds of work, where
    /// references that double from object to object would ask for centuries.
    pub const EXPANSION: usize = 16 * 1024 * 1024;
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            depth: Self::DEPTH,
            text_bytes: Self::TEXT_BYTES,
            members: Self::MEMBERS,
            items: Self::ITEMS,
            objects: Self::OBJECTS,
            expansion: Self::EXPANSION,
        }
    }
}
