//! Tells owners of tasks that have come due, and reminds of those they wanted to be reminded of: a recurring job of each tenant.

use farley_domain::{
    activities::{notification::NotificationKind, task::Task},
    entity::Entity,
    time::Timestamp,
};
use farley_persistence::{Notice, Origin, TenantKey};

use super::notify::{News, tell};
use crate::{app::App, problem::Problem, records::lookup::bare};

/// The kind of the job.
pub const KIND: &str = "task_notices";
/// How long it rests, in seconds.
pub const EVERY: i64 = 15;
/// How many tasks are told of in one piece of work.
const AT_ONCE: usize = 100;

/// Each task is told of once for each of its times: what says so is written in the same transaction as the notification.
pub async fn perform(app: &App, tenant: TenantKey, now: Timestamp) -> Result<(), Problem> {
    for (notice, kind) in [(Notice::Due, NotificationKind::TaskDue), (Notice::Reminder, NotificationKind::Reminder)] {
        loop {
            let told = app.background.write::<_, Problem>(tenant, Origin::system(now), move |work| {
                let tasks = work.take_notices(&bare(Task::object()), notice, AT_ONCE)?;
                for task in &tasks {
                    let owner = task.id_of("owner_id");
                    tell(work, &News { kind, object: Task::object(), record: task, actor: None }, owner.as_slice())?;
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
