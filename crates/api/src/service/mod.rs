//! Service: what a desk does for customers, and the promises it keeps.

mod assignment;
pub mod board;
pub mod calendar;
pub mod channels;
mod delivery;
mod incoming;
pub mod knowledge;
pub mod mail;
pub mod merging;
pub mod portal;
pub mod promises;
pub mod queue;
mod replay;
pub mod reply_template;
pub mod resending;
pub mod satisfaction;
mod sla;
mod sla_policy;
pub mod splitting;
pub mod ticket;
mod ticket_message;
mod ticket_sla;
mod ticket_status;
pub mod timers;
pub mod web_form;
pub mod work_orders;

use farley_domain::{
    model::entity::Entity,
    service::{
        calendar::Calendar,
        channel::Channel,
        knowledge::{article::Article, help_center::HelpCenter},
        mailbox::Mailbox,
        portal::Portal,
        queue::Queue,
        reply_template::ReplyTemplate,
        sla_policy::SlaPolicy,
        ticket::Ticket,
        ticket_message::TicketMessage,
        ticket_status::TicketStatus,
        work_orders::{checklist_item::ChecklistItem, part::WorkOrderPart, work_order::WorkOrder},
    },
};

use crate::{
    http::clock,
    records::{
        area::{Area, Beginning, Follows, JobKind, Lane, Watch},
        behaviour::Behaviours,
    },
};

pub use satisfaction::answering::cors as survey_cors;

/// What the area brings along.
pub static AREA: Area = Area {
    behaviours: &[
        Behaviours::of::<Article>(),
        Behaviours::of::<Calendar>(),
        Behaviours::of::<Channel>(),
        Behaviours::of::<Mailbox>(),
        Behaviours::of::<ReplyTemplate>(),
        Behaviours::of::<Queue>(),
        Behaviours::of::<HelpCenter>(),
        Behaviours::of::<Portal>(),
        Behaviours::of::<SlaPolicy>(),
        Behaviours::of::<Ticket>(),
        Behaviours::of::<TicketMessage>(),
        Behaviours::of::<TicketStatus>(),
        Behaviours::of::<WorkOrder>(),
        Behaviours::of::<WorkOrderPart>(),
        Behaviours::of::<ChecklistItem>(),
    ],
    jobs: &[
        JobKind {
            kind: satisfaction::invitation::KIND,
            every: None,
            lane: Lane::Others,
            may_retry: JobKind::ALWAYS,
            perform: |job| Box::pin(satisfaction::invitation::perform(job)),
        },
        JobKind {
            kind: portal::codes::KIND,
            every: None,
            lane: Lane::Others,
            may_retry: JobKind::ALWAYS,
            perform: |job| Box::pin(portal::codes::perform(job)),
        },
        JobKind {
            kind: timers::KIND,
            every: None,
            lane: Lane::Own,
            may_retry: JobKind::ALWAYS,
            perform: |job| Box::pin(async move { Ok(timers::perform(&job.state, job.tenant, clock::now()).await?) }),
        },
        JobKind {
            kind: assignment::KIND,
            every: None,
            lane: Lane::Own,
            may_retry: JobKind::ALWAYS,
            perform: |job| Box::pin(async move { Ok(assignment::perform(&job.state, job.tenant, clock::now).await?) }),
        },
        JobKind {
            kind: mail::sending::KIND,
            every: None,
            lane: Lane::Others,
            may_retry: JobKind::ALWAYS,
            perform: |job| Box::pin(mail::sending::perform(job)),
        },
        JobKind {
            kind: mail::fetching::KIND,
            every: None,
            lane: Lane::Others,
            may_retry: JobKind::ALWAYS,
            perform: |job| Box::pin(mail::fetching::perform(job)),
        },
        JobKind {
            kind: channels::sending::KIND,
            every: None,
            lane: Lane::Others,
            may_retry: JobKind::ALWAYS,
            perform: |job| Box::pin(channels::sending::perform(job)),
        },
    ],
    watches: &[
        Watch { kind: timers::KIND, follows: Follows::Time, due: timers::due },
        Watch { kind: mail::fetching::KIND, follows: Follows::Time, due: mail::fetching::due },
    ],
    beginnings: &[Beginning { object: TicketStatus::NAME, make: ticket_status::create_first }],
};
