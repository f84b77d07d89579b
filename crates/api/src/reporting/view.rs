//! Views: their filters, orders and columns are asked before they are stored.

use farley_domain::{
    model::{record::Record, registry},
    query::list::{FILTER, ListQuery},
    reporting::view::View,
};
use farley_persistence::Work;
use serde_json::json;

use crate::{
    http::problem::Problem,
    records::behaviour::{Behaviour, Writing},
};

impl Behaviour for View {
    /// It must be a list that its writer may ask for.
    fn before(_: &mut Work<'_>, writing: &Writing<'_, Self>, record: &mut Record<Self>) -> Result<(), Problem> {
        let stays = writing.before.is_some_and(|before| {
            before.agrees(View::filter, record) && before.agrees(View::sort, record) && before.agrees(View::columns, record)
        });
        let Some(object) = registry::object(record.get(View::object)).filter(|_| !stays && !record.is_archived()) else {
            return Ok(());
        };
        let view = writing.principal.view(writing.now);
        // The members of a search are called as those of a view.
        let mut body = json!({"sort": record.get(View::sort), (FILTER): record.get(View::filter)});
        let columns = record.get(View::columns);
        if !columns.is_empty() {
            body["fields"] = json!(columns);
        }
        let renamed = |pointer: &str| pointer.replacen("/fields", &View::columns.pointer(), 1);
        ListQuery::from_search_body(object, &body, &view).map_err(|mut faults| {
            for fault in &mut faults.0 {
                fault.pointer = renamed(&fault.pointer);
            }
            faults
        })?;
        Ok(())
    }
}
