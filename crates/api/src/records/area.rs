//! What an area of the CRM does beside the generic work. Each area hands one [`Area`] to the top of the binary, which installs them
//! all; the generic work and the workers look things up here and know no area by name.

use std::{
    collections::HashMap,
    pin::Pin,
    sync::{Arc, OnceLock},
};

use actix_web::http::Method;
use farley_domain::{
    identity::access::{Action, Grants},
    model::{object::Object, value::Standards},
    values::time::Timestamp,
};
use farley_persistence::{Lease, Reader, StoreError, TenantKey, Work};

use super::behaviour::Behaviours;
use crate::{
    access::state::State,
    http::problem::{Problem, describe},
    settings::Settings,
};

/// How long a job belongs to a worker that does not say it is still at it, in seconds: so long nobody goes on with the jobs of a
/// node that died.
pub const LEASE_SECONDS: i64 = 20;

/// What an area brings along.
pub struct Area {
    /// The objects that are special when they are written.
    pub behaviours: &'static [Behaviours],
    /// The kinds of jobs that it has.
    pub jobs: &'static [JobKind],
    /// What is looked for again and again, over all tenants.
    pub watches: &'static [Watch],
    /// What a tenant begins with.
    pub beginnings: &'static [Beginning],
}

/// Records of an object that a tenant begins with: a new one, or one that learns of the object.
pub struct Beginning {
    /// The object whose records they are.
    pub object: &'static str,
    pub make: fn(&mut Work<'_>, &Standards<'_>) -> Result<(), Problem>,
}

/// Something with times of its own that are too many for a job each: each node looks for the tenants where it is due, and gives each
/// of them one job.
pub struct Watch {
    /// The kind of the job.
    pub kind: &'static str,
    pub follows: Follows,
    /// The tenants where it is due; some of them, if they are many.
    pub due: fn(&Settings, &mut Reader<'_>, Timestamp) -> Result<Vec<TenantKey>, StoreError>,
}

/// By what something comes due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Follows {
    /// As the log of a tenant goes on: it is looked for as soon as it does.
    Log,
    /// As time passes.
    Time,
}

/// Why a job is not done.
#[derive(Clone, Debug)]
pub enum Halt {
    /// The node is stopping; another goes on where this one was.
    Stopped,
    /// The store could not be reached, or others were in the way: that is no attempt.
    Unreached(String),
    /// To be tried again, with all attempts: it got further than the one before.
    Progressed(String),
    /// To be tried again, or not any more.
    Failed(String),
    /// The same, but not before so many seconds: whoever refused it asks for that.
    Throttled { reason: String, seconds: i64 },
    /// It is not its turn yet; it is looked at again after so many seconds. That is no attempt.
    Waits(i64),
}

impl From<Problem> for Halt {
    fn from(problem: Problem) -> Halt {
        match problem.inside() {
            Some(StoreError::Unavailable(_) | StoreError::Unwritable(_) | StoreError::Serialization | StoreError::Busy) => {
                Halt::Unreached(describe(&problem))
            }
            Some(
                StoreError::TooSlow
                | StoreError::Abandoned
                | StoreError::Taken(_)
                | StoreError::Reference
                | StoreError::SumTooLarge
                | StoreError::Internal(_),
            )
            | None => Halt::Failed(describe(&problem)),
        }
    }
}

impl Halt {
    /// How a problem ends an attempt of work that is tried again; none if it ends the work for good: a refusal will not be taken back by
    /// asking again, and after the last attempt there is none.
    pub fn again(problem: Problem, last: bool, progressed: bool) -> Option<Halt> {
        let passing = problem.inside().is_some();
        match Halt::from(problem) {
            Halt::Unreached(reason) => Some(Halt::Unreached(reason)),
            Halt::Failed(reason) if passing && progressed => Some(Halt::Progressed(reason)),
            halt if passing && !last => Some(halt),
            Halt::Stopped | Halt::Progressed(_) | Halt::Failed(_) | Halt::Throttled { .. } | Halt::Waits(_) => None,
        }
    }
}

/// A job to be done.
pub struct Job {
    pub state: Arc<State>,
    pub tenant: TenantKey,
    pub lease: Lease,
    pub payload: String,
    /// Whether it is not tried again.
    pub last: bool,
}

/// A job being done.
pub type Performing = Pin<Box<dyn Future<Output = Result<(), Halt>> + Send>>;

/// What a job mostly waits for. Each lane has places of its own, so that no slow server of somebody else's keeps Farley from its own work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// The store and the processor.
    Own,
    /// Mail servers, bridges, webhooks.
    Others,
}

/// One kind of job. Those that recur, each tenant has one of, in the table of jobs itself: whichever node leases it when it is due
/// does it.
pub struct JobKind {
    pub kind: &'static str,
    /// How long it rests, in seconds, if each tenant has one that recurs.
    pub every: Option<i64>,
    pub lane: Lane,
    /// Refuses to do one again that was given up, by its payload, if nothing would come of it.
    pub may_retry: fn(&mut Work<'_>, &str) -> Result<(), Problem>,
    pub perform: fn(Job) -> Performing,
}

impl JobKind {
    /// For jobs that have all they need in the database for good.
    pub const ALWAYS: fn(&mut Work<'_>, &str) -> Result<(), Problem> = |_, _| Ok(());
}

/// An endpoint of an object that is written by hand: an action on its records, or a reading of its own.
pub struct Verb {
    pub object: &'static Object,
    pub id: String,
    pub method: Method,
    pub path: String,
    pub needs: Needs,
}

/// What somebody must be allowed for an endpoint to be of use to them.
#[derive(Clone, Copy)]
pub enum Needs {
    /// An action on records of the object.
    Own(Action),
    /// One of several actions on them.
    OneOf(&'static [Action]),
    Otherwise(fn(&Grants) -> bool),
}

impl Verb {
    /// Whether it is of use to somebody.
    #[must_use]
    pub fn is_for(&self, grants: &Grants) -> bool {
        match self.needs {
            Needs::Own(action) => grants.scope(self.object.name, action).is_some(),
            Needs::OneOf(actions) => actions.iter().any(|action| grants.scope(self.object.name, *action).is_some()),
            Needs::Otherwise(allowed) => allowed(grants),
        }
    }
}

/// All that the areas bring along.
pub struct Installed {
    /// By the name of the object.
    pub behaviours: HashMap<&'static str, Behaviours>,
    pub jobs: Vec<&'static JobKind>,
    pub watches: Vec<&'static Watch>,
    pub beginnings: Vec<&'static Beginning>,
    pub verbs: Vec<Verb>,
}

static INSTALLED: OnceLock<Installed> = OnceLock::new();

/// Installs the areas of this binary; once is enough, and doing it again changes nothing.
pub fn install(areas: &[&'static Area], verbs: fn() -> Vec<Verb>) {
    INSTALLED.get_or_init(|| Installed {
        verbs: verbs(),
        behaviours: areas
            .iter()
            .flat_map(|area| area.behaviours)
            .filter_map(|behaviours| Some((behaviours.object_name()?, *behaviours)))
            .collect(),
        jobs: areas.iter().flat_map(|area| area.jobs).collect(),
        watches: areas.iter().flat_map(|area| area.watches).collect(),
        beginnings: areas.iter().flat_map(|area| area.beginnings).collect(),
    });
}

/// What is installed. It is a problem where nothing is: nothing is written without the rules of its object.
pub fn installed() -> Result<&'static Installed, Problem> {
    INSTALLED.get().ok_or_else(|| Problem::internal("the areas are not installed"))
}
