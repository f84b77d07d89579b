//! What customers ask for.

use crate::choices;

choices! {
    /// What a ticket asks for.
    pub enum TicketKind {
        Question "question" "Question" "咨询",
        Incident "incident" "Incident" "故障",
        Complaint "complaint" "Complaint" "投诉",
        Request "request" "Request" "服务请求",
        Return "return" "Return" "退换货",
    }
}
