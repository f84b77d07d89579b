//! How requests name records.

use farley_domain::{
    model::{object::Object, recurring},
    values::id::Id,
};

use crate::{access::principal::Principal, http::problem::Problem};

/// How a path names a record: by id, or by the key of another system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    Id(Id),
    External { system: String, key: String },
}

impl Named {
    /// A name that is neither names nothing.
    pub fn parse(text: &str) -> Result<Named, Problem> {
        // The router leaves escaped slashes, plus and percent signs as they are.
        let text = percent_encoding::percent_decode_str(text).decode_utf8().map_err(|_| Problem::not_found())?;
        if let Some(pair) = text.strip_prefix("ext:") {
            let (system, key) = pair.split_once(':').ok_or_else(Problem::not_found)?;
            return Ok(Named::External { system: system.to_owned(), key: farley_domain::values::text::clean_line(key) });
        }
        text.parse().map(Named::Id).map_err(|_| Problem::not_found())
    }

    /// The id; none if no live record has the key, or the caller may not see keys.
    pub fn find(
        &self,
        reader: &mut farley_persistence::Reader<'_>,
        principal: &Principal,
        object: &'static Object,
    ) -> Result<Option<Id>, Problem> {
        match self {
            Named::Id(id) => Ok(Some(*id)),
            Named::External { system, .. } if !farley_domain::model::structures::external_ids::is_system(system) => Ok(None),
            Named::External { .. }
                if recurring::EXTERNAL_IDS.of(object).is_some_and(|field| !principal.asker.sees(object, field)) =>
            {
                Ok(None)
            }
            Named::External { system, key } => Ok(reader.by_external_id(object.name, system, key)?),
        }
    }
}
