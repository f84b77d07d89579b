//! Settings: whose they are, and their versions.

use diesel::{Connection, PgConnection, SqliteConnection, connection::SimpleConnection};
use farley_domain::values::id::Id;
use farley_persistence::{SettingRow, StoreError};

use crate::{
    crm::{Crm, now},
    support::{Engine, TestDb, new_id},
};

fn row(crm: &Crm, user: Option<Id>, key: &str) -> SettingRow {
    let (key, value) = (key.to_owned(), "1".to_owned());
    let (tenant_id, id) = (crm.tenant.id, new_id());
    SettingRow { tenant_id, id, user_id: user, key, value, version: 0, created_at: now(), updated_at: now(), updated_by: user }
}

async fn add(crm: &Crm, user: Option<Id>, key: &str) -> Result<SettingRow, StoreError> {
    let row = row(crm, user, key);
    crm.write(move |work, _| {
        work.lock_settings(user)?;
        work.add_setting(row.clone())
    })
    .await
}

async fn delete(crm: &Crm, row: SettingRow) -> Result<(), StoreError> {
    crm.write(move |work, _| {
        work.lock_settings(row.user_id)?;
        work.delete_setting(&row)
    })
    .await
}

async fn keys(crm: &Crm, user: Option<Id>) -> Result<Vec<String>, StoreError> {
    let found = crm.read(move |reader, _| reader.settings(user, "", None, 100)).await?;
    Ok(found.into_iter().map(|head| head.key).collect())
}

fn execute(db: &TestDb, sql: &str) {
    match db.engine {
        Engine::Sqlite => {
            let mut conn = SqliteConnection::establish(db.path()).expect("it opens");
            conn.batch_execute(&format!("PRAGMA busy_timeout = 10000; PRAGMA foreign_keys = ON; {sql}"))
        }
        Engine::Postgres => PgConnection::establish(&db.url).expect("it opens").batch_execute(sql),
    }
    .expect("the statement runs");
}

pub async fn go_with_their_user_and_tenant(db: TestDb) -> Result<(), StoreError> {
    let crm = Crm::new(&db).await;
    let other = crm.another(2).await;
    let (anna, ben) = (crm.user("anna", None).await?.id(), crm.user("ben", None).await?.id());
    for user in [None, Some(anna), Some(ben)] {
        add(&crm, user, "a").await?;
        delete(&crm, add(&crm, user, "b").await?).await?;
    }
    add(&other, None, "a").await?;
    execute(&db, "DELETE FROM users WHERE name = 'anna'");
    assert_eq!((keys(&crm, Some(anna)).await?.len(), keys(&crm, Some(ben)).await?.len()), (0, 1));
    execute(&db, "DELETE FROM tenants WHERE number = 2");
    assert_eq!((keys(&other, None).await?.len(), keys(&crm, None).await?.len()), (0, 1));
    Ok(())
}

pub async fn have_versions_that_only_rise(db: TestDb) -> Result<(), StoreError> {
    let crm = Crm::new(&db).await;
    let anna = crm.user("anna", None).await?.id();
    for user in [None, Some(anna)] {
        let first = add(&crm, user, "a").await?;
        assert_eq!(first.version, 1);
        delete(&crm, SettingRow { version: 7, ..first }).await?;
        let second = add(&crm, user, "b").await?;
        assert_eq!(second.version, 8);
        delete(&crm, SettingRow { version: 9, ..second }).await?;
        // One that is lower takes nothing back.
        let third = add(&crm, user, "c").await?;
        delete(&crm, SettingRow { version: 3, ..third }).await?;
        assert_eq!(add(&crm, user, "a").await?.version, 10);
        // What keeps the highest version is no setting.
        assert_eq!(keys(&crm, user).await?, ["a"]);
        assert_eq!(crm.read(move |reader, _| reader.count_settings(user, "")).await?, 1);
    }
    Ok(())
}
