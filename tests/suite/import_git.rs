//! Importing real repositories: what counts as a push, what stands in the rows, and that it can be repeated.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use pilothouse::app::App;
use pilothouse::config::Config;
use pilothouse::db::schema::{activity_logs, github_push_history, project_actions, projects};
use pilothouse::db::{ConnectOptions, Db};
use pilothouse::repositories::{ImportError, Progress, Source, Summary, import};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::db::TestDb;
use crate::support::git::{GitRepository, NewCommit, START};

const ADA: &str = "ada@demo.test";
const BOB: &str = "bob@demo.test";

/// A database with a project, and the program that imports into it.
struct World {
    app: App,
    db: TestDb,
    project: Uuid,
}

impl World {
    fn new() -> Self {
        let db = TestDb::new();
        let project = diesel::insert_into(projects::table)
            .values(projects::name.eq("shop"))
            .returning(projects::id)
            .get_result(&mut db.connect_owner())
            .unwrap();
        let options =
            ConnectOptions { url: db.url(), size: 1, budget: Duration::from_secs(10), behind_pooler: false };
        let app = App::new(Config::from_values(HashMap::new()).unwrap(), Db::new(&options));
        Self { app, db, project }
    }

    fn import(&self, repository: &GitRepository) -> Summary {
        self.try_import(repository.path()).unwrap()
    }

    fn try_import(&self, path: &Path) -> Result<Summary, ImportError> {
        self.import_from(&Source { path: path.to_owned(), ..Source::default() })
    }

    fn import_from(&self, source: &Source) -> Result<Summary, ImportError> {
        import(&self.app, source, &self.project.to_string(), |_| {})
    }

    fn pushes(&self) -> Vec<Push> {
        github_push_history::table
            .order(github_push_history::created_at)
            .select(Push::as_select())
            .load(&mut self.db.connect_owner())
            .unwrap()
    }

    fn actions(&self) -> Vec<Action> {
        project_actions::table
            .order(project_actions::created_at)
            .select(Action::as_select())
            .load(&mut self.db.connect_owner())
            .unwrap()
    }
}

#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = github_push_history)]
#[expect(clippy::struct_field_names, reason = "the columns' own names")]
struct Push {
    push_id: String,
    project_id: Option<String>,
    user_id: Option<String>,
    repo_url: Option<String>,
    branch_name: Option<String>,
    commit_sha: Option<String>,
    commit_message: Option<String>,
    author_name: Option<String>,
    author_email: Option<String>,
    files_changed: Option<i32>,
    files: Option<Value>,
    created_at: Option<i64>,
}

#[expect(clippy::struct_field_names, reason = "as the columns are called")]
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = project_actions)]
struct Action {
    action_id: String,
    project_id: Option<String>,
    user_id: Option<String>,
    action_type: Option<String>,
    action_details: Option<String>,
    status: Option<String>,
    environment: Option<String>,
    reference_ids: Option<Value>,
    created_at: Option<i64>,
}

fn source_of(repository: &GitRepository) -> Source {
    Source { path: repository.path().to_owned(), ..Source::default() }
}

fn details(actions: &[Action]) -> Vec<&str> {
    actions.iter().map(|action| action.action_details.as_deref().unwrap()).collect()
}

#[test]
fn commits_of_one_author_within_half_an_hour_are_one_push() {
    let mut repository = GitRepository::new();
    repository.commit(&[
        NewCommit::new(ADA, 0).message(b"Start the shop"),
        NewCommit::new(ADA, 30).message(b"Add a cart"),
        NewCommit::new(ADA, 61).message(b"Fix the cart\n\nIt lost its items."),
        NewCommit::new(BOB, 62).message(b"Style the cart"),
        NewCommit::new("ADA@demo.test", 63).message(b"Sell things"),
    ]);
    let world = World::new();
    let summary = world.import(&repository);
    assert_eq!(
        summary,
        Summary { commits: 5, pushes: 4, new_pushes: 4, new_actions: 4, ..Summary::default() }
    );
    assert_eq!(
        details(&world.actions()),
        [
            "Pushed 2 commits (2 files) to main: Add a cart",
            "Pushed 1 commit (1 file) to main: Fix the cart",
            "Pushed 1 commit (1 file) to main: Style the cart",
            "Pushed 1 commit (1 file) to main: Sell things",
        ]
    );
}

#[test]
fn a_push_and_its_action_tell_what_the_head_says() {
    let mut repository = GitRepository::new();
    repository.commit(&[
        NewCommit::new(ADA, 0).files(vec!["a.txt".into(), "src/b.txt".into()]),
        NewCommit::new(ADA, 5)
            .message(b"Add a cart\n\nWith a body.")
            .files(vec!["src/b.txt".into(), "c/d/e.txt".into()]),
        NewCommit::new(BOB, 6),
    ]);
    let head = repository.git(&["rev-parse", "HEAD~1"]).trim().to_owned();
    let world = World::new();
    world.import(&repository);
    let (push, action) = (&world.pushes()[0], &world.actions()[0]);
    assert_eq!(push.commit_sha.as_deref(), Some(&*head));
    assert_eq!(push.commit_message.as_deref(), Some("Add a cart\n\nWith a body."));
    assert_eq!((push.author_name.as_deref(), push.author_email.as_deref()), (Some("ada"), Some(ADA)));
    assert_eq!(push.branch_name.as_deref(), Some("main"));
    assert_eq!(push.repo_url.as_deref(), repository.path().file_name().unwrap().to_str());
    assert_eq!(push.files_changed, Some(3));
    assert_eq!(push.files, Some(json!(["a.txt", "c/d/e.txt", "src/b.txt"])));
    assert_eq!(push.created_at, Some((START + 5 * 60) * 1000));
    assert_eq!(push.project_id, Some(world.project.to_string()));

    assert_eq!(action.action_type.as_deref(), Some("github_push"));
    assert_eq!(
        (action.status.as_deref(), action.environment.as_deref()),
        (Some("success"), Some("development"))
    );
    assert_eq!(action.created_at, push.created_at);
    assert_eq!(
        action.reference_ids,
        Some(json!({"github_push_id": push.push_id, "commit_sha": head, "branch_name": "main"}))
    );
    assert!(push.push_id.starts_with("push_") && push.push_id.len() == 37, "{}", push.push_id);
    assert!(action.action_id.starts_with("act_") && action.action_id.len() == 36, "{}", action.action_id);
}

#[test]
fn removed_files_count_and_untouched_ones_do_not() {
    let mut repository = GitRepository::new();
    repository.commit(&[NewCommit::new(ADA, 0).files((0..5).map(|n| format!("dir/{n}.txt")).collect())]);
    repository.git(&["reset", "--quiet", "--hard"]);
    repository.git(&["rm", "--quiet", "dir/1.txt"]);
    repository.git(&["mv", "dir/2.txt", "two.txt"]);
    repository.git(&[
        "-c",
        "user.name=bob",
        "-c",
        "user.email=bob@demo.test",
        "commit",
        "--quiet",
        "-m",
        "Tidy",
    ]);
    let world = World::new();
    world.import(&repository);
    let push = world.pushes().pop().unwrap();
    assert_eq!(push.files_changed, Some(3));
    assert_eq!(push.files, Some(json!(["dir/1.txt", "dir/2.txt", "two.txt"])));
}

#[test]
fn only_the_first_parents_count() {
    let mut repository = GitRepository::new();
    repository.commit(&[NewCommit::new(ADA, 0)]);
    repository.git(&["branch", "side"]);
    repository.commit_on("refs/heads/side", None, &[NewCommit::new(BOB, 100), NewCommit::new(BOB, 200)]);
    repository.commit_on(
        "refs/heads/main",
        Some("refs/heads/side^0"),
        &[NewCommit::new(ADA, 300)
            .message(b"Merge side")
            .files(vec!["src/100.txt".into(), "src/200.txt".into()])],
    );
    let world = World::new();
    let summary = world.import(&repository);
    assert_eq!((summary.commits, summary.pushes), (2, 2));
    assert_eq!(details(&world.actions())[1], "Pushed 1 commit (2 files) to main: Merge side");
}

#[test]
fn an_import_is_on_record_once() {
    let mut repository = GitRepository::new();
    repository
        .commit(&(0..600).map(|n| NewCommit::new(if n % 2 == 0 { ADA } else { BOB }, n)).collect::<Vec<_>>());
    let world = World::new();
    world.import(&repository);
    world.import(&repository);
    let entries: Vec<(String, Option<String>, Option<String>)> = activity_logs::table
        .select((activity_logs::activity_type, activity_logs::project_id, activity_logs::target_name))
        .load(&mut world.db.connect_owner())
        .unwrap();
    let project = world.project.to_string();
    assert_eq!(entries, [("repository.imported".to_owned(), Some(project), Some("shop".to_owned()))]);
}

#[test]
fn a_second_run_adds_nothing() {
    let mut repository = GitRepository::new();
    repository.commit(&[NewCommit::new(ADA, 0), NewCommit::new(BOB, 1), NewCommit::new(ADA, 2)]);
    let world = World::new();
    world.import(&repository);
    let (pushes, actions) = (world.pushes(), world.actions());
    let second = world.import(&repository);
    assert_eq!((second.pushes, second.new_pushes, second.new_actions), (3, 0, 0));
    assert_eq!((world.pushes(), world.actions()), (pushes, actions));
}

#[test]
fn the_same_history_leads_to_the_same_rows_anywhere_else() {
    let mut repository = GitRepository::new();
    repository.commit(&[NewCommit::new(ADA, 0), NewCommit::new(BOB, 1)]);
    let (one, two) = (World::new(), World::new());
    one.import(&repository);
    two.db.connect_owner().batch_execute(&format!("UPDATE projects SET id = '{}'", one.project)).unwrap();
    let two = World { project: one.project, ..two };
    two.import(&repository);
    assert_eq!(one.pushes(), two.pushes());
    assert_eq!(one.actions(), two.actions());
}

#[test]
fn a_run_that_was_cut_off_is_completed_by_the_next() {
    let mut repository = GitRepository::new();
    let commits: Vec<_> = (0..1200).map(|n| NewCommit::new(if n % 2 == 0 { ADA } else { BOB }, n)).collect();
    repository.commit(&commits);
    let whole = World::new();
    whole.import(&repository);

    let world = World::new();
    world.db.connect_owner().batch_execute(&format!("UPDATE projects SET id = '{}'", whole.project)).unwrap();
    let world = World { project: whole.project, ..world };
    let cut_off = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        import(&world.app, &source_of(&repository), &world.project.to_string(), |progress| {
            assert!(!matches!(progress, Progress::Recording { commits: 500.., .. }), "cut off");
        })
    }));
    assert!(cut_off.is_err());
    assert_eq!(world.pushes(), whole.pushes()[..500], "the oldest come first");
    let rest = world.import(&repository);
    assert_eq!((rest.pushes, rest.new_pushes, rest.new_actions), (1200, 700, 700));
    assert_eq!(world.pushes(), whole.pushes());
    assert_eq!(world.actions(), whole.actions());
}

#[test]
fn commits_that_arrive_later_are_a_push_of_their_own() {
    let mut repository = GitRepository::new();
    repository.commit(&[NewCommit::new(ADA, 0), NewCommit::new(ADA, 1)]);
    let world = World::new();
    world.import(&repository);
    repository
        .commit(&[NewCommit::new(ADA, 2).message(b"More"), NewCommit::new(ADA, 3).message(b"And more")]);
    let second = world.import(&repository);
    assert_eq!((second.commits, second.pushes, second.new_pushes), (4, 2, 1));
    assert_eq!(
        details(&world.actions()),
        [
            "Pushed 2 commits (2 files) to main: Change something",
            "Pushed 2 commits (2 files) to main: And more"
        ]
    );
    assert_eq!(world.import(&repository).new_pushes, 0);
}

#[test]
fn a_push_that_a_worker_recorded_is_not_recorded_again() {
    let mut repository = GitRepository::new();
    repository.commit(&[NewCommit::new(ADA, 0), NewCommit::new(ADA, 100)]);
    let sha = repository.git(&["rev-parse", "HEAD"]);
    let world = World::new();
    let row = |id: &str, sha: Option<&str>| {
        diesel::insert_into(github_push_history::table)
            .values((
                github_push_history::push_id.eq(id.to_owned()),
                github_push_history::project_id.eq(world.project.to_string()),
                github_push_history::commit_sha.eq(sha.map(str::to_owned)),
            ))
            .execute(&mut world.db.connect_owner())
            .unwrap()
    };
    row("theirs", Some(sha.trim()));
    row("without", None);
    row("odd", Some("not a sha"));
    let summary = world.import(&repository);
    assert_eq!((summary.pushes, summary.new_pushes, summary.new_actions), (2, 1, 1));
}

#[test]
fn pushes_belong_to_the_users_who_wrote_them() {
    let mut repository = GitRepository::new();
    repository.commit(&[
        NewCommit::new("Ada@demo.test", 0),
        NewCommit::new("BOB@demo.test", 1),
        NewCommit::new("nobody@demo.test", 2),
        NewCommit::new("zoe@xn--bcher-kva.example", 3),
        NewCommit::new("eve@b\u{fc}cher.example", 4),
    ]);
    let world = World::new();
    world
        .db
        .connect_owner()
        .batch_execute(
            "INSERT INTO users (id, email, created_at) VALUES
             ('00000000-0000-4000-8000-000000000001', 'ada@demo.test', '2020-01-01'),
             ('00000000-0000-4000-8000-000000000002', 'Ada@demo.test', '2021-01-01'),
             ('00000000-0000-4000-8000-000000000003', 'bob@demo.test', '2020-01-01'),
             ('00000000-0000-4000-8000-000000000004', 'zoe@b\u{fc}cher.example', '2020-01-01'),
             ('00000000-0000-4000-8000-000000000005', 'eve@xn--bcher-kva.example', '2020-01-01')",
        )
        .unwrap();
    world.import(&repository);
    let expected = ["2", "3", "", "4", "5"].map(|n| match n {
        "" => String::new(),
        n => format!("00000000-0000-4000-8000-00000000000{n}"),
    });
    let users: Vec<_> = world.pushes().into_iter().map(|push| push.user_id.unwrap_or_default()).collect();
    assert_eq!(users, expected);
    let users: Vec<_> =
        world.actions().into_iter().map(|action| action.user_id.unwrap_or_default()).collect();
    assert_eq!(users, expected);
}

#[test]
fn odd_messages_become_text() {
    let long = [b"Big\n".as_slice(), &b"\xe2\x82\xac".repeat(400_000)].concat();
    let mut repository = GitRepository::new();
    repository.commit(&[
        NewCommit::new(ADA, 0).message(b"Caf\xe9 <script>alert(1)</script>"),
        NewCommit::new(BOB, 1).message(&long),
        NewCommit::new(ADA, 2).message(b""),
        NewCommit::new(BOB, 3).message("\u{202e}\u{7}txet".as_bytes()),
    ]);
    let world = World::new();
    world.import(&repository);
    let pushes = world.pushes();
    let message = |n: usize| pushes[n].commit_message.as_deref().unwrap();
    assert_eq!(message(0), "Caf\u{FFFD} <script>alert(1)</script>");
    assert_eq!(message(1).chars().count(), 10_000);
    assert!(message(1).starts_with("Big\n€") && message(1).ends_with('€'));
    assert_eq!(message(2), "");
    assert_eq!(details(&world.actions())[2], "Pushed 1 commit (1 file) to main");
}

/// A commit on top of branch main with these lines in place of author, committer and encoding.
fn store_on_top(repository: &GitRepository, lines: &[u8], message: &[u8]) -> String {
    let tree = repository.git(&["rev-parse", "main^{tree}"]);
    let parent = repository.git(&["rev-parse", "main"]);
    let head = format!("tree {}\nparent {}\n", tree.trim(), parent.trim());
    repository.store_commit(&[head.as_bytes(), lines, b"\n\n", message].concat())
}

fn signed(minute: i64) -> String {
    let seconds = START + minute * 60;
    format!("author A <a@demo.test> {seconds} +0000\ncommitter C <c@demo.test> {seconds} +0000")
}

#[test]
fn names_and_messages_are_read_by_the_encoding_that_the_commit_names() {
    let mut repository = GitRepository::new();
    repository.commit(&[NewCommit::new(ADA, 0)]);
    let seconds = START + 6000;
    let latin = format!(
        "author Ren\u{e9}e <r@demo.test> {seconds} +0000\ncommitter C <c@x.test> {seconds} +0000\nencoding ISO-8859-1"
    );
    let latin: Vec<u8> = latin.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    store_on_top(&repository, &latin, b"R\xe9parer\n");
    let cyrillic = format!("{}\nencoding KOI8-R", signed(200));
    store_on_top(&repository, cyrillic.as_bytes(), b"\xd0\xd2\xc9\xd7\xc5\xd4");
    let world = World::new();
    assert_eq!(world.import(&repository).damaged, 0);
    let pushes = world.pushes();
    assert_eq!(pushes[1].commit_message.as_deref(), Some("Réparer\n"));
    assert_eq!(pushes[1].author_name.as_deref(), Some("Renée"));
    assert_eq!(pushes[2].commit_message.as_deref(), Some("привет"));
}

#[test]
fn one_damaged_commit_costs_no_more_than_what_can_not_be_read_of_it() {
    let mut repository = GitRepository::new();
    repository.commit(&[NewCommit::new(ADA, 0)]);
    let committer = |minute: i64| format!("committer C <c@demo.test> {} +0000", START + minute * 60);
    for (n, author) in
        ["author Ada", "author Ada <ada@demo.test 1 +0000", "author", "written by=me"].iter().enumerate()
    {
        let minute = 100 * (1 + i64::try_from(n).unwrap());
        store_on_top(&repository, format!("{author}\n{}", committer(minute)).as_bytes(), b"Damaged");
    }
    let absurd = "author A <a@demo.test> 9223372036854775807 +9999\ncommitter C <c@demo.test> 99999999999999999999 +0000";
    store_on_top(&repository, absurd.as_bytes(), b"Without a time");
    repository.commit(&[NewCommit::new(BOB, 1000)]);
    let world = World::new();
    let summary = world.import(&repository);
    assert_eq!((summary.commits, summary.pushes, summary.damaged), (7, 7, 5));
    assert_eq!(summary.ends_at, None);
    let pushes = world.pushes();
    assert_eq!(pushes[1].author_email.as_deref(), Some(""));
    assert_eq!(pushes[1].created_at, Some((START + 6000) * 1000));
    // A commit without a time stands at that of the one that follows it.
    assert_eq!(pushes[5].created_at, pushes[6].created_at);
    assert_eq!(world.import(&repository).new_pushes, 0);
}

#[test]
fn a_history_that_lacks_a_commit_is_read_down_to_it() {
    let mut repository = GitRepository::new();
    repository.commit(&[NewCommit::new(ADA, 0), NewCommit::new(BOB, 1), NewCommit::new(ADA, 2)]);
    let missing = repository.git(&["rev-parse", "main~2"]).trim().to_owned();
    let world = World::new();
    let take_away = |id: &str| {
        let object = repository.path().join(".git/objects").join(&id[..2]).join(&id[2..]);
        std::fs::remove_file(object).unwrap();
    };
    take_away(&missing);
    let summary = world.import(&repository);
    assert_eq!((summary.commits, summary.new_pushes), (2, 2));
    assert!(summary.ends_at.is_some_and(|told| told.contains(&missing)));
    take_away(repository.git(&["rev-parse", "main"]).trim());
    assert!(world.try_import(repository.path()).is_err(), "without its newest commit there is nothing");
}

#[test]
fn a_replacement_makes_no_history_without_an_end() {
    let mut repository = GitRepository::new();
    repository.commit(&[NewCommit::new(ADA, 0), NewCommit::new(BOB, 1), NewCommit::new(ADA, 2)]);
    let first = repository.git(&["rev-parse", "main~2"]).trim().to_owned();
    let last = repository.git(&["rev-parse", "main"]).trim().to_owned();
    repository.git(&["replace", "--force", &first, &last]);
    let world = World::new();
    assert_eq!(world.import(&repository).commits, 3);
}

#[test]
fn a_long_list_of_files_is_counted_and_cut() {
    let mut repository = GitRepository::new();
    repository.commit(&[
        NewCommit::new(ADA, 0).files((0..5000).map(|n| format!("vendor/{}/{n}.js", n % 50)).collect())
    ]);
    let world = World::new();
    world.import(&repository);
    let push = world.pushes().pop().unwrap();
    assert_eq!(push.files_changed, Some(5000));
    assert_eq!(push.files.unwrap().as_array().unwrap().len(), 200);
}

#[test]
fn a_shallow_clone_is_read_as_far_as_it_goes() {
    let mut repository = GitRepository::new();
    repository.commit(&[NewCommit::new(ADA, 0), NewCommit::new(ADA, 100), NewCommit::new(ADA, 200)]);
    let clone = GitRepository::shallow_clone(&repository, 2);
    let world = World::new();
    let summary = world.import(&clone);
    assert_eq!((summary.commits, summary.pushes), (2, 2));
    assert_eq!(
        details(&world.actions()),
        ["Pushed 1 commit to main: Change something", "Pushed 1 commit (1 file) to main: Change something"]
    );
    let pushes = world.pushes();
    assert_eq!(
        (pushes[0].files_changed, &pushes[0].files),
        (None, &None),
        "what the clone lacks is not guessed"
    );
}

#[test]
fn a_bare_repository_and_a_git_directory_are_read_too() {
    let mut bare = GitRepository::bare();
    bare.commit(&[NewCommit::new(ADA, 0)]);
    let world = World::new();
    assert_eq!(world.import(&bare).new_pushes, 1);
    let mut other = GitRepository::new();
    other.commit(&[NewCommit::new(BOB, 0)]);
    assert_eq!(world.try_import(&other.path().join(".git")).unwrap().new_pushes, 1);
}

#[test]
fn a_detached_head_has_no_branch() {
    let mut repository = GitRepository::new();
    repository.commit(&[NewCommit::new(ADA, 0), NewCommit::new(BOB, 1)]);
    repository.git(&["checkout", "--quiet", "--detach", "HEAD~1"]);
    let world = World::new();
    assert_eq!(world.import(&repository).commits, 1);
    assert_eq!(world.pushes()[0].branch_name.as_deref(), Some("HEAD"));
}

#[test]
fn the_credentials_of_the_remote_are_not_stored() {
    let mut repository = GitRepository::new();
    repository.commit(&[NewCommit::new(ADA, 0)]);
    repository.git(&["remote", "add", "origin", "https://ada:s3cret@host.test/team/shop.git?token=s3cret"]);
    let world = World::new();
    world.import(&repository);
    assert_eq!(world.pushes()[0].repo_url.as_deref(), Some("https://host.test/team/shop.git"));
}

#[test]
fn what_can_not_be_imported_is_told_in_one_line() {
    let world = World::new();
    let empty = GitRepository::new();
    let told = |result: Result<Summary, ImportError>| result.unwrap_err().to_string();
    assert_eq!(
        told(world.try_import(empty.path())),
        "there is nothing to import: HEAD is main, which has no commits"
    );
    let nowhere = Path::new("/nonexistent/repository");
    assert!(
        told(world.try_import(nowhere))
            .starts_with("can't open /nonexistent/repository as a git repository: ")
    );
    let no_repository = told(world.try_import(Path::new("/")));
    assert!(no_repository.starts_with("can't open / as a git repository: "), "{no_repository}");
    assert!(!no_repository.contains('\n'));

    let mut repository = GitRepository::new();
    repository.commit(&[NewCommit::new(ADA, 0)]);
    for unknown in ["00000000-0000-4000-8000-000000000009", "shop", ""] {
        let error = import(&world.app, &source_of(&repository), unknown, |_| {}).unwrap_err();
        assert_eq!(error.to_string(), format!("there is no project {unknown}"));
    }
    assert!(world.pushes().is_empty() && world.actions().is_empty());
}

#[test]
fn formats_that_are_not_read_are_refused_by_name() {
    let world = World::new();
    let told = |extension: &str, value: &str| {
        let repository = GitRepository::new();
        repository.git(&["config", "core.repositoryFormatVersion", "1"]);
        repository.git(&["config", &format!("extensions.{extension}"), value]);
        world.try_import(repository.path()).unwrap_err().to_string()
    };
    let sha256 = told("objectFormat", "sha256");
    assert!(sha256.contains("SHA256") && sha256.contains("SHA-1 alone"), "{sha256}");
    let reftable = told("refStorage", "reftable");
    assert!(reftable.contains("reftable") && reftable.contains("git refs migrate"), "{reftable}");
}

#[test]
fn a_head_without_commits_lists_the_branches_and_one_of_them_can_be_taken() {
    let mut repository = GitRepository::new();
    repository.commit(&[NewCommit::new(ADA, 0), NewCommit::new(BOB, 1)]);
    repository.git(&["branch", "stable", "main~1"]);
    let tag = ["-c", "user.name=a", "-c", "user.email=a@demo.test", "tag", "-a", "-m", "One", "v1", "main~1"];
    repository.git(&tag);
    repository.git(&["symbolic-ref", "HEAD", "refs/heads/gone"]);
    let world = World::new();
    assert_eq!(
        world.try_import(repository.path()).unwrap_err().to_string(),
        "there is nothing to import: HEAD is gone, which has no commits; there are main and stable, take one with --branch"
    );
    let branch =
        |name: &str| world.import_from(&Source { branch: Some(name.to_owned()), ..source_of(&repository) });
    for odd in ["nothing", "", "..", "-x", "a b", "refs/heads/nothing", "main~1", "\u{1b}[2J"] {
        let told = branch(odd).unwrap_err().to_string();
        assert!(told.starts_with("there is no branch ") && told.contains("main and stable"), "{told}");
        assert!(!told.contains('\u{1b}'), "{told:?}");
    }
    assert_eq!(branch("stable").unwrap().commits, 1);
    assert_eq!(world.pushes()[0].branch_name.as_deref(), Some("stable"));
    assert_eq!(branch("v1").unwrap().commits, 1);
    assert_eq!(branch("refs/heads/main").unwrap().commits, 2);
    assert_eq!(world.pushes()[1].branch_name.as_deref(), Some("main"));
}

#[test]
fn a_repository_that_leads_elsewhere_is_read_only_when_that_is_asked_for() {
    let mut private = GitRepository::new();
    private.commit(&[NewCommit::new(ADA, 0).message(b"A secret")]);
    let secret = private.git(&["rev-parse", "main"]).trim().to_owned();
    let world = World::new();
    let private_git = private.path().join(".git");
    let from = |make: &dyn Fn(&GitRepository)| {
        let repository = GitRepository::new();
        make(&repository);
        repository
    };
    let cases = [
        (
            "a .git file",
            from(&|repository| {
                std::fs::remove_dir_all(repository.path().join(".git")).unwrap();
                std::fs::write(
                    repository.path().join(".git"),
                    format!("gitdir: {}\n", private_git.display()),
                )
                .unwrap();
            }),
        ),
        (
            "a .git link",
            from(&|repository| {
                std::fs::remove_dir_all(repository.path().join(".git")).unwrap();
                std::os::unix::fs::symlink(&private_git, repository.path().join(".git")).unwrap();
            }),
        ),
        (
            "commondir",
            from(&|repository| {
                std::fs::write(repository.path().join(".git/commondir"), private_git.to_str().unwrap())
                    .unwrap();
            }),
        ),
        (
            "alternates",
            from(&|repository| {
                let objects = private_git.join("objects");
                std::fs::write(
                    repository.path().join(".git/objects/info/alternates"),
                    objects.to_str().unwrap(),
                )
                .unwrap();
                repository.git(&["update-ref", "refs/heads/main", &secret]);
            }),
        ),
        (
            "a link to objects",
            from(&|repository| {
                std::fs::remove_dir_all(repository.path().join(".git/objects")).unwrap();
                std::os::unix::fs::symlink(
                    private_git.join("objects"),
                    repository.path().join(".git/objects"),
                )
                .unwrap();
                repository.git(&["update-ref", "refs/heads/main", &secret]);
            }),
        ),
    ];
    for (what, repository) in &cases {
        let told = world.try_import(repository.path()).unwrap_err().to_string();
        assert!(told.contains("--follow-links"), "{what}: {told}");
    }
    assert!(world.pushes().is_empty());
    for (what, repository) in &cases {
        let source = Source { follow_links: true, ..source_of(repository) };
        assert_eq!(world.import_from(&source).unwrap().commits, 1, "{what}");
    }
}

#[test]
fn links_and_alternates_within_a_repository_are_its_own() {
    let mut repository = GitRepository::new();
    repository.commit(&[NewCommit::new(ADA, 0)]);
    let git = repository.path().join(".git");
    std::fs::rename(git.join("objects"), repository.path().join("shelf")).unwrap();
    std::fs::create_dir_all(git.join("objects/info")).unwrap();
    std::fs::write(git.join("objects/info/alternates"), "../../shelf\n").unwrap();
    std::os::unix::fs::symlink("HEAD", git.join("ALSO_HEAD")).unwrap();
    let world = World::new();
    assert_eq!(world.import(&repository).commits, 1);
}

#[test]
fn billions_of_files_out_of_a_few_directories_are_not_all_counted() {
    let mut repository = GitRepository::new();
    repository.commit(&[NewCommit::new(ADA, 0)]);
    let blob = repository.git(&["rev-parse", "main:src/0.txt"]).trim().to_owned();
    // Ten levels of ten directories that are the same one.
    let mut lines: String = (0..10).map(|n| format!("100644 blob {blob}\t{n}\n")).collect();
    for _ in 0..10 {
        let tree = repository.make_tree(&lines);
        lines = (0..10).map(|n| format!("040000 tree {tree}\t{n}\n")).collect();
    }
    let tree = repository.make_tree(&lines);
    let parent = repository.git(&["rev-parse", "main"]).trim().to_owned();
    repository.store_commit(format!("tree {tree}\nparent {parent}\n{}\n\nA bomb", signed(100)).as_bytes());
    let world = World::new();
    assert_eq!(world.import(&repository).new_pushes, 2);
    assert!(details(&world.actions())[1].contains("(more than "), "{:?}", details(&world.actions()));
}

#[test]
fn a_commit_that_is_too_large_ends_the_history_before_it_is_read() {
    let mut repository = GitRepository::new();
    repository.commit(&[NewCommit::new(ADA, 0)]);
    let large = vec![b'a'; 33 << 20];
    let id = store_on_top(&repository, signed(100).as_bytes(), &large);
    repository.commit(&[NewCommit::new(BOB, 200)]);
    let world = World::new();
    let summary = world.import(&repository);
    assert_eq!(summary.commits, 1);
    assert!(summary.ends_at.is_some_and(|told| told.starts_with(&id) && told.contains("are not read")));
}

#[test]
fn a_commit_of_many_lines_costs_no_more_than_its_bytes() {
    let mut repository = GitRepository::new();
    repository.commit(&[NewCommit::new(ADA, 0)]);
    let parents = format!("parent {}\n", "1".repeat(40)).repeat(100_000);
    let lines = format!("{parents}{}\n{}", signed(100), "x y\n".repeat(200_000).trim_end());
    store_on_top(&repository, lines.as_bytes(), b"Many");
    let world = World::new();
    assert_eq!(world.import(&repository).commits, 2);
}

#[test]
fn people_are_who_the_mailmap_says_and_a_later_one_adds_nothing() {
    let mut repository = GitRepository::new();
    repository.commit(&[
        NewCommit::new("ada@old.test", 0),
        NewCommit::new("ada@new.test", 1),
        NewCommit::new("BOB@laptop.local", 100),
    ]);
    let (before, after) = (World::new(), World::new());
    assert_eq!(before.import(&repository).new_pushes, 3);
    let mailmap = b"# People\nAda Lovelace <ada@new.test> <ada@old.test>\nAda Lovelace <ada@new.test>\n\
                    Bob <bob@demo.test> <bob@laptop.local>\nnot a line\n";
    std::fs::write(repository.path().join(".mailmap"), mailmap).unwrap();
    after.db.connect_owner().batch_execute("INSERT INTO users (email) VALUES ('bob@demo.test')").unwrap();

    assert_eq!(before.import(&repository).new_pushes, 0);
    assert_eq!(after.import(&repository).new_pushes, 2);
    let pushes = after.pushes();
    let told =
        |n: usize| (pushes[n].author_name.as_deref().unwrap(), pushes[n].author_email.as_deref().unwrap());
    assert_eq!(told(0), ("Ada Lovelace", "ada@new.test"));
    assert_eq!(told(1), ("Bob", "bob@demo.test"));
    assert!(pushes[1].user_id.is_some());
    std::fs::remove_file(repository.path().join(".mailmap")).unwrap();
}

#[test]
fn a_bare_repository_has_its_mailmap_in_its_newest_commit_and_a_link_is_none() {
    let mut repository = GitRepository::bare();
    repository.commit(&[NewCommit::new(ADA, 0)]);
    let blob = repository.store_blob(b"Countess <countess@demo.test> <ada@demo.test>\n");
    let tree = repository.make_tree(&format!("100644 blob {blob}\t.mailmap\n"));
    repository
        .store_commit(format!("tree {tree}\n{}\n\nMap", signed(0)).replace("a@demo.test", ADA).as_bytes());
    let world = World::new();
    world.import(&repository);
    assert_eq!(world.pushes()[0].author_email.as_deref(), Some("countess@demo.test"));

    let outside = std::env::temp_dir().join(format!("pilothouse-mailmap-{}", std::process::id()));
    std::fs::write(&outside, "Countess <countess@demo.test> <ada@demo.test>\n").unwrap();
    let mut linked = GitRepository::new();
    linked.commit(&[NewCommit::new(ADA, 0)]);
    std::os::unix::fs::symlink(&outside, linked.path().join(".mailmap")).unwrap();
    let world = World::new();
    world.import(&linked);
    std::fs::remove_file(outside).unwrap();
    assert_eq!(world.pushes()[0].author_email.as_deref(), Some(ADA));
}
