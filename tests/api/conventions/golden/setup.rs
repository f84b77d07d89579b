//! What a new tenant begins with.

use crate::{
    conventions::golden::recorder::{Failure, Recorder},
    support::TestDb,
};

pub async fn a_new_tenant(db: TestDb) -> Result<(), Failure> {
    let mut r = Recorder::at_first(db, "setup", 0).await;
    for path in [
        "/v1/me",
        "/v1/roles?sort=key",
        "/v1/pipelines?expand=stages",
        "/v1/users",
        "/v1/metadata/objects",
        "/v1/metadata/objects/opportunity",
        "/v1/me/notification-preferences",
        "/v1/nonsense",
        "/v1/customers/nonsense/more/still",
    ] {
        r.get(path).await;
    }
    r.delete("/v1/customers").await;
    r.end().await
}
