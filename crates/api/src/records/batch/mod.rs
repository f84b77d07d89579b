//! Several operations in one request, in their order, in one unit of work: each as a request of its own would be, by the same rights and
//! rules. Later ones see what earlier ones wrote, and may refer to it.

pub mod endpoint;
pub mod envelope;
pub mod operation;
pub mod perform;
pub mod references;
pub mod route;

/// How many operations a request has.
pub const MOST: usize = 100;
