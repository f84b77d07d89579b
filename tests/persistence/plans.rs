//! Query plans: no list of a large table scans it.

use std::sync::Arc;

use diesel::{Connection, PgConnection, connection::SimpleConnection};
use farley_domain::{
    customers::{contact::Contact, customer::Customer},
    entity::Entity,
    field::{Field, FieldType, Op},
    object::Object,
    query::ListQuery,
    sales::leads::lead::Lead,
};
use farley_persistence::{Layout, StoreError};
use serde_json::{Value, json};

use crate::{
    crm::Crm,
    support::{Engine, TestDb},
};

async fn plan(crm: &Crm, object: &'static Object, query: ListQuery) -> Result<String, StoreError> {
    crm.read(move |reader, view| {
        let layout = Arc::new(Layout::full(&view.of(object), &|_| true));
        reader.explain(&layout, view, &query)
    })
    .await
}

/// Whether a large table, or all of a tenant in it, is read to find a few.
fn walks(engine: Engine, plan: &str) -> bool {
    match engine {
        Engine::Sqlite => plan.lines().any(|line| {
            let table = line.split(' ').nth(1).unwrap_or_default();
            let is_virtual = line.contains("VIRTUAL TABLE");
            !is_virtual && (line.starts_with("SCAN") || (table.starts_with('t') && line.ends_with("(tenant_id=?)")))
        }),
        Engine::Postgres => scans(engine, plan),
    }
}

/// Whether a table is read from end to end.
fn scans(engine: Engine, plan: &str) -> bool {
    match engine {
        Engine::Sqlite => plan.lines().any(|line| line.starts_with("SCAN t")),
        Engine::Postgres => plan.contains("Seq Scan"),
    }
}

fn sorts(engine: Engine, plan: &str) -> bool {
    match engine {
        Engine::Sqlite => plan.contains("TEMP B-TREE FOR ORDER BY"),
        Engine::Postgres => plan.contains("Sort Key"),
    }
}

/// A tenant with some hundred records. PostgreSQL would rightly read so few from end to end: it is told not to, so that it
/// does only where no index would serve.
async fn filled(db: &TestDb) -> Result<Crm, StoreError> {
    if db.engine == Engine::Postgres {
        let name = db.name();
        postgres(db, &format!("ALTER DATABASE {name} SET enable_seqscan = off"));
    }
    let crm = Crm::new(db).await;
    let user = crm.user("anna", None).await?.get("id").clone();
    for batch in 0..10 {
        let user = user.clone();
        crm.write(move |work, view| {
            for number in 0..80 {
                let number = batch * 80 + number;
                let body = json!({
                    "name": format!("Firm {number}"), "industry": format!("i{}", number % 50), "source": format!("s{}", number % 50),
                    "region": format!("r{}", number % 50), "owner_id": if number % 20 == 0 { user.clone() } else { Value::Null },
                    "emails": [{"value": format!("info{number}@example.cn")}],
                });
                let customer = view.create(work, Customer::object(), &body)?;
                let body = json!({"name": format!("Li {number}"), "customer_id": customer.get("id"), "source": format!("s{}", number % 50)});
                view.create(work, Contact::object(), &body)?;
            }
            Ok(())
        })
        .await?;
    }
    analyse(db);
    Ok(crm)
}

pub async fn default_lists_read_an_index(db: TestDb) -> Result<(), StoreError> {
    let crm = filled(&db).await?;
    for object in farley_domain::registry::objects() {
        let plan = plan(&crm, object, crm.query(object, &[])).await?;
        // Small tables may be sorted.
        let is_large = matches!(object.name, "customer" | "contact");
        assert!(!scans(db.engine, &plan), "{}:\n{plan}", object.name);
        assert!(!sorts(db.engine, &plan) || !is_large, "{}:\n{plan}", object.name);
    }
    Ok(())
}

pub async fn deep_pages_start_at_their_place(db: TestDb) -> Result<(), StoreError> {
    let crm = filled(&db).await?;
    for sort in ["-created_at", "created_at", "name", "-name", "updated_at"] {
        let first = crm.query(Customer::object(), &[("sort", sort)]);
        let asked = first.clone();
        let page = crm.read(move |reader, view| view.list(reader, Customer::object(), &asked)).await?;
        let cursor = page.next.expect("there is more").encode(Customer::object(), &first.sort);
        let plan = plan(&crm, Customer::object(), crm.query(Customer::object(), &[("sort", sort), ("cursor", &cursor)])).await?;
        assert!(!scans(db.engine, &plan) && !sorts(db.engine, &plan), "{sort}:\n{plan}");
    }
    Ok(())
}

pub async fn indexed_fields_are_served_by_an_index(db: TestDb) -> Result<(), StoreError> {
    let crm = filled(&db).await?;
    for object in [Customer::object(), Contact::object(), Lead::object()] {
        for field in object.fields.iter().filter(|field| field.indexed && field.filterable) {
            let (name, text) = filter(&crm, field);
            let plan = plan(&crm, object, crm.query(object, &[(&name, &text)])).await?;
            assert!(!walks(db.engine, &plan), "{name}={text} of {}:\n{plan}", object.name);
        }
    }
    for (object, name, text) in [
        (Contact::object(), "customer.region", "r1"),
        (Customer::object(), "contacts.source", "s1"),
        (Customer::object(), "q", "firm"),
        (Contact::object(), "q", "li"),
        (Customer::object(), "contacts.emails_any", "info7@example.cn"),
        (Customer::object(), "created_at_gte", "-1d"),
        (Customer::object(), "name_in", "a,b,c"),
    ] {
        let plan = plan(&crm, object, crm.query(object, &[(name, text)])).await?;
        assert!(!walks(db.engine, &plan), "{name}={text} of {}:\n{plan}", object.name);
    }
    Ok(())
}

fn filter(crm: &Crm, field: &Field) -> (String, String) {
    let op = field.operators()[0];
    let text = match &field.kind {
        FieldType::DateTime => "2026-09-30T08:00:00.000Z".to_owned(),
        FieldType::Choice(choices) => choices.last().expect("there are choices").value.to_string(),
        FieldType::Id | FieldType::Reference(_) | FieldType::References(_) => crm.tenant.id.to_string(),
        FieldType::Structure(structure) if structure.link.is_some() => crm.tenant.id.to_string(),
        FieldType::Structure(structure) if structure.name == "emails" => "info7@example.cn".to_owned(),
        _ => "7".to_owned(),
    };
    let name = if op == Op::Eq { field.path() } else { format!("{}_{}", field.path(), op.as_str()) };
    (name, text)
}

pub async fn an_indexed_custom_field_gets_its_index(db: TestDb) -> Result<(), StoreError> {
    let mut crm = filled(&db).await?;
    for (key, kind) in [
        ("tier", "text"),
        ("rank", "integer"),
        ("score", "decimal"),
        ("due", "datetime"),
        ("budget", "money"),
        ("vip", "boolean"),
    ] {
        crm.add_custom_field(json!({"object": "customer", "key": key, "field_type": kind, "indexed": true})).await?;
    }
    let fields = crm.view.of(Customer::object()).custom;
    crm.write(move |work, _| fields.iter().try_for_each(|field| work.index_custom_field(Customer::object(), field))).await?;
    analyse(&db);
    // Asked for a plan, a connection of SQLite does not notice that another has changed the schema (asked for rows, it does).
    crm.store = db.open();
    for (name, text) in
        [("tier", "x"), ("rank", "5"), ("score", "1.5"), ("due", "2026-09-30T08:00:00Z"), ("budget", "5"), ("vip", "true")]
    {
        let plan = plan(&crm, Customer::object(), crm.query(Customer::object(), &[(&format!("custom.{name}"), text)])).await?;
        let index = format!("customers_c_{name}");
        assert!(plan.contains(&index), "{index} is not used:\n{plan}");
    }
    Ok(())
}

fn analyse(db: &TestDb) {
    if db.engine == Engine::Postgres {
        postgres(db, "ANALYZE");
    }
}

fn postgres(db: &TestDb, sql: &str) {
    let mut connection = PgConnection::establish(&db.url).expect("the database answers");
    connection.batch_execute(sql).expect("the statement runs");
}
