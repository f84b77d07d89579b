//! What a request for records asks for: which, in which order, from where on, and how much of each.

mod request;

use serde_json::Value;

use self::request::Request;
use crate::{
    model::{
        fault::{Fault, FaultCode, Faults, pointer_token, unknown},
        field::{Field, FieldType},
        object::{Object, Relation},
    },
    query::{
        cursor::Cursor,
        past::{AS_OF, AsOf},
        predicate::{
            Predicate, Related, View,
            parse::{self, Given},
        },
    },
    values::{json, search_text::Query, time::Timestamp},
};

pub const DEFAULT_LIMIT: usize = 50;
pub const MAX_LIMIT: usize = 200;
/// How far `offset` reaches; each row skipped is a row read.
pub const MAX_OFFSET: u64 = 10_000;
pub const MAX_SORT_KEYS: usize = 5;
/// Each relation expanded is a query more.
pub const MAX_EXPANDED: usize = 10;
pub const MAX_FIELDS: usize = 500;

const LIST_PARAMETERS: &[&str] =
    &["q", "sort", "limit", "cursor", "offset", "fields", "expand", "total", "archived", MERGED, AS_OF, FILTER, VIEW];
const RECORD_PARAMETERS: &[&str] = &["fields", "expand", "archived"];
/// All fields shown without being asked for, among the names in `fields`.
pub const EVERY_FIELD: &str = "*";
/// Records that were merged into others: left out, alone, or with the rest.
pub const MERGED: &str = "merged";
/// Live and archived records together, as the value of `archived`.
pub const ANY: &str = "any";
/// A predicate: in the body of a search as it is, among the parameters of a list as a text that holds its JSON.
pub const FILTER: &str = "filter";

/// A view: a filter and a sort order that somebody saved. What it says is put in its place before the rest is read.
pub const VIEW: &str = "view";

/// A request for a page of records.
#[derive(Clone, Debug, PartialEq)]
pub struct ListQuery {
    /// Which records: what the client filters by, within what they may read, live or archived.
    pub predicate: Predicate,
    /// Ends in the id, so that no two records are in the same place.
    pub sort: Vec<SortKey>,
    pub limit: usize,
    pub start: Start,
    /// Paths of the fields to show, the id first; none for all but those on request.
    pub fields: Option<Vec<String>>,
    pub expand: Vec<Expanded>,
    /// Whether to count all records that fit.
    pub total: bool,
    /// The time as of which records are read from their ledger; none for now.
    pub as_of: Option<Timestamp>,
}

/// Where a page begins.
#[derive(Clone, Debug, PartialEq)]
pub enum Start {
    First,
    After(Cursor),
    Offset(u64),
}

#[derive(Clone, Debug, PartialEq)]
pub struct SortKey {
    pub by: SortBy,
    pub descending: bool,
}

#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::large_enum_variant, reason = "a list is sorted by a handful of keys")]
pub enum SortBy {
    Field(Field),
    /// What related records tell.
    Far(Far),
    /// How well a record fits the search: a tier, the higher the better.
    Relevance(Query),
}

/// A value that related records tell: a field of the one that a reference leads to, or how many of them there are.
#[derive(Clone, Debug, PartialEq)]
pub struct Far {
    /// As clients write it: `customer.name`, `contact_count`.
    pub path: String,
    /// The field of the related record, or the one that counts.
    pub field: Field,
    /// Those that the asker may read.
    pub related: Related,
}

impl Far {
    /// Whether it counts the related records.
    #[must_use]
    pub fn is_count(&self) -> bool {
        matches!(self.field.kind, FieldType::Count(_))
    }
}

/// A relation whose records are shown beside each record.
#[derive(Clone, Debug, PartialEq)]
pub struct Expanded {
    pub relation: Relation,
    /// Paths of the fields to show of them, the id first; none for all but those on request.
    pub fields: Option<Vec<String>>,
}

/// A request for one record by its id.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordQuery {
    pub fields: Option<Vec<String>>,
    pub expand: Vec<Expanded>,
    /// Whether an archived record will do.
    pub archived: bool,
}

impl ListQuery {
    /// Reads the parameters of a list; those that are not its own are filters.
    pub fn from_parameters(
        object: &'static Object,
        parameters: &[(String, String)],
        view: &dyn View,
    ) -> Result<ListQuery, Faults> {
        let view = &AsOf::of_parameters(view, object, parameters);
        let (own, filters): (Vec<_>, Vec<_>) = parameters.iter().cloned().partition(|(name, _)| is_own(object, name));
        let mut request = Request::of_parameters(object, &own, view);
        let written = request.get(FILTER).and_then(|given| match given {
            Given::Text(text) => request.keep(written_filter(text), FILTER),
            Given::Json(_) => None,
        });
        let filter = parse::from_parameters_beside(object, &filters, LIST_PARAMETERS, (FILTER, written.as_ref()), view);
        let filter = request.keep(filter, "");
        request.list(filter)
    }

    /// Reads the body of a search.
    pub fn from_search_body(object: &'static Object, body: &Value, view: &dyn View) -> Result<ListQuery, Faults> {
        let Some(members) = body.as_object() else {
            return Err(Fault::new("", FaultCode::WrongType).with("expected", "an object").into());
        };
        let view = &AsOf::of(view, object, members.get(AS_OF).is_some_and(|time| !time.is_null()));
        let mut request = Request::new(object, "/", view);
        let mut filter = None;
        for (name, value) in members {
            if !is_own(object, name) {
                if !request.faults.is_full() {
                    let pointer = format!("/{}", pointer_token(name));
                    let known = LIST_PARAMETERS.iter().copied().filter(|own| is_own(object, own));
                    request.faults.add(unknown(pointer, FaultCode::UnknownMember, name, known));
                }
            } else if value.is_null() {
                // Stands for a member that is absent.
            } else if name == FILTER {
                filter = request.keep(parse::from_json(object, value, view), "/filter");
            } else {
                request.given.push((name, Given::Json(value)));
            }
        }
        request.list(filter)
    }
}

impl RecordQuery {
    pub fn from_parameters(
        object: &'static Object,
        parameters: &[(String, String)],
        view: &dyn View,
    ) -> Result<RecordQuery, Faults> {
        let (own, others): (Vec<_>, Vec<_>) =
            parameters.iter().cloned().partition(|(name, _)| RECORD_PARAMETERS.contains(&name.as_str()));
        let mut request = Request::of_parameters(object, &own, view);
        for (name, _) in &others {
            let known = RECORD_PARAMETERS.iter().copied();
            request.faults.add(unknown(name.clone(), FaultCode::UnknownParameter, name, known));
        }
        let mut expand = request.expand();
        let fields = request.fields(&mut expand);
        // One record that is found archived or not is what both `true` and `any` ask for.
        let archived = request.one_or_any("archived").is_some_and(|asked| asked != Some(false));
        request.faults.into_result(RecordQuery { fields, expand, archived })
    }
}

/// The predicate that the parameter `filter` holds. The pointer of the fault is empty.
pub fn written_filter(text: &str) -> Result<Value, Faults> {
    json::read(text.as_bytes()).map_err(|error| Fault::new("", FaultCode::Malformed).with("reason", error).into())
}

/// Whether a name is one of the list's own; `q` only where there is something to search, `as_of` where there is a ledger.
fn is_own(object: &Object, name: &str) -> bool {
    match name {
        "q" => object.is_searchable(),
        AS_OF => object.ledger.is_some(),
        MERGED => object.superseded_by.is_some(),
        name => LIST_PARAMETERS.contains(&name),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::query::predicate::sample::{self, Everything};

    fn list(written: &[(&str, &str)]) -> Result<ListQuery, Faults> {
        ListQuery::from_parameters(sample::deal(), &owned(written), &Everything)
    }

    fn search(body: &Value) -> Result<ListQuery, Faults> {
        ListQuery::from_search_body(sample::deal(), body, &Everything)
    }

    fn owned(written: &[(&str, &str)]) -> Vec<(String, String)> {
        written.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    fn codes<T: std::fmt::Debug>(result: Result<T, Faults>) -> Vec<(String, &'static str)> {
        result.unwrap_err().0.into_iter().map(|fault| (fault.pointer, fault.code.as_str())).collect()
    }

    fn only(pointer: &str, code: &'static str) -> Vec<(String, &'static str)> {
        vec![(pointer.to_owned(), code)]
    }

    fn order(query: &ListQuery) -> Vec<String> {
        let name = |key: &SortKey| match &key.by {
            SortBy::Field(field) => field.path(),
            SortBy::Far(far) => far.path.clone(),
            SortBy::Relevance(_) => "relevance".to_owned(),
        };
        query.sort.iter().map(|key| format!("{}{}", if key.descending { "-" } else { "" }, name(key))).collect()
    }

    #[test]
    fn no_field_is_called_like_a_parameter() {
        for object in crate::model::registry::objects() {
            let hidden = object.fields.iter().filter(|field| field.filterable && LIST_PARAMETERS.contains(&field.name.as_ref()));
            assert_eq!(hidden.map(|field| field.name.as_ref()).collect::<Vec<&str>>(), [""; 0], "{}", object.name);
        }
    }

    #[test]
    fn both_forms_say_the_same() {
        let parameters = list(&[
            ("q", "华为"),
            ("amount_gte", "5"),
            ("sort", "-amount,name"),
            ("limit", "7"),
            ("offset", "3"),
            ("fields", "name,custom.tier"),
            ("expand", "firm"),
            ("total", "true"),
            ("archived", "true"),
        ]);
        let body = search(&json!({
            "q": "华为", "filter": {"and": [{"field": "amount", "op": "gte", "value": 5}]}, "sort": ["-amount", "name"], "limit": 7,
            "offset": 3, "cursor": null, "fields": ["name", "custom.tier"], "expand": ["firm"], "total": true, "archived": true
        }));
        let query = parameters.clone().unwrap();
        assert_eq!(parameters, body);
        assert_eq!(order(&query), ["-amount", "name", "id"]);
        assert_eq!((query.limit, query.total, &query.start), (7, true, &Start::Offset(3)));
        assert_eq!(query.fields, Some(vec!["id".to_owned(), "name".to_owned(), "custom.tier".to_owned()]));
    }

    #[test]
    fn a_written_filter_and_plain_ones_must_all_hold() {
        let written = r#"{"or": [{"field": "won", "value": true}, {"field": "name", "op": "contains", "value": "x"}]}"#;
        let query = list(&[("amount_gte", "5"), ("filter", written)]).unwrap();
        let body = search(&json!({"filter": {"and": [
            {"field": "amount", "op": "gte", "value": 5}, serde_json::from_str::<Value>(written).unwrap()
        ]}}));
        assert_eq!(query.predicate, body.unwrap().predicate);
        let wide = json!({"or": vec![json!({"field": "won", "value": true}); crate::query::predicate::MAX_TESTS]}).to_string();
        assert!(list(&[("filter", &wide)]).is_ok());
        assert_eq!(codes(list(&[("filter", &wide), ("amount_gte", "5")]))[0].1, "too_many");
    }

    #[test]
    fn says_what_it_means_without_being_asked() {
        let query = list(&[]).unwrap();
        assert_eq!(order(&query), ["-created_at", "-id"]);
        assert_eq!(query.predicate, Predicate::And(vec![Predicate::Archived(false)]));
        assert_eq!((query.limit, query.fields, query.start), (DEFAULT_LIMIT, None, Start::First));
        assert_eq!(order(&list(&[("q", "x")]).unwrap()), ["-relevance", "-id"]);
        assert_eq!(order(&list(&[("q", "x"), ("sort", "name")]).unwrap()), ["name", "id"]);
        assert_eq!(order(&list(&[("sort", "-id")]).unwrap()), ["-id"]);
    }

    #[test]
    fn is_refused_rather_than_bent() {
        assert_eq!(codes(list(&[("limit", "0")])), only("limit", "too_small"));
        assert_eq!(codes(list(&[("limit", "-1")])), only("limit", "too_small"));
        assert_eq!(codes(list(&[("limit", "201")])), only("limit", "too_large"));
        assert_eq!(codes(list(&[("limit", "ten")])), only("limit", "wrong_type"));
        assert_eq!(codes(list(&[("offset", "10001")])), only("offset", "too_far"));
        assert_eq!(codes(list(&[("offset", "-1")])), only("offset", "too_small"));
        assert_eq!(codes(list(&[("cursor", "x")])), only("cursor", "invalid_cursor"));
        assert_eq!(codes(list(&[("sort", "nmae")])), only("sort", "unknown_member"));
        assert_eq!(codes(list(&[("sort", "secret")])), only("sort", "unknown_member"));
        assert_eq!(codes(list(&[("sort", "words")])), only("sort", "not_sortable"));
        assert_eq!(codes(list(&[("sort", "name,-name")])), only("sort", "repeated"));
        assert_eq!(codes(list(&[("fields", "secret")])), only("fields", "unknown_member"));
        assert_eq!(codes(list(&[("expand", "ledger")])), only("expand", "not_expandable"));
        assert_eq!(codes(list(&[("sort", "name"), ("sort", "name")])), only("sort", "duplicate_parameter"));
        assert_eq!(codes(list(&[("limti", "5")])), only("limti", "unknown_parameter"));
        assert_eq!(codes(list(&[("filter", "{")])), only("filter", "malformed"));
        assert_eq!(codes(list(&[("filter", r#"{"field": "nmae", "value": 1}"#)])), only("filter/field", "unknown_member"));
        assert_eq!(codes(list(&[("filter", "{}"), ("filter", "{}")])), only("filter", "duplicate_parameter"));
        assert_eq!(list(&[("limti", "5")]).unwrap_err().0[0].parameters, [("nearest", "limit".to_owned())]);
        assert_eq!(codes(search(&json!({"sort": ["name", 1]}))), only("/sort/1", "wrong_type"));
        assert_eq!(codes(search(&json!({"filtre": {}}))), only("/filtre", "unknown_member"));
        let elsewhere = search(&json!({MERGED: true})).unwrap_err();
        assert_eq!(elsewhere.0[0].parameters, [], "what is known of other objects is no help");
        assert_eq!(codes(search(&json!({"filter": {"field": "name"}}))), only("/filter/value", "required"));
        assert_eq!(codes(search(&json!([]))), only("", "wrong_type"));
    }

    #[test]
    fn goes_on_after_a_cursor_or_at_an_offset() {
        let sort = list(&[("sort", "name")]).unwrap().sort;
        let cursor = Cursor::of(&sample::record(1), &sort, None);
        let text = cursor.encode(sample::deal(), &sort);
        assert_eq!(list(&[("sort", "name"), ("cursor", &text)]).unwrap().start, Start::After(cursor));
        assert_eq!(codes(list(&[("cursor", &text)])), only("cursor", "invalid_cursor"));
        assert_eq!(codes(list(&[("sort", "name"), ("cursor", &text), ("offset", "1")])), only("offset", "conflicting"));
    }

    #[test]
    fn one_record_takes_less() {
        let record = |written: &[(&str, &str)]| RecordQuery::from_parameters(sample::deal(), &owned(written), &Everything);
        for (asked, archived) in [("true", true), ("any", true), ("false", false)] {
            assert_eq!(record(&[("archived", asked)]).unwrap().archived, archived);
        }
        let query = record(&[("fields", "custom"), ("archived", "true")]).unwrap();
        assert_eq!(query.fields, Some(vec!["id".to_owned(), "custom".to_owned()]));
        assert!(query.archived);
        assert_eq!(codes(record(&[("limit", "1")])), only("limit", "unknown_parameter"));
    }

    proptest! {
        #[test]
        fn never_panics(
            name in proptest::sample::select(LIST_PARAMETERS),
            text in "[a-z0-9,._-]{0,12}|.{0,20}",
            number in any::<i64>(),
        ) {
            let _ = list(&[(name, &text)]);
            let _ = search(&json!({name: text.clone()}));
            let _ = search(&json!({name: number, "filter": text}));
        }
    }
}
