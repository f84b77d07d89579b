//! Tells owners of tasks that have come due, and reminds of those they wanted to be reminded of: a recurring job of each tenant.

use farley_domain::{
    activities::{notification::NotificationKind, task::Task},
    model::entity::Entity,
    values::time::Timestamp,
};
use farley_persistence::{Notice, Origin, TenantKey};

use crate::{
    access::{state::State, unrestricted::without_custom_fields},
    http::problem::Problem,
    records::notify::{News, tell},
};

/// The kind of the job.
pub const KIND: &str = "task_notices";
/// How long it rests, in seconds.
pub const EVERY: i64 = 15;
/// How many tasks are told of in one piece of work.
const AT_ONCE: usize = 100;

/// Each task is told of once for each of its times: what says so is written in the same transaction as the notification.
pub async fn perform(state: &State, tenant: TenantKey, now: Timestamp) -> Result<(), Problem> {
    for (notice, kind) in [(Notice::Due, NotificationKind::TaskDue), (Notice::Reminder, NotificationKind::Reminder)] {
        loop {
            let told = state.background.write::<_, Problem>(tenant, Origin::system(now), move |work| {
                let tasks = work.take_notices(&without_custom_fields(Task::object()), notice, AT_ONCE)?;
                for task in &tasks {
                    let owner = task.get(Task::owner_id);
                    tell(
                        work,
                        &News { kind, object: Task::object(), record: task.any(), actor: None, count: None },
                        owner.as_slice(),
                    )?;
                }
                Ok(tasks.len())
            });
            if told.await? < AT_ONCE {
                break;
            }
        }
    }
    Ok(())
}
