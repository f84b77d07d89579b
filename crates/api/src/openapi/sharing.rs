//! Parameters that several operations have in common, said once: without it the filters on `created_at` and their kind would make a
//! good part of the document.

use utoipa::openapi::{
    Components, Paths, RefOr, Schema,
    path::{Operation, Parameter},
};

use crate::records::parameters::{CONTENT_SCHEMA, shared};

/// Moves query parameters that several operations declare alike into the components, and refers to those that are there already.
pub fn share_parameters(paths: &mut Paths, components: &mut Components) {
    let mut known: Vec<(String, Parameter)> = Vec::new();
    for (name, parameter) in &components.parameters {
        if let RefOr::T(parameter) = parameter {
            known.push((name.clone(), parameter.clone()));
        }
    }
    let mut declared: Vec<(Parameter, usize, String)> = Vec::new();
    for (collection, parameter) in inline(paths).filter_map(|(collection, parameter)| Some((collection, inner(parameter)?))) {
        match declared.iter_mut().find(|(other, _, _)| other == parameter) {
            Some((_, times, _)) => *times += 1,
            None => declared.push((parameter.clone(), 1, collection)),
        }
    }
    // Where operations declare different parameters of one name, the one that most declare takes it, and the others say whose they are.
    declared.retain(|(parameter, times, _)| *times > 1 && !known.iter().any(|(_, other)| other == parameter));
    declared.sort_by_key(|(_, times, _)| std::cmp::Reverse(*times));
    for (parameter, _, collection) in declared {
        let plain = component(&parameter);
        let names = [format!("{plain}.{collection}"), plain];
        // Names that differ in case alone would be one file on some disks.
        let is_new = |name: &String| known.iter().all(|(other, _)| !other.eq_ignore_ascii_case(name));
        let Some(name) = names.into_iter().rev().find(is_new) else { continue };
        components.parameters.insert(name.clone(), parameter.clone().into());
        known.push((name, parameter));
    }
    for (_, parameter) in inline(paths) {
        let name = inner(parameter).and_then(|own| known.iter().find(|(_, other)| other == own)).map(|(name, _)| shared(name));
        if let Some(reference) = name {
            *parameter = RefOr::Ref(reference);
        }
    }
}

/// Says at a path, instead of at each of its operations, what the path names a record by.
pub fn say_what_paths_name(paths: &mut Paths) {
    for item in paths.paths.values_mut() {
        let operations = [&mut item.get, &mut item.put, &mut item.post, &mut item.patch, &mut item.delete];
        let mut operations: Vec<&mut Operation> = operations.into_iter().flatten().collect();
        if operations.len() < 2 {
            continue;
        }
        for name in ["Id", "System", "Key"] {
            let named = RefOr::Ref(shared(name));
            let have_it = |operation: &&mut Operation| operation.parameters.iter().flatten().any(|own| *own == named);
            if operations.iter().all(have_it) {
                operations
                    .iter_mut()
                    .filter_map(|operation| operation.parameters.as_mut())
                    .for_each(|own| own.retain(|own| *own != named));
                item.parameters.get_or_insert_default().push(named);
            }
        }
    }
}

/// The parameters of all reads, each with the last fixed part of its path: the collection of a list.
fn inline(paths: &mut Paths) -> impl Iterator<Item = (String, &mut RefOr<Parameter>)> {
    let reads = paths.paths.iter_mut().filter_map(|(path, item)| {
        let mut fixed = path.rsplit('/').filter(|part| !part.contains(['{', '}']) && !["", "v1", "summary"].contains(part));
        Some((fixed.next().unwrap_or_default().to_owned(), item.get.as_mut()?))
    });
    reads.flat_map(|(collection, operation): (String, &mut Operation)| {
        operation.parameters.iter_mut().flatten().map(move |parameter| (collection.clone(), parameter))
    })
}

fn inner(parameter: &RefOr<Parameter>) -> Option<&Parameter> {
    match parameter {
        RefOr::T(parameter) => Some(parameter),
        RefOr::Ref(_) => None,
    }
}

/// Its name among the components; of one that holds a predicate, with whose.
fn component(parameter: &Parameter) -> String {
    let schema = match &parameter.schema {
        Some(RefOr::T(Schema::Object(schema))) => schema.extensions.as_ref(),
        _ => None,
    };
    let content = schema.and_then(|extensions| extensions.get(CONTENT_SCHEMA)).and_then(|reference| reference.as_str());
    let name = content.and_then(|reference| reference.rsplit('/').next()).unwrap_or(&parameter.name);
    name.to_owned()
}
