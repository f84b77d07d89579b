//! How leads ended, counted by what was known of them; and scores that are computed anew.

use farley_domain::{
    sales::leads::scoring::{Ends, Evidence},
    values::id::Id,
};

use crate::{error::StoreError, on, reader::Reader, work::Work};

/// The row that counts all leads stands under a field without a name.
const ALL: &str = "";

impl Work<'_> {
    /// Counts an end of a lead with these features; takes it away again, if `by` is -1.
    pub fn count_end(&mut self, features: &[(String, String)], won: bool, by: i64) -> Result<(), StoreError> {
        let (won, lost) = if won { (by, 0) } else { (0, by) };
        let tenant = self.tenant().id;
        let all = (ALL.to_owned(), String::new());
        // Always in the same order, so that two ends at once wait for each other rather than for ever.
        for (field, value) in std::iter::once(&all).chain(features) {
            on!(self.connection(), records::count_end(tenant, (field, value), won, lost))?;
        }
        Ok(())
    }

    /// Lets a recurring job of the tenant come next.
    pub fn hasten(&mut self, kind: &str) -> Result<(), StoreError> {
        let (tenant, now) = (self.tenant().id, self.origin.now);
        on!(self.connection(), jobs::hasten(tenant, kind, now))
    }

    /// Sets the score of a lead that is as it was when the score was computed. No change of the lead itself: what it shows follows
    /// from the rules and the time.
    pub fn set_score(&mut self, lead: Id, version: i64, score: i64) -> Result<(), StoreError> {
        let tenant = self.tenant().id;
        on!(self.connection(), records::set_score(tenant, lead, version, score))
    }
}

impl Reader<'_> {
    /// How all leads ended.
    pub fn ends(&mut self) -> Result<Ends, StoreError> {
        Ok(self.ends_of(ALL, "")?.unwrap_or_default())
    }

    fn ends_of(&mut self, field: &str, value: &str) -> Result<Option<Ends>, StoreError> {
        let ends = on!(&mut self.connection, records::ends(self.tenant.id, field, value))?;
        Ok(ends.map(|(won, lost)| Ends { won, lost }))
    }

    /// How leads with each of these features ended.
    pub fn evidence(&mut self, features: &[(String, String)]) -> Result<Vec<Evidence>, StoreError> {
        if features.is_empty() {
            return Ok(Vec::new());
        }
        let asked: Vec<&str> = features.iter().map(|(field, _)| field.as_str()).collect();
        let fields = on!(&mut self.connection, records::ends_by_field(self.tenant.id, &asked))?;
        features
            .iter()
            .map(|(field, value)| {
                let known = fields.iter().find(|(known, ..)| known == field);
                let of_field = known.map_or(Ends::default(), |(_, won, lost, _)| Ends { won: *won, lost: *lost });
                Ok(Evidence {
                    field: field.clone(),
                    value: value.clone(),
                    of_value: self.ends_of(field, value)?.unwrap_or_default(),
                    of_field,
                    values: known.map_or(0, |(.., values)| *values),
                })
            })
            .collect()
    }
}
