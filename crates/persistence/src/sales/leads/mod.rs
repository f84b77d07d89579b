//! Leads: who holds them, and how they are scored.

mod holders;
mod scoring;
