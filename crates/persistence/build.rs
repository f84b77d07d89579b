//! The migrations are compiled in: a new one is noticed.

fn main() {
    println!("cargo:rerun-if-changed=../../migrations");
}
