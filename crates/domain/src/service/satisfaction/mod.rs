//! What customers say of the service.

pub mod survey;
pub mod survey_response;
