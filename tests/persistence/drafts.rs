//! What `farley scaffold` drafts of a declaration is what the migrations have made of it, and what declarations name in the database
//! is there.

use std::collections::{BTreeMap, BTreeSet};

use diesel::{
    Connection, PgConnection, QueryableByName, RunQueryDsl, SqliteConnection, connection::SimpleConnection, sql_query,
    sql_types::Text,
};
use farley_domain::model::{
    field::{FieldType, Link},
    object::{Object, Reach},
    registry,
};
use farley_persistence::{Dialect, StoreError, scaffold::draft};

use crate::support::{Engine, TestDb};

/// What migrations have otherwise than a declaration tells, and why. A new object keeps to its draft: the list is only ever to become
/// shorter.
const OTHERWISE: &[(&str, &[&str])] = &[
    (
        "the records referred to came later, and SQLite adds no key of two columns to a table that is there",
        &[
            "activities(tenant_id, lead_id)",
            "activities(tenant_id, ticket_id)",
            "activities(tenant_id, work_order_id)",
            "customers(tenant_id, pool_id)",
            "lead_forms(tenant_id, mailbox_id)",
            "lead_forms(tenant_id, ticket_category_id)",
            "lead_forms(tenant_id, ticket_queue_id)",
            "mailboxes(tenant_id, acknowledgement_template_id)",
            "tasks(tenant_id, cadence_enrolment_id)",
            "tasks(tenant_id, lead_id)",
            "ticket_messages(tenant_id, channel_id)",
            "ticket_messages(tenant_id, from_ticket_id)",
            "ticket_messages(tenant_id, mailbox_id)",
            "tickets(tenant_id, merged_into_id)",
        ],
    ),
    ("Farley keeps it for itself", &["tasks.due_noted_at", "tasks.reminded_at"]),
    ("it was added to a table that is there", &["custom_fields.position", "leads.received_at"]),
    (
        "what is unique is no single field, or one across parents or tenants",
        &[
            "article_versions_current_key",
            "articles_translation_key",
            "cadence_enrolments_customer_key",
            "cadence_enrolments_lead_key",
            "channels_id",
            "custom_fields_key_key",
            "help_centers_token",
            "lead_forms_token",
            "portals_token",
            "stages_name_key",
            "ticket_messages_channel_key",
            "ticket_messages_channel_message_key",
        ],
    ),
    (
        "a work of its own reads it: reminders, boards, reports, what is unread",
        &[
            "article_versions_current",
            "notifications_unread",
            "opportunities_board",
            "opportunities_opened",
            "opportunities_opened_at",
            "opportunities_stage_id",
            "tasks_to_note",
            "tasks_to_remind",
            "tickets_breached",
            "tickets_mine",
            "tickets_mine_due",
            "tickets_unassigned",
            "tickets_unassigned_in_queue",
            "tickets_waiting",
            "work_orders_day",
        ],
    ),
    (
        "the unique index serves lists too",
        &[
            "custom_fields_object",
            "customers_number",
            "customers_social_credit_code",
            "roles_name",
            "tags_name",
            "teams_name",
            "users_email",
        ],
    ),
    (
        "archived ones are few",
        &[
            "api_keys_archived_at",
            "custom_fields_archived_at",
            "imports_archived_at",
            "roles_archived_at",
            "tags_archived_at",
            "teams_archived_at",
            "users_archived_at",
        ],
    ),
    (
        "ties are broken by the id alone, or the null is indexed too",
        &[
            "contacts_name",
            "customers_name",
            "leads_received_at",
            "opportunities_amount",
            "teams_parent_id",
            "users_name",
            "users_team_id",
        ],
    ),
    ("roles are looked for by their users", &["user_roles_role", "user_roles_user"]),
];

/// Columns by table and name with type and nullability, indexes by name, references by table and columns: of one table.
const SHAPES: [[&str; 3]; 2] = [
    [
        "SELECT '{table}.' || name AS name, type || CASE WHEN \"notnull\" THEN ' NOT NULL' ELSE '' END AS told FROM pragma_table_info('{table}')",
        "SELECT name, sql AS told FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name = '{table}'",
        "SELECT '{table}(' || columns || ')' AS name, target AS told FROM (SELECT \"table\" AS target, group_concat(\"from\", ', ') AS columns \
         FROM (SELECT * FROM pragma_foreign_key_list('{table}') ORDER BY id, seq) GROUP BY id, \"table\")",
    ],
    [
        "SELECT '{table}.' || attname AS name, format_type(atttypid, atttypmod) || COALESCE(' ' || NULLIF(attcollation, 100)::regcollation, '') \
         || CASE WHEN attnotnull THEN ' NOT NULL' ELSE '' END AS told \
         FROM pg_attribute WHERE attrelid = '{table}'::regclass AND attnum > 0 AND NOT attisdropped",
        "SELECT c.relname::text AS name, pg_get_indexdef(c.oid) AS told FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid \
         WHERE i.indrelid = '{table}'::regclass AND NOT i.indisprimary",
        "SELECT '{table}' || substring(pg_get_constraintdef(oid) from '\\(.*?\\)') AS name, pg_get_constraintdef(oid) AS told \
         FROM pg_constraint WHERE conrelid = '{table}'::regclass AND contype = 'f'",
    ],
];

#[derive(QueryableByName)]
struct Told {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    told: String,
}

/// A connection past the store.
enum Raw {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Raw {
    fn open(db: &TestDb) -> Raw {
        match db.engine {
            Engine::Sqlite => Raw::Sqlite(SqliteConnection::establish(db.path()).expect("it opens")),
            Engine::Postgres => Raw::Postgres(PgConnection::establish(&db.url).expect("it opens")),
        }
    }

    fn dialect(&self) -> Dialect {
        match self {
            Raw::Sqlite(_) => Dialect::Sqlite,
            Raw::Postgres(_) => Dialect::Postgres,
        }
    }

    fn run(&mut self, sql: &str) {
        match self {
            Raw::Sqlite(connection) => connection.batch_execute(sql),
            Raw::Postgres(connection) => connection.batch_execute(sql),
        }
        .unwrap_or_else(|error| panic!("{error}: {sql}"));
    }

    /// What is kept of a table in the catalog, by name.
    fn shape(&mut self, table: &str) -> BTreeMap<String, String> {
        let mut shape = BTreeMap::new();
        for query in SHAPES[self.dialect() as usize] {
            let query = sql_query(query.replace("{table}", table));
            let rows: Vec<Told> = match self {
                Raw::Sqlite(connection) => query.load(connection),
                Raw::Postgres(connection) => query.load(connection),
            }
            .expect("the catalog can be read");
            shape.extend(rows.into_iter().map(|row| (row.name, row.told)));
        }
        shape
    }
}

/// The tables that a draft makes.
fn tables(up: &str) -> Vec<String> {
    let begins = up.lines().filter_map(|line| line.strip_prefix("CREATE TABLE "));
    begins.map(|rest| rest.trim_end_matches(" (").to_owned()).collect()
}

/// The draft of every object runs on the engine, makes what the migrations have made but for what is known, and goes down again.
pub async fn are_what_migrations_made(db: TestDb) -> Result<(), StoreError> {
    let mut raw = Raw::open(&db);
    let drafts = registry::objects().map(|object| draft(object, raw.dialect()));
    let made: Vec<Vec<String>> = drafts.iter().map(|draft| tables(&draft.up)).collect();
    let migrated: BTreeMap<String, BTreeMap<String, String>> =
        made.iter().flatten().map(|table| (table.clone(), raw.shape(table))).collect();
    let mut otherwise = BTreeSet::new();
    for (draft, made) in drafts.iter().zip(&made) {
        let cascade = if db.engine == Engine::Postgres { " CASCADE" } else { "" };
        made.iter().for_each(|table| raw.run(&format!("DROP TABLE {table}{cascade}")));
        raw.run(&draft.up);
        raw.run(&draft.down);
        raw.run(&draft.up);
        for table in made {
            let (migrated, drafted) = (&migrated[table], raw.shape(table));
            assert!(drafted.len() > 3, "{table} can be read: {drafted:?}");
            let names: BTreeSet<&String> = migrated.keys().chain(drafted.keys()).collect();
            otherwise.extend(names.into_iter().filter(|name| migrated.get(*name) != drafted.get(*name)).cloned());
        }
    }
    let known: BTreeSet<&str> = OTHERWISE.iter().flat_map(|(_, names)| names.iter().copied()).collect();
    let told: BTreeSet<&str> = otherwise.iter().map(String::as_str).collect();
    assert_eq!(told.difference(&known).collect::<Vec<_>>(), [&""; 0], "are otherwise than they are declared");
    assert_eq!(known.difference(&told).collect::<Vec<_>>(), [&""; 0], "are as they are declared: take them off the list");
    Ok(())
}

/// The links of an object: those of its fields and of its relations.
fn links_of(object: &Object) -> impl Iterator<Item = &'static Link> {
    let of_fields = object.fields.iter().filter_map(|field| match &field.kind {
        FieldType::References(link) => Some(*link),
        FieldType::Structure(structure) => structure.link,
        _ => None,
    });
    let of_relations = object.relations.iter().filter_map(|relation| match relation.reach {
        Reach::Linked { link, .. } => Some(link),
        Reach::ToOne { .. } | Reach::Inverse { .. } | Reach::Attached { .. } => None,
    });
    of_fields.chain(of_relations)
}

/// Tables of links and of ledgers have the columns that declarations name, and unique indexes are there by their names.
pub async fn what_is_declared_by_name_is_there(db: TestDb) -> Result<(), StoreError> {
    let mut raw = Raw::open(&db);
    let mut told = 0;
    for object in registry::objects() {
        let mut expected: Vec<(&str, String)> = Vec::new();
        for link in links_of(object) {
            let columns = ["tenant_id", link.from, link.to].into_iter().chain(Some("object").filter(|_| link.shared));
            expected.extend(columns.map(|column| (link.table, format!("{}.{column}", link.table))));
        }
        if let Some(ledger) = object.ledger {
            expected.extend(ledger.fields.iter().map(|column| (ledger.table, format!("{}.{column}", ledger.table))));
        }
        expected.extend(object.unique.iter().map(|unique| (object.table, unique.index.to_owned())));
        for (table, name) in expected {
            assert!(raw.shape(table).contains_key(&name), "{} names {name}, which is not there", object.name);
            told += 1;
        }
    }
    assert!(told > 50, "only {told}");
    Ok(())
}
