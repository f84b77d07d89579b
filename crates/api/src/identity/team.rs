//! Teams: who may do what hangs on the tree of them.

use farley_domain::identity::team::Team;

use crate::records::behaviour::Behaviour;

impl Behaviour for Team {
    const CHANGES_PRINCIPALS: bool = true;
}
