//! Which operation on records a method and a path mean. What else the API offers is no part of a batch.

use std::sync::LazyLock;

use actix_web::http::Method;
use farley_domain::model::{object::Object, registry};

use crate::records::operations::{Generic, generic_operations};

/// What an operation does with records. There is no other way to be part of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    Get,
    Create,
    Update,
    Archive,
    Restore,
    Upsert,
}

impl Doing {
    fn of(generic: Generic) -> Option<Doing> {
        match generic {
            Generic::Get | Generic::GetAlone => Some(Doing::Get),
            Generic::Create => Some(Doing::Create),
            Generic::Update => Some(Doing::Update),
            Generic::Archive => Some(Doing::Archive),
            Generic::Restore => Some(Doing::Restore),
            Generic::Upsert => Some(Doing::Upsert),
            // Lists read more than the turn of a writer has room for.
            Generic::List | Generic::Search | Generic::Summary | Generic::History | Generic::Ledger | Generic::ListAlone => None,
        }
    }

    /// Whether it says with a body what it is about.
    #[must_use]
    pub fn takes_body(self) -> bool {
        match self {
            Doing::Create | Doing::Update | Doing::Upsert => true,
            Doing::Get | Doing::Archive | Doing::Restore => false,
        }
    }

    /// Whether it is of a record that is there, in some version.
    #[must_use]
    pub fn takes_version(self) -> bool {
        match self {
            Doing::Update | Doing::Archive | Doing::Restore | Doing::Upsert => true,
            Doing::Get | Doing::Create => false,
        }
    }
}

/// What a path stands for: an object, and how it names the record and the record that this is part of.
#[derive(Clone, Debug)]
pub struct Target {
    pub object: &'static Object,
    pub doing: Doing,
    pub id: Option<String>,
    pub parent: Option<String>,
}

struct Known {
    method: Method,
    segments: Vec<String>,
    object: &'static Object,
    doing: Doing,
}

/// Fixed paths come before templates that would match them too.
static KNOWN: LazyLock<Vec<Known>> = LazyLock::new(|| {
    let mut known = Vec::new();
    for object in registry::objects() {
        for generic in generic_operations(object) {
            let Some(doing) = Doing::of(generic) else { continue };
            let segments = generic.route(object).split('/').map(str::to_owned).collect();
            known.push(Known { method: generic.method(), segments, object, doing });
        }
    }
    known
});

/// The operation, unless there is none on records.
#[must_use]
pub fn find(method: &str, path: &str) -> Option<Target> {
    let segments: Vec<&str> = path.split('/').collect();
    KNOWN.iter().filter(|known| known.method.as_str() == method).find_map(|known| known.target(&segments))
}

impl Known {
    fn target(&self, segments: &[&str]) -> Option<Target> {
        if segments.len() != self.segments.len() {
            return None;
        }
        let mut target = Target { object: self.object, doing: self.doing, id: None, parent: None };
        for (template, segment) in self.segments.iter().zip(segments) {
            match template.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
                _ if segment.is_empty() != template.is_empty() => return None,
                Some("id") => target.id = Some((*segment).to_owned()),
                Some(_) => target.parent = Some((*segment).to_owned()),
                None if template == segment => {}
                None => return None,
            }
        }
        // Fixed names below a collection are operations of their own.
        let is_record =
            target.id.as_deref().is_none_or(|id| id.contains("{{") || crate::records::named::Named::parse(id).is_ok());
        let is_external = target.id.as_deref().is_some_and(|id| id.starts_with("ext"));
        (is_record && (self.doing != Doing::Upsert || is_external)).then_some(target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

    fn found(method: &str, path: &str) -> Option<(&'static str, Doing)> {
        find(method, path).map(|target| (target.object.name, target.doing))
    }

    #[test]
    fn only_records_are_part_of_a_batch() {
        assert_eq!(found("POST", "/v1/customers"), Some(("customer", Doing::Create)));
        assert_eq!(found("PATCH", &format!("/v1/customers/{ID}")), Some(("customer", Doing::Update)));
        assert_eq!(found("DELETE", "/v1/customers/{{c.id}}"), Some(("customer", Doing::Archive)));
        assert_eq!(found("PUT", "/v1/customers/ext:sap:1"), Some(("customer", Doing::Upsert)));
        assert_eq!(found("POST", &format!("/v1/customers/{ID}/restore")), Some(("customer", Doing::Restore)));
        let stage = find("POST", &format!("/v1/pipelines/{ID}/stages")).expect("stages are made below a pipeline");
        assert_eq!((stage.object.name, stage.parent.as_deref()), ("stage", Some(ID)));
        for (method, path) in [
            ("GET", "/v1/customers"),
            ("POST", "/v1/customers/search"),
            ("POST", "/v1/customers/bulk"),
            ("POST", "/v1/batch"),
            ("POST", "/v1/auth/login"),
            ("POST", "/v1/files"),
            ("GET", "/v1/customers/summary"),
            ("PUT", &format!("/v1/customers/{ID}")),
            ("POST", "/v1/customers/"),
            ("POST", "v1/customers"),
            ("post", "/v1/customers"),
        ] {
            assert_eq!(found(method, path), None, "{method} {path}");
        }
    }
}
