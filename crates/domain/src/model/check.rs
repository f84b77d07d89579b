//! Whether what declarations name is there: fields, relations and objects are known to each other by their names, and a wrong one is
//! found when the registry is built, not when the first request meets it.

use std::{collections::HashMap, ptr};

use crate::model::{
    field::{ANY_OBJECT, Field, FieldType, Link, Storage, Structure},
    object::{Object, Reach, Relation},
    recurring::{ID, NUMBER},
};

/// What is wrong with the names in the declarations of all objects, a sentence each.
#[must_use]
pub fn faults(objects: &[&Object]) -> Vec<String> {
    let mut check = Check { objects, faults: Vec::new() };
    for (place, object) in objects.iter().enumerate() {
        for other in &objects[..place] {
            let names = [("name", object.name, other.name), ("collection", object.collection, other.collection)];
            for (what, own, others) in names.into_iter().chain([("table", object.table, other.table)]) {
                check.demand(own != others, || format!("{} and {} share the {what} {own}", other.name, object.name));
            }
        }
        check.fields(object);
        check.relations(object);
        check.features(object);
        check.hiding(object);
    }
    check.links();
    check.structures();
    check.faults
}

struct Check<'o> {
    objects: &'o [&'o Object],
    faults: Vec<String>,
}

impl<'o> Check<'o> {
    fn demand(&mut self, holds: bool, fault: impl FnOnce() -> String) {
        if !holds {
            self.faults.push(fault());
        }
    }

    /// The object of this name, which something asks for.
    fn object(&mut self, name: &str, what: impl FnOnce() -> String) -> Option<&'o Object> {
        let found = self.objects.iter().copied().find(|object| object.name == name);
        self.demand(found.is_some(), || format!("{} names the object {name}, which is none", what()));
        found
    }

    /// The field of an object that something asks for.
    fn field<'f>(&mut self, object: &'f Object, name: &str, what: impl FnOnce() -> String) -> Option<&'f Field> {
        let found = object.field(name);
        self.demand(found.is_some(), || format!("{} names the field {name}, which {} has not", what(), object.name));
        found
    }

    /// A field of a table, which keeps the id of a record.
    fn reference(&mut self, (holder, name): (&Object, &str), target: &str, what: &dyn Fn() -> String) {
        let Some(field) = self.field(holder, name, what) else { return };
        let refers = matches!(&field.kind, FieldType::Reference(object) if object == target) && field.storage == Storage::Column;
        self.demand(refers, || format!("{} goes by {name}, which is no reference to {target} in a column", what()));
    }

    fn fields(&mut self, object: &'o Object) {
        for (place, field) in object.fields.iter().enumerate() {
            let what = || format!("the field {} of {}", field.name, object.name);
            let twice = object.fields[..place].iter().any(|other| other.name == field.name);
            self.demand(!twice, || format!("{} is declared twice", what()));
            // A record of the documentation shows every field, and null is no value of this one.
            let made =
                matches!(field.kind, FieldType::Id | FieldType::Reference(_) | FieldType::References(_) | FieldType::DateTime);
            let shown = made || field.example.is_some() || field.default.is_some() || !(field.required || field.filled);
            self.demand(shown, || format!("{} has no example, though it is never null", what()));
            match &field.kind {
                FieldType::Reference(target) if *target != ANY_OBJECT => drop(self.object(target, what)),
                FieldType::Count(counted) => match object.relation(counted.relation) {
                    None => self.faults.push(format!("{} counts {}, which is no relation of it", what(), counted.relation)),
                    Some(relation) => {
                        let many = relation.reach.is_to_many();
                        self.demand(many, || format!("{} counts {}, which leads to one", what(), relation.name));
                        let target = self.objects.iter().find(|known| known.name == relation.target);
                        let opens = !counted.open || target.is_none_or(|target| target.open.is_some());
                        let fault = || format!("{} counts what is open, but no {} says when it is", what(), relation.target);
                        self.demand(opens, fault);
                    }
                },
                _ => {}
            }
        }
    }

    fn relations(&mut self, object: &'o Object) {
        for (place, relation) in object.relations.iter().enumerate() {
            let what = || format!("the relation {} of {}", relation.name, object.name);
            let twice = object.relations[..place].iter().any(|other| other.name == relation.name);
            self.demand(!twice, || format!("{} is declared twice", what()));
            let Some(target) = self.object(relation.target, what) else { continue };
            match relation.reach {
                // What has the id of what it is about, and says so.
                Reach::ToOne { field } if field == ID.name() => {
                    let about = format!("{}_id", object.name);
                    self.reference((target, &about), object.name, &what);
                }
                Reach::ToOne { field } => self.reference((object, field), target.name, &what),
                Reach::Attached { field, object: told } => {
                    for name in [field, told] {
                        self.field(object, name, what);
                    }
                }
                Reach::Inverse { field } => self.reference((target, field), object.name, &what),
                Reach::Linked { link, holder } => {
                    let (holder, linked) = if holder { (object, target) } else { (target, object) };
                    let holds = holder.fields.iter().any(|field| link_of(field).is_some_and(|held| held.table == link.table));
                    let fault = || format!("{} goes by {}, which no field of {} holds", what(), link.table, holder.name);
                    self.demand(holds, fault);
                    let leads = [linked.name, ANY_OBJECT].contains(&link.target);
                    self.demand(leads, || format!("{} goes by {}, which leads to {}", what(), link.table, link.target));
                }
            }
        }
    }

    /// What an object says of itself by the names of its fields.
    fn features(&mut self, object: &'o Object) {
        let name = object.name;
        self.field(object, object.title, || format!("the title of {name}"));
        if object.number_prefix.is_some() {
            self.field(object, NUMBER.name(), || format!("the numbering of {name}"));
        }
        for key in &object.order {
            let Some(order) = self.field(object, key.field, || format!("the order of {name}")) else { continue };
            let sorts = order.sortable || matches!(order.kind, FieldType::Reference(_));
            let sorts = sorts && order.storage == Storage::Column;
            self.demand(sorts, || format!("{name} is ordered by {}, which sorts nothing", order.name));
            self.demand(!sorts || order.is_never_null(), || format!("{name} is ordered by {}, which may be null", order.name));
        }
        for (place, unique) in object.unique.iter().enumerate() {
            self.field(object, unique.field, || format!("the unique index {} of {name}", unique.index));
            if let Some(within) = unique.within {
                self.field(object, within, || format!("the unique index {} of {name}", unique.index));
            }
            let twice = object.unique[..place].iter().any(|other| other.index == unique.index);
            self.demand(!twice, || format!("the unique index {} of {name} is declared twice", unique.index));
        }
        if let Some(parent) = object.parent {
            let what = || format!("the parent of {name}");
            if self.object(parent.object, what).is_some() {
                self.reference((object, parent.field), parent.object, &what);
            }
        }
        if let Some(parts) = object.made_with {
            let target =
                object.relation(parts).and_then(|relation| self.objects.iter().find(|known| known.name == relation.target));
            let are_parts = target.and_then(|target| target.parent).is_some_and(|parent| parent.object == name);
            self.demand(are_parts && !object.has(parts), || format!("{name} is made with {parts}, which are no parts of it"));
        }
        if let Some(attached) = &object.attached {
            for field in [attached.object, attached.field] {
                self.field(object, field, || format!("what {name} is attached to"));
            }
            for target in &attached.targets {
                self.object(target, || format!("what {name} is attached to"));
            }
        }
        if let Some(user) = object.personal {
            self.reference((object, user), "user", &|| format!("whose each {name} is"));
        }
        for relation in &object.read_with {
            let known = object.relation(relation).is_some();
            self.demand(known, || format!("{name} is read with {relation}, which is no relation of it"));
        }
        for kept in object.ledger.into_iter().flat_map(|ledger| ledger.fields_of(object)) {
            let in_column = kept.storage == Storage::Column;
            self.demand(in_column, || format!("the ledger of {name} keeps {}, which has no column", kept.name));
        }
    }

    fn hiding(&mut self, object: &'o Object) {
        let name = object.name;
        for (field, told) in &object.hidden_beside {
            self.field(object, field, || format!("what {name} hides"));
            self.field(object, told, || format!("what {name} hides {field} beside"));
        }
        for (field, of_parent) in &object.hidden_with {
            self.field(object, field, || format!("what {name} hides"));
            let parent = object.parent.and_then(|parent| self.objects.iter().copied().find(|known| known.name == parent.object));
            match parent {
                Some(parent) => drop(self.field(parent, of_parent, || format!("what {name} hides {field} with"))),
                None => self.faults.push(format!("{name} hides {field} with {of_parent} of a parent that it has not")),
            }
        }
    }

    /// Links of one table are kept in the same columns, and lead to objects that are there.
    fn links(&mut self) {
        let of_relations = |relation: &Relation| match relation.reach {
            Reach::Linked { link, .. } => Some(link),
            Reach::ToOne { .. } | Reach::Inverse { .. } | Reach::Attached { .. } => None,
        };
        let mut known: HashMap<&str, &Link> = HashMap::new();
        for object in self.objects {
            let held = object.fields.iter().filter_map(link_of);
            for link in held.chain(object.relations.iter().filter_map(of_relations)) {
                if link.target != ANY_OBJECT {
                    self.object(link.target, || format!("the links {} of {}", link.table, object.name));
                }
                let first = *known.entry(link.table).or_insert(link);
                let alike = (first.from, first.to, first.shared) == (link.from, link.to, link.shared);
                self.demand(alike, || format!("the links {} are declared with other columns by {}", link.table, object.name));
            }
        }
    }

    /// Structures are told apart by their names.
    fn structures(&mut self) {
        let mut known: HashMap<&str, &Structure> = HashMap::new();
        for object in self.objects {
            for field in &object.fields {
                let FieldType::Structure(structure) = field.kind else { continue };
                let first = *known.entry(structure.name).or_insert(structure);
                let fault = || format!("{} of {} is another structure named {}", field.name, object.name, structure.name);
                self.demand(ptr::eq(first, structure), fault);
            }
        }
    }
}

/// The links that a field holds.
fn link_of(field: &Field) -> Option<&'static Link> {
    match &field.kind {
        FieldType::References(link) => Some(link),
        FieldType::Structure(structure) => structure.link,
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        field::Counted,
        object::{Ledger, Reach::*, falling, rising},
        structures::contact_points::{EMAILS, PHONES},
    };

    static SEATS: Link = Link { table: "house_seats", from: "house_id", to: "guest_id", target: "guest", shared: false };
    static WRONG_SEATS: Link = Link { from: "home_id", ..SEATS };
    static NOWHERE: Link = Link { table: "house_bells", from: "house_id", to: "bell_id", target: "bell", shared: false };
    static MAILS: Structure = Structure { name: EMAILS.name, ..PHONES };

    fn reference(name: &'static str, object: &'static str) -> Field {
        Field::new(name, FieldType::Reference(object.into()))
    }

    fn object(name: &'static str, collection: &'static str, fields: Vec<Field>) -> Object {
        let mut all = vec![
            Field::new("name", FieldType::Text { max: 80 }).required().example("Elm"),
            Field::new("created_at", FieldType::DateTime),
        ];
        all.extend(fields);
        Object::new(name, collection, collection, (name, name), name, all)
    }

    fn relation(name: &'static str, target: &'static str, reach: Reach) -> Relation {
        Relation { name, target, reach }
    }

    /// A house with guests, as it is declared beside a guest.
    fn house() -> Object {
        let fields = vec![
            reference("host_id", "guest"),
            Field::new("seats", FieldType::References(&SEATS)),
            Field::new("emails", FieldType::Structure(&EMAILS)),
            Field::new("state", FieldType::Boolean).detail(),
            Field::new("guest_count", FieldType::Count(Counted { relation: "guests", open: false })),
        ];
        object("house", "houses", fields).unique("houses_name_key", "name").relations([
            relation("host", "guest", ToOne { field: "host_id" }),
            relation("guests", "guest", Inverse { field: "house_id" }),
            relation("seats", "guest", Linked { link: &SEATS, holder: true }),
        ])
    }

    fn guest() -> Object {
        object("guest", "guests", vec![reference("house_id", "house"), reference("user_id", "user")])
    }

    fn with(house: Object) -> Vec<String> {
        with_guest(house, guest())
    }

    fn with_guest(house: Object, guest: Object) -> Vec<String> {
        let user = object("user", "users", Vec::new());
        faults(&[&house, &guest, &user])
    }

    /// A house with fields that it should not have.
    fn having(fields: Vec<Field>) -> Vec<String> {
        let mut all = house().fields.into_iter().skip(2).collect::<Vec<_>>();
        all.extend(fields);
        with(object("house", "houses", all).relations(house().relations))
    }

    fn led(relations: impl IntoIterator<Item = Relation>) -> Vec<String> {
        with(house().relations(relations))
    }

    #[test]
    fn what_is_there_is_not_at_fault() {
        let guest =
            guest().below("house", "house_id").personal("user_id").hidden_with(["name"], "state").ordered_by([rising("name")]);
        let guest = guest.read_with(["house"]).hidden_beside("name", ["user_id"]);
        assert_eq!(with_guest(house(), guest), [""; 0]);
        assert!(!crate::model::registry::objects().is_empty());
    }

    #[test]
    fn what_is_never_null_has_an_example() {
        let shown = having(vec![Field::new("opened_on", FieldType::Date).filled()]);
        assert_eq!(shown, ["the field opened_on of house has no example, though it is never null"]);
    }

    #[test]
    fn relations_lead_somewhere() {
        assert_eq!(
            led([relation("cook", "guest", ToOne { field: "cook_id" })]),
            ["the relation cook of house names the field cook_id, which house has not"]
        );
        assert_eq!(
            led([relation("cook", "cook", ToOne { field: "host_id" })]),
            ["the relation cook of house names the object cook, which is none"]
        );
        assert_eq!(
            led([relation("owner", "user", ToOne { field: "host_id" })]),
            ["the relation owner of house goes by host_id, which is no reference to user in a column"]
        );
        assert_eq!(
            led([relation("visitors", "guest", Inverse { field: "home_id" })]),
            ["the relation visitors of house names the field home_id, which guest has not"]
        );
        assert_eq!(
            led([relation("visitors", "guest", Inverse { field: "user_id" })]),
            ["the relation visitors of house goes by user_id, which is no reference to house in a column"]
        );
        assert_eq!(
            led([relation("host", "guest", ToOne { field: "host_id" })]),
            ["the relation host of house is declared twice"]
        );
    }

    #[test]
    fn links_are_held_and_kept_in_one_way() {
        assert_eq!(
            led([relation("houses", "guest", Linked { link: &SEATS, holder: false })]),
            [
                "the relation houses of house goes by house_seats, which no field of guest holds",
                "the relation houses of house goes by house_seats, which leads to guest"
            ]
        );
        assert_eq!(
            led([relation("bells", "guest", Linked { link: &WRONG_SEATS, holder: true })]),
            ["the links house_seats are declared with other columns by house"]
        );
        assert_eq!(
            having(vec![Field::new("bells", FieldType::References(&NOWHERE))]),
            ["the links house_bells of house names the object bell, which is none"]
        );
        assert_eq!(
            having(vec![Field::new("mails", FieldType::Structure(&MAILS))]),
            ["mails of house is another structure named emails"]
        );
    }

    #[test]
    fn fields_refer_to_objects_and_count_relations() {
        let count = |relation, open| vec![Field::new("cook_count", FieldType::Count(Counted { relation, open }))];
        assert_eq!(
            having(vec![reference("cook_id", "cook")]),
            ["the field cook_id of house names the object cook, which is none"]
        );
        assert_eq!(having(vec![reference("host_id", "guest")]), ["the field host_id of house is declared twice"]);
        assert_eq!(having(count("cooks", false)), ["the field cook_count of house counts cooks, which is no relation of it"]);
        assert_eq!(having(count("host", false)), ["the field cook_count of house counts host, which leads to one"]);
        assert_eq!(
            having(count("guests", true)),
            ["the field cook_count of house counts what is open, but no guest says when it is"]
        );
    }

    #[test]
    fn what_an_object_says_of_itself_names_its_fields() {
        assert_eq!(with(house().titled("title")), ["the title of house names the field title, which house has not"]);
        assert_eq!(
            with(house().ordered_by([falling("built_on")])),
            ["the order of house names the field built_on, which house has not"]
        );
        assert_eq!(with(house().ordered_by([falling("state")])), ["house is ordered by state, which sorts nothing"]);
        assert_eq!(with(house().ordered_by([rising("host_id")])), ["house is ordered by host_id, which may be null"]);
        assert_eq!(with(house().numbered("H-")), ["the numbering of house names the field number, which house has not"]);
        assert_eq!(
            with(house().unique("houses_code_key", "code")),
            ["the unique index houses_code_key of house names the field code, which house has not"]
        );
        assert_eq!(
            with(house().unique("houses_name_key", "state")),
            ["the unique index houses_name_key of house is declared twice"]
        );
        assert_eq!(with(house().personal("user_id")), ["whose each house is names the field user_id, which house has not"]);
        assert_eq!(
            with(house().personal("host_id")),
            ["whose each house is goes by host_id, which is no reference to user in a column"]
        );
        assert_eq!(with(house().read_with(["garden"])), ["house is read with garden, which is no relation of it"]);
        let streets = with(house().below("street", "street_id"));
        assert_eq!(streets[1], "the parent of house names the object street, which is none");
        assert_eq!(
            faults(&[&guest(), &object("user", "guests", Vec::new())])[..2],
            ["the field house_id of guest names the object house, which is none", "guest and user share the collection guests"]
        );
    }

    #[test]
    fn what_is_hidden_is_there() {
        assert_eq!(
            with(house().hidden_beside("size", ["state"])),
            ["what house hides names the field size, which house has not"]
        );
        assert_eq!(
            with(house().hidden_beside("state", ["size"])),
            ["what house hides state beside names the field size, which house has not"]
        );
        assert_eq!(with(house().hidden_with(["state"], "name")), ["house hides state with name of a parent that it has not"]);
        assert_eq!(
            with_guest(house(), guest().below("house", "house_id").hidden_with(["name"], "size")),
            ["what guest hides name with names the field size, which house has not"]
        );
    }

    #[test]
    fn ledgers_keep_columns() {
        static LEDGER: Ledger =
            Ledger { table: "house_ledger", fields: &["state"], fixed: &[], step: "state", since: "state", past: |_| Vec::new() };
        assert_eq!(with(house().ledger(&LEDGER)), ["the ledger of house keeps state, which has no column"]);
    }

    #[test]
    #[should_panic(expected = "the ledger of house keeps rent, which it has not")]
    fn a_ledger_of_what_is_not_there_is_refused() {
        static LEDGER: Ledger =
            Ledger { table: "house_ledger", fields: &["rent"], fixed: &[], step: "rent", since: "rent", past: |_| Vec::new() };
        let _ = house().ledger(&LEDGER);
    }

    #[test]
    #[should_panic(expected = "no house can be open while its state is ajar")]
    fn an_object_is_open_by_a_choice_of_its_own() {
        let _ = house().open_while("state", &["ajar"]);
    }
}
