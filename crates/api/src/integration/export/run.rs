//! The job that exports: page after page into a file. Its rights are those of whoever asked for it, looked at again with each page.
//! After a crash the next worker begins anew: nothing of a half file is ever seen.

use std::sync::Arc;

use actix_web::web::Bytes;
use farley_domain::{
    identity::access::Action,
    integration::{
        export::{Export, ExportEncoding, ExportFormat, KEPT_FOR},
        file::File,
        import::record::ImportStatus,
    },
    model::{
        entity::Entity,
        event::{Actor, ActorKind},
        fault::Language,
        field::Op,
        object::{Object, Schema},
        operand::Operand,
        record::Record,
        registry,
    },
    query::{
        list::{ListQuery, Start},
        predicate::Predicate,
    },
    values::{id::Id, time::Timestamp},
};
use farley_persistence::{Change, Lease, Loaded, Origin, StoreError, TenantKey, Work};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{lines::Lines, permit, query_of};
use crate::{
    access::{
        principal::{Principal, acting},
        state::State,
        unrestricted::{Unrestricted, without_custom_fields},
    },
    http::{
        clock,
        problem::{Problem, describe},
    },
    integration::file::{kept::Kept, storing::Storing},
    records::{
        area::{Halt, LEASE_SECONDS},
        read::{layout_for, layout_of},
        write::Writer,
    },
};

/// How many records are read at once.
pub const ROWS_AT_ONCE: usize = 500;

/// What the job that exports is asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Payload {
    pub export_id: Id,
    pub user_id: Id,
    pub api_key_id: Option<Id>,
    pub request_id: Option<String>,
    pub language: Language,
    pub traceparent: Option<String>,
}

impl Payload {
    fn origin(&self) -> Origin {
        let kind = if self.api_key_id.is_some() { ActorKind::ApiKey } else { ActorKind::User };
        let actor = Actor { kind, user_id: Some(self.user_id), api_key_id: self.api_key_id, contact_id: None };
        Origin { actor, request_id: self.request_id.clone(), now: clock::now(), cause: None, client_tag: None }
    }
}

/// An export under way.
struct Run {
    state: Arc<State>,
    tenant: TenantKey,
    payload: Payload,
    lease: Lease,
}

/// Exports; a failure of the database is worth another attempt.
pub async fn perform(state: &Arc<State>, tenant: TenantKey, lease: Lease, payload: &str, last: bool) -> Result<(), Halt> {
    let payload: Payload = serde_json::from_str(payload).map_err(|error| Halt::Failed(error.to_string()))?;
    let run = Run { state: Arc::clone(state), tenant, payload, lease };
    let problem = match run.export().await {
        Ok(true) => return Ok(()),
        Ok(false) => return Err(Halt::Stopped),
        Err(problem) => problem,
    };
    let reason = describe(&problem);
    let passing = problem.inside().is_some();
    if let Some(halt) = Halt::again(problem, last, false) {
        return Err(halt);
    }
    let failed = reason.chars().take(1_000).collect::<String>();
    run.note(move |record, now| {
        record.set(Export::status, ImportStatus::Failed);
        record.set(Export::finished_at, now);
        record.set(Export::problem, failed.clone());
        "failed"
    })
    .await
    .map_err(Halt::from)?;
    if passing { Err(Halt::Failed(reason)) } else { Ok(()) }
}

impl Run {
    /// Writes the file and makes it that of the export; false if the node is to stop first.
    async fn export(&self) -> Result<bool, Problem> {
        let (export, object, principal, total) = self.prepare().await?;
        if matches!(export.get(Export::status), Some(ImportStatus::Done | ImportStatus::Failed)) {
            return Ok(true);
        }
        self.note(move |record, now| {
            record.set(Export::status, ImportStatus::Running);
            record.set(Export::started_at, now);
            record.set(Export::rows_total, total);
            record.set(Export::rows_done, 0);
            "progressed"
        })
        .await?;
        let lines = Lines::of(&export, &principal, object, self.payload.language, clock::now());
        let (name, media_type) = file_of(&export, object);
        let mut storing = Storing::begin(&self.state, self.tenant, Some(media_type)).await?;
        let (judged, done) = match self.fill(&mut storing, &lines, &export, object).await {
            Ok(Some(done)) => (Ok(()), done),
            Ok(None) => {
                // What is written so far is given up.
                drop(storing.end(Err(Problem::not_found())).await);
                return Ok(false);
            }
            Err(problem) => (Err(problem), 0),
        };
        let kept = Kept::first(&self.state, self.tenant, &name, storing.end(judged).await?);
        let finished = self.finish(kept.clone(), principal, done).await;
        if finished.is_err() {
            kept.give_up().await?;
        }
        finished.map(|()| true)
    }

    /// Writes the records, page after page; how many there were, or none if the node is to stop first.
    async fn fill(
        &self,
        storing: &mut Storing,
        lines: &Lines,
        export: &Record<Export>,
        object: &'static Object,
    ) -> Result<Option<i64>, Problem> {
        storing.add(Bytes::from(lines.beginning()?)).await?;
        let (mut start, mut done) = (Start::First, 0);
        loop {
            if self.state.stopping.is_begun() {
                return Ok(None);
            }
            let (rows, next) = self.page(export, object, start).await?;
            let mut bytes = Vec::new();
            for row in &rows {
                bytes.extend(lines.line(row)?);
            }
            storing.add(Bytes::from(bytes)).await?;
            done += i64::try_from(rows.len()).unwrap_or(0);
            let Some(cursor) = next else { return Ok(Some(done)) };
            self.note(move |record, _| {
                record.set(Export::rows_done, done);
                "progressed"
            })
            .await?;
            start = Start::After(cursor);
        }
    }

    /// The export, whoever asked for it, and how many records there are.
    async fn prepare(&self) -> Result<(Record<Export>, &'static Object, Arc<Principal>, i64), Problem> {
        let payload = self.payload.clone();
        let reading = self.state.background.read::<_, Problem>(self.tenant, move |reader| {
            let layout = Work::layout(&schema());
            let row = reader.get(&layout, &Unrestricted, payload.export_id, &Predicate::all())?;
            let export = row.ok_or_else(Problem::not_found)?.to_record()?.into_entity::<Export>();
            let object = registry::object(export.get(Export::object)).ok_or_else(Problem::not_found)?;
            let now = clock::now();
            let principal = acting(reader, payload.user_id, payload.api_key_id, now)?;
            permit(&principal, object)?;
            let query = within(&principal, object, query_of(&principal.view(now), object, &export)?)?;
            let total = reader.count(object, &query.predicate)?;
            Ok((export, object, Arc::new(principal), total))
        });
        reading.await
    }

    /// The next records, as their reader may see them now.
    async fn page(
        &self,
        export: &Record<Export>,
        object: &'static Object,
        start: Start,
    ) -> Result<(Vec<Value>, Option<farley_domain::query::cursor::Cursor>), Problem> {
        let (payload, export) = (self.payload.clone(), export.clone());
        let reading = self.state.background.read::<_, Problem>(self.tenant, move |reader| {
            let now = clock::now();
            let principal = Arc::new(acting(reader, payload.user_id, payload.api_key_id, now)?);
            permit(&principal, object)?;
            let view = principal.view(now);
            let mut query = within(&principal, object, query_of(&view, object, &export)?)?;
            query.start = start;
            let layout = layout_for(&principal, object, query.fields.as_deref(), &query.expand, (&query.sort, false));
            let mut page = reader.list(&layout, &view, &query)?;
            reader.expand(&mut page.rows, &view, &query.expand, &|target, fields| layout_of(&principal, target, fields))?;
            let rows = page.rows.iter().map(farley_persistence::Row::to_value).collect::<Result<Vec<_>, _>>()?;
            Ok((rows, page.next))
        });
        reading.await
    }

    /// Makes the file that of the export.
    async fn finish(&self, kept: Kept, principal: Arc<Principal>, done: i64) -> Result<(), Problem> {
        let (payload, lease) = (self.payload.clone(), self.lease);
        let written = self.state.background.write::<_, Problem>(self.tenant, payload.origin(), move |work| {
            keep_lease(work, lease)?;
            let now = work.origin.now;
            let writer =
                Writer { principal: Arc::clone(&principal), object: <File as Entity>::object(), now, parent: None, quiet: true };
            let file = kept.files(work, &writer, None)?.first().copied();
            update(work, payload.export_id, |record| {
                record.set(Export::status, ImportStatus::Done);
                record.set(Export::rows_done, done);
                record.set(Export::file_id, file);
                record.set(Export::finished_at, now);
                record.set(Export::expires_at, now.plus_seconds(KEPT_FOR));
                "finished"
            })
        });
        written.await
    }

    /// Writes down how far the export is, and keeps the lease.
    async fn note(
        &self,
        change: impl Fn(&mut Record<Export>, Timestamp) -> &'static str + Send + 'static,
    ) -> Result<(), Problem> {
        let (payload, lease) = (self.payload.clone(), self.lease);
        let written = self.state.background.write::<_, Problem>(self.tenant, payload.origin(), move |work| {
            keep_lease(work, lease)?;
            let now = work.origin.now;
            update(work, payload.export_id, |record| change(record, now))
        });
        written.await
    }
}

/// What is exported is what may be exported of what may be read.
fn within(principal: &Principal, object: &'static Object, query: ListQuery) -> Result<ListQuery, Problem> {
    let rows = principal.asker.rows(object, Action::Export).ok_or_else(Problem::not_found)?;
    Ok(ListQuery { predicate: query.predicate.and(rows), ..query })
}

fn update(work: &mut Work<'_>, id: Id, change: impl FnOnce(&mut Record<Export>) -> &'static str) -> Result<(), Problem> {
    let loaded = work.load(&schema(), &Unrestricted, id, &Predicate::all())?.ok_or_else(Problem::not_found)?;
    let mut record: Record<Export> = loaded.record.clone().into_entity();
    let verb = change(&mut record);
    work.update(&schema(), &loaded, record.any_mut(), &Change::new(verb))?;
    Ok(())
}

fn keep_lease(work: &mut Work<'_>, lease: Lease) -> Result<(), Problem> {
    if work.renew_lease(lease, clock::now().plus_seconds(LEASE_SECONDS))? {
        Ok(())
    } else {
        // Somebody else goes on with it.
        Err(Problem::from(StoreError::Internal("the lease of the export was lost".to_owned())))
    }
}

/// The name and the type of the file.
fn file_of(export: &Record<Export>, object: &Object) -> (String, &'static str) {
    let day = export.get(Export::created_at).map_or_else(String::new, |time| time.to_utc().format("-%Y-%m-%d").to_string());
    match (export.get(Export::format), export.get(Export::encoding)) {
        (Some(ExportFormat::Ndjson), _) => (format!("{}{day}.ndjson", object.collection), "application/x-ndjson"),
        (_, Some(ExportEncoding::Gb18030)) => (format!("{}{day}.csv", object.collection), "text/csv"),
        _ => (format!("{}{day}.csv", object.collection), "text/csv"),
    }
}

/// The schema of exports, which have no custom fields.
fn schema() -> Schema {
    without_custom_fields(<Export as Entity>::object())
}

/// Archives the files whose time is over.
pub async fn expire(state: &Arc<State>, tenant: TenantKey, now: Timestamp) -> Result<(), Problem> {
    let written = state.background.write::<_, Problem>(tenant, Origin::system(now), move |work| {
        let over = Predicate::test(Export::expires_at.field(), Op::Lt, Operand::Time(now));
        let over = over.and(Predicate::test(Export::file_id.field(), Op::Null, Operand::Boolean(false)));
        for found in work.reader().find(&schema(), &Unrestricted, &over, ROWS_AT_ONCE)? {
            let export: Record<Export> = found.into_entity();
            if let Some(file) = export.get(Export::file_id) {
                let files = without_custom_fields(<File as Entity>::object());
                let loaded: Option<Loaded> = work.load(&files, &Unrestricted, file, &Predicate::Archived(false))?;
                if let Some(loaded) = loaded {
                    let mut record = loaded.record.clone();
                    record.set(farley_domain::model::recurring::ARCHIVED_AT, now);
                    work.update(&files, &loaded, &mut record, &Change::new("archived"))?;
                }
            }
            update(work, export.id(), |record| {
                record.clear(Export::file_id);
                "expired"
            })?;
        }
        Ok(())
    });
    written.await
}
