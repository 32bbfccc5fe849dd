//! Tells cargo about files that macros read: a new one must rebuild the program.

fn main() {
    for folder in ["migrations", "static", "templates"] {
        println!("cargo:rerun-if-changed={folder}");
    }
}
