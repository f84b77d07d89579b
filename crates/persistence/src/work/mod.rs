//! The unit of work: the one way to write. Rows, links, search text, events and jobs go into one transaction; if the closure that
//! does the work fails, nothing of it stays.

mod credentials;
mod gather;
mod index;
mod jobs;
pub(crate) mod numbers;

pub use index::LookupPlace;

use std::{borrow::Cow, collections::HashSet, sync::Arc};

use farley_domain::{
    activities::concerned::RECORDS,
    model::{
        event::{Actor, ActorKind, Cause},
        field::{Field, Storage},
        object::{Object, Schema},
        record::{Record, changes},
        recurring,
    },
    query::{
        indexing::Foreseen,
        predicate::{Predicate, View},
    },
    values::{id::Id, time::Timestamp},
};
use serde_json::{Map, Value};

use crate::{
    engine::{Connection, Remembering},
    error::StoreError,
    on,
    reader::{Reader, TenantKey},
    records::{filter::Scalar, statements},
    sql::{
        row::{Layout, Row},
        rows::{IdempotencyRow, ImportFaultRow, NewEvent, TenantRow},
        statement::{Alias, Bind, Dialect, JsonKey, Statement, write_sql},
    },
};

/// Who does the work, in which request, and when.
#[derive(Clone, Debug)]
pub struct Origin {
    pub actor: Actor,
    pub request_id: Option<String>,
    pub now: Timestamp,
    /// What makes them do it, if not just they themselves.
    pub cause: Option<Cause>,
    /// What they give along, to know their own echo.
    pub client_tag: Option<String>,
}

impl Origin {
    /// Farley itself.
    #[must_use]
    pub fn system(now: Timestamp) -> Origin {
        Origin { actor: Actor::SYSTEM, request_id: None, now, cause: None, client_tag: None }
    }
}

/// A record as it was read for writing.
#[derive(Debug, Clone)]
pub struct Loaded {
    pub record: Record,
    stored_custom: String,
}

/// What a write did to a record: the name of its event, and on whose timelines it stands.
#[derive(Clone, Debug)]
pub struct Change<'a> {
    /// `created`, `updated`, `archived` … : the event is `customer.created`.
    pub verb: &'a str,
    pub about: &'a [Id],
}

impl<'a> Change<'a> {
    #[must_use]
    pub fn new(verb: &'a str) -> Change<'a> {
        Change { verb, about: &[] }
    }
}

/// An event that has been noted and is not in the log yet.
#[derive(Clone, Copy, Debug)]
pub struct Noted<'a> {
    /// The object and what happened, as `object.what`.
    pub kind: &'a str,
    pub object: &'a str,
    pub record: Id,
    /// As it will be stored.
    pub changes: &'a str,
}

/// Work in one transaction, within one tenant.
pub struct Work<'a> {
    reader: Reader<'a>,
    pub origin: Cow<'a, Origin>,
    new_id: fn() -> Id,
    events: Vec<(NewEvent, Vec<Id>)>,
    /// New rows that wait for the end of the work; none where each goes at once.
    gathered: Option<std::rc::Rc<gather::Gathered>>,
    /// Whether what is unique is left to the indexes.
    trusts_indexes: bool,
    /// What has been read is not read again; none where everything is.
    remembering: Option<Remembering>,
    /// Records that nobody else can change until the end of the work.
    locked: HashSet<(&'static str, Id)>,
    /// Records that stay as they are until then.
    pub(crate) held: HashSet<(&'static str, Id)>,
    numbers: &'a crate::work::numbers::Numbers,
    /// The tenants for which positions in the log have been announced.
    pub(crate) announced: Vec<Id>,
    /// Search terms of a new record, made before this work began.
    foreseen: Option<Arc<Foreseen>>,
    /// Whether a job came into the queue, which wakes the workers of this node.
    pub(crate) queued: bool,
}

impl<'a> Work<'a> {
    pub(crate) fn new(
        connection: Connection<'a>,
        tenant: TenantKey,
        origin: &'a Origin,
        new_id: fn() -> Id,
        numbers: &'a crate::work::numbers::Numbers,
    ) -> Work<'a> {
        Work {
            reader: Reader { connection, tenant },
            origin: Cow::Borrowed(origin),
            new_id,
            events: Vec::new(),
            gathered: None,
            trusts_indexes: false,
            remembering: None,
            locked: HashSet::new(),
            held: HashSet::new(),
            numbers,
            announced: Vec::new(),
            foreseen: None,
            queued: false,
        }
    }

    /// Reads in the same transaction.
    pub fn reader(&mut self) -> &mut Reader<'a> {
        &mut self.reader
    }

    #[must_use]
    pub fn tenant(&self) -> TenantKey {
        self.reader.tenant
    }

    #[must_use]
    pub fn new_id(&self) -> Id {
        (self.new_id)()
    }

    /// From here on, what many records refer to is read once. For work that is done for many records by the same rules.
    pub fn remember(&mut self) {
        if self.dialect() == Dialect::Postgres {
            self.remembering.get_or_insert_with(Remembering::begin);
        }
    }

    /// From here on it is read again: it may be otherwise by now.
    pub(crate) fn forget_read(&mut self) {
        self.remembering.iter().for_each(Remembering::forget);
    }

    /// Whether others may write at the same time, so that what has been read may be otherwise by now.
    #[must_use]
    pub fn is_among_others(&self) -> bool {
        self.dialect() == Dialect::Postgres
    }

    /// Goes on in another tenant: for what stands above tenants, such as log-ins.
    pub fn enter(&mut self, tenant: TenantKey) {
        self.reader.tenant = tenant;
    }

    pub(crate) fn connection(&mut self) -> &mut Connection<'a> {
        &mut self.reader.connection
    }

    pub(crate) fn dialect(&self) -> Dialect {
        self.reader.connection.dialect()
    }

    /// Reads a record for writing; on PostgreSQL nobody else can change it until the end of the work.
    pub fn load(&mut self, schema: &Schema, view: &dyn View, id: Id, within: &Predicate) -> Result<Option<Loaded>, StoreError> {
        let layout = statements::writing_layout(schema);
        if self.dialect() == Dialect::Postgres && self.locked.insert((schema.object.table, id)) {
            let mut lock = Statement::new(Dialect::Postgres);
            write_sql!(lock, "SELECT 1 FROM ", schema.object.table, " WHERE tenant_id = ", self.tenant().id);
            write_sql!(lock, " AND id = ", id, " FOR UPDATE");
            self.reader.connection.load(&lock, &[])?;
        }
        let row = self.reader.get(&layout, view, id, within)?;
        row.map(|row| Ok(Loaded { record: row.to_record()?, stored_custom: row.stored_custom().to_owned() })).transpose()
    }

    /// Search terms that have been made of a record about to be created.
    pub fn foresee(&mut self, foreseen: &Arc<Foreseen>) {
        self.foreseen = Some(Arc::clone(foreseen));
    }

    /// Stores a new record with its links, search text and event.
    pub fn insert(&mut self, schema: &Schema, record: &mut Record, change: &Change<'_>) -> Result<(), StoreError> {
        let (now, user) = (self.origin.now, self.origin.actor.user_id);
        if record.id() == Id::NIL {
            record.set(recurring::ID, self.new_id());
        }
        record.set(recurring::VERSION, 1);
        record.set(recurring::CREATED_AT, now);
        record.set(recurring::CREATED_BY, user);
        record.set(recurring::UPDATED_AT, now);
        record.set(recurring::UPDATED_BY, user);
        record.clear(recurring::ARCHIVED_AT);
        if let Some(prefix) = schema.object.number_prefix.filter(|_| record.is_null(recurring::NUMBER)) {
            let number = self.unused_number(schema.object, prefix)?;
            record.set(recurring::NUMBER, number);
        }
        let event = self.new_id();
        let (target, row) = statements::new_row(schema, self.tenant().id, record)?;
        self.together(|work| {
            work.insert_rows(&target, vec![row])?;
            work.note_in_ledger(schema.object, None, record, event)?;
            work.link(schema.object, None, record)?;
            work.index(schema, None, record)
        })?;
        self.locked.insert((schema.object.table, record.id()));
        self.remembering.iter().for_each(|remembering| remembering.forget_table(schema.object.table));
        self.note(schema.object, None, record, (event, change));
        Ok(())
    }

    /// Stores a record of a log without an event: what it tells of has events of its own.
    pub fn add_to_log(&mut self, schema: &Schema, record: &mut Record) -> Result<(), StoreError> {
        let noted = self.events.len();
        self.insert(schema, record, &Change::new("created"))?;
        self.forget_noted(noted);
        Ok(())
    }

    /// Changes a record of a log, likewise without an event.
    pub fn amend_log(&mut self, schema: &Schema, loaded: &Loaded, record: &mut Record) -> Result<(), StoreError> {
        let noted = self.events.len();
        self.update(schema, loaded, record, &Change::new("updated"))?;
        self.forget_noted(noted);
        Ok(())
    }

    /// Says that what is done from here on is done because of something.
    pub fn because_of(&mut self, cause: Option<Cause>) {
        if self.origin.cause != cause {
            self.origin.to_mut().cause = cause;
        }
    }

    /// How many events have been noted so far, to ask for those after.
    #[must_use]
    pub fn noted(&self) -> usize {
        self.events.len()
    }

    /// Forgets what has been noted after so many events: what nobody is to hear of.
    pub(crate) fn forget_noted(&mut self, count: usize) {
        self.events.truncate(count);
    }

    /// What has been noted after so many events: what was done since.
    pub fn noted_since(&self, count: usize) -> impl Iterator<Item = Noted<'_>> {
        self.events.iter().skip(count).map(|(event, _)| Noted {
            kind: &event.kind,
            object: &event.object,
            record: event.record_id,
            changes: &event.changes,
        })
    }

    /// Stores a changed record. What does not differ is not written; if nothing differs, nothing is.
    pub fn update(
        &mut self,
        schema: &Schema,
        loaded: &Loaded,
        record: &mut Record,
        change: &Change<'_>,
    ) -> Result<bool, StoreError> {
        let before = &loaded.record;
        if before == record {
            return Ok(false);
        }
        self.go_on_after(before);
        record.set(recurring::VERSION, before.version() + 1);
        record.set(recurring::UPDATED_AT, self.origin.now);
        record.set(recurring::UPDATED_BY, self.origin.actor.user_id);
        let sql = statements::update(self.dialect(), schema, self.tenant().id, before, record, &loaded.stored_custom)?;
        if self.reader.connection.execute(&sql)? == 0 {
            return Err(StoreError::Serialization);
        }
        let event = self.new_id();
        self.note_in_ledger(schema.object, Some(before), record, event)?;
        self.link(schema.object, Some(before), record)?;
        self.index(schema, Some(before), record)?;
        self.note(schema.object, Some(before), record, (event, change));
        Ok(true)
    }

    /// A request may have arrived before another that has changed the record since, and the clocks of nodes differ: the times of a
    /// record rise all the same, as it is locked.
    fn go_on_after(&mut self, before: &Record) {
        let now = before.next_change_at(self.origin.now);
        if now != self.origin.now {
            self.origin.to_mut().now = now;
        }
    }

    /// Archives a record (or brings it back) with what else is to change: its external ids are free for others meanwhile.
    pub fn archive(&mut self, schema: &Schema, loaded: &Loaded, mut record: Record, archive: bool) -> Result<Record, StoreError> {
        self.go_on_after(&loaded.record);
        record.set(recurring::ARCHIVED_AT, archive.then_some(self.origin.now));
        self.update(schema, loaded, &mut record, &Change::new(if archive { "archived" } else { "restored" }))?;
        Ok(record)
    }

    /// Notes an event that is no plain change of fields, such as a log-in or an import's end.
    pub fn event(&mut self, object: &str, verb: &str, record: Id, version: i64, changes: Map<String, Value>, about: &[Id]) {
        let id = self.new_id();
        self.note_event(id, (object, verb), (record, version), changes, about);
    }

    fn note_event(
        &mut self,
        id: Id,
        (object, verb): (&str, &str),
        (record, version): (Id, i64),
        changes: Map<String, Value>,
        about: &[Id],
    ) {
        debug_assert!(
            farley_domain::model::event::verbs(object).any(|known| known == verb),
            "{object}.{verb} is not declared in model::event"
        );
        let event = NewEvent {
            tenant_id: self.tenant().id,
            id,
            kind: format!("{object}.{verb}"),
            at: self.origin.now,
            actor_kind: match self.origin.actor.kind {
                ActorKind::User => "user",
                ActorKind::ApiKey => "api_key",
                ActorKind::Contact => "contact",
                ActorKind::System => "system",
            },
            user_id: self.origin.actor.user_id,
            api_key_id: self.origin.actor.api_key_id,
            contact_id: self.origin.actor.contact_id,
            object: object.to_owned(),
            record_id: record,
            version,
            changes: Value::Object(changes).to_string(),
            request_id: self.origin.request_id.clone(),
            cause_kind: self.origin.cause.map(|cause| cause.kind.as_str()),
            cause_id: self.origin.cause.map(|cause| cause.id),
            cause_depth: self.origin.cause.map(|cause| cause.depth),
            client_tag: self.origin.client_tag.clone(),
        };
        let about = about.iter().copied().filter(|subject| *subject != record).collect();
        self.events.push((event, about));
    }

    fn note(&mut self, object: &'static Object, before: Option<&Record>, record: &Record, (event, change): (Id, &Change<'_>)) {
        // Records that name a customer stand on that customer's timeline, and those that concern several on the timelines of all.
        let mut about = change.about.to_vec();
        if object.bears(RECORDS) {
            let both = before.into_iter().chain([record]);
            about.extend(both.flat_map(|record| record.get(RECORDS)).map(|concerned| concerned.id));
        }
        about.extend(record.get(recurring::CUSTOMER_ID));
        about.extend(before.and_then(|before| before.get(recurring::CUSTOMER_ID)));
        about.sort_unstable();
        about.dedup();
        let changes = changes(before, record);
        self.note_event(event, (object.name, change.verb), (record.id(), record.version()), changes, &about);
    }

    /// Sends what is still to be sent, and writes the events noted so far into the log, as the last thing before the commit, so that their positions agree with the
    /// order in which transactions let go of a record.
    pub(crate) fn finish(&mut self) -> Result<(), StoreError> {
        self.send_gathered()?;
        if self.events.is_empty() {
            return Ok(());
        }
        for tenant in self.events.iter().map(|(event, _)| event.tenant_id) {
            if !self.announced.contains(&tenant) {
                on!(&mut self.reader.connection, locks::announce(tenant))?;
                self.announced.push(tenant);
            }
        }
        let events = std::mem::take(&mut self.events);
        on!(&mut self.reader.connection, log::append(events))
    }

    /// Keeps out everybody else who changes a tree (teams, customers): two moves at once could close a circle.
    pub fn lock_tree(&mut self, object: &Object) -> Result<(), StoreError> {
        self.lock(&format!("tree {}", object.table))
    }

    /// Claims an idempotency key for the length of this work; false if another request holds it.
    pub fn claim_key(&mut self, credential: Id, key: &str) -> Result<bool, StoreError> {
        on!(&mut self.reader.connection, locks::try_for(&format!("key {credential} {key}")))
    }

    pub fn remember_answer(&mut self, row: &IdempotencyRow) -> Result<(), StoreError> {
        on!(&mut self.reader.connection, idempotency::insert(row.clone()))
    }

    pub fn forget_answer(&mut self, credential: Id, key: &str) -> Result<(), StoreError> {
        let tenant = self.tenant().id;
        on!(&mut self.reader.connection, idempotency::forget(tenant, credential, key))
    }

    /// Forgets the tenant's answers that were given before a time.
    pub fn purge_answers(&mut self, before: Timestamp) -> Result<usize, StoreError> {
        let tenant = self.tenant().id;
        on!(&mut self.reader.connection, idempotency::purge(tenant, before))
    }

    /// Does a part of the work that may fail by itself: if it does, nothing of it stays, and the rest of the work goes on.
    pub fn attempt<T, E: From<StoreError>>(&mut self, part: impl FnOnce(&mut Work<'a>) -> Result<T, E>) -> Result<T, E> {
        let (noted, announced) = (self.events.len(), self.announced.clone());
        self.send_gathered()?;
        self.savepoint("SAVEPOINT part")?;
        match part(self).and_then(|value| self.send_gathered().map(|()| value).map_err(E::from)) {
            Ok(value) => {
                self.savepoint("RELEASE SAVEPOINT part")?;
                Ok(value)
            }
            Err(error) => {
                self.events.truncate(noted);
                // Locks taken since the savepoint go with it, and what it has read may be gone too.
                self.announced = announced;
                self.locked.clear();
                self.held.clear();
                self.forget_read();
                if let Some(gathered) = &self.gathered {
                    gathered.clear();
                }
                self.savepoint("ROLLBACK TO SAVEPOINT part")?;
                self.savepoint("RELEASE SAVEPOINT part")?;
                Err(error)
            }
        }
    }

    fn savepoint(&mut self, command: &'static str) -> Result<(), StoreError> {
        let sql = Statement::of(self.dialect(), command);
        self.reader.connection.execute(&sql).map(drop)
    }

    /// Keeps the file of an import until it has ended.
    pub fn keep_import_file(&mut self, import: Id, content: &[u8]) -> Result<(), StoreError> {
        let tenant = self.tenant().id;
        on!(&mut self.reader.connection, imports::keep_file(tenant, import, content))
    }

    pub fn forget_import_file(&mut self, import: Id) -> Result<(), StoreError> {
        let tenant = self.tenant().id;
        on!(&mut self.reader.connection, imports::forget_file(tenant, import))
    }

    /// Forgets the files of imports that were given up before a time, or are archived: nobody goes on with those any more.
    pub fn forget_old_import_files(&mut self, before: Timestamp) -> Result<usize, StoreError> {
        let tenant = self.tenant().id;
        let mut sql = Statement::of(self.dialect(), "DELETE FROM import_files WHERE tenant_id = ");
        write_sql!(sql, tenant, " AND import_id IN (SELECT id FROM imports WHERE tenant_id = ", tenant);
        write_sql!(sql, " AND (archived_at IS NOT NULL OR (status = 'failed' AND finished_at < ", Bind::time(before), ")))");
        self.reader.connection.execute(&sql)
    }

    pub fn note_import_fault(&mut self, row: &ImportFaultRow) -> Result<(), StoreError> {
        on!(&mut self.reader.connection, imports::note_fault(row.clone()))
    }

    pub fn add_tenant(&mut self, row: &TenantRow) -> Result<(), StoreError> {
        on!(&mut self.reader.connection, tenants::insert(row.clone()))
    }

    /// Notes that the tenant knows of objects.
    pub fn note_known_objects(&mut self, objects: &[&str]) -> Result<(), StoreError> {
        let tenant = self.tenant().id;
        objects.iter().try_for_each(|object| on!(&mut self.reader.connection, tenants::note_known_object(tenant, object)))
    }

    pub fn next_tenant_number(&mut self) -> Result<i64, StoreError> {
        on!(&mut self.reader.connection, tenants::next_number())
    }

    /// Builds the index that a custom field marked `indexed` asks for, if it is not there yet. All tenants with
    /// a field stored under the same key would share it.
    pub fn index_custom_field(&mut self, object: &Object, field: &Field) -> Result<(), StoreError> {
        let Storage::Custom { key } = &field.storage else { return Ok(()) };
        let mut sql = Statement::new(self.dialect());
        sql.keep = false;
        let table = object.table;
        write_sql!(sql, "CREATE INDEX IF NOT EXISTS ", table, "_c_", JsonKey::of(key), " ON ", table);
        write_sql!(sql, " (tenant_id, (", Scalar(field, Alias::Bare), "), id)");
        self.reader.connection.execute(&sql)?;
        Ok(())
    }

    /// Tells the planner how the tables have filled, after much was written at once. PostgreSQL would see to it only in a minute
    /// or so; SQLite plans with fixed numbers.
    pub fn refresh_statistics(&mut self) -> Result<(), StoreError> {
        match self.dialect() {
            Dialect::Sqlite => Ok(()),
            Dialect::Postgres => self.reader.connection.execute(&Statement::of(Dialect::Postgres, "ANALYZE")).map(drop),
        }
    }

    /// The layout in which records are read for writing, for answers made of them.
    #[must_use]
    pub fn layout(schema: &Schema) -> Arc<Layout> {
        statements::writing_layout(schema)
    }

    /// What a layout shows of a record as this work has just stored it.
    pub fn stored_row(&mut self, layout: &Arc<Layout>, view: &dyn View, record: &Record) -> Result<Option<Row>, StoreError> {
        match statements::stored_cells(layout, record)? {
            Some(cells) => Ok(Some(Row::new(layout, cells))),
            None => self.row(layout, view, record.id()),
        }
    }

    /// One row as stored now, for the answer of a write.
    pub fn row(&mut self, layout: &Arc<Layout>, view: &dyn View, id: Id) -> Result<Option<Row>, StoreError> {
        self.reader.get(layout, view, id, &Predicate::all())
    }
}
