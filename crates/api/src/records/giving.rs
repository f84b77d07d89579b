//! Who is given work, and with whom the team goes: the one room that says so, for whatever gives a record, a lead or a task to a user.
//! What somebody names is refused at its place; what Farley gives by itself goes to the next who fits, or to nobody.

use farley_domain::{
    identity::user::{User, takes_work},
    model::{
        fault::{Fault, FaultCode, Faults},
        record::Record,
        recurring,
    },
    values::id::Id,
};
use farley_persistence::Work;

use super::{lookup, write::Writer};
use crate::http::problem::Problem;

/// The user of an id, if they take new work.
pub fn taker(work: &mut Work<'_>, id: Id) -> Result<Option<Record<User>>, Problem> {
    Ok(lookup::one::<User>(work, id)?.filter(takes_work))
}

/// Refuses users who take no new work, each at the place where they are named.
pub fn check_takers(work: &mut Work<'_>, named: &[(String, Id)], faults: &mut Faults) -> Result<(), Problem> {
    let of_any = User::id.is_in(named.iter().map(|(_, id)| *id));
    let users = if named.is_empty() { Vec::new() } else { lookup::find::<User>(work, &of_any, named.len())? };
    for (pointer, _) in named.iter().filter(|(_, id)| users.iter().any(|user| user.id() == *id && !takes_work(user))) {
        faults.add(Fault::new(pointer.clone(), FaultCode::UserDeactivated));
    }
    Ok(())
}

impl Writer {
    /// Takes the team of a record along with its owner: a record whose owner changes belongs to the new owner's team from then on. One
    /// that is left without an owner stays with its team. Whether Farley itself has filled in the team.
    pub fn follow_owner(&self, work: &mut Work<'_>, before: &Record, record: &mut Record) -> Result<bool, Problem> {
        let bears_both = self.object.bears(recurring::OWNER_ID) && self.object.bears(recurring::TEAM_ID);
        let Some(owner) = record.get(recurring::OWNER_ID).filter(|_| bears_both) else { return Ok(false) };
        if before.get(recurring::OWNER_ID) == Some(owner) {
            return Ok(false);
        }
        record.set(recurring::TEAM_ID, self.team_of(work, owner)?);
        Ok(true)
    }
}
