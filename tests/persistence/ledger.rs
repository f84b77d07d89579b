//! Ledgers: one state of a record at any time, whatever the clocks say; the tables see to it.

use diesel::{
    Connection, PgConnection, QueryableByName, RunQueryDsl, SqliteConnection,
    connection::SimpleConnection,
    sql_query,
    sql_types::{BigInt, Nullable, Text},
};
use farley_domain::{
    activities::task::Task,
    customers::customer::Customer,
    model::{entity::Entity, recurring},
    sales::leads::lead::Lead,
    values::id::Id,
};
use farley_persistence::{Origin, StoreError};
use serde_json::json;

use crate::{
    crm::{Crm, now},
    support::{Engine, TestDb},
};

#[derive(QueryableByName, Debug)]
struct Held {
    #[diesel(sql_type = Text)]
    record: String,
    #[diesel(sql_type = BigInt)]
    at: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    until: Option<i64>,
    #[diesel(sql_type = Text)]
    status: String,
}

/// The rows of the ledger of leads, in microseconds, by record and time.
fn held(db: &TestDb) -> Vec<Held> {
    let found = match db.engine {
        Engine::Sqlite => sql_query("SELECT lower(hex(record_id)) AS record, at, until, status FROM lead_ledger ORDER BY record_id, at")
            .load(&mut SqliteConnection::establish(db.path()).expect("it opens")),
        Engine::Postgres => sql_query(
            "SELECT replace(record_id::text, '-', '') AS record, CAST(EXTRACT(EPOCH FROM at) * 1000000 AS BIGINT) AS at, \
             CAST(EXTRACT(EPOCH FROM until) * 1000000 AS BIGINT) AS until, status::text AS status FROM lead_ledger ORDER BY record_id, at",
        )
        .load(&mut PgConnection::establish(&db.url).expect("it opens")),
    };
    found.expect("the ledger can be read")
}

/// Runs statements as nobody but a mistake would; why they are refused.
fn run(db: &TestDb, sql: &str) -> Result<(), String> {
    let done = match db.engine {
        Engine::Sqlite => {
            let mut conn = SqliteConnection::establish(db.path()).expect("it opens");
            conn.batch_execute("PRAGMA foreign_keys = ON; PRAGMA busy_timeout = 5000").expect("it is set");
            conn.transaction(|conn| conn.batch_execute(sql))
        }
        Engine::Postgres => PgConnection::establish(&db.url).expect("it opens").transaction(|conn| conn.batch_execute(sql)),
    };
    done.map_err(|error| error.to_string())
}

fn is_one_chain(rows: &[Held]) {
    for pair in rows.windows(2) {
        if pair[0].record == pair[1].record {
            assert_eq!(pair[0].until, Some(pair[1].at), "{pair:?}");
        } else {
            assert_eq!(pair[0].until, None, "{pair:?}");
        }
    }
    assert!(rows.last().is_none_or(|row| row.until.is_none()));
    assert!(rows.iter().all(|row| row.until.is_none_or(|until| until > row.at)), "{rows:?}");
}

pub async fn hold_one_state_at_any_time(db: TestDb) -> Result<(), StoreError> {
    let crm = Crm::new(&db).await;
    let mut leads = Vec::new();
    for number in 0..3 {
        leads.push(crm.create(Lead::object(), json!({"name": format!("L {number}")})).await?.id());
    }
    // Several writes in one work and at one time, and clocks that go back.
    let mut dice = 88_172_645_463_325_252_u64;
    let mut throw = |sides: u64| {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        dice % sides
    };
    let mut writes = 0;
    for round in 0..60 {
        let origin = Origin::system(now().plus_milliseconds(i64::try_from(throw(40)).unwrap_or(0) - 20));
        let lead = leads[usize::try_from(throw(3)).unwrap_or(0)];
        let times = throw(4);
        writes += usize::try_from(times).unwrap_or(0);
        crm.write_at(origin, move |work, view| {
            for time in 0..times {
                let next = ["contacted", "qualified"][usize::try_from((round + time) % 2).unwrap_or(0)];
                let loaded =
                    work.load(&view.of(Lead::object()), view, lead, &farley_domain::query::predicate::Predicate::all())?;
                let mut record = loaded.as_ref().expect("it is there").record.clone();
                let status = record.of::<Lead>().get(Lead::status).map(|status| status.as_str().to_owned());
                let next = if status.as_deref() == Some(next) { "new" } else { next };
                let next = farley_domain::sales::leads::status::LeadStatus::from_wire(next).expect("a status");
                let at = work.origin.now;
                farley_domain::sales::leads::status::enter(record.of_mut::<Lead>(), next, at);
                work.update(
                    &view.of(Lead::object()),
                    &loaded.expect("it is there"),
                    &mut record,
                    &farley_persistence::Change::new("updated"),
                )?;
            }
            Ok(())
        })
        .await?;
    }
    let rows = held(&db);
    assert_eq!(rows.len(), leads.len() + writes, "each write has its row");
    is_one_chain(&rows);
    // And nobody can put in another: beside the present state, within a former one, or before the first.
    let copy = |at: &str, until: &str| {
        let id = match db.engine {
            Engine::Sqlite => "randomblob(16)",
            Engine::Postgres => "gen_random_uuid()",
        };
        let second = match db.engine {
            Engine::Sqlite => "1000000",
            Engine::Postgres => "INTERVAL '1 second'",
        };
        let (at, until) = (at.replace("SECOND", second), until.replace("SECOND", second));
        format!(
            "INSERT INTO lead_ledger (tenant_id, record_id, at, id, until, status, status_entered_at) \
             SELECT tenant_id, record_id, {at}, {id}, {until}, status, status_entered_at FROM lead_ledger WHERE until IS NULL"
        )
    };
    for (what, at, until) in [
        ("a second present", "at + SECOND", "NULL"),
        ("one of another end", "at - SECOND", "at + SECOND"),
        ("one that ends as another does", "at - SECOND", "at"),
        ("one that ends before it begins", "at + SECOND", "at"),
    ] {
        assert!(run(&db, &copy(at, until)).is_err(), "{what}");
    }
    assert!(run(&db, "UPDATE lead_ledger SET until = at WHERE until IS NULL").is_err());
    is_one_chain(&held(&db));
    Ok(())
}

/// What earlier versions stored out of order is put in order, and what was in order stays as it is.
pub async fn are_mended_by_the_migration(db: TestDb) -> Result<(), StoreError> {
    let crm = Crm::new(&db).await;
    let lead = crm.create(Lead::object(), json!({"name": "L"})).await?.id();
    let other = crm.create(Lead::object(), json!({"name": "In order"})).await?.id();
    let (down, up) = match db.engine {
        Engine::Sqlite => (
            include_str!("../../migrations/sqlite/0019_sales_ledgers_hold_one_state/down.sql"),
            include_str!("../../migrations/sqlite/0019_sales_ledgers_hold_one_state/up.sql"),
        ),
        Engine::Postgres => (
            include_str!("../../migrations/postgres/0019_sales_ledgers_hold_one_state/down.sql"),
            include_str!("../../migrations/postgres/0019_sales_ledgers_hold_one_state/up.sql"),
        ),
    };
    run(&db, down).expect("it goes down");
    let id = |id: Id| match db.engine {
        Engine::Sqlite => format!("x'{}'", id.to_string().replace('-', "")),
        Engine::Postgres => format!("'{id}'::uuid"),
    };
    let time = |seconds: i64| match db.engine {
        Engine::Sqlite => format!("{}", seconds * 1_000_000),
        Engine::Postgres => format!("to_timestamp({seconds})"),
    };
    let ledger = |record: Id, rows: &[(u128, i64, Option<i64>, &str)]| {
        let mut sql = format!("DELETE FROM lead_ledger WHERE record_id = {};", id(record));
        for (number, at, until, status) in rows {
            let until = until.map_or("NULL".to_owned(), time);
            let (row, at) = (id(Id(uuid::Uuid::from_u128(*number))), time(*at));
            sql += &format!(
                "INSERT INTO lead_ledger (tenant_id, record_id, at, id, until, status, status_entered_at) \
                 VALUES ({}, {}, {at}, {row}, {until}, '{status}', {at});",
                id(crm.tenant.id),
                id(record),
            );
        }
        sql
    };
    // The present one in the ledger before its history; then a row that ends before it begins, and two of one time.
    let wrong = ledger(
        lead,
        &[
            (1, 200, Some(300), "new"),
            (2, 300, Some(100), "contacted"),
            (3, 100, Some(400), "qualified"),
            (4, 400, Some(399), "contacted"),
            (5, 399, Some(399), "qualified"),
            (6, 399, None, "new"),
        ],
    );
    let right = ledger(other, &[(7, 50, Some(60), "new"), (8, 60, None, "contacted")]);
    run(
        &db,
        &format!(
            "{wrong}{right} UPDATE leads SET status = 'qualified', status_entered_at = {} WHERE id = {};",
            time(100),
            id(lead)
        ),
    )
    .expect("they are stored");
    run(&db, up).expect("it goes up");
    let rows = held(&db);
    is_one_chain(&rows);
    let of = |record: Id| -> Vec<(i64, String)> {
        let record = record.to_string().replace('-', "");
        rows.iter().filter(|row| row.record == record).map(|row| (row.at / 1000, row.status.clone())).collect()
    };
    let told =
        |rows: &[(i64, &str)]| -> Vec<(i64, String)> { rows.iter().map(|(at, status)| (*at, (*status).to_owned())).collect() };
    assert_eq!(
        of(lead),
        told(&[
            (200_000, "new"),
            (300_000, "contacted"),
            (300_001, "qualified"),
            (400_000, "contacted"),
            (400_001, "qualified"),
            (400_002, "new")
        ])
    );
    assert_eq!(of(other), told(&[(50_000, "new"), (60_000, "contacted")]));
    let record = crm.get(Lead::object(), lead).await?.expect("it is there");
    assert_eq!(record.of::<Lead>().get(Lead::status_entered_at).map(|time| time.milliseconds()), Some(400_001));
    Ok(())
}

/// Records whose last change was stored with a time before an earlier one's were changed after it; all others keep their times.
pub async fn times_of_records_are_mended_by_the_migration(db: TestDb) -> Result<(), StoreError> {
    let crm = Crm::new(&db).await;
    let up = match db.engine {
        Engine::Sqlite => include_str!("../../migrations/sqlite/0027_base_times_rise/up.sql"),
        Engine::Postgres => include_str!("../../migrations/postgres/0027_base_times_rise/up.sql"),
    };
    let mut records = Vec::new();
    for object in [Lead::object(), Customer::object(), Task::object()] {
        for name in ["back", "even", "well", "new"] {
            let title = if object.name == Task::NAME { "subject" } else { "name" };
            let id = crm.create(object, json!({title: name})).await?.id();
            if name != "new" {
                for turn in 0..3 {
                    crm.patch(object, id, json!({title: format!("{name} {turn}")})).await?;
                }
            }
            records.push((object, name, id));
        }
    }
    let time = |seconds: i64| match db.engine {
        Engine::Sqlite => format!("{}", seconds * 1_000_000),
        Engine::Postgres => format!("to_timestamp({seconds})"),
    };
    // The events of their versions at 100, 300, 200 and 400 s; the last change at another time than its event.
    let mut sql = String::new();
    for (version, seconds) in [(1, 100), (2, 300), (3, 200), (4, 400)] {
        sql += &format!("UPDATE events SET at = {} WHERE version = {version};", time(seconds));
    }
    for (name, changed) in [("back", 250), ("even", 300), ("well", 301), ("new", 100)] {
        for (table, title) in [("leads", "name"), ("customers", "name"), ("tasks", "subject")] {
            sql += &format!("UPDATE {table} SET updated_at = {} WHERE {title} LIKE '{name}%';", time(changed));
        }
    }
    run(&db, &sql).expect("they are stored");
    run(&db, up).expect("it goes up");
    run(&db, up).expect("what is mended stays");
    for (object, name, id) in records {
        let record = crm.get(object, id).await?.expect("it is there");
        let expected = match name {
            "back" | "even" => 300_001,
            "well" => 301_000,
            _ => 100_000,
        };
        let changed = record.get(recurring::UPDATED_AT).map(|time| time.milliseconds());
        assert_eq!(changed, Some(expected), "{} {name}", object.name);
    }
    Ok(())
}
