//! Articles: what is being written, and how far it has come.

use super::article_version::ArticleVersion;
use crate::{
    choices, entity,
    model::{
        entity::Entity,
        fault::FaultCode,
        field::Link,
        object::{Reach, Relation},
        record::{Draft, Record},
    },
    values::{id::Id, time::Timestamp},
};

choices! {
    /// How far the next version of an article has come.
    pub enum ArticleStatus {
        Draft "draft" "Draft" "草稿",
        InReview "in_review" "In review" "审核中",
        Published "published" "Published" "已发布",
    }
}

choices! {
    /// Who an article is for.
    pub enum Visibility {
        Public "public" "Everybody" "所有人",
        Customers "customers" "Customers who are logged in" "已登录的客户",
        Internal "internal" "Users of Farley" "内部用户",
    }
}

/// Which articles answer a ticket.
pub static TICKET_ARTICLES: Link =
    Link { table: "ticket_articles", from: "ticket_id", to: "article_id", target: "article", shared: false };

entity! {
    /// An article of the knowledge base, as it is being written. POST …/submit hands it in for review, and POST …/publish makes it the
    /// next of its `article-versions`, which is what readers get: it stays as it is while the article is edited further. An edit of a published
    /// article begins a new draft. What a version is shown by, its visibility, category and language too, is that of the time when it was published;
    /// POST …/withdraw and archiving take it back at once.
    pub struct Article("article", "articles", "articles", "Article", "知识库文章") [owned, tagged, external, custom] {
        /// The title.
        title: String => text(300).required().title().label("Title", "标题").example("打印机无法开机怎么办"),
        /// The article number, assigned by the server and unique within the tenant. Numbers can be skipped.
        number: Option<String> => text(40).server_set().title().indexed().label("Number", "编号").example("KB-000012"),
        /// What it says in a sentence or two.
        summary: Option<String> => text(500).searchable().label("Summary", "摘要").example("检查电源和保险丝，再按复位键。"),
        /// The text, in Markdown (CommonMark with tables, task lists and strikethrough). HTML in it is shown as text is: without effect.
        body: Option<String> => long_text(200_000).detail().searchable().label("Body", "正文").example("1. 检查电源线\n2. 按住复位键 **10 秒**"),
        /// The language it is written in.
        language: String => language().required().indexed().label("Language", "语言").example("zh-CN"),
        /// The article that it is a translation of; must not be a translation itself. An article has at most one translation per language.
        translation_of_id: Option<Id> => reference("article").indexed().label("Translation of", "译自"),
        /// The category.
        category_id: Option<Id> => reference("article_category").indexed().label("Category", "分类"),
        /// Who its next version is for. Only public articles leave by the help center; those for customers are for customers who
        /// are logged in to a portal.
        visibility: Option<Visibility> => choice(Visibility::choices()).default("internal").indexed().label("Visibility", "可见范围").example("public"),
        /// How far its next version has come; `published` if there is nothing new since the last one.
        status: Option<ArticleStatus> => choice(ArticleStatus::choices()).default("draft").server_set().indexed().label("Status", "状态").example("draft"),
        /// What the reviewer wrote when sending it back.
        review_note: Option<String> => long_text(2_000).server_set().detail().label("Review note", "审核意见").example("请补充 Mac 的步骤"),
        /// When it was handed in for review. Null if it is not in review.
        submitted_at: Option<Timestamp> => datetime().server_set().label("Submitted at", "提交时间").example("2026-03-01T08:00:00.000Z"),
        /// The number of the version that readers get. Null if there is none.
        published_version: Option<i64> => integer(1, i64::MAX).server_set().label("Published version", "已发布版本").example(3),
        /// When that was published. Null if there is none.
        published_at: Option<Timestamp> => datetime().server_set().indexed().label("Published at", "发布时间").example("2026-03-01T08:00:00.000Z"),
        /// How many readers found it helpful. Updated without a new version of the record, as is the next.
        helpful_count: i64 => integer(0, i64::MAX).server_set().default(0).label("Helpful votes", "有帮助票数").example(40),
        /// How many readers found it unhelpful.
        unhelpful_count: i64 => integer(0, i64::MAX).server_set().default(0).label("Unhelpful votes", "无帮助票数").example(2),
        /// The number of tickets that it was linked to; only with `fields`.
        ticket_count: Option<i64> => count("tickets").label("Tickets", "关联工单数").example(7),
    }
    extend |object| object
        .relations([
            Relation { name: "category", target: "article_category", reach: Reach::ToOne { field: "category_id" } },
            Relation { name: "translation_of", target: "article", reach: Reach::ToOne { field: "translation_of_id" } },
            Relation { name: "translations", target: "article", reach: Reach::Inverse { field: "translation_of_id" } },
            Relation { name: "versions", target: "article_version", reach: Reach::Inverse { field: "article_id" } },
            Relation { name: "tickets", target: "ticket", reach: Reach::Linked { link: &TICKET_ARTICLES, holder: false } },
        ])
        .unique("articles_number_key", "number")
        .numbered("KB-")
        .titled("title")
        .rule(begin_a_draft)
}

/// What readers get has to be published again when it changes; and nothing is a translation of itself.
fn begin_a_draft(draft: &mut Draft<'_, Article>) {
    if draft.before.is_some_and(|before| differs(before, &draft.after))
        && draft.after.get(Article::status) == Some(ArticleStatus::Published)
    {
        draft.after.set(Article::status, ArticleStatus::Draft);
    }
    if draft.after.get(Article::translation_of_id) == Some(draft.after.get(Article::id)) {
        draft.fault(Article::translation_of_id.pointer(), FaultCode::Cycle);
    }
}

/// Whether readers would see a difference.
fn differs(before: &Record<Article>, after: &Record<Article>) -> bool {
    !(before.agrees(Article::title, after)
        && before.agrees(Article::summary, after)
        && before.agrees(Article::body, after)
        && before.agrees(Article::language, after)
        && before.agrees(Article::category_id, after)
        && before.agrees(Article::visibility, after)
        && before.agrees(Article::translation_of_id, after))
}

/// The article that an article and its translations belong to.
#[must_use]
pub fn original_of(article: &Record<Article>) -> Id {
    article.get(Article::translation_of_id).unwrap_or_else(|| article.id())
}

/// The next version of an article, as it is now.
#[must_use]
pub fn version_of(article: &Record<Article>, number: i64, now: Timestamp) -> Record<ArticleVersion> {
    let mut version = Record::new(ArticleVersion::object()).into_entity::<ArticleVersion>();
    version.set(ArticleVersion::article_id, article.id());
    version.set(ArticleVersion::original_id, original_of(article));
    version.set(ArticleVersion::number, number);
    version.set(ArticleVersion::article_number, article.get(Article::number).map(str::to_owned));
    version.set(ArticleVersion::title, article.get(Article::title).to_owned());
    version.set(ArticleVersion::summary, article.get(Article::summary).map(str::to_owned));
    version.set(ArticleVersion::body, article.get(Article::body).unwrap_or_default().to_owned());
    version.set(ArticleVersion::language, article.get(Article::language).to_owned());
    version.set(ArticleVersion::category_id, article.get(Article::category_id));
    version.set(ArticleVersion::visibility, article.get(Article::visibility).unwrap_or(Visibility::Internal));
    version.set(ArticleVersion::published_at, now);
    version
}
