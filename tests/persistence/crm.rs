//! A tenant and its records, written as the API writes them: input checked, rules applied, one unit of work each.

use std::sync::Arc;

use farley_domain::{
    identity::{
        custom_field::{self, CustomField},
        tag::Tag,
        team::Team,
        user::User,
    },
    model::{
        entity::Entity,
        event::{Actor, ActorKind},
        input,
        object::{Catalog, Object, Schema},
        record::{Draft, Record},
        recurring,
        value::Standards,
    },
    query::{
        list::ListQuery,
        predicate::{Predicate, View},
    },
    values::{id::Id, time::Timestamp},
};
use farley_persistence::{Change, Layout, Origin, Page, Reader, Store, StoreError, TenantKey, TenantRow, Work};
use serde_json::{Value, json};

use crate::support::{TestDb, new_id};

pub fn now() -> Timestamp {
    Timestamp::parse("2026-09-30T08:00:00Z").expect("a time")
}

/// Sees all of a tenant.
#[derive(Clone)]
pub struct Everything {
    pub catalog: Arc<Catalog>,
    pub zone: chrono_tz::Tz,
}

impl View for Everything {
    fn schema(&self, object: &str) -> Option<Schema> {
        farley_domain::model::registry::object(object).map(|object| self.catalog.schema(object))
    }

    fn rows(&self, _: &'static Object) -> Option<Predicate> {
        Some(Predicate::all())
    }

    fn sees(&self, _: &'static Object, field: &farley_domain::model::field::Field) -> bool {
        // There are no segments here to filter by.
        !field.is_of_segments()
    }

    fn standards(&self) -> Standards<'_> {
        Standards {
            country: "CN",
            currency: "CNY".parse().unwrap_or_else(|_| panic!("a currency")),
            zone: self.zone,
            now: now(),
            user: Some(Id::NIL),
        }
    }
}

impl Everything {
    pub fn of(&self, object: &'static Object) -> Schema {
        self.catalog.schema(object)
    }

    /// What a client sends, checked and with the object's rules applied.
    pub fn draft(&self, object: &'static Object, before: Option<&Record>, body: &Value) -> Record {
        let (schema, standards) = (self.of(object), self.standards());
        let reader = input::Reader { schema: &schema, standards: &standards, rule: &|_| None };
        let read = match before {
            None => reader.create(body),
            Some(before) => reader.patch(before, body),
        };
        let mut after = read.unwrap_or_else(|faults| panic!("{body} is at fault: {faults:?}"));
        if after.is_null(recurring::ID) {
            after.set(recurring::ID, new_id());
        }
        let faults = farley_domain::model::fault::Faults::default();
        let mut draft = Draft { schema: &schema, standards: &standards, before, after, faults, user: None, now: now() };
        for rule in &object.rules {
            rule.apply(&mut draft);
        }
        assert!(draft.faults.0.is_empty(), "{body} breaks a rule: {:?}", draft.faults);
        draft.after
    }

    pub fn create(&self, work: &mut Work<'_>, object: &'static Object, body: &Value) -> Result<Record, StoreError> {
        let mut record = self.draft(object, None, body);
        work.insert(&self.of(object), &mut record, &Change::new("created"))?;
        Ok(record)
    }

    /// Changes a record; whether anything differed.
    pub fn patch(&self, work: &mut Work<'_>, object: &'static Object, id: Id, body: &Value) -> Result<bool, StoreError> {
        let schema = self.of(object);
        let loaded = work.load(&schema, self, id, &Predicate::all())?.expect("the record is there");
        let mut record = self.draft(object, Some(&loaded.record), body);
        work.update(&schema, &loaded, &mut record, &Change::new("updated"))
    }

    pub fn archive(&self, work: &mut Work<'_>, object: &'static Object, id: Id, archive: bool) -> Result<Record, StoreError> {
        let schema = self.of(object);
        let loaded = work.load(&schema, self, id, &Predicate::all())?.expect("the record is there");
        work.archive(&schema, &loaded, loaded.record.clone(), archive)
    }

    pub fn list(&self, reader: &mut Reader<'_>, object: &'static Object, query: &ListQuery) -> Result<Page, StoreError> {
        let layout = Arc::new(Layout::full(&self.of(object), &|_| true));
        reader.list(&layout, self, query)
    }
}

/// A store with one tenant.
#[derive(Clone)]
pub struct Crm {
    pub store: Store,
    pub tenant: TenantKey,
    pub view: Everything,
}

impl Crm {
    pub async fn new(db: &TestDb) -> Crm {
        Crm::beside(db.open(), 1).await
    }

    /// Another tenant of the same store.
    pub async fn another(&self, number: i64) -> Crm {
        Crm::beside(self.store.clone(), number).await
    }

    async fn beside(store: Store, number: i64) -> Crm {
        let tenant = TenantKey { id: new_id(), number };
        let view = Everything { catalog: Arc::default(), zone: chrono_tz::Asia::Shanghai };
        let crm = Crm { store, tenant, view };
        let row = TenantRow {
            id: tenant.id,
            number,
            slug: format!("tenant-{number}"),
            name: "Tenant".to_owned(),
            country: "CN".to_owned(),
            currency: "CNY".to_owned(),
            time_zone: "Asia/Shanghai".to_owned(),
            created_at: now(),
        };
        crm.write(move |work, _| work.add_tenant(&row)).await.expect("a tenant can be added");
        crm
    }

    pub async fn write<T: Send + 'static>(
        &self,
        work: impl Fn(&mut Work<'_>, &Everything) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.write_at(Origin::system(now()), work).await
    }

    pub async fn write_at<T: Send + 'static>(
        &self,
        origin: Origin,
        work: impl Fn(&mut Work<'_>, &Everything) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let view = self.view.clone();
        self.store.write(self.tenant, origin, move |unit| work(unit, &view)).await
    }

    pub async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&mut Reader<'_>, &Everything) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let view = self.view.clone();
        self.store.read(self.tenant, move |reader| read(reader, &view)).await
    }

    pub async fn create(&self, object: &'static Object, body: Value) -> Result<Record, StoreError> {
        self.write(move |work, view| view.create(work, object, &body)).await
    }

    pub async fn patch(&self, object: &'static Object, id: Id, body: Value) -> Result<bool, StoreError> {
        self.write(move |work, view| view.patch(work, object, id, &body)).await
    }

    pub async fn archive(&self, object: &'static Object, id: Id, archive: bool) -> Result<Record, StoreError> {
        self.write(move |work, view| view.archive(work, object, id, archive)).await
    }

    pub async fn get(&self, object: &'static Object, id: Id) -> Result<Option<Record>, StoreError> {
        self.read(move |reader, view| {
            let layout = Arc::new(Layout::full(&view.of(object), &|_| true));
            reader.get(&layout, view, id, &Predicate::all())?.map(|row| row.to_record()).transpose()
        })
        .await
    }

    /// The records a list request gives, as parameters say it: `sort=name&limit=5`.
    pub async fn list(&self, object: &'static Object, parameters: &[(&str, &str)]) -> Result<Vec<Record>, StoreError> {
        let query = self.query(object, parameters);
        self.read(move |reader, view| view.list(reader, object, &query)?.rows.iter().map(|row| row.to_record()).collect()).await
    }

    pub fn query(&self, object: &'static Object, parameters: &[(&str, &str)]) -> ListQuery {
        let parameters: Vec<(String, String)> =
            parameters.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        let query = ListQuery::from_parameters(object, &parameters, &self.view);
        query.unwrap_or_else(|faults| panic!("{parameters:?} is at fault: {faults:?}"))
    }

    /// Declares a custom field, and sees it from now on.
    pub async fn add_custom_field(&mut self, body: Value) -> Result<Record, StoreError> {
        let field = self.create(<CustomField as Entity>::object(), body).await?;
        self.reload_catalog().await?;
        Ok(field)
    }

    pub async fn reload_catalog(&mut self) -> Result<(), StoreError> {
        let records = self.read(|reader, _| reader.all(<CustomField as Entity>::object())).await?;
        let records: Vec<_> = records.into_iter().map(Record::into_entity).collect();
        self.view.catalog = Arc::new(custom_field::catalog(&records));
        Ok(())
    }

    pub async fn user(&self, name: &str, team: Option<&Record>) -> Result<Record, StoreError> {
        let team = team.map_or(Value::Null, |team| team.id().to_string().into());
        self.create(User::object(), json!({"name": name, "email": format!("{name}@example.cn").to_lowercase(), "team_id": team}))
            .await
    }

    pub async fn team(&self, name: &str) -> Result<Record, StoreError> {
        self.create(Team::object(), json!({"name": name})).await
    }

    pub async fn tag(&self, name: &str) -> Result<Record, StoreError> {
        self.create(Tag::object(), json!({"name": name})).await
    }
}

/// Work done by a user at a time.
pub fn by_user(user: Id, now: Timestamp) -> Origin {
    Origin {
        actor: Actor { kind: ActorKind::User, user_id: Some(user), api_key_id: None, contact_id: None },
        request_id: None,
        now,
        cause: None,
        client_tag: None,
    }
}
