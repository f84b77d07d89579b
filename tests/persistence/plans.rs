//! Query plans: no list of a large table scans it.

use std::{collections::HashMap, sync::Arc};

use diesel::{Connection, PgConnection, RunQueryDsl, SqliteConnection, connection::SimpleConnection};
use farley_domain::{
    customers::{contact::Contact, customer::Customer},
    model::{
        cell::Cell,
        entity::Entity,
        field::{Field, FieldType, Op},
        object::Object,
        record::Record,
    },
    query::{
        cursor::Cursor,
        list::{ListQuery, SortBy},
    },
    service::{ticket::Ticket, work_orders::work_order::WorkOrder},
    values::time::Timestamp,
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
fn walks_on_sqlite(plan: &str) -> bool {
    plan.lines().any(|line| {
        let table = line.split(' ').nth(1).unwrap_or_default();
        let is_virtual = line.contains("VIRTUAL TABLE");
        !is_virtual && (line.starts_with("SCAN") || (table.starts_with('t') && line.ends_with("(tenant_id=?)")))
    })
}

/// The same on PostgreSQL, where a condition on a later column of an index may stand beside that on the tenant although all of the
/// tenant is read: what comes right after the tenant must be among the conditions.
fn walks_on_postgres(plan: &str, second_columns: &HashMap<String, String>) -> bool {
    let mut used = "";
    let conditions = plan.lines().filter_map(|line| {
        let line = line.trim_start();
        if let Some(condition) = line.strip_prefix("Index Cond: ") {
            return Some((used, condition));
        }
        let named = line.split_once(" using ").or_else(|| line.split_once("Bitmap Index Scan on "));
        if let Some((_, rest)) = named {
            used = rest.split(' ').next().unwrap_or_default();
        }
        None
    });
    plan.contains("Seq Scan")
        || conditions
            .into_iter()
            .any(|(index, condition)| second_columns.get(index).is_some_and(|column| !condition.contains(&format!("({column} "))))
}

/// The second column of each index of a database on PostgreSQL that begins with the tenant.
fn second_columns(db: &TestDb) -> HashMap<String, String> {
    #[derive(diesel::QueryableByName)]
    struct Row {
        #[diesel(sql_type = diesel::sql_types::Text)]
        index: String,
        #[diesel(sql_type = diesel::sql_types::Text)]
        second: String,
    }
    const COLUMNS: &str = "SELECT indexrelid::regclass::text AS index, pg_get_indexdef(indexrelid, 2, true) AS second
        FROM pg_index WHERE indnkeyatts > 1 AND pg_get_indexdef(indexrelid, 1, true) = 'tenant_id'";
    let mut connection = PgConnection::establish(&db.url).expect("the database answers");
    let rows: Vec<Row> = diesel::sql_query(COLUMNS).load(&mut connection).expect("its indexes");
    rows.into_iter().map(|row| (row.index, row.second)).collect()
}

/// Whether a table is read from end to end.
fn scans(engine: Engine, plan: &str) -> bool {
    match engine {
        Engine::Sqlite => plan.lines().any(|line| line.starts_with("SCAN t")),
        Engine::Postgres => plan.contains("Seq Scan"),
    }
}

/// Whether all that is found is sorted before the first is given; to sort those alike, as they come, costs little.
fn sorts(engine: Engine, plan: &str) -> bool {
    match engine {
        Engine::Sqlite => plan.contains("TEMP B-TREE FOR ORDER BY"),
        Engine::Postgres => plan.contains("Sort Key") && !plan.contains("Presorted Key"),
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
    let user = crm.user("anna", None).await?.id();
    for batch in 0..10 {
        crm.write(move |work, view| {
            for number in 0..80 {
                let number = batch * 80 + number;
                let body = json!({
                    "name": format!("Firm {number}"), "industry": format!("i{}", number % 50), "source": format!("s{}", number % 50),
                    "region": format!("r{}", number % 50), "owner_id": if number % 20 == 0 { json!(user) } else { Value::Null },
                    "emails": [{"value": format!("info{number}@example.cn")}],
                });
                let customer = view.create(work, Customer::object(), &body)?;
                let body = json!({"name": format!("Li {number}"), "customer_id": customer.id(), "source": format!("s{}", number % 50)});
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
    for object in farley_domain::model::registry::objects() {
        let plan = plan(&crm, object, crm.query(object, &[])).await?;
        // Small tables may be sorted.
        let is_large = matches!(object.name, "customer" | "contact");
        assert!(!scans(db.engine, &plan), "{}:\n{plan}", object.name);
        assert!(!sorts(db.engine, &plan) || !is_large, "{}:\n{plan}", object.name);
    }
    Ok(())
}

/// However large a table is, and however many keys its order has.
pub async fn default_orders_are_ranges_of_an_index(db: TestDb) -> Result<(), StoreError> {
    let crm = large(&db).await;
    let mut sorted = Vec::new();
    for object in farley_domain::model::registry::objects() {
        let first = crm.query(object, &[]);
        let mut record = Record::new(object);
        for key in &first.sort {
            let SortBy::Field(field) = &key.by else { continue };
            let cell = match &field.kind {
                FieldType::Id | FieldType::Reference(_) => Cell::Id(crm.tenant.id),
                FieldType::DateTime => Cell::Time(Timestamp::parse("2026-09-30T08:00:00.000Z").expect("a time")),
                FieldType::Date => Cell::Date(Default::default()),
                _ => Cell::Integer(7),
            };
            record.put(field, cell);
        }
        let cursor = Cursor::of(&record, &first.sort, None).encode(object, &first.sort);
        for parameters in [&[][..], &[("cursor", cursor.as_str())]] {
            let plan = plan(&crm, object, crm.query(object, parameters)).await?;
            if sorts(db.engine, &plan) || scans(db.engine, &plan) {
                sorted.push(format!("{} {parameters:?}:\n{plan}", object.name));
            }
        }
    }
    assert!(sorted.is_empty(), "no index serves:\n{}", sorted.join("\n"));
    Ok(())
}

/// The lists that an agent works by: mine, unassigned in my queues, due next, breached.
pub async fn the_lists_of_an_agents_day_read_an_index(db: TestDb) -> Result<(), StoreError> {
    let crm = large(&db).await;
    for (parameters, index) in [
        (&[("owner_id", "me"), ("solved_at_null", "true")][..], "tickets_mine"),
        (&[("owner_id_null", "true"), ("solved_at_null", "true")], "tickets_unassigned"),
        (&[("owner_id_null", "true"), ("solved_at_null", "true"), ("queue.agent_ids_any", "me")], "tickets_unassigned"),
        (&[("owner_id", "me"), ("sla_due_at_null", "false"), ("sort", "sla_due_at")], "tickets_mine_due"),
        (&[("sla_due_at_null", "false"), ("sort", "sla_due_at")], "tickets_sla_due_at"),
        (&[("sla_breached_at_null", "false"), ("solved_at_null", "true"), ("sort", "-sla_breached_at")], "tickets_breached"),
        (&[("owner_id", "me"), ("sla_breached_at_null", "false"), ("solved_at_null", "true")], "tickets_mine"),
    ] {
        let plan = plan(&crm, Ticket::object(), crm.query(Ticket::object(), parameters)).await?;
        let valued = plan.split("\n\n").next().unwrap_or_default();
        assert!(valued.contains(index), "{parameters:?} by another than {index}:\n{plan}");
        // What waits in several queues is little, and may be sorted.
        let may_sort = parameters.iter().any(|(name, _)| name.starts_with("queue."));
        assert!(!scans(db.engine, valued) && (may_sort || !sorts(db.engine, valued)), "{parameters:?}:\n{plan}");
    }
    Ok(())
}

/// What technicians and who plans for them look at: one technician's day, whoever is in the way, and everybody's day.
pub async fn the_plan_of_a_day_reads_an_index(db: TestDb) -> Result<(), StoreError> {
    let crm = large(&db).await;
    let day = [("scheduled_from_gte", "2030-03-04T00:00:00Z"), ("scheduled_from_lt", "2030-03-05T00:00:00Z")];
    let sort = ("sort", "scheduled_from");
    for (parameters, index) in [
        (&[("owner_id", "me"), day[0], day[1], sort][..], "work_orders_day"),
        (&[("owner_id", "me"), ("status_in", "scheduled,travelling,in_progress"), day[0], day[1], sort], "work_orders_day"),
        (&[day[0], day[1], sort], "work_orders_scheduled_from"),
    ] {
        let plan = plan(&crm, WorkOrder::object(), crm.query(WorkOrder::object(), parameters)).await?;
        let valued = plan.split("\n\n").next().unwrap_or_default();
        assert!(valued.contains(index), "{parameters:?} by another than {index}:\n{plan}");
        // What all technicians do on one day may be sorted.
        let may_sort = index != "work_orders_day";
        assert!(!scans(db.engine, valued) && (may_sort || !sorts(db.engine, valued)), "{parameters:?}:\n{plan}");
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

pub async fn filters_over_relations_and_words_read_an_index(db: TestDb) -> Result<(), StoreError> {
    let crm = filled(&db).await?;
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
        // Of so few rows PostgreSQL rightly joins all of a tenant.
        let walks = if db.engine == Engine::Sqlite { walks_on_sqlite(&plan) } else { scans(db.engine, &plan) };
        assert!(!walks, "{name}={text} of {}:\n{plan}", object.name);
    }
    Ok(())
}

/// Every field that is declared to be indexed, of every object: to be filtered by it and, if that is offered, sorted by it.
pub async fn indexed_fields_are_served_by_an_index(db: TestDb) -> Result<(), StoreError> {
    let crm = large(&db).await;
    let mut missing = Vec::new();
    for object in farley_domain::model::registry::objects() {
        missing.extend(missing_indexes(&crm, &db, object).await?);
    }
    assert!(missing.is_empty(), "no index serves:\n{}", missing.join("\n"));
    Ok(())
}

fn title(fault: &str) -> &str {
    fault.split(':').next().unwrap_or_default()
}

/// The test above notices when an index is not there.
pub async fn a_dropped_index_is_missed(db: TestDb) -> Result<(), StoreError> {
    let crm = large(&db).await;
    let before = missing_indexes(&crm, &db, Customer::object()).await?;
    let dropped = "DROP INDEX customers_industry; DROP INDEX customers_updated_at";
    match db.engine {
        Engine::Postgres => postgres(&db, dropped),
        Engine::Sqlite => {
            let mut connection = SqliteConnection::establish(db.path()).expect("the database opens");
            connection.batch_execute(dropped).expect("the indexes are dropped");
        }
    }
    // Asked for a plan, a connection of SQLite does not notice that another has changed the schema.
    let crm = Crm { store: db.open(), ..crm };
    let missing = missing_indexes(&crm, &db, Customer::object()).await?;
    let mut missed: Vec<&str> = missing.iter().map(|fault| title(fault)).collect();
    missed.retain(|fault| before.iter().all(|known| title(known) != *fault));
    let of_industry = ["customer filtered by industry", "customer sorted by industry"];
    assert_eq!(missed, [&of_industry[..], &["customer filtered by updated_at", "customer sorted by updated_at"]].concat());
    Ok(())
}

/// A tenant whose tables PostgreSQL takes for large ones: thousands of rows in each, no value of any column twice, so that only an
/// index on a column is a way to find its values. SQLite plans by the indexes alone.
async fn large(db: &TestDb) -> Crm {
    if db.engine == Engine::Postgres {
        postgres(db, &format!("ALTER DATABASE {} SET enable_seqscan = off", db.name()));
    }
    let crm = Crm::new(db).await;
    if db.engine == Engine::Postgres {
        postgres(db, UNCHECKED);
        postgres(db, &FILL.replace("{tenant}", &crm.tenant.id.to_string()));
        analyse(db);
    }
    crm
}

/// The rows below are none that rules would let through.
const UNCHECKED: &str = "DO $$ DECLARE rule record; BEGIN
    FOR rule IN SELECT conrelid::regclass AS owner, conname FROM pg_constraint
        WHERE contype IN ('c', 'f') AND connamespace = 'public'::regnamespace AND conparentid = 0
    LOOP EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', rule.owner, rule.conname); END LOOP;
END $$";

/// Rows of every table that has tenants in it, also of those that link records, with another value in each column of each; few are
/// archived or merged. A table with one row a tenant gets one. Left out are tables with columns that no plain value fits: those of search.
const FILL: &str = "DO $$ DECLARE filled record; BEGIN
    FOR filled IN SELECT table_name, string_agg(quote_ident(column_name), ', ') AS columns, string_agg(CASE
            WHEN column_name = 'tenant_id' THEN '''{tenant}'''
            WHEN column_name = 'archived_at' THEN 'NULL'
            WHEN column_name = 'merged_into_id' THEN 'CASE WHEN n % 20 = 0 THEN gen_random_uuid() END'
            WHEN data_type = 'uuid' THEN 'gen_random_uuid()'
            WHEN data_type = 'text' THEN '''v'' || n'
            WHEN data_type IN ('bigint', 'integer', 'smallint', 'numeric', 'double precision') THEN 'n'
            WHEN data_type = 'boolean' THEN 'n % 2 = 0'
            WHEN data_type = 'date' THEN '''2000-01-01''::date + n::integer'
            WHEN data_type LIKE 'timestamp%' THEN '''2000-01-01''::timestamptz + n * interval ''1 hour'''
            WHEN data_type IN ('json', 'jsonb') THEN '''{}'''
            WHEN is_nullable = 'YES' THEN 'NULL' END, ', ') AS expressions
        FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
        WHERE table_schema = 'public' AND is_generated = 'NEVER' AND table_type = 'BASE TABLE'
        GROUP BY table_name
        HAVING bool_or(column_name = 'tenant_id') AND bool_and(is_nullable = 'YES' OR data_type IN ('uuid', 'text', 'bigint',
            'integer', 'smallint', 'numeric', 'double precision', 'boolean', 'date', 'json', 'jsonb') OR data_type LIKE 'timestamp%')
    LOOP EXECUTE format('INSERT INTO %I (%s) SELECT %s FROM generate_series(1, 3000) AS n ON CONFLICT DO NOTHING', filled.table_name, filled.columns,
        filled.expressions); END LOOP;
END $$";

/// What of the fields of an object that are declared to be indexed no index serves, with the plans.
async fn missing_indexes(crm: &Crm, db: &TestDb, object: &'static Object) -> Result<Vec<String>, StoreError> {
    let second_columns = if db.engine == Engine::Postgres { second_columns(db) } else { HashMap::new() };
    let walks = |plan: &str| match db.engine {
        Engine::Sqlite => walks_on_sqlite(plan),
        Engine::Postgres => walks_on_postgres(plan, &second_columns),
    };
    let mut missing = Vec::new();
    for field in object.fields.iter().filter(|field| field.indexed) {
        let path = field.path();
        if field.filterable {
            let (name, text) = filter(crm, field);
            let plan = plan(crm, object, crm.query(object, &[(&name, &text)])).await?;
            if walks(&plan) {
                missing.push(format!("{} filtered by {path}:\n{plan}", object.name));
            }
        }
        if field.sortable {
            let plan = plan(crm, object, crm.query(object, &[("sort", &path)])).await?;
            // Those without a value come last, and are looked for among all.
            if plan.split("\n\n").next().is_some_and(|valued| sorts(db.engine, valued)) {
                missing.push(format!("{} sorted by {path}:\n{plan}", object.name));
            }
        }
    }
    Ok(missing)
}

fn filter(crm: &Crm, field: &Field) -> (String, String) {
    let op = field.operators()[0];
    let text = match &field.kind {
        FieldType::DateTime => "2026-09-30T08:00:00.000Z".to_owned(),
        FieldType::Date => "2026-09-30".to_owned(),
        FieldType::Boolean => "true".to_owned(),
        FieldType::SocialCreditCode => "914403001922038216".to_owned(),
        FieldType::Email => "info7@example.cn".to_owned(),
        FieldType::Phone => "+8613800138000".to_owned(),
        FieldType::Country => "CN".to_owned(),
        FieldType::LanguageTag => "en".to_owned(),
        FieldType::Choice(choices) => choices.last().expect("there are choices").value.to_string(),
        FieldType::Id | FieldType::Reference(_) | FieldType::References(_) => crm.tenant.id.to_string(),
        FieldType::Structure(structure) if structure.link.is_some() => crm.tenant.id.to_string(),
        FieldType::Structure(structure) if structure.name == "emails" => "info7@example.cn".to_owned(),
        FieldType::Structure(structure) if structure.name == "phones" => "+8613800138000".to_owned(),
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
