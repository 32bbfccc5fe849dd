//! Tells cargo about directories that macros read: a new file in one must rebuild the program.

use std::path::Path;

fn main() {
    for directory in ["migrations", "static"] {
        // Cargo would take a path that is missing for one that always changes.
        if Path::new(directory).exists() {
            println!("cargo:rerun-if-changed={directory}");
        }
    }
}
