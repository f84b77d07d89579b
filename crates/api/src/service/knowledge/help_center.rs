//! Help centers: their tokens, and who may read by them.

use actix_web::{HttpRequest, HttpResponse, post};
use farley_domain::{
    model::{handle::Handle, record::Record},
    service::knowledge::help_center::HelpCenter,
    values::id::Id,
};
use farley_persistence::{Reader, StoreError, Work};

use crate::{
    access::call::Call,
    http::{problem::Problem, request::Body},
    records::{
        behaviour::{Behaviour, Writing},
        public::{self, Public},
    },
};

impl Public for HelpCenter {
    const PATH: &'static str = "/v1/help/";
    const PREFIX: &'static str = "hc_";
    const TOKEN: Handle<Self, Option<String>> = HelpCenter::token;
    const IS_ACTIVE: Handle<Self, bool> = HelpCenter::is_active;
    const ALLOWED_ORIGINS: Handle<Self, Vec<String>> = HelpCenter::allowed_origins;

    fn of_token(reader: &mut Reader<'_>, token: &str) -> Result<Option<(Id, Id)>, StoreError> {
        reader.help_center_of_token(token)
    }
}

impl Behaviour for HelpCenter {
    fn before(_: &mut Work<'_>, _: &Writing<'_, Self>, record: &mut Record<Self>) -> Result<(), Problem> {
        public::give_token(record);
        Ok(())
    }
}

/// Rotate the token of a help center
///
/// Gives the help center a new token; the old one stops working immediately.
#[utoipa::path(tag = "help-centers", operation_id = "rotateHelpCenterToken",
    params(("id" = String, Path, description = "The id of the help center, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "The help center with its new token.", body = ref("#/components/schemas/HelpCenter"))))]
#[post("/v1/help-centers/{id}/rotate-token")]
pub async fn rotate(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    public::rotate::<HelpCenter>((call, request, body)).await
}

/// The help center of the token in a path.
pub type Found = public::Found<HelpCenter>;
