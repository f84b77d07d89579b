//! A tenant on its way out.

use farley_domain::values::id::Id;

use super::{
    Own,
    catalog::{self, Column, Kind, Table},
};
use crate::{
    error::StoreError,
    sql::{
        cell::{Cell, CellRef},
        statement::{ColumnType, Dialect, Statement, write_sql},
    },
};

/// How many rows PostgreSQL gives at once.
const FETCH: &str = "FETCH 500 FROM farley_rows";

/// A database as it was when it was opened, however long the reading takes.
pub struct Outgoing {
    own: Own,
}

impl Outgoing {
    pub fn open(url: &str) -> Result<Outgoing, StoreError> {
        let mut own = Own::open(url)?;
        own.batch(match own.dialect() {
            Dialect::Sqlite => "BEGIN",
            Dialect::Postgres => "SET TIME ZONE 'UTC'; BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        })?;
        Ok(Outgoing { own })
    }

    /// The newest migration of the schema.
    pub fn schema(&mut self) -> Result<String, StoreError> {
        catalog::schema(&mut self.own)
    }

    pub fn tables(&mut self) -> Result<Vec<Table>, StoreError> {
        catalog::tables(&mut self.own)
    }

    /// The id and the name of a tenant.
    pub fn tenant(&mut self, slug: &str) -> Result<Option<(Id, String)>, StoreError> {
        let mut sql = Statement::of(self.own.dialect(), "SELECT id, name FROM tenants WHERE slug = ");
        sql.text(slug);
        let rows = self.own.lend().load(&sql, &[ColumnType::Id, ColumnType::Text])?;
        Ok(rows.first().and_then(|row| Some((row.first()?.as_id()?, row.get(1)?.as_text()?.to_owned()))))
    }

    /// The contents of a tenant's files, with their sizes in bytes.
    pub fn contents(&mut self, tenant: Id) -> Result<Vec<(Id, i64)>, StoreError> {
        let mut sql = Statement::of(
            self.own.dialect(),
            "SELECT c.id, f.size_bytes FROM file_contents c JOIN files f ON f.tenant_id = c.tenant_id AND f.id = c.file_id \
             WHERE NOT c.abandoned AND c.tenant_id = ",
        );
        sql.id(tenant).sql(" ORDER BY c.id");
        let rows = self.own.lend().load(&sql, &[ColumnType::Id, ColumnType::Integer])?;
        Ok(rows.iter().filter_map(|row| Some((row.first()?.as_id()?, row.get(1)?.as_integer()?))).collect())
    }

    /// Gives each row of a tenant in a table, as a line.
    pub fn rows<E: From<StoreError>>(
        &mut self,
        table: &Table,
        tenant: Id,
        mut take: impl FnMut(&str) -> Result<(), E>,
    ) -> Result<(), E> {
        let dialect = self.own.dialect();
        self.refuse_unreadable(table, tenant)?;
        let mut sql = Statement::new(dialect);
        match dialect {
            Dialect::Sqlite => write_sql!(sql, "SELECT json_array("),
            Dialect::Postgres => write_sql!(sql, "DECLARE farley_rows NO SCROLL CURSOR FOR SELECT json_build_array("),
        }
        for (place, column) in table.columns.iter().enumerate() {
            sql.sql(if place > 0 { ", " } else { "" });
            read_column(&mut sql, dialect, column);
        }
        sql.sql(match dialect {
            Dialect::Sqlite => ") FROM ",
            Dialect::Postgres => ")::text FROM ",
        });
        write_sql!(sql, &table.name, " WHERE ", table.tenant(), " = ", tenant);
        if table.name() == "jobs" {
            // What recurs, each tenant is given anyway; what is done is done.
            sql.sql(" AND NOT recurring AND state IN ('waiting', 'running')");
        }
        let mut failed = None;
        let mut give = |cells: &[CellRef<'_>]| {
            if let Some(Cell::Text(line)) = cells.first().map(|cell| cell.to_cell())
                && let Err(error) = take(&line)
            {
                failed = Some(error);
                return Err(StoreError::Abandoned);
            }
            Ok(())
        };
        let read = match dialect {
            Dialect::Sqlite => self.own.lend().read(&sql, &[ColumnType::Text], &mut give),
            Dialect::Postgres => self.fetch(&sql, &mut give),
        };
        match (failed, read) {
            (Some(error), _) => Err(error),
            (None, read) => Ok(read?),
        }
    }

    /// A row that cannot be read is found now, and not when the file is needed.
    fn refuse_unreadable(&mut self, table: &Table, tenant: Id) -> Result<(), StoreError> {
        for column in table.columns.iter().filter(|column| column.kind == Kind::Changes) {
            let mut sql = Statement::of(self.own.dialect(), "SELECT COUNT(*) FROM ");
            write_sql!(sql, &table.name, " WHERE changes_read(", &column.name, ") IS NULL AND tenant_id = ", tenant);
            let rows = self.own.lend().load(&sql, &[ColumnType::Integer])?;
            match rows.first().and_then(|row| row.first()?.as_integer()) {
                None | Some(0) => {}
                Some(count) => {
                    let reason = format!("{count} rows of {} are damaged and cannot be read", table.name());
                    return Err(StoreError::Internal(reason));
                }
            }
        }
        Ok(())
    }

    fn fetch(
        &mut self,
        declared: &Statement,
        give: &mut dyn FnMut(&[CellRef<'_>]) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.own.lend().execute(declared)?;
        let fetch = Statement::of(Dialect::Postgres, FETCH);
        loop {
            let mut found = 0;
            self.own.lend().read(&fetch, &[ColumnType::Text], &mut |cells| {
                found += 1;
                give(cells)
            })?;
            if found == 0 {
                return self.own.batch("CLOSE farley_rows");
            }
        }
    }
}

fn read_column(sql: &mut Statement, dialect: Dialect, column: &Column) {
    let name = &column.name;
    match (dialect, column.kind) {
        (Dialect::Sqlite, Kind::Bytes | Kind::Id) => {
            write_sql!(sql, "CASE WHEN ", name, " IS NULL THEN NULL ELSE hex(", name, ") END");
        }
        (Dialect::Sqlite, Kind::Double) => {
            write_sql!(sql, "CASE WHEN ", name, " IS NULL THEN NULL ELSE printf('%!.17g', ", name, ") END");
        }
        (Dialect::Sqlite, Kind::Changes) => write_sql!(sql, "changes_read(", name, ")"),
        (Dialect::Postgres, Kind::Id) => write_sql!(sql, "upper(replace(", name, "::text, '-', ''))"),
        (Dialect::Postgres, Kind::Bytes) => write_sql!(sql, "upper(encode(", name, ", 'hex'))"),
        (Dialect::Postgres, Kind::Time) => write_sql!(sql, "(EXTRACT(EPOCH FROM ", name, ") * 1000000)::bigint"),
        (Dialect::Postgres, Kind::Boolean) => write_sql!(sql, name, "::integer"),
        (Dialect::Postgres, Kind::Date | Kind::Double | Kind::Json | Kind::Changes) => write_sql!(sql, name, "::text"),
        (_, Kind::Integer | Kind::Text) | (Dialect::Sqlite, Kind::Time | Kind::Date | Kind::Boolean | Kind::Json) => {
            write_sql!(sql, name)
        }
    }
}
