//! The knowledge base: answers worth keeping, written, reviewed, published, found and judged.

pub mod article;
pub mod article_category;
pub mod article_version;
pub mod help_center;
pub mod markdown;
pub mod suggestion;
