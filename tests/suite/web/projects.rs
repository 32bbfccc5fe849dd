//! The list of projects, and what their owners do with them.

use crate::support::console::Console;

#[test]
fn an_owner_sees_their_projects_and_an_admin_sees_all() {
    let console = Console::start();
    let (ada, grace, root) = (console.owner("ada"), console.owner("grace"), console.admin("root"));
    console.stage.project(ada.user, "shop-api");
    console.stage.project(grace.user, "blog");

    let names = |client: &crate::support::client::Client| {
        let mut names = client.get("/projects").is(200).texts_of("[data-project] .name");
        names.sort();
        names
    };
    assert_eq!(names(&ada), ["shop-api"]);
    assert_eq!(names(&grace), ["blog"]);
    assert_eq!(names(&root), ["blog", "shop-api"]);
    assert_eq!(console.anonymous().get("/projects").is(303).location(), "/login?next=%2Fprojects");
}
