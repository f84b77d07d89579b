use farley_persistence::{StoreError, down_and_up};

use crate::support::{Engine, TestDb};

pub async fn down_and_up_again(db: TestDb) -> Result<(), StoreError> {
    let url = match db.engine {
        Engine::Sqlite => db.path(),
        Engine::Postgres => &db.url,
    };
    down_and_up(url)?;
    db.open().close();
    Ok(())
}
