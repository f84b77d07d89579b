//! Fetching: mail out of [folders](folder) of IMAP servers that the settings name, as if a mail server had handed it over. A job for the
//! folders of a tenant whenever they are due; how far each has been read is kept, and as the same mail twice is one message, a node that
//! dies on the way loses and doubles nothing.

mod folder;

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, get, web::Bytes};
use farley_domain::{
    identity::access::Action,
    model::{entity::Entity, template::shortened},
    service::{mail::read::read, mailbox::Mailbox, ticket::Ticket},
    values::{id::Id, time::Timestamp},
};
use farley_persistence::{MailSourceRow, Origin, Reader, StoreError, TenantKey};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use self::folder::Folder;
use super::{LARGEST, keep_attachments, mailboxes::Mailboxes, taking::Taking};
use crate::{
    access::{call::Call, principal, state::State},
    http::{
        clock,
        problem::{Code, Problem, describe},
        request::{parameters, refuse_rest},
    },
    integration::file::kept::Kept,
    records::{
        area::{Halt, Job},
        write::Writer,
    },
    service::incoming::key_of,
    settings::{Settings, mail_source::MailSource},
};

/// The kind of the job.
pub const KIND: &str = "mail_fetching";
/// How many messages are fetched from a folder before the others get their turn.
const AT_ONCE: usize = 200;
/// How often a message is tried that cannot be taken in; then the others come first.
const TRIES: i64 = 5;
/// How many messages that were passed over are remembered of a folder.
const SKIPPED: usize = 50;
/// The longest reason that is kept, in characters.
const REASON: usize = 500;

/// How it went with a folder.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Report {
    fetched_at: Option<Timestamp>,
    error: Option<String>,
    failing_since: Option<Timestamp>,
    /// The message that could not be taken in last, and how often it was tried.
    failed: Option<(i64, i64)>,
    skipped: Vec<SkippedMail>,
}

/// A message that was passed over. It is still in the folder.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SkippedMail {
    /// The UID of the message in the folder.
    #[schema(example = 4711)]
    uid: i64,
    /// When it was passed over.
    #[schema(value_type = String, format = "date-time")]
    at: Timestamp,
    /// Why it could not be taken in.
    #[schema(example = "the message has 61000000 bytes, more than 50000000")]
    reason: String,
}

/// A folder of an IMAP server that mail is fetched from.
#[derive(Debug, Serialize, ToSchema)]
pub struct FetchedFolder {
    /// The user, server and folder.
    #[schema(example = "support@example.cn@imap.example.cn:993/INBOX")]
    source: String,
    /// The mailbox that its mail goes to. Null if there is no active mailbox with its address: then nothing is fetched.
    #[schema(value_type = Option<String>, format = "uuid")]
    mailbox_id: Option<Id>,
    /// The address of that mailbox.
    #[schema(example = "support@example.cn")]
    address: String,
    /// When the folder was last read, or when that was last tried. Null before the first time.
    #[schema(value_type = Option<String>, format = "date-time")]
    checked_at: Option<Timestamp>,
    /// When a message was last taken in from here.
    #[schema(value_type = Option<String>, format = "date-time")]
    fetched_at: Option<Timestamp>,
    /// What went wrong the last time; null if nothing did.
    #[schema(example = json!(null))]
    error: Option<String>,
    /// Since when it has gone wrong each time.
    #[schema(value_type = Option<String>, format = "date-time")]
    failing_since: Option<Timestamp>,
    /// The last 50 messages that were passed over, since they are too large or could not be taken in five times. They are still in the folder.
    skipped: Vec<SkippedMail>,
}

/// The folders that mail is fetched from.
#[derive(Debug, Serialize, ToSchema)]
pub struct FetchedFolders {
    data: Vec<FetchedFolder>,
}

/// List the folders that mail is fetched from
///
/// Lists the folders of IMAP servers from which this server fetches mail (`FARLEY_IMAP_URLS`) for your organization, and how that went the last time. Requires
/// permission to read mailboxes.
#[utoipa::path(tag = "tickets", operation_id = "listFetchedFolders",
    responses((status = 200, description = "The folders.", body = FetchedFolders)))]
#[get("/v1/channels/email/folders")]
pub async fn sources(call: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    call.rows(Mailbox::object(), Action::Read)?;
    refuse_rest(&parameters(&request)?, &[])?;
    let (settings, tenant) = (call.state.settings.clone(), call.tenant());
    let reading = call.state.store.read::<_, Problem>(tenant, move |reader| {
        let mailboxes = Mailboxes::read(reader)?;
        let mut data = Vec::new();
        for source in settings.mail_sources() {
            if tenant_of(&source, reader)? != Some(tenant) {
                continue;
            }
            let row = reader.mail_source(tenant.id, &source.to_string())?;
            let report = row.as_ref().map(report_of).transpose()?.unwrap_or_default();
            data.push(FetchedFolder {
                source: source.to_string(),
                mailbox_id: mailboxes.active_at(&source.mailbox).map(|mailbox| mailbox.id()),
                address: source.mailbox.clone(),
                checked_at: row.map(|row| row.checked_at),
                fetched_at: report.fetched_at,
                error: report.error,
                failing_since: report.failing_since,
                skipped: report.skipped,
            });
        }
        Ok(FetchedFolders { data })
    });
    Ok(HttpResponse::Ok().json(reading.await?))
}

/// The tenants with a folder that is due.
pub fn due(settings: &Settings, reader: &mut Reader<'_>, now: Timestamp) -> Result<Vec<TenantKey>, StoreError> {
    let mut due = Vec::new();
    for source in settings.mail_sources() {
        let Some(tenant) = tenant_of(&source, reader)? else { continue };
        let row = reader.mail_source(tenant.id, &source.to_string())?;
        if !due.contains(&tenant) && row.is_none_or(|row| is_due(settings, &row, now)) {
            due.push(tenant);
        }
    }
    Ok(due)
}

fn is_due(settings: &Settings, row: &MailSourceRow, now: Timestamp) -> bool {
    row.checked_at.plus_seconds(settings.imap_interval.into()) <= now
}

fn tenant_of(source: &MailSource, reader: &mut Reader<'_>) -> Result<Option<TenantKey>, StoreError> {
    let row = match &source.tenant {
        Some(slug) => reader.tenant_by_slug(slug)?,
        None => reader.first_tenant()?,
    };
    Ok(row.map(|row| TenantKey { id: row.id, number: row.number }))
}

fn report_of(row: &MailSourceRow) -> Result<Report, Problem> {
    serde_json::from_str(&row.report).map_err(Problem::internal)
}

/// Fetches from the folders of a tenant that are due. What goes wrong with one is told there, and keeps no other waiting.
pub async fn perform(job: Job) -> Result<(), Halt> {
    let (state, tenant) = (&job.state, job.tenant);
    for source in state.settings.mail_sources() {
        let name = source.to_string();
        let owner = source.clone();
        let reading = state.background.read::<_, Problem>(tenant, move |reader| {
            let is_ours = tenant_of(&owner, reader)? == Some(tenant);
            let has_mailbox = Mailboxes::read(reader)?.active_at(&owner.mailbox).is_some();
            Ok((is_ours, has_mailbox, reader.mail_source(tenant.id, &name)?))
        });
        let (is_ours, has_mailbox, row) = reading.await?;
        if !is_ours || row.as_ref().is_some_and(|row| !is_due(&state.settings, row, clock::now())) {
            continue;
        }
        let report = row.as_ref().map(report_of).transpose()?.unwrap_or_default();
        let row = row.unwrap_or_else(|| MailSourceRow {
            tenant_id: tenant.id,
            name: source.to_string(),
            uid_validity: None,
            last_uid: 0,
            checked_at: clock::now(),
            report: String::new(),
        });
        let mut fetching = Fetching { state, tenant, source: &source, row, report };
        let outcome = if has_mailbox { fetching.fetch().await } else { Err(no_mailbox(&source)) };
        let now = clock::now();
        fetching.row.checked_at = now;
        match outcome {
            Ok(()) => {
                fetching.report.error = None;
                fetching.report.failing_since = None;
            }
            Err(reason) => {
                tracing::warn!(source = %source, reason, "mail could not be fetched");
                fetching.report.error = Some(shortened(&reason, REASON));
                fetching.report.failing_since.get_or_insert(now);
            }
        }
        fetching.keep().await?;
        if state.stopping.is_begun() {
            return Ok(());
        }
    }
    Ok(())
}

fn no_mailbox(source: &MailSource) -> String {
    format!("there is no active mailbox with the address {}", source.mailbox)
}

/// Why a message was not taken in.
enum Failure {
    /// It has nothing to do with the message.
    Otherwise(String),
    /// It may have, but another attempt may go well.
    Perhaps(String),
    /// No attempt will go well.
    Surely(String),
}

/// A folder being fetched from.
struct Fetching<'a> {
    state: &'a Arc<State>,
    tenant: TenantKey,
    source: &'a MailSource,
    row: MailSourceRow,
    report: Report,
}

impl Fetching<'_> {
    async fn fetch(&mut self) -> Result<(), String> {
        let mut folder = Folder::open(self.source).await?;
        // Of a folder not known yet, or made anew, what nobody has read is fetched: the rest has been dealt with elsewhere.
        let is_new = self.row.uid_validity != Some(folder.uid_validity);
        if is_new && self.row.uid_validity.take().is_some() {
            // The ids kept are those of other messages.
            self.report.skipped.clear();
            self.report.failed = None;
        }
        let last = match (is_new, folder.uid_next) {
            (true, Some(next)) => next - 1,
            (true, None) => folder.behind(0).await?.last().copied().unwrap_or(0),
            (false, _) => 0,
        };
        let found = if is_new { folder.unread().await? } else { folder.behind(self.row.last_uid).await? };
        let is_all = found.len() <= AT_ONCE;
        for uid in found.into_iter().take(AT_ONCE) {
            if self.state.stopping.is_begun() {
                return Ok(());
            }
            let is_known = is_new && self.report.skipped.iter().any(|skipped| skipped.uid == uid);
            if !is_known {
                self.take(&mut folder, uid).await?;
            }
            if !is_new {
                self.row.last_uid = uid;
                self.keep().await.map_err(told)?;
            }
        }
        if is_new && is_all {
            self.row.uid_validity = Some(folder.uid_validity);
            self.row.last_uid = last;
        }
        folder.close().await;
        Ok(())
    }

    /// Takes a message in, or passes it over.
    async fn take(&mut self, folder: &mut Folder, uid: i64) -> Result<(), String> {
        let reason = match self.try_to_take(folder, uid).await {
            Ok(true) => {
                self.report.failed = None;
                self.report.fetched_at = Some(clock::now());
                return folder.mark(uid).await;
            }
            Ok(false) => return Ok(()),
            Err(Failure::Otherwise(reason)) => return Err(reason),
            Err(Failure::Perhaps(reason)) => {
                let times = self.report.failed.filter(|(failed, _)| *failed == uid).map_or(1, |(_, times)| times + 1);
                if times < TRIES {
                    self.report.failed = Some((uid, times));
                    return Err(format!("message {uid}: {reason}"));
                }
                reason
            }
            Err(Failure::Surely(reason)) => reason,
        };
        tracing::warn!(source = %self.source, uid, reason, "a message was passed over");
        self.report.failed = None;
        self.report.skipped.push(SkippedMail { uid, at: clock::now(), reason: shortened(&reason, REASON) });
        let surplus = self.report.skipped.len().saturating_sub(SKIPPED);
        self.report.skipped.drain(..surplus);
        Ok(())
    }

    /// Takes a message in; false if it is gone.
    async fn try_to_take(&self, folder: &mut Folder, uid: i64) -> Result<bool, Failure> {
        let Some(size) = folder.size(uid).await.map_err(Failure::Otherwise)? else { return Ok(false) };
        if size > LARGEST as u64 {
            return Err(Failure::Surely(format!("the message has {size} bytes, more than {LARGEST}")));
        }
        let Some(raw) = folder.read(uid).await.map_err(Failure::Perhaps)? else { return Ok(false) };
        if raw.is_empty() {
            return Err(Failure::Surely("the message is empty".to_owned()));
        }
        let raw = Bytes::from(raw);
        let mut kept = match Kept::of(self.state, self.tenant, ("message.eml", "message/rfc822"), raw.clone()).await {
            Ok(kept) => kept,
            Err(problem) if problem.code == Code::PayloadTooLarge => return Err(Failure::Surely(describe(&problem))),
            Err(problem) => return Err(Failure::Otherwise(told(problem))),
        };
        let taken = self.take_read(&mut kept, raw).await;
        kept.give_up().await.map_err(|problem| Failure::Otherwise(told(problem)))?;
        taken.map(|()| true).map_err(|problem| match Halt::from(problem) {
            Halt::Unreached(reason) => Failure::Otherwise(reason),
            Halt::Progressed(reason) | Halt::Failed(reason) | Halt::Throttled { reason, .. } => Failure::Perhaps(reason),
            Halt::Stopped | Halt::Waits(_) => Failure::Otherwise("the node is stopping".to_owned()),
        })
    }

    async fn take_read(&self, kept: &mut Kept, raw: Bytes) -> Result<(), Problem> {
        let reading = tokio::task::spawn_blocking(move || read(&raw));
        let mut mail = reading.await.map_err(Problem::internal)?;
        let pictures = keep_attachments(kept, &mut mail).await?;
        let key = key_of(mail.id.as_deref().unwrap_or_else(|| kept.digest()));
        let (mail, mailbox, kept) = (Arc::new(mail), self.source.mailbox.clone(), kept.clone());
        let now = clock::now();
        let written = self.state.background.write::<_, Problem>(self.tenant, Origin::system(now), move |work| {
            let principal = Arc::new(principal::system(work.reader())?);
            let writer = Writer { principal, object: Ticket::object(), now, parent: None, quiet: false };
            let (mail, key, mailbox) = (mail.as_ref().clone(), key.clone(), Some(mailbox.clone()));
            let taking = Taking { writer, mail, key, pictures: pictures.clone(), mailbox };
            taking.take(work, &kept).map(drop)
        });
        written.await
    }

    /// Keeps how far the folder has been read, and how that went.
    async fn keep(&mut self) -> Result<(), Problem> {
        self.row.report = serde_json::to_string(&self.report)?;
        let row = self.row.clone();
        let keeping = move |work: &mut farley_persistence::Work<'_>| Ok::<_, Problem>(work.keep_mail_source(&row)?);
        self.state.background.write(self.tenant, Origin::system(clock::now()), keeping).await
    }
}

fn told(problem: Problem) -> String {
    describe(&problem)
}
