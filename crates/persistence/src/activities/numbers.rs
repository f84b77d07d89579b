//! Who has a telephone number.

use farley_domain::{
    model::{object::Object, recurring::PHONES},
    values::{id::Id, phone},
};

use crate::{
    error::StoreError,
    reader::Reader,
    sql::statement::{ColumnType, Statement, write_sql},
};

impl Reader<'_> {
    /// The records of several objects that have a telephone number, or the same number with any extension: the name of the object and the
    /// record, at most so many of each object and form. One statement of a few ranges of one index.
    pub fn with_number(
        &mut self,
        objects: &[&'static Object],
        lines: &[String],
        most: i64,
    ) -> Result<Vec<(String, Id)>, StoreError> {
        let mut sql = Statement::of(self.connection.dialect(), "");
        let mut before = "";
        for object in objects {
            for line in lines {
                let with_extension = format!("{line}{}", phone::EXTENSION);
                for is_exact in [true, false] {
                    write_sql!(sql, before, "SELECT object, record_id FROM (SELECT object, record_id FROM lookup_values");
                    write_sql!(sql, " WHERE tenant_id = ", self.tenant.id, " AND object = '", object.name);
                    write_sql!(sql, "' AND field = '", PHONES.name(), "' AND value ");
                    if is_exact {
                        sql.sql("= ").text(line.as_str());
                    } else {
                        // No digit comes after the last character there is.
                        sql.sql(">= ").text(with_extension.as_str()).sql(" AND value < ");
                        sql.text(format!("{with_extension}\u{10ffff}"));
                    }
                    sql.sql(" ORDER BY record_id LIMIT ").integer(most).sql(") n");
                    before = " UNION ";
                }
            }
        }
        let rows = self.connection.load(&sql, &[ColumnType::Text, ColumnType::Id])?;
        Ok(rows.iter().filter_map(|cells| Some((cells[0].as_text()?.to_owned(), cells[1].as_id()?))).collect())
    }
}
