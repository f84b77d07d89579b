//! Categories of articles: a tree.

use crate::{
    entity,
    model::object::{Reach, Relation, rising},
    values::id::Id,
};

entity! {
    /// A category of articles.
    pub struct ArticleCategory("article_category", "article-categories", "article_categories", "Article category", "文章分类") [external] {
        /// The name.
        name: String => text(120).required().title().indexed().label("Name", "名称").example("打印机"),
        /// The category it is a part of; must not be one of its own parts.
        parent_id: Option<Id> => reference("article_category").indexed().label("Parent category", "上级分类"),
        /// What belongs here.
        description: Option<String> => long_text(2_000).label("Description", "说明"),
        /// The order among the parts of one category, ascending.
        sort_order: i64 => integer(0, 100_000).default(100).indexed().label("Order", "顺序").example(10),
    }
    extend |object| object
        .configuration()
        .relations([
            Relation { name: "parent", target: "article_category", reach: Reach::ToOne { field: "parent_id" } },
            Relation { name: "children", target: "article_category", reach: Reach::Inverse { field: "parent_id" } },
            Relation { name: "articles", target: "article", reach: Reach::Inverse { field: "category_id" } },
        ])
        .ordered_by([rising("sort_order"), rising("created_at")])
}

/// A category with all that are parts of it, over any number of levels; `above` tells what each is a part of.
#[must_use]
pub fn with_parts(category: Id, above: &[(Id, Option<Id>)]) -> Vec<Id> {
    let mut found = vec![category];
    let mut next = 0;
    while let Some(parent) = found.get(next).copied() {
        let parts = above.iter().filter(|(id, of)| *of == Some(parent) && !found.contains(id));
        let parts: Vec<Id> = parts.map(|(id, _)| *id).collect();
        found.extend(parts);
        next += 1;
    }
    found
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn parts_of_parts_are_parts() {
        let id = |number: u128| Id(Uuid::from_u128(number));
        // 1 ← 2 ← 3, and 4 by itself; 5 and 6 are each other's parts, which nothing can store.
        let above = [(2, Some(1)), (3, Some(2)), (1, None), (4, None), (5, Some(6)), (6, Some(5))];
        let above = above.map(|(part, whole)| (id(part), whole.map(id)));
        assert_eq!(with_parts(id(1), &above), [1, 2, 3].map(id));
        assert_eq!(with_parts(id(3), &above), [3].map(id));
        assert_eq!(with_parts(id(5), &above), [5, 6].map(id));
    }
}
