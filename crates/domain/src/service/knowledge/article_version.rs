//! Versions of articles: what was published, as it was.

use super::article::Visibility;
use crate::{
    entity,
    model::object::{Reach, Relation},
    query::predicate::Predicate,
    values::{id::Id, time::Timestamp},
};

entity! {
    /// A version of an article as it was published; it never changes. Anyone who can read the article can read it. Who may create
    /// versions may publish.
    pub struct ArticleVersion("article_version", "article-versions", "article_versions", "Article version", "文章版本") [] {
        /// The article.
        article_id: Option<Id> => reference("article").filled().server_set().indexed().label("Article", "文章"),
        /// The article that it and its translations belong to: the same, or the one it is a translation of.
        original_id: Option<Id> => reference("article").filled().server_set().indexed().label("Original", "原文"),
        /// The number of the version, from 1.
        number: i64 => integer(1, i64::MAX).server_set().default(1).label("Version number", "版本号").example(3),
        /// The number of the article.
        article_number: Option<String> => text(40).server_set().label("Article number", "文章编号").example("KB-000012"),
        /// The title.
        title: String => text(300).filled().server_set().title().label("Title", "标题").example("打印机无法开机怎么办"),
        /// What it says in a sentence or two.
        summary: Option<String> => text(500).server_set().searchable().label("Summary", "摘要").example("检查电源和保险丝，再按复位键。"),
        /// The text, in Markdown.
        body: String => long_text(200_000).filled().server_set().detail().searchable().label("Body", "正文").example("1. 检查电源线\n2. 按住复位键 **10 秒**"),
        /// The language it is written in.
        language: String => language().filled().server_set().label("Language", "语言").example("zh-CN"),
        /// The category.
        category_id: Option<Id> => reference("article_category").server_set().indexed().label("Category", "分类"),
        /// Who it is for.
        visibility: Option<Visibility> => choice(Visibility::choices()).filled().server_set().indexed().label("Visibility", "可见范围").example("public"),
        /// When it was published.
        published_at: Option<Timestamp> => datetime().filled().server_set().indexed().label("Published at", "发布时间").example("2026-03-01T08:00:00.000Z"),
        /// When the next version took its place, or it was withdrawn. Null while it is the one that readers get.
        ended_at: Option<Timestamp> => datetime().server_set().indexed().label("Ended at", "下线时间").example("2026-04-01T08:00:00.000Z"),
    }
    extend |object| object
        .configuration()
        .relations([
            Relation { name: "article", target: "article", reach: Reach::ToOne { field: "article_id" } },
            Relation { name: "original", target: "article", reach: Reach::ToOne { field: "original_id" } },
            Relation { name: "category", target: "article_category", reach: Reach::ToOne { field: "category_id" } },
        ])
        .read_only()
        .read_with(["article"])
        .titled("title")
}

/// Those that readers get.
#[must_use]
pub fn current() -> Predicate {
    Predicate::Archived(false).and(ArticleVersion::ended_at.is_null())
}

/// Those that anybody gets.
#[must_use]
pub fn open_to_all() -> Predicate {
    current().and(ArticleVersion::visibility.eq(Visibility::Public))
}

/// Those of a language, or of its regions where none is named: `zh` is `zh-CN` too.
#[must_use]
pub fn in_language(language: &str) -> Predicate {
    let own = ArticleVersion::language.eq(language);
    if language.contains('-') {
        return own;
    }
    use crate::model::{field::Op, operand::Operand};
    let regions = Predicate::test(ArticleVersion::language.field(), Op::Starts, Operand::Text(format!("{language}-")));
    Predicate::Or(vec![own, regions])
}
