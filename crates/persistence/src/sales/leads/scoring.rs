//! How leads ended, counted by what was known of them; and scores that are computed anew.

use farley_domain::{
    id::Id,
    sales::leads::scoring::{Ends, Evidence},
};

use crate::{
    error::StoreError,
    reader::Reader,
    sql::{
        row::Cell,
        statement::{Bind, ColumnType, Statement},
    },
    work::Work,
};

/// The row that counts all leads stands under a field without a name.
const ALL: &str = "";

impl Work<'_> {
    /// Counts an end of a lead with these features; takes it away again, if `by` is -1.
    pub fn count_end(&mut self, features: &[(String, String)], won: bool, by: i64) -> Result<(), StoreError> {
        let (won, lost) = if won { (by, 0) } else { (0, by) };
        let all = (ALL.to_owned(), String::new());
        // Always in the same order, so that two ends at once wait for each other rather than for ever.
        for (field, value) in std::iter::once(&all).chain(features) {
            let mut sql =
                Statement::of(self.dialect(), "INSERT INTO lead_score_counts (tenant_id, field, value, won, lost) VALUES (");
            sql.id(self.tenant().id).sql(", ").text(field.clone()).sql(", ").text(value.clone());
            sql.sql(", ").integer(won).sql(", ").integer(lost);
            sql.sql(") ON CONFLICT (tenant_id, field, value) DO UPDATE SET won = lead_score_counts.won + ").integer(won);
            sql.sql(", lost = lead_score_counts.lost + ").integer(lost);
            self.connection().execute(&sql)?;
        }
        Ok(())
    }

    /// Lets a recurring job of the tenant come next.
    pub fn hasten(&mut self, kind: &str) -> Result<(), StoreError> {
        let now = self.origin.now;
        let mut sql = Statement::of(self.dialect(), "UPDATE jobs SET run_at = ");
        sql.bind(Bind::time(now)).sql(" WHERE tenant_id = ").id(self.tenant().id).sql(" AND kind = ").text(kind);
        sql.sql(" AND recurring AND state = 'waiting' AND run_at > ").bind(Bind::time(now));
        self.connection().execute(&sql).map(drop)
    }

    /// Sets the score of a lead that is as it was when the score was computed. No change of the lead itself: what it shows follows
    /// from the rules and the time.
    pub fn set_score(&mut self, lead: Id, version: i64, score: i64) -> Result<(), StoreError> {
        let mut sql = Statement::of(self.dialect(), "UPDATE leads SET score = ");
        sql.integer(score).sql(" WHERE tenant_id = ").id(self.tenant().id).sql(" AND id = ").id(lead);
        sql.sql(" AND version = ").integer(version);
        self.connection().execute(&sql).map(drop)
    }
}

impl Reader<'_> {
    /// How all leads ended.
    pub fn ends(&mut self) -> Result<Ends, StoreError> {
        Ok(self.ends_of(ALL, "")?.unwrap_or_default())
    }

    fn ends_of(&mut self, field: &str, value: &str) -> Result<Option<Ends>, StoreError> {
        let mut sql = Statement::of(self.connection.dialect(), "SELECT won, lost FROM lead_score_counts WHERE tenant_id = ");
        sql.id(self.tenant.id).sql(" AND field = ").text(field).sql(" AND value = ").text(value);
        let rows = self.connection.load(&sql, &[ColumnType::Integer, ColumnType::Integer])?;
        Ok(rows.first().map(|cells| Ends { won: number(cells, 0), lost: number(cells, 1) }))
    }

    /// How leads with each of these features ended.
    pub fn evidence(&mut self, features: &[(String, String)]) -> Result<Vec<Evidence>, StoreError> {
        if features.is_empty() {
            return Ok(Vec::new());
        }
        let mut sql = Statement::new(self.connection.dialect());
        sql.sql("SELECT field, CAST(SUM(won) AS BIGINT), CAST(SUM(lost) AS BIGINT), COUNT(*) FROM lead_score_counts WHERE tenant_id = ");
        sql.id(self.tenant.id).sql(" AND won + lost > 0 AND field IN (");
        sql.binds(features.iter().map(|(field, _)| Bind::Text(field.clone()))).sql(") GROUP BY field");
        let types = [ColumnType::Text, ColumnType::Integer, ColumnType::Integer, ColumnType::Integer];
        let fields = self.connection.load(&sql, &types)?;
        features
            .iter()
            .map(|(field, value)| {
                let known = fields.iter().find(|cells| cells.first().and_then(Cell::as_text) == Some(field));
                let of_field = known.map_or(Ends::default(), |cells| Ends { won: number(cells, 1), lost: number(cells, 2) });
                Ok(Evidence {
                    field: field.clone(),
                    value: value.clone(),
                    of_value: self.ends_of(field, value)?.unwrap_or_default(),
                    of_field,
                    values: known.map_or(0, |cells| number(cells, 3)),
                })
            })
            .collect()
    }
}

fn number(cells: &[Cell], place: usize) -> i64 {
    cells.get(place).and_then(Cell::as_integer).unwrap_or(0)
}
