//! Channels other than mail: live chat, messengers, text messages. A bridge for each posts what customers write, which is [taken](inbound) to
//! the ticket of its conversation; what agents reply is [addressed](addressing) when it is written, and [sent](sending) to the bridge by
//! a job. Both ways messages are [signed].

pub mod addressing;
pub mod channel;
pub mod inbound;
pub mod receipts;
pub mod sending;
mod signed;
mod taking;
