//! Parameters that the lists of several objects have in common, said once: without it the filters on `created_at` and
//! its kind would make half of the document.

use std::collections::BTreeMap;

use utoipa::openapi::{Components, Paths, RefOr, path::Parameter};

use super::parameters::shared;

/// Moves query parameters that several operations declare alike into the components. Where operations declare different
/// parameters of one name, each keeps its own.
pub fn share_parameters(paths: &mut Paths, components: &mut Components) {
    let mut common: BTreeMap<String, Vec<Parameter>> = BTreeMap::new();
    for parameter in inline(paths).filter_map(inner) {
        common.entry(parameter.name.clone()).or_default().push(parameter.clone());
    }
    common.retain(|_, declared| declared.len() > 1 && declared.windows(2).all(|pair| pair[0] == pair[1]));
    for parameter in inline(paths) {
        if let Some(name) = inner(parameter).map(|parameter| parameter.name.clone()).filter(|name| common.contains_key(name)) {
            *parameter = RefOr::Ref(shared(&component(&name)));
        }
    }
    for (name, declared) in common {
        components.parameters.extend(declared.into_iter().next().map(|parameter| (component(&name), parameter.into())));
    }
}

/// The parameters of all lists.
fn inline(paths: &mut Paths) -> impl Iterator<Item = &mut RefOr<Parameter>> {
    let lists = paths.paths.values_mut().filter_map(|item| item.get.as_mut());
    lists.flat_map(|operation| operation.parameters.iter_mut().flatten())
}

fn inner(parameter: &mut RefOr<Parameter>) -> Option<&mut Parameter> {
    match parameter {
        RefOr::T(parameter) => Some(parameter),
        RefOr::Ref(_) => None,
    }
}

fn component(name: &str) -> String {
    format!("filter.{name}")
}
