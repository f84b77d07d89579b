//! The rooms of each crate stand in storeys, and no arrow goes up: the imports and paths of the sources are read and held against
//! the table below.
//!
//! Areas are equal among themselves and may know each other without circles; that they reach each other only through what their
//! `mod.rs` exports is the compiler's to see to. What only tests use is left out.

mod arrows;
mod names;

use std::{collections::BTreeSet, path::Path};

use arrows::{Arrow, read};

/// A crate: its rooms from the ground up, each a folder or a file of its root. Rooms of one storey may know each other.
struct House {
    src: &'static str,
    storeys: &'static [&'static [&'static str]],
    /// The areas are a storey too, the one this many storeys are below.
    areas_on: usize,
    /// Arrows that go up all the same, by file and room. The list is only ever to become shorter.
    known: &'static [(&'static str, &'static str)],
}

const AREAS: &[&str] = &[
    "identity",
    "customers",
    "activities",
    "sales",
    "catalog",
    "service",
    "marketing",
    "automation",
    "integration",
    "reporting",
];

const DOMAIN: House = House {
    src: "crates/domain/src",
    storeys: &[&["values"], &["model"], &["query"], AREAS],
    areas_on: 3,
    // The list of all objects is what the generic code and the areas look objects up in.
    known: &[
        ("model/registry.rs", "activities"),
        ("model/registry.rs", "automation"),
        ("model/registry.rs", "catalog"),
        ("model/registry.rs", "customers"),
        ("model/registry.rs", "identity"),
        ("model/registry.rs", "integration"),
        ("model/registry.rs", "marketing"),
        ("model/registry.rs", "reporting"),
        ("model/registry.rs", "sales"),
        ("model/registry.rs", "service"),
    ],
};

const PERSISTENCE: House = House {
    src: "crates/persistence/src",
    storeys: &[
        &["error"],
        &["sql"],
        &["engine"],
        &["records", "reader", "work"],
        AREAS,
        &["store"],
        &["archive", "bare", "scaffold"],
    ],
    areas_on: 4,
    known: &[],
};

const API: House = House {
    src: "crates/api/src",
    storeys: &[&["settings"], &["http"], &["access"], &["records"], AREAS, &["openapi"], &["app"], &["demo", "bench"], &["cli"]],
    areas_on: 4,
    known: &[],
};

impl House {
    fn storey(&self, room: &str) -> Option<usize> {
        self.storeys.iter().position(|rooms| rooms.contains(&room))
    }

    /// What is wrong with the arrows, a line each.
    fn faults(&self, arrows: &[Arrow]) -> Vec<String> {
        let mut faults = BTreeSet::new();
        let mut needed = BTreeSet::new();
        let mut between_areas = BTreeSet::new();
        for arrow in arrows.iter().filter(|arrow| arrow.from != arrow.to) {
            let Some(from) = self.storey(&arrow.from) else {
                faults.insert(format!("{}/{}: the room `{}` has no storey", self.src, arrow.file, arrow.from));
                continue;
            };
            match self.storey(&arrow.to) {
                None => drop(faults.insert(self.told(arrow, "goes through the root; name the room"))),
                Some(to) if to > from => match self.known.iter().find(|(file, room)| *file == arrow.file && *room == arrow.to) {
                    Some(known) => drop(needed.insert(known)),
                    None => drop(faults.insert(self.told(arrow, "goes up"))),
                },
                Some(to) if to == from && from == self.areas_on => drop(between_areas.insert((&arrow.from, &arrow.to))),
                Some(_) => {}
            }
        }
        for arrow in arrows.iter().filter(|arrow| between_areas.contains(&(&arrow.from, &arrow.to))) {
            if leads(&between_areas, &arrow.to, &arrow.from) {
                faults.insert(self.told(arrow, "goes around in a circle of areas"));
            }
        }
        for (file, room) in self.known.iter().filter(|known| !needed.contains(known)) {
            faults.insert(format!("{}/{file}: knows `{room}` no longer; take it off the list", self.src));
        }
        faults.into_iter().collect()
    }

    fn told(&self, arrow: &Arrow, fault: &str) -> String {
        let Arrow { file, from, to, path } = arrow;
        format!("{}/{file}: {from} → {to} ({path}) {fault}", self.src)
    }

    fn check(&self) {
        let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(self.src);
        let arrows = read(&src);
        assert!(arrows.len() > 100, "only {} arrows were read in {}", arrows.len(), self.src);
        let faults = self.faults(&arrows);
        assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
    }
}

/// Whether arrows lead from one area to another, over others too.
fn leads(arrows: &BTreeSet<(&String, &String)>, from: &String, to: &String) -> bool {
    let mut reached = BTreeSet::from([from]);
    loop {
        let next: Vec<&String> =
            arrows.iter().filter(|(a, b)| reached.contains(a) && !reached.contains(b)).map(|(_, b)| *b).collect();
        if next.is_empty() {
            return reached.contains(to);
        }
        reached.extend(next);
    }
}

#[test]
fn no_arrow_of_the_domain_goes_up_or_around() {
    DOMAIN.check();
}

#[test]
fn no_arrow_of_persistence_goes_up_or_around() {
    PERSISTENCE.check();
}

#[test]
fn no_arrow_of_the_api_goes_up_or_around() {
    API.check();
}

/// A house of areas on two rooms, with what is wrong with a file in it.
fn faults_of(file: &str, source: &str) -> Vec<String> {
    const HOUSE: House =
        House { src: "src", storeys: &[&["values"], &["model"], AREAS], areas_on: 2, known: &[("model/list.rs", "sales")] };
    let mut arrows = arrows::of_file(file, source, &[]).0;
    arrows.extend(arrows::of_file("model/list.rs", "use crate::sales::Sale;", &[]).0);
    arrows.extend(arrows::of_file("sales/sale.rs", "use crate::customers::Customer;", &[]).0);
    HOUSE.faults(&arrows)
}

#[test]
fn an_arrow_that_goes_up_is_told_with_its_file() {
    let source = "use std::fmt;\n\nuse crate::{\n    model::{self, field::Field},\n    values::id,\n};";
    assert_eq!(
        faults_of("values/money.rs", source),
        [
            "src/values/money.rs: values → model (crate::model) goes up",
            "src/values/money.rs: values → model (crate::model::field::Field) goes up",
        ]
    );
    assert_eq!(
        faults_of("values/money.rs", "fn f() { g!(super::super::sales::Sale::new()) }"),
        ["src/values/money.rs: values → sales (crate::sales::Sale::new) goes up"]
    );
}

#[test]
fn areas_know_each_other_without_circles() {
    assert_eq!(faults_of("identity/user.rs", "use crate::customers::Customer;"), [""; 0]);
    let around = faults_of("customers/customer.rs", "pub(crate) use crate::sales::Sale as Won;");
    assert_eq!(around.len(), 2, "{around:?}");
    assert!(around.iter().all(|fault| fault.ends_with("goes around in a circle of areas")), "{around:?}");
}

#[test]
fn what_is_in_tests_texts_and_comments_is_no_arrow() {
    let source = r#"
        //! See crate::sales::Sale.
        const TEXT: &str = "crate::sales::Sale";
        fn one<'a>(it: &'a u8) -> impl Iterator<Item = u8> + use<'a> { std::iter::once(*it) }
        #[cfg(test)]
        mod tests { use crate::sales::Sale; }
        #[cfg(test)]
        use crate::sales::Sale;
        mod inner { use super::super::id::Id; }
    "#;
    assert_eq!(faults_of("values/money.rs", source), [""; 0]);
}

#[test]
fn the_root_is_no_way_round_and_every_room_has_its_storey() {
    assert_eq!(
        faults_of("values/money.rs", "use crate::Sale;"),
        ["src/values/money.rs: values → Sale (crate::Sale) goes through the root; name the room"]
    );
    assert_eq!(faults_of("attic/box.rs", "use crate::values::id;"), ["src/attic/box.rs: the room `attic` has no storey"]);
}

#[test]
fn what_is_known_and_gone_is_taken_off_the_list() {
    const HOUSE: House = House { src: "src", storeys: &[&["model"], AREAS], areas_on: 1, known: &[("model/list.rs", "sales")] };
    assert_eq!(HOUSE.faults(&[]), ["src/model/list.rs: knows `sales` no longer; take it off the list"]);
}

/// Texts outside declarations that name a declared field all the same, by file. The list is only ever to become shorter.
const NAMED: &[(&str, usize)] = &[
    ("crates/api/src/openapi/shared.rs", 6),
    ("crates/domain/src/model/fault.rs", 1),
    ("crates/domain/src/model/field/field_type.rs", 2),
    ("crates/persistence/src/records/ledger.rs", 1),
];

/// Where names are given, and where a client is played, who knows names alone.
const EXEMPT: &[&str] = &[
    "crates/domain/src/model/entity.rs",
    "crates/domain/src/model/recurring.rs",
    "crates/domain/src/integration/import/tests.rs",
    "crates/domain/src/query/predicate/sample.rs",
    "crates/api/src/app/document_tests.rs",
    "crates/api/src/demo/",
    "crates/api/src/bench/",
];

#[test]
fn no_text_names_a_declared_field_outside_its_declaration() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut faults = Vec::new();
    let mut counts = std::collections::BTreeMap::new();
    for house in [&DOMAIN, &PERSISTENCE, &API] {
        for (file, names) in names::by_file(&root.join(house.src)) {
            let file = format!("{}/{file}", house.src);
            if !EXEMPT.iter().any(|exempt| file.starts_with(exempt)) {
                counts.insert(file, names);
            }
        }
    }
    for (file, names) in &counts {
        let known = NAMED.iter().find(|(known, _)| known == file).map_or(0, |(_, count)| *count);
        if names.len() != known {
            faults.push(format!("(\"{file}\", {}), // {known} are known: {}", names.len(), names.join(" ")));
        }
    }
    faults.extend(
        NAMED
            .iter()
            .filter(|(file, _)| !counts.contains_key(*file))
            .map(|(file, _)| format!("{file} is clean: take it off the list")),
    );
    assert!(faults.is_empty(), "{} files\n{}", faults.len(), faults.join("\n"));
}
