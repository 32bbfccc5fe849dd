//! The `pilothouse` program: see [`pilothouse::cli`].

use mimalloc::MiMalloc;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> std::process::ExitCode {
    pilothouse::cli::run()
}
