//! The knowledge base: what readers said of articles, and whose a public token is.

use diesel::prelude::*;
use farley_domain::values::{id::Id, time::Timestamp};

use super::Conn;
use crate::{
    error::StoreError,
    sql::{
        schema::{article_votes, help_centers},
        sql_types::{DbId, DbTime},
    },
};

/// Whose help center has a token: tenant and help center.
pub fn help_center_of_token(conn: &mut Conn, token: &str) -> Result<Option<(Id, Id)>, StoreError> {
    let center = help_centers::table.filter(help_centers::token.eq(token));
    Ok(center.select((help_centers::tenant_id, help_centers::id)).first(conn).optional()?)
}

/// What a reader said last of an article.
pub fn vote(conn: &mut Conn, tenant: Id, article: Id, voter: &[u8]) -> Result<Option<bool>, StoreError> {
    Ok(article_votes::table
        .filter(article_votes::tenant_id.eq(DbId(tenant)))
        .filter(article_votes::article_id.eq(DbId(article)))
        .filter(article_votes::voter.eq(voter))
        .select(article_votes::is_helpful)
        .first(conn)
        .optional()?)
}

/// Keeps what a reader says of an article, in place of what they said before.
pub fn keep_vote(
    conn: &mut Conn,
    (tenant, article): (Id, Id),
    voter: &[u8],
    is_helpful: bool,
    now: Timestamp,
) -> Result<(), StoreError> {
    diesel::insert_into(article_votes::table)
        .values((
            article_votes::tenant_id.eq(DbId(tenant)),
            article_votes::article_id.eq(DbId(article)),
            article_votes::voter.eq(voter),
            article_votes::is_helpful.eq(is_helpful),
            article_votes::voted_at.eq(DbTime(now)),
        ))
        .on_conflict((article_votes::tenant_id, article_votes::article_id, article_votes::voter))
        .do_update()
        .set((article_votes::is_helpful.eq(is_helpful), article_votes::voted_at.eq(DbTime(now))))
        .execute(conn)?;
    Ok(())
}
