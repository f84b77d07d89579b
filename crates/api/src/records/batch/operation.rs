//! One operation of a request, read and checked as far as nothing of the database is needed for it.

use std::collections::HashMap;

use farley_domain::model::fault::{Fault, FaultCode, Faults, pointer_token, unknown};
use serde_json::{Map, Value};

use super::{
    references::{BY_PLACE, Names},
    route::{self, Target},
};
use crate::records::versions::Versions;

/// The longest name of an operation, and the longest path.
const MAX_NAME: usize = 50;
const MAX_PATH: usize = 2_000;
/// The longest version that one expects.
const MAX_VERSION: usize = 200;

const MEMBERS: [&str; 6] = ["ref", "method", "path", "body", "if_match", "needs"];

/// An operation as it is asked for. What it takes from others is still to be filled in.
#[derive(Clone, Debug)]
pub struct Operation {
    pub name: Option<String>,
    pub target: Target,
    /// The parameters after the path.
    pub query: String,
    pub body: Value,
    pub if_match: Option<String>,
    /// The places of those it needs to have gone well: those it names, and those it refers to.
    pub needs: Vec<usize>,
}

/// The operations of a request, in their order.
pub struct Operations {
    pub all: Vec<Operation>,
    pub names: Names,
}

/// Reads operations; every fault at its place. `pointer` is where they are.
pub fn read(sent: &[Value], pointer: &str) -> Result<Operations, Faults> {
    let mut faults = Faults::default();
    let mut places = HashMap::new();
    for (place, operation) in sent.iter().enumerate() {
        let Some(name) = operation.get("ref").and_then(Value::as_str) else { continue };
        let fault = |code| Fault::new(format!("{pointer}/{place}/ref"), code);
        if let Some(code) = wrong_name(name) {
            faults.add(fault(code).with("max", MAX_NAME));
        } else if let Some(earlier) = places.get(name) {
            faults.add(fault(FaultCode::DuplicateInRequest).with("index", earlier));
        } else {
            places.insert(name.to_owned(), place);
        }
    }
    let names = Names::new(places);
    let mut all = Vec::with_capacity(sent.len());
    for (place, operation) in sent.iter().enumerate() {
        match one(operation, place, &names) {
            Ok(operation) => all.push(operation),
            Err(found) => faults.extend(found.under(&format!("{pointer}/{place}")).0),
        }
    }
    faults.into_result(Operations { all, names })
}

fn wrong_name(name: &str) -> Option<FaultCode> {
    let is_plain = name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.chars().all(|character| character.is_ascii_alphanumeric() || character == '_');
    match name {
        _ if name.len() > MAX_NAME => Some(FaultCode::TooLong),
        BY_PLACE => Some(FaultCode::InvalidKey),
        _ if !is_plain => Some(FaultCode::InvalidKey),
        _ => None,
    }
}

fn one(sent: &Value, place: usize, names: &Names) -> Result<Operation, Faults> {
    let wrong = |pointer: &str, expected: &'static str| Fault::new(pointer, FaultCode::WrongType).with("expected", expected);
    let Some(members) = sent.as_object() else { return Err(wrong("", "an object").into()) };
    let mut faults = Faults::default();
    for name in members.keys().filter(|name| !MEMBERS.contains(&name.as_str())) {
        faults.add(unknown(format!("/{}", pointer_token(name)), FaultCode::UnknownMember, name, MEMBERS.into_iter()));
    }
    let mut text = |name: &str, required: bool, max: usize| match members.get(name) {
        None | Some(Value::Null) if required => {
            faults.add(Fault::new(format!("/{name}"), FaultCode::Required));
            None
        }
        None | Some(Value::Null) => None,
        Some(Value::String(text)) if text.len() > max => {
            faults.add(Fault::new(format!("/{name}"), FaultCode::TooLong).with("max", max));
            None
        }
        Some(Value::String(text)) => Some(text.clone()),
        Some(_) => {
            faults.add(wrong(&format!("/{name}"), "a text"));
            None
        }
    };
    // Names were judged together with those of the others.
    let (name, method, path) = (text("ref", false, usize::MAX), text("method", true, MAX_NAME), text("path", true, MAX_PATH));
    let if_match = text("if_match", false, MAX_VERSION);
    let mut needs = needed(members, names, &mut faults);
    let body = members.get("body").cloned().unwrap_or(Value::Null);
    let (path, query) = split(path.unwrap_or_default());
    names.in_text(&path, &mut needs);
    names.in_text(&query, &mut needs);
    names.in_value(&body, &mut needs);
    if_match.iter().for_each(|version| names.in_text(version, &mut needs));
    needs.sort_unstable();
    needs.dedup();
    if needs.iter().any(|needed| *needed >= place) {
        faults.add(Fault::new("", FaultCode::NotEarlier));
    }
    let target = method.filter(|_| !path.is_empty()).and_then(|method| {
        let found = route::find(&method, &path);
        if found.is_none() {
            faults.add(Fault::new("/path", FaultCode::NotInBatch));
        }
        found
    });
    if let Some(target) = &target {
        let doing = target.doing;
        match (doing.takes_body(), body.is_null()) {
            (true, true) => faults.add(Fault::new("/body", FaultCode::Required)),
            (false, false) => faults.add(Fault::new("/body", FaultCode::Conflicting).with("other", "method")),
            (true, false) | (false, true) => {}
        }
        if if_match.is_some() && !doing.takes_version() {
            faults.add(Fault::new("/if_match", FaultCode::Conflicting).with("other", "method"));
        }
    }
    match (faults.is_empty(), target) {
        (true, Some(target)) => Ok(Operation { name, target, query, body, if_match, needs }),
        (true, None) => Err(Fault::new("/path", FaultCode::NotInBatch).into()),
        (false, _) => Err(faults),
    }
}

/// The operations that one says it needs.
fn needed(members: &Map<String, Value>, names: &Names, faults: &mut Faults) -> Vec<usize> {
    let named = match members.get("needs") {
        None | Some(Value::Null) => return Vec::new(),
        Some(Value::Array(named)) => named,
        Some(_) => {
            faults.add(Fault::new("/needs", FaultCode::WrongType).with("expected", "a list"));
            return Vec::new();
        }
    };
    let mut needs = Vec::with_capacity(named.len());
    for (position, name) in named.iter().enumerate() {
        match name.as_str().and_then(|name| names.place(name)) {
            Some(place) => needs.push(place),
            None => faults.add(Fault::new(format!("/needs/{position}"), FaultCode::NotEarlier)),
        }
    }
    needs
}

fn split(path: String) -> (String, String) {
    match path.split_once('?') {
        Some((path, query)) => (path.to_owned(), query.to_owned()),
        None => (path, String::new()),
    }
}

/// The version that an operation expects: `v7`, or an entity tag.
#[must_use]
pub fn versions(text: &str) -> Versions {
    let text = text.trim();
    if text.contains('"') || text == "*" { Versions::read(text) } else { Versions::read(&format!("\"{text}\"")) }
}
