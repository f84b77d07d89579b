//! Pages of what a contact sees, the latest first.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, http::header};
use farley_domain::{
    model::{entity::Entity, record::Record},
    query::{list::ListQuery, predicate::Predicate},
};
use farley_persistence::{Layout, Reader};

use crate::{
    access::unrestricted::{Unrestricted, without_custom_fields},
    http::problem::Problem,
    records::read::{PageInfo, next_link},
};

/// Which page is wanted.
pub struct Latest {
    /// The field by which the latest come first.
    pub by: &'static str,
    pub limit: i64,
    pub cursor: Option<String>,
    pub total: bool,
}

impl Latest {
    pub fn read<E: Entity>(&self, reader: &mut Reader<'_>, within: Predicate) -> Result<(Vec<Record<E>>, PageInfo), Problem> {
        let mut parameters = vec![
            ("limit".to_owned(), self.limit.to_string()),
            ("sort".to_owned(), format!("-{}", self.by)),
            ("total".to_owned(), self.total.to_string()),
        ];
        parameters.extend(self.cursor.clone().map(|cursor| ("cursor".to_owned(), cursor)));
        let mut query = ListQuery::from_parameters(E::object(), &parameters, &Unrestricted)?;
        query.predicate = query.predicate.and(within);
        let layout = Arc::new(Layout::full(&without_custom_fields(E::object()), &|_| true));
        let page = reader.list(&layout, &Unrestricted, &query)?;
        let records = page.rows.iter().map(|row| Ok(row.to_record()?.into_entity())).collect::<Result<_, Problem>>()?;
        let next = page.next.map(|cursor| cursor.encode(E::object(), &query.sort));
        Ok((records, PageInfo { has_more: next.is_some(), next, total: page.total }))
    }
}

/// What is one customer's own is kept by no cache.
pub fn private(mut response: HttpResponseBuilder) -> HttpResponseBuilder {
    response.insert_header((header::CACHE_CONTROL, "no-store"));
    response
}

/// The answer with a page, which names the next one.
pub fn linked(request: &HttpRequest, page: &PageInfo) -> HttpResponseBuilder {
    let mut response = private(HttpResponse::Ok());
    if let Some(next) = &page.next {
        response.insert_header((header::LINK, next_link(request, next)));
    }
    response
}
