//! The list of projects, and what their owners do with them.

use crate::support::console::{Console, Person};

#[test]
fn an_owner_sees_their_projects_and_an_admin_sees_all() {
    let console = Console::start();
    let (ada, grace, root) = (console.owner(), console.owner(), console.admin());
    console.project(&ada, "shop-api");
    console.project(&grace, "blog");

    let names = |person: &Person| {
        let mut names = person.get("/projects").expect(200).texts("[data-project] .name");
        names.sort();
        names
    };
    assert_eq!(names(&ada), ["shop-api"]);
    assert_eq!(names(&grace), ["blog"]);
    assert_eq!(names(&root), ["blog", "shop-api"]);
    assert_eq!(console.anonymous().get("/projects").expect(303).location(), "/login?next=%2Fprojects");
}
