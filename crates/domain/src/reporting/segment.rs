//! Segments: groups of customers, or of other records, that are worked on as one.

use serde_json::{Value, json};

use crate::{
    choices, entity,
    identity::sharing::Sharing,
    model::{
        fault::{Fault, FaultCode, unknown},
        field::Field,
        object::Object,
        record::{Draft, Record},
        registry,
        structures::filter::FILTER,
    },
    query::predicate::segment::KnownSegment,
};

/// How many live segments a tenant has at most.
pub const MOST_SEGMENTS: usize = 100;
/// How many members a fixed segment has at most.
pub const MOST_MEMBERS: i64 = 50_000;
/// How many members are put in, or taken out, in one request.
pub const MOST_AT_ONCE: usize = 500;

/// The verbs of the events of records that enter a segment, and of those that leave it.
pub const ENTERED: &str = "entered_segment";
pub const LEFT: &str = "left_segment";

choices! {
    /// How a segment comes by its members.
    pub enum SegmentKind {
        Dynamic "dynamic" "Dynamic" "动态",
        Fixed "fixed" "Fixed" "固定",
    }
}

entity! {
    /// A segment: a group of customers, contacts, leads or opportunities. Lists, searches, counts, reports and exports take it as a filter:
    /// `GET /v1/customers?segments_any={id}` are its members, `segments_none={id}` all others, and `total=true` counts them; whoever asks
    /// finds what they may see. A dynamic segment is a filter: whatever meets it when it is asked is a member. Who may not see all fields of
    /// the filter is refused, as the members would tell of them. A fixed segment is a list of records: POST …/members puts some in or takes
    /// some out, and POST …/refresh takes those that meet its filter now. Records that enter or leave leave the events
    /// `customer.entered_segment` and `customer.left_segment` (likewise of the other objects): at once where fields of the record itself
    /// change, and otherwise, as with time or with related records, within ten minutes. Those that a dynamic segment has from the beginning,
    /// and after its filter was changed, leave none. An archived segment cannot be used: lists and filters that name it are refused until it
    /// is restored.
    pub struct Segment("segment", "segments", "segments", "Segment", "客户分群") [owned, external] {
        /// The name.
        name: String => text(200).required().title().indexed().label("Name", "名称").example("华东重点客户"),
        /// Who is in it, and what it is for.
        description: Option<String> => long_text(2_000).label("Description", "说明"),
        /// The object whose records are its members: `customer`, `contact`, `lead` or `opportunity`.
        object: String => text(40).required().on_create().indexed().label("Object", "对象").example("customer"),
        /// `dynamic`: whatever meets the filter; `fixed`: what was put in.
        kind: Option<SegmentKind> => choice(SegmentKind::choices()).default("dynamic").on_create().indexed().label("Kind", "类型").example("dynamic"),
        /// A filter, as searches take it. A dynamic segment requires one; a fixed one is filled by it when it is refreshed. Days are relative
        /// to the day when it is asked. It names neither `me` nor other segments.
        filter: Option<Value> => structure(&FILTER).opaque().label("Filter", "筛选").example(json!({"field": "region", "value": "华东"})),
        /// Who may use it beside its owner; `team` are those who work in its team or lead it.
        shared_with: Option<Sharing> => choice(Sharing::choices()).default("private").indexed().label("Shared with", "共享范围").example("team"),
    }
    extend |object| object
        .configuration()
        .shared_by("shared_with")
        .rule(is_of_an_object)
        .rule(says_who_is_in_it)
}

/// The objects whose records can be members.
pub fn objects() -> impl Iterator<Item = &'static Object> {
    registry::objects().into_iter().filter(|object| field_of(object).is_some())
}

/// The field by which records of an object are found by their segments.
#[must_use]
pub fn field_of(object: &'static Object) -> Option<&'static Field> {
    object.fields.iter().find(|field| field.is_of_segments())
}

/// A segment as filters know it.
#[must_use]
pub fn known(segment: &Record<Segment>) -> Option<KnownSegment> {
    let object = registry::object(segment.get(Segment::object))?.name;
    let filter = match segment.get(Segment::kind) {
        Some(SegmentKind::Fixed) => None,
        Some(SegmentKind::Dynamic) | None => Some(segment.get(Segment::filter)?.clone()),
    };
    Some(KnownSegment { id: segment.id(), object, filter })
}

/// Whether it is told who enters and leaves a segment as records change.
#[must_use]
pub fn is_followed(segment: &Record<Segment>) -> bool {
    !segment.is_archived() && segment.get(Segment::kind) == Some(SegmentKind::Dynamic)
}

fn is_of_an_object(draft: &mut Draft<'_, Segment>) {
    match registry::named(draft.after.get(Segment::object)).filter(|object| field_of(object).is_some()) {
        Some(object) => draft.after.set(Segment::object, object.name),
        None => {
            let known = objects().map(|object| object.name);
            let fault = unknown(Segment::object.pointer(), FaultCode::UnknownChoice, draft.after.get(Segment::object), known);
            draft.faults.add(fault);
        }
    }
}

fn says_who_is_in_it(draft: &mut Draft<'_, Segment>) {
    if draft.after.get(Segment::kind) == Some(SegmentKind::Dynamic) && draft.after.is_null(Segment::filter) {
        draft.faults.add(Fault::new(Segment::filter.pointer(), FaultCode::Required));
    }
}
