//! What follows from a stage for the opportunities in it.

use farley_domain::values::id::Id;

use crate::{
    error::StoreError,
    sql::statement::{Bind, Dialect, Statement},
    work::Work,
};

impl Work<'_> {
    /// Lets the open opportunities of a stage rot after so many days from now on; never, without days. No change of the records
    /// themselves: what they show follows from the stage.
    pub fn rot_by(&mut self, stage: Id, days: Option<i64>) -> Result<(), StoreError> {
        let mut sql = Statement::new(self.dialect());
        sql.sql("UPDATE opportunities SET rots_at = ");
        match (days, sql.dialect) {
            (None, _) => drop(sql.sql("NULL")),
            (Some(days), Dialect::Sqlite) => {
                sql.sql("MAX(stage_entered_at, COALESCE(last_activity_at, stage_entered_at)) + ");
                sql.integer(days.saturating_mul(24 * 3600 * 1_000_000));
            }
            (Some(days), Dialect::Postgres) => {
                sql.sql("GREATEST(stage_entered_at, last_activity_at) + interval '1 day' * CAST(").bind(Bind::Integer(days));
                sql.sql(" AS double precision)");
            }
        }
        sql.sql(" WHERE tenant_id = ").id(self.tenant().id).sql(" AND stage_id = ").id(stage).sql(" AND status = 'open'");
        self.connection().execute(&sql)?;
        Ok(())
    }
}
