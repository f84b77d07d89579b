//! The order of the paths, as people read them: those of a tag together, the collection first (list and create), then one record, then
//! whatever else can be done.

use utoipa::openapi::{OpenApi, PathItem};

pub fn sort(document: &mut OpenApi) {
    let tags: Vec<String> = document.tags.iter().flatten().map(|tag| tag.name.clone()).collect();
    document.paths.paths.sort_by_cached_key(|path, item| {
        let tag = tag_of(item).unwrap_or_default();
        let place = tags.iter().position(|known| known == tag).unwrap_or(tags.len());
        let rest = path.strip_prefix("/v1/").and_then(|path| path.strip_prefix(tag));
        let rank = match rest {
            Some("") => 0,
            Some("/{id}") => 1,
            _ => 2,
        };
        (place, rank)
    });
}

fn tag_of(item: &PathItem) -> Option<&str> {
    let operations = [&item.get, &item.post, &item.put, &item.patch, &item.delete];
    operations.into_iter().flatten().flat_map(|operation| operation.tags.iter().flatten()).next().map(String::as_str)
}
