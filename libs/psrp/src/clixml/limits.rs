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
    /// Windows serializes two levels of properties unless it is told otherwise, three elements to
    /// a level: real documents stay below 20. A tree of this depth is dropped within the stack of
    /// any thread.
    pub const DEPTH: usize = 384;
    /// Exchange lets no object of more than 75 MB pass, so no longer text can be honest.
    pub const TEXT_BYTES: usize = 75 * 1024 * 1024;
    /// A hundred times the members of the richest configuration objects of Exchange, some 170.
    pub const MEMBERS: usize = 16 * 1024;
    /// More than any list of a directory, and 24 MB of memory.
    pub const ITEMS: usize = 1024 * 1024;
    /// An empty object takes some 200 bytes of memory, so this many take 200 MB.
    pub const OBJECTS: usize = 1024 * 1024;
    /// What a walk through a document may visit twice or more. Real documents of 2 MB come to
    /// more than 100,000; this is a second of work, where references that double from object to
    /// object would ask for centuries.
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
