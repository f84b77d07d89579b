//! The binary `farley`.

// Rust and the bundled SQLite and libpq allocate alike.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    farley::cli::main()
}
