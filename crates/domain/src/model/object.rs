//! An object: the kind of a record, with the table of its fields and its relations to other objects.

use std::{collections::HashMap, sync::Arc};

use crate::{
    model::{
        cell::Cell,
        entity::Entity,
        field::{Field, FieldType, Keyed, Label, Link, Storage, Writable},
        handle::{Any, Handle},
        record::{Draft, Record},
        recurring::{CREATED_AT, NUMBER, slots},
    },
    values::time::Timestamp,
};

/// How records of one object are found from a record of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// The record's own reference field names one record.
    ToOne { field: &'static str },
    /// The other object's reference field names this record.
    Inverse { field: &'static str },
    /// A link table, read from its `from` side (this record holds the field) or from its `to` side.
    Linked { link: &'static Link, holder: bool },
    /// The record's own field names one record of the object that another of its fields tells.
    Attached { object: &'static str, field: &'static str },
}

impl Reach {
    #[must_use]
    pub fn is_to_many(&self) -> bool {
        !matches!(self, Reach::ToOne { .. } | Reach::Attached { .. })
    }
}

/// A named way from an object to another, for filters (`customer.region`) and `expand`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Relation {
    pub name: &'static str,
    pub target: &'static str,
    pub reach: Reach,
}

/// What no two live records of a tenant may share.
#[derive(Debug)]
pub struct Unique {
    /// The unique index that guards it; its name is how a violation is told from another.
    pub index: &'static str,
    /// The field named in the problem.
    pub field: &'static str,
    /// The field within whose value it is unique, if it is not so among all; those without that value are unique among themselves.
    pub within: Option<&'static str>,
}

/// Where records live that are parts of another: their paths begin with its path, and whoever may read or change it may read
/// or change them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parent {
    /// The object, and the name of the relation that leads to it.
    pub object: &'static str,
    /// The reference field that names the parent.
    pub field: &'static str,
}

/// What records belong to that are attached to records of several objects: they are read by whoever may read that record, and changed
/// by whoever may change it. One that belongs to nothing is its author's alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attached {
    /// The field that tells the object, and the one that tells the record.
    pub object: &'static str,
    pub field: &'static str,
    /// The objects.
    pub targets: Vec<&'static str>,
}

/// A key of the order of a list: a field that is never null, and which way it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    pub field: &'static str,
    pub descending: bool,
}

/// The least first.
#[must_use]
pub const fn rising(field: &'static str) -> Order {
    Order { field, descending: false }
}

/// The greatest or latest first.
#[must_use]
pub const fn falling(field: &'static str) -> Order {
    Order { field, descending: true }
}

/// A table with what was true of each record from one time until another: a row for each change of certain fields. It is written
/// with every write of a record, and lists can be read from it as of any time.
#[derive(Debug)]
pub struct Ledger {
    pub table: &'static str,
    /// The fields whose changes it keeps; columns of the same names.
    pub fields: &'static [&'static str],
    /// Fields that stay as they are when a record is made: their past is known too.
    pub fixed: &'static [&'static str],
    /// The field whose steps it measures: the stage of an opportunity.
    pub step: &'static str,
    /// The field that tells when the present step was entered; one of `fields`.
    pub since: &'static str,
    /// What a new record was before it came here, oldest first.
    pub past: fn(&Record) -> Vec<Record>,
}

impl Ledger {
    /// The fields whose changes it keeps, in the table of its object.
    pub fn fields_of<'o>(&self, object: &'o Object) -> impl Iterator<Item = &'o Field> {
        self.fields.iter().filter_map(|name| object.field(name))
    }

    /// When a record entered its present step.
    #[must_use]
    pub fn entered(&self, record: &Record) -> Option<Timestamp> {
        match record.cell(record.object().field(self.since)?).as_ref() {
            Cell::Time(time) => Some(*time),
            _ => None,
        }
    }
}

/// A rule of an object: standardises, derives and checks a draft; faults go into the draft.
pub struct Rule(Box<dyn Fn(&mut Draft<'_>) + Send + Sync>);

impl Rule {
    pub fn apply(&self, draft: &mut Draft<'_>) {
        (self.0)(draft);
    }
}

impl std::fmt::Debug for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a rule")
    }
}

/// What drafts that rules see can be of: an entity, or any object.
pub trait Ruled: Sized + 'static {
    fn erase(rule: fn(&mut Draft<'_, Self>)) -> Rule;
}

impl<E: Entity> Ruled for E {
    fn erase(rule: fn(&mut Draft<'_, E>)) -> Rule {
        Rule(Box::new(move |draft| draft.apply(rule)))
    }
}

impl Ruled for Any {
    fn erase(rule: fn(&mut Draft<'_>)) -> Rule {
        Rule(Box::new(rule))
    }
}

#[derive(Debug)]
pub struct Object {
    /// Singular, in events and permissions: `customer`.
    pub name: &'static str,
    /// Plural, in paths: `api-keys`.
    pub collection: &'static str,
    /// The table: `api_keys`.
    pub table: &'static str,
    pub label: Label,
    pub doc: &'static str,
    pub fields: Vec<Field>,
    pub relations: Vec<Relation>,
    pub unique: Vec<Unique>,
    pub rules: Vec<Rule>,
    /// The field people know a record by.
    pub title: &'static str,
    /// The prefix of the numbers that the server gives in the field `number`.
    pub number_prefix: Option<&'static str>,
    /// Whether its records say how work is done and are not what the work is about: searches give them last.
    pub configuration: bool,
    /// Whether its records are made and changed by Farley alone: the generic endpoints only read them.
    pub read_only: bool,
    /// What its records are parts of.
    pub parent: Option<Parent>,
    /// What its records are attached to.
    pub attached: Option<Attached>,
    /// Whether its records are made by endpoints of their own, and not by a plain body.
    pub made_by_hand: bool,
    /// The relation to parts that the request which creates a record may bring along.
    pub made_with: Option<&'static str>,
    /// Whether its records, parts of others, are read across all parents too: `/v1/stages`.
    pub also_alone: bool,
    /// Fields that are hidden where a field of the parent is, as that can be told from them: own field, the parent's field.
    pub hidden_with: Vec<(&'static str, &'static str)>,
    /// Fields that are hidden where another of the same record is, as that can be told from them: the field, and what it tells of.
    pub hidden_beside: Vec<(&'static str, &'static str)>,
    /// Relations to records whose readers may read these too: who sees a customer sees what was done for it.
    pub read_with: Vec<&'static str>,
    pub ledger: Option<&'static Ledger>,
    /// What lists are ordered by unless asked otherwise; among records alike in all of it, by id the way the last key goes.
    pub order: Vec<Order>,
    /// The reference to the one user whose records alone each user reaches, whatever their roles say.
    pub personal: Option<&'static str>,
    /// When a record is open, for counts of those that are: the field, and its values then.
    pub open: Option<(&'static str, &'static [&'static str])>,
    /// The reference to the record that has taken a record's place, as when two are merged. Lists leave out those that have one, unless
    /// they are asked for.
    pub superseded_by: Option<&'static str>,
    /// Whether who made a record may read it whoever has it now.
    pub read_by_author: bool,
    /// The choice that says with whom a record is shared: who else reads it.
    pub shared_by: Option<&'static str>,
    /// Whether a new record is nobody's until somebody is named, and not of whoever makes it.
    pub waits_for_owner: bool,
    /// How many cells a record has.
    pub slots: usize,
    by_name: HashMap<&'static str, usize>,
}

impl Object {
    #[must_use]
    pub fn new(
        name: &'static str,
        collection: &'static str,
        table: &'static str,
        label: (&'static str, &'static str),
        doc: &'static str,
        mut fields: Vec<Field>,
    ) -> Object {
        let last = |fields: &[Field]| fields.iter().map(|field| field.slot).filter(|slot| *slot != Field::NOWHERE).max();
        let mut slots = last(&fields).map_or(slots::OWN, |last| slots::OWN.max(last + 1));
        for field in fields.iter_mut().filter(|field| field.slot == Field::NOWHERE) {
            field.slot = slots::of(&field.name).unwrap_or_else(|| {
                slots += 1;
                slots - 1
            });
        }
        let by_name = fields
            .iter()
            .enumerate()
            .filter_map(|(position, field)| match &field.name {
                std::borrow::Cow::Borrowed(name) => Some((*name, position)),
                std::borrow::Cow::Owned(_) => None,
            })
            .collect();
        Object {
            name,
            collection,
            table,
            label: Label { en: label.0.into(), zh: label.1.into() },
            doc,
            fields,
            relations: Vec::new(),
            unique: Vec::new(),
            rules: Vec::new(),
            title: "name",
            number_prefix: None,
            configuration: false,
            read_only: false,
            parent: None,
            attached: None,
            made_by_hand: false,
            made_with: None,
            also_alone: false,
            hidden_with: Vec::new(),
            hidden_beside: Vec::new(),
            read_with: Vec::new(),
            ledger: None,
            order: vec![falling(CREATED_AT.name())],
            personal: None,
            open: None,
            superseded_by: None,
            read_by_author: false,
            shared_by: None,
            waits_for_owner: false,
            slots,
            by_name,
        }
    }

    #[must_use]
    pub fn relations(mut self, relations: impl IntoIterator<Item = Relation>) -> Object {
        self.relations.extend(relations);
        self
    }

    #[must_use]
    pub fn unique(mut self, index: &'static str, field: &'static str) -> Object {
        self.unique.push(Unique { index, field, within: None });
        // What people write is taken by whoever wrote it otherwise; what Farley writes has one form.
        let is_written = |known: &&mut Field| known.name == field && known.writable != Writable::Never;
        if let Some(field) = self.fields.iter_mut().find(is_written).filter(|field| matches!(field.kind, FieldType::Text { .. }))
        {
            field.keyed = Some(Keyed::Text);
        }
        self
    }

    /// The same within the value of another field.
    #[must_use]
    pub fn unique_within(self, index: &'static str, field: &'static str, within: &'static str) -> Object {
        let mut object = self.unique(index, field);
        if let Some(unique) = object.unique.last_mut() {
            unique.within = Some(within);
        }
        object
    }

    #[must_use]
    pub fn rule<E: Ruled>(mut self, rule: fn(&mut Draft<'_, E>)) -> Object {
        self.rules.push(E::erase(rule));
        self
    }

    /// Gives each new record a number of its own in the field `number`.
    #[must_use]
    pub fn numbered(mut self, prefix: &'static str) -> Object {
        self.number_prefix = Some(prefix);
        self.filled(NUMBER.name())
    }

    /// Comes after all other objects in a search of everything.
    #[must_use]
    pub fn configuration(mut self) -> Object {
        self.configuration = true;
        self
    }

    /// Lets those read a record with whom it is shared, as a field says.
    #[must_use]
    pub fn shared_by(mut self, field: &'static str) -> Object {
        self.shared_by = Some(field);
        self
    }

    /// Leaves writing to hand-written endpoints.
    #[must_use]
    pub fn read_only(mut self) -> Object {
        self.read_only = true;
        self
    }

    /// Puts the records below another object's: `/v1/pipelines/{pipeline_id}/stages`.
    #[must_use]
    pub fn below(mut self, object: &'static str, field: &'static str) -> Object {
        self.parent = Some(Parent { object, field });
        self.filled(field).relations([Relation { name: object, target: object, reach: Reach::ToOne { field } }])
    }

    /// Attaches records to those of other objects, one each, by the field that tells the object and the one that tells the record.
    #[must_use]
    pub fn attached(
        mut self,
        object: &'static str,
        field: &'static str,
        targets: impl IntoIterator<Item = &'static str>,
    ) -> Object {
        self.attached = Some(Attached { object, field, targets: targets.into_iter().collect() });
        self
    }

    /// Leaves making records to hand-written endpoints.
    #[must_use]
    pub fn made_by_hand(mut self) -> Object {
        self.made_by_hand = true;
        self
    }

    /// Lets the request that creates a record bring parts of it along, which a relation leads to: the lines of an order.
    #[must_use]
    pub fn made_with(mut self, relation: &'static str) -> Object {
        self.made_with = Some(relation);
        self
    }

    /// Lets records that are parts of others be listed and read by themselves too, whatever they are parts of: `/v1/stages`.
    #[must_use]
    pub fn also_alone(mut self) -> Object {
        self.also_alone = true;
        self
    }

    /// Hides fields from whom a field of the parent is hidden.
    #[must_use]
    pub fn hidden_with(mut self, fields: impl IntoIterator<Item = &'static str>, of_parent: &'static str) -> Object {
        self.hidden_with.extend(fields.into_iter().map(|field| (field, of_parent)));
        self
    }

    /// Hides a field from whom any of those that it tells of is hidden.
    #[must_use]
    pub fn hidden_beside(mut self, field: &'static str, told: impl IntoIterator<Item = &'static str>) -> Object {
        self.hidden_beside.extend(told.into_iter().map(|told| (field, told)));
        self
    }

    /// Lets whoever may read what these relations lead to read the records too.
    #[must_use]
    pub fn read_with(mut self, relations: impl IntoIterator<Item = &'static str>) -> Object {
        self.read_with.extend(relations);
        self
    }

    /// Keeps a ledger of the records.
    ///
    /// # Panics
    /// Where the ledger keeps what the object has not: a declaration that contradicts itself is found when its table is made.
    #[must_use]
    pub fn ledger(mut self, ledger: &'static Ledger) -> Object {
        for name in ledger.fields.iter().chain(ledger.fixed).chain([&ledger.step, &ledger.since]) {
            assert!(self.has(name), "the ledger of {} keeps {name}, which it has not", self.name);
        }
        assert!(ledger.fields.contains(&ledger.since), "the ledger of {} does not keep {}", self.name, ledger.since);
        self.ledger = Some(ledger);
        self
    }

    /// Orders lists by fields that are never null.
    #[must_use]
    pub fn ordered_by(mut self, keys: impl IntoIterator<Item = Order>) -> Object {
        self.order = keys.into_iter().collect();
        self
    }

    /// Says when a record is open.
    ///
    /// # Panics
    /// Where the object has no such choice: a declaration that contradicts itself is found when its table is made.
    #[must_use]
    pub fn open_while(mut self, field: &'static str, values: &'static [&'static str]) -> Object {
        for value in values {
            let is_choice = |field: &Field| matches!(&field.kind, FieldType::Choice(choices) if choices.iter().any(|one| one.value == *value));
            assert!(self.field(field).is_some_and(is_choice), "no {} can be open while its {field} is {value}", self.name);
        }
        self.open = Some((field, values));
        self
    }

    /// Names the reference to the record that a record was merged into.
    #[must_use]
    pub fn superseded_by(mut self, field: &'static str) -> Object {
        self.superseded_by = Some(field);
        self
    }

    /// Lets who made a record follow what becomes of it.
    #[must_use]
    pub fn read_by_author(mut self) -> Object {
        self.read_by_author = true;
        self
    }

    /// Leaves new records to nobody until somebody is named.
    #[must_use]
    pub fn waits_for_owner(mut self) -> Object {
        self.waits_for_owner = true;
        self
    }

    /// Keeps each record to the user that a field names.
    #[must_use]
    pub fn personal(mut self, field: &'static str) -> Object {
        self.personal = Some(field);
        self.filled(field)
    }

    /// Notes that no stored record lacks a field.
    fn filled(mut self, field: &str) -> Object {
        if let Some(field) = self.fields.iter_mut().find(|known| known.name == field) {
            field.filled = true;
        }
        self
    }

    #[must_use]
    pub fn titled(mut self, field: &'static str) -> Object {
        self.title = field;
        self
    }

    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.by_name.get(name).map(|position| &self.fields[*position])
    }

    #[must_use]
    pub fn relation(&self, name: &str) -> Option<&Relation> {
        self.relations.iter().find(|relation| relation.name == name)
    }

    /// The order of its lists for somebody who sees only some of the fields: the newest first, where not all of it may be told.
    #[must_use]
    pub fn order_seen(&self, sees: impl Fn(&Field) -> bool) -> Vec<Order> {
        let is_seen = |key: &Order| self.field(key.field).is_some_and(&sees);
        if self.order.iter().all(is_seen) { self.order.clone() } else { vec![falling(CREATED_AT.name())] }
    }

    /// Whether it has a field of this name: `owner_id`, `custom`, `external_ids`, `tag_ids` …
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }

    /// Whether it has a field that recurs.
    #[must_use]
    pub fn bears<T>(&self, handle: Handle<Any, T>) -> bool {
        self.has(handle.name())
    }

    #[must_use]
    pub fn is_searchable(&self) -> bool {
        self.fields.iter().any(|field| field.searchable.is_some())
    }

    /// Whether the past of a field is known: the ledger keeps its changes, or it never changes.
    #[must_use]
    pub fn knows_past(&self, field: &Field) -> bool {
        const FIXED: &[usize] = &[slots::ID, slots::CREATED_AT, slots::CREATED_BY, slots::ARCHIVED_AT];
        let named = |names: &[&str]| names.contains(&field.name.as_ref());
        let kept = self.ledger.is_some_and(|ledger| named(ledger.fields) || named(ledger.fixed));
        field.storage == Storage::Column && (kept || FIXED.contains(&field.slot))
    }

    /// Whether values of fields are kept in the column `details`.
    #[must_use]
    pub fn has_details(&self) -> bool {
        self.fields.iter().any(|field| field.storage == crate::model::field::Storage::Detail)
    }
}

/// An object as one tenant sees it: the declared fields and the tenant's own.
#[derive(Clone, Debug)]
pub struct Schema {
    pub object: &'static Object,
    pub custom: Arc<[Field]>,
}

impl Schema {
    /// The field of a path as clients write it: `name`, or `custom.tier`.
    #[must_use]
    pub fn field(&self, path: &str) -> Option<&Field> {
        match path.strip_prefix("custom.") {
            Some(name) => self.custom.iter().find(|field| field.name == name),
            None => self.object.field(path),
        }
    }

    /// Every field, the declared ones first.
    pub fn fields(&self) -> impl Iterator<Item = &Field> {
        self.object.fields.iter().chain(self.custom.iter())
    }

    /// Paths of all fields, for the nearest known name to a mistyped one.
    #[must_use]
    pub fn paths(&self) -> Vec<String> {
        self.fields().filter(|field| field.kind != FieldType::Custom).map(Field::path).collect()
    }
}

/// The custom fields of one tenant, by object.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Catalog {
    pub custom: HashMap<String, Arc<[Field]>>,
}

impl Catalog {
    #[must_use]
    pub fn schema(&self, object: &'static Object) -> Schema {
        Schema { object, custom: self.custom.get(object.name).cloned().unwrap_or_else(|| Arc::from([])) }
    }
}
