//! Tells cargo about files that macros read: a new migration must rebuild the program.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
