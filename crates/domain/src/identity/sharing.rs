//! With whom what somebody saved is shared.

use crate::choices;

choices! {
    /// Who may use a record beside its owner.
    pub enum Sharing {
        Private "private" "Owner only" "仅本人",
        Team "team" "Team" "团队",
        Everyone "everyone" "Everyone" "所有人",
    }
}
