//! What a role may do to a field beside letting it be read and written.

/// What a role does to a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FieldRule {
    ReadOnly,
    Hidden,
}
