//! Votes of readers on articles.

use farley_domain::{model::entity::Entity, service::knowledge::article::Article, values::id::Id};

use crate::{
    error::StoreError,
    on,
    reader::Reader,
    sql::statement::{Statement, write_sql},
    work::Work,
};

impl Reader<'_> {
    /// Whose help center has a token: tenant and help center.
    pub fn help_center_of_token(&mut self, token: &str) -> Result<Option<(Id, Id)>, StoreError> {
        on!(&mut self.connection, knowledge::help_center_of_token(token))
    }
}

impl Work<'_> {
    /// Keeps what a reader says of an article, and counts it without a new version of the article; what they said before, if that
    /// was otherwise or nothing.
    pub fn vote(&mut self, article: Id, voter: &[u8], is_helpful: bool) -> Result<Option<Vote>, StoreError> {
        // One reader votes once at a time.
        self.lock(&format!("votes {article}"))?;
        let (tenant, now) = (self.tenant().id, self.origin.now);
        let before = on!(self.connection(), knowledge::vote(tenant, article, voter))?;
        if before == Some(is_helpful) {
            return Ok(None);
        }
        on!(self.connection(), knowledge::keep_vote((tenant, article), voter, is_helpful, now))?;
        let (helpful, unhelpful) = (Article::helpful_count.name(), Article::unhelpful_count.name());
        let (more, less) = if is_helpful { (helpful, unhelpful) } else { (unhelpful, helpful) };
        let mut sql = Statement::of(self.dialect(), "UPDATE ");
        write_sql!(sql, Article::object().table, " SET ", more, " = ", more, " + 1");
        if before.is_some() {
            write_sql!(sql, ", ", less, " = ", less, " - 1");
        }
        write_sql!(sql, " WHERE tenant_id = ", tenant, " AND id = ", article);
        self.connection().execute(&sql)?;
        self.forget_read();
        Ok(Some(Vote { before }))
    }
}

/// A vote that was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vote {
    /// What the reader had said before.
    pub before: Option<bool>,
}
