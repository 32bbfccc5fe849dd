//! The `pilothouse` program: see [`pilothouse::cli`].

fn main() -> std::process::ExitCode {
    pilothouse::cli::run()
}
