//! By what records are found again: their id, a key in another system, or a field that no two live records share.

use farley_domain::{
    model::{
        cell::Cell,
        fault::{Fault, FaultCode, Faults, pointer_token},
        field::Field,
        object::{Object, Unique},
        record::Record,
        recurring,
        structures::external_ids,
        value::{self, Standards},
    },
    query::predicate::Predicate,
    values::{id::Id, text::clean_line},
};
use farley_persistence::{Layout, Work};
use serde_json::Value;

use crate::{
    access::{
        principal::Principal,
        unrestricted::{Unrestricted, without_custom_fields},
    },
    http::problem::Problem,
    records::{named::Named, references, write::Writer},
};

/// What the records of a request are found by.
#[derive(Clone, Debug)]
pub enum By {
    Id,
    External { system: String },
    Unique { unique: &'static Unique, field: &'static Field },
}

/// The key of one record.
#[derive(Clone, Debug)]
pub enum Key {
    Id(Id),
    External { system: String, key: String },
    Unique { unique: &'static Unique, field: &'static Field, value: String },
}

impl By {
    /// Reads what a request says: `id`, `ext:{system}`, or the name of a unique field. What is hidden from the caller is nothing to find
    /// records by.
    pub fn read(object: &'static Object, principal: &Principal, text: &str) -> Result<By, FaultOfChoice> {
        let sees = |field: &Field| principal.asker.sees(object, field);
        let unique = || {
            let alone = object.unique.iter().filter(|unique| unique.within.is_none());
            alone.filter_map(|unique| Some((unique, object.field(unique.field)?))).filter(|(_, field)| sees(field))
        };
        let keyed = recurring::EXTERNAL_IDS.of(object).is_some_and(sees);
        if text == recurring::ID.name() {
            return Ok(By::Id);
        }
        if let Some(system) = text.strip_prefix("ext:").filter(|system| keyed && external_ids::is_system(system)) {
            return Ok(By::External { system: system.to_owned() });
        }
        if let Some((unique, field)) = unique().find(|(_, field)| field.name == text) {
            return Ok(By::Unique { unique, field });
        }
        let mut choices = vec![recurring::ID.name().to_owned()];
        choices.extend(keyed.then(|| "ext:{system}".to_owned()));
        choices.extend(unique().map(|(_, field)| field.name.to_string()));
        Err(FaultOfChoice(choices))
    }

    /// The key that a body gives a record.
    pub fn key_of(&self, body: &Value, standards: &Standards<'_>) -> Result<Key, Faults> {
        let sent = match self {
            By::Id => body.get(recurring::ID.name()),
            By::External { system } => body.get(recurring::EXTERNAL_IDS.name()).and_then(|ids| ids.get(system)),
            By::Unique { field, .. } => body.get(field.name.as_ref()),
        };
        let fault = |code| Faults::from(Fault::new(self.pointer(), code));
        let sent = sent.filter(|sent| !sent.is_null()).ok_or_else(|| fault(FaultCode::Required))?;
        match self {
            By::Id => {
                let id = sent.as_str().and_then(|text| text.parse().ok());
                id.map(Key::Id).ok_or_else(|| fault(FaultCode::InvalidId))
            }
            By::External { system } => match sent.as_str().map(clean_line) {
                None => Err(Fault::new(self.pointer(), FaultCode::WrongType).with("expected", "a text").into()),
                Some(key) if key.is_empty() => Err(fault(FaultCode::Required)),
                Some(key) => Ok(Key::External { system: system.clone(), key }),
            },
            By::Unique { unique, field } => match value::accept(field, sent, standards) {
                Ok(Value::String(value)) => Ok(Key::Unique { unique, field, value }),
                Ok(_) => Err(fault(FaultCode::WrongType)),
                Err(faults) => Err(faults.under(&self.pointer())),
            },
        }
    }

    /// Where in a body the key is.
    #[must_use]
    pub fn pointer(&self) -> String {
        match self {
            By::Id => recurring::ID.pointer(),
            By::External { system } => format!("{}/{}", recurring::EXTERNAL_IDS.pointer(), pointer_token(system)),
            By::Unique { field, .. } => format!("/{}", field.name),
        }
    }

    /// The name of the lock of those who write records by these keys.
    #[must_use]
    pub fn lock(&self, object: &Object) -> String {
        match self {
            By::Id => format!("bulk {} id", object.table),
            By::External { system } => format!("bulk {} ext:{system}", object.table),
            By::Unique { field, .. } => format!("bulk {} {}", object.table, field.name),
        }
    }
}

/// That records are found by nothing of the kind; and by what they are.
#[derive(Debug)]
pub struct FaultOfChoice(Vec<String>);

impl FaultOfChoice {
    #[must_use]
    pub fn at(self, pointer: &str) -> Fault {
        Fault::new(pointer, FaultCode::UnknownChoice).with("choices", self.0.join(", "))
    }
}

impl Key {
    /// What is the same of keys that name the same record, however they are written.
    #[must_use]
    pub fn folded(&self) -> String {
        match self {
            Key::Id(id) => id.to_string(),
            Key::External { key, .. } => key.clone(),
            Key::Unique { field, value, .. } => match field.keyed {
                Some(_) => farley_domain::values::text::fold(value),
                None => value.clone(),
            },
        }
    }
}

/// The record that has a key, also where the caller may not know of it.
pub fn find(work: &mut Work<'_>, writer: &Writer, key: &Key) -> Result<Option<Id>, Problem> {
    match key {
        Key::Id(id) => {
            let bare = Layout::of(&without_custom_fields(writer.object), &|_| true, Some(&[]), &[]);
            let row = work.reader().get(&std::sync::Arc::new(bare), &Unrestricted, *id, &Predicate::all())?;
            Ok(row.map(|row| row.id()))
        }
        Key::External { system, key } => {
            let named = Named::External { system: system.clone(), key: key.clone() };
            named.find(work.reader(), &writer.principal, writer.object)
        }
        Key::Unique { unique, field, value } => {
            let mut own = Record::new(writer.object);
            own.put(field, Cell::Text(value.clone()));
            references::holder(work, unique, field, value, &own)
        }
    }
}
