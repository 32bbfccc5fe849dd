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
use pilothouse::repositories::{End, ImportError, LeftOut, Progress, Source, Summary, import};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::db::TestDb;
use crate::support::git::{GitRepository, NewCommit, START};

const ADA: &str = "ada@demo.test";
const BOB: &str = "bob@demo.test";

/// A database with a project, and the program that imports into it.
pub struct World {
    app: App,
    pub db: TestDb,
    pub project: Uuid,
}

impl World {
    pub fn new() -> Self {
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

    pub fn import(&self, repository: &GitRepository) -> Summary {
        self.try_import(repository.path()).unwrap()
    }

    pub fn import_branch(&self, repository: &GitRepository, branch: &str) -> Result<Summary, ImportError> {
        let branch = Some(branch.to_owned());
        self.import_from(&Source { branch, ..source(repository.path()) })
    }

    pub fn try_import(&self, path: &Path) -> Result<Summary, ImportError> {
        self.import_from(&source(path))
    }

    pub fn import_from(&self, source: &Source) -> Result<Summary, ImportError> {
        import((&self.app.db, &self.app.clock), source, &self.project.to_string(), |_| {})
    }

    pub fn pushes(&self) -> Vec<Push> {
        github_push_history::table
            .order(github_push_history::created_at)
            .select(Push::as_select())
            .load(&mut self.db.connect_owner())
            .unwrap()
    }

    pub fn actions(&self) -> Vec<Action> {
        project_actions::table
            .order(project_actions::created_at)
            .select(Action::as_select())
            .load(&mut self.db.connect_owner())
            .unwrap()
    }
}

pub fn source(path: &Path) -> Source {
    Source { path: path.to_owned(), ..Source::default() }
}

#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = github_push_history)]
#[expect(clippy::struct_field_names, reason = "the columns' own names")]
pub struct Push {
    push_id: String,
    project_id: Option<String>,
    pub user_id: Option<String>,
    pub repo_url: Option<String>,
    pub branch_name: Option<String>,
    pub commit_sha: Option<String>,
    pub commit_message: Option<String>,
    pub author_name: Option<String>,
    pub author_email: Option<String>,
    pub files_changed: Option<i32>,
    pub files: Option<Value>,
    pub created_at: Option<i64>,
}

#[expect(clippy::struct_field_names, reason = "as the columns are called")]
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = project_actions)]
pub struct Action {
    action_id: String,
    project_id: Option<String>,
    user_id: Option<String>,
    action_type: Option<String>,
    pub action_details: Option<String>,
    status: Option<String>,
    environment: Option<String>,
    reference_ids: Option<Value>,
    created_at: Option<i64>,
}

pub fn details(actions: &[Action]) -> Vec<&str> {
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
        Summary { commits: 5, pushes: 4, new_pushes: 4, new_actions: 4, left_out: LeftOut::default() }
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
        import(
            (&world.app.db, &world.app.clock),
            &source(repository.path()),
            &world.project.to_string(),
            |progress| {
                assert!(!matches!(progress, Progress::Recording { commits: 500.., .. }), "cut off");
            },
        )
    }));
    assert!(cut_off.is_err());
    assert_eq!(world.pushes(), whole.pushes()[..500], "the oldest come first");
    let rest = world.import(&repository);
    assert_eq!((rest.pushes, rest.new_pushes, rest.new_actions), (1200, 700, 700));
    assert_eq!(world.pushes(), whole.pushes());
    assert_eq!(world.actions(), whole.actions());
}

#[test]
fn nothing_is_recorded_of_a_project_that_went_while_the_history_was_read() {
    let world = World::new();
    let mut repository = GitRepository::new();
    repository.commit(&[NewCommit::new(ADA, 0)]);
    let removed = import(
        (&world.app.db, &world.app.clock),
        &source(repository.path()),
        &world.project.to_string(),
        |progress| {
            if matches!(progress, Progress::Recording { .. }) {
                diesel::delete(projects::table).execute(&mut world.db.connect_owner()).unwrap();
            }
        },
    );
    assert!(matches!(removed, Err(ImportError::UnknownProject(_))), "{removed:?}");
    let mut conn = world.db.connect_owner();
    let pushes: i64 = github_push_history::table.count().get_result(&mut conn).unwrap();
    let actions: i64 = project_actions::table.count().get_result(&mut conn).unwrap();
    assert_eq!((pushes, actions), (0, 0));
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
    ]);
    let world = World::new();
    world
        .db
        .connect_owner()
        .batch_execute(
            "INSERT INTO users (id, email, created_at) VALUES
             ('00000000-0000-4000-8000-000000000001', 'ada@demo.test', '2020-01-01'),
             ('00000000-0000-4000-8000-000000000002', 'Ada@demo.test', '2021-01-01'),
             ('00000000-0000-4000-8000-000000000003', 'bob@demo.test', '2020-01-01')",
        )
        .unwrap();
    world.import(&repository);
    let expected = ["00000000-0000-4000-8000-000000000002", "00000000-0000-4000-8000-000000000003", ""];
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
    let left_out = LeftOut { without_files: 1, end: Some(End::Shallow), ..LeftOut::default() };
    assert_eq!(summary.left_out, left_out);
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

/// The head of a commit on the empty tree.
fn raw(parent: Option<&str>, lines: &[u8]) -> Vec<u8> {
    let mut bytes = b"tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n".to_vec();
    if let Some(parent) = parent {
        bytes.extend_from_slice(format!("parent {parent}\n").as_bytes());
    }
    bytes.extend_from_slice(lines);
    bytes
}

/// What a commit says and holds, and what is read: label, name and message as bytes, name and message as text.
type Encoded = (&'static [u8], &'static [u8], &'static [u8], &'static str, &'static str);

#[test]
fn text_is_read_in_the_encoding_that_its_commit_names() {
    let repository = GitRepository::bare();
    let mut newest: Option<String> = None;
    let cases: [Encoded; 6] = [
        (b"ISO-8859-1", b"Andr\xe9", b"R\xe9parer", "Andr\u{e9}", "R\u{e9}parer"),
        (b"KOI8-R", b"\xe1\xce\xce\xc1", b"\xf0\xd2\xc9", "Анна", "При"),
        (b"Shift_JIS", b"Ada", b"\x93\xfa\x96{", "Ada", "日本"),
        (b"UTF-8", "Zoë".as_bytes(), b"a\0b", "Zoë", "ab"),
        (b"klingon", "Zoë".as_bytes(), b"R\xe9", "Zoë", "R\u{fffd}"),
        (b"ISO-8859-1", "Zoë".as_bytes(), "größer".as_bytes(), "Zoë", "größer"),
    ];
    for (minute, (label, name, message, ..)) in cases.iter().enumerate() {
        let seconds = START + i64::try_from(minute).unwrap() * 6000;
        let who =
            [name, b" <ada@demo.test> ".as_slice(), seconds.to_string().as_bytes(), b" +0000\n"].concat();
        let lines = [b"author ".as_slice(), &who, b"committer ", &who, b"encoding ", label, b"\n\n", message]
            .concat();
        newest = Some(repository.raw_commit(&raw(newest.as_deref(), &lines)));
    }
    let world = World::new();
    assert_eq!(world.import(&repository).left_out, LeftOut::default());
    for (push, (.., name, message)) in world.pushes().iter().zip(cases) {
        assert_eq!(push.author_name.as_deref(), Some(name));
        assert_eq!(push.commit_message.as_deref(), Some(message));
    }
}

#[test]
fn a_damaged_commit_comes_in_without_what_can_not_be_read_and_the_rest_whole() {
    let mut repository = GitRepository::new();
    repository.commit(&[NewCommit::new(ADA, 0)]);
    let mut newest = repository.git(&["rev-parse", "main"]).trim().to_owned();
    let who = "Ada <ada@demo.test>";
    let damaged = [
        "committer C <c@demo.test> @ +0000\n\nNo author\n".to_owned(),
        format!("author {who} @ +0000\n\nNo committer\n"),
        "author Ada ada@demo.test @ +0000\ncommitter C <c@demo.test> @ +0000\n\nNo brackets\n".to_owned(),
        format!("author {who} @ +0000\ncommitter C <c@demo.test>\n\nNo time\n"),
        format!("author {who} @ +0000\ncommitter C <c@demo.test> 9223372036854775808 +0000\n\nLate\n"),
        format!(
            "author {who} @ +0000\ncommitter C <c@demo.test> 9223372036854775807 +0000\n\nYear 292277026596\n"
        ),
        "\n\nNothing\n".to_owned(),
    ];
    let odd = [
        format!("author {who} @ +0000\ncommitter C <c@demo.test> @ +9999\n\nZone\n"),
        "author  <> @ +0000\ncommitter C <> @ +0000\n\nNobody\n".to_owned(),
        "author A <a@demo.test> <b@demo.test> @ +0000\ncommitter C <> @ +0000\n\nTwo\n".to_owned(),
        format!(
            "author {who} @ +0000\ncommitter C <c@demo.test> @ +0000\ngpgsig -----BEGIN\n x\n \n -----END\n\
             mergetag object 12\nno-space\n\nSigned\n"
        ),
        format!("author {who} -5 +0000\ncommitter C <c@demo.test> -5 +0000\n\nEarly\n"),
    ];
    for (n, lines) in damaged.iter().chain(&odd).enumerate() {
        let seconds = START + i64::try_from(n + 1).unwrap() * 6000;
        let lines =
            lines.replace('@', "\u{1}").replacen("\u{1} +", &format!("{seconds} +"), 9).replace('\u{1}', "@");
        newest = repository.raw_commit(&raw(Some(&newest), lines.as_bytes()));
    }
    repository.commit(&[NewCommit::new(BOB, 10_000)]);
    let world = World::new();
    let summary = world.import(&repository);
    assert_eq!(summary.commits, damaged.len() + odd.len() + 2);
    assert_eq!(summary.new_pushes, summary.pushes);
    assert_eq!(summary.left_out, LeftOut { damaged: damaged.len(), ..LeftOut::default() });
    let pushes = world.pushes();
    let push = |subject: &str| {
        let starts = |push: &&Push| push.commit_message.as_deref().unwrap().starts_with(subject);
        pushes.iter().find(starts).unwrap_or_else(|| panic!("{subject}"))
    };
    assert_eq!(push("No author").author_email.as_deref(), Some(""));
    assert_eq!(push("No brackets").author_name.as_deref(), Some(""));
    assert_eq!(push("No committer").author_email.as_deref(), Some(ADA));
    assert_eq!(push("No committer").created_at, Some((START + 2 * 6000) * 1000), "the author's time");
    assert_eq!(push("Late").created_at, Some((START + 5 * 6000) * 1000));
    assert_eq!(push("Zone").created_at, Some((START + 8 * 6000) * 1000));
    assert_eq!(push("Early").created_at, Some(-5000));
    assert_eq!(push("Signed").author_email.as_deref(), Some(ADA));
    assert_eq!(world.import(&repository).new_pushes, 0);
}

#[test]
fn a_broken_history_comes_in_as_far_as_it_can_be_reached() {
    for damage in ["gone", "garbage", "a tree"] {
        let repository = GitRepository::new();
        let who = |minute: i64| {
            format!("author A <{ADA}> {0} +0\ncommitter A <{ADA}> {0} +0\n\nFix\n", START + minute * 6000)
        };
        let first = repository.raw_commit(&raw(None, who(0).as_bytes()));
        let second = if damage == "a tree" {
            repository.raw_object("tree", b"")
        } else {
            repository.raw_commit(&raw(Some(&first), who(1).as_bytes()))
        };
        let third = repository.raw_commit(&raw(Some(&second), who(2).as_bytes()));
        repository.raw_commit(&raw(Some(&third), who(3).as_bytes()));
        let file = repository.object_file(&second);
        match damage {
            "gone" => std::fs::remove_file(file).unwrap(),
            "garbage" => {
                std::fs::remove_file(&file).unwrap();
                std::fs::write(file, b"garbage").unwrap();
            }
            _ => {}
        }
        let world = World::new();
        let summary = world.import(&repository);
        assert_eq!((summary.commits, summary.new_pushes), (2, 2), "{damage}");
        let end = summary.left_out.end.unwrap();
        assert!(
            matches!(end, End::Unreadable(id) if id == third.parse::<gix::ObjectId>().unwrap()),
            "{damage}: {end:?}"
        );
        assert_eq!(summary.left_out.without_files, 1, "{damage}");
    }
}

#[test]
fn missing_trees_cost_the_list_of_files_alone() {
    let mut repository = GitRepository::new();
    repository.commit(&[NewCommit::new(ADA, 0)]);
    let parent = repository.git(&["rev-parse", "main"]);
    let lines = format!("author A <{BOB}> {0} +0\ncommitter A <{BOB}> {0} +0\n\nFix\n", START + 60);
    let bytes = format!("tree {}\nparent {}\n{lines}", "12".repeat(20), parent.trim());
    repository.raw_commit(bytes.as_bytes());
    let world = World::new();
    let summary = world.import(&repository);
    assert_eq!((summary.new_pushes, summary.left_out.without_files), (2, 1));
    assert_eq!(
        details(&world.actions()),
        ["Pushed 1 commit (1 file) to main: Change something", "Pushed 1 commit to main: Fix"]
    );
}

#[test]
fn the_list_of_names_says_who_somebody_is() {
    let list =
        b"Ada Lovelace <ada@demo.test> <ada@home.test>\nBob <bob@demo.test> Robert <shared@demo.test>\n";
    for bare in [false, true] {
        let mut repository = if bare { GitRepository::bare() } else { GitRepository::new() };
        repository.commit(&[
            NewCommit::new(ADA, 0),
            NewCommit::new("ada@home.test", 1),
            NewCommit::new("shared@demo.test", 2),
        ]);
        if bare {
            let blob = repository.raw_object("blob", list);
            let tree = repository.git(&["rev-parse", "main^{tree}"]);
            let read = repository.git(&["ls-tree", tree.trim()]);
            assert!(read.contains("src"));
            let entry = format!("{read}100644 blob {blob}\t.mailmap\n");
            let tree = repository.git_with(&["mktree"], entry.as_bytes());
            let parent = repository.git(&["rev-parse", "main"]);
            let who = format!("C <c@demo.test> {} +0", START + 6000);
            let commit = format!(
                "tree {}\nparent {}\nauthor {who}\ncommitter {who}\n\nNames\n",
                tree.trim(),
                parent.trim()
            );
            repository.raw_commit(commit.as_bytes());
        } else {
            std::fs::write(repository.path().join(".mailmap"), list).unwrap();
        }
        let world = World::new();
        world
            .db
            .connect_owner()
            .batch_execute("INSERT INTO users (id, email) VALUES ('00000000-0000-4000-8000-000000000001', 'ada@demo.test')")
            .unwrap();
        world.import(&repository);
        let pushes = world.pushes();
        let seen: Vec<_> = pushes
            .iter()
            .map(|push| {
                (
                    push.author_name.as_deref().unwrap(),
                    push.author_email.as_deref().unwrap(),
                    push.user_id.is_some(),
                )
            })
            .take(2)
            .collect();
        assert_eq!(
            seen,
            [("Ada Lovelace", ADA, true), ("shared", "shared@demo.test", false)],
            "bare: {bare}"
        );
    }
}

#[test]
fn a_changed_list_of_names_brings_no_commit_in_twice() {
    let mut repository = GitRepository::new();
    let commits = [ADA, "ada@home.test", ADA, BOB];
    repository.commit(
        &commits
            .iter()
            .enumerate()
            .map(|(n, who)| NewCommit::new(who, i64::try_from(n).unwrap()))
            .collect::<Vec<_>>(),
    );
    let list = repository.path().join(".mailmap");
    let lists = [
        "",
        "<ada@demo.test> <ada@home.test>\n",
        "<ada@demo.test> <ada@home.test>\n<ada@demo.test> <bob@demo.test>\n",
    ];
    for (first, pushes) in lists.iter().zip([4, 2, 1]) {
        let world = World::new();
        std::fs::write(&list, first).unwrap();
        assert_eq!(world.import(&repository).new_pushes, pushes);
        for then in lists {
            std::fs::write(&list, then).unwrap();
            let summary = world.import(&repository);
            assert_eq!((summary.pushes, summary.new_pushes, summary.new_actions), (pushes, 0, 0));
        }
    }
}

#[test]
fn a_list_of_names_outside_is_not_read() {
    let mut repository = GitRepository::new();
    repository.commit(&[NewCommit::new("ada@home.test", 0)]);
    let outside = GitRepository::new();
    let list = outside.path().join("names");
    std::fs::write(&list, "<ada@demo.test> <ada@home.test>\n").unwrap();
    repository.git(&["config", "mailmap.file", list.to_str().unwrap()]);
    let world = World::new();
    assert_eq!(world.import(&repository).left_out.mailmap.as_deref(), Some("mailmap.file"));
    assert_eq!(world.pushes()[0].author_email.as_deref(), Some("ada@home.test"));

    std::os::unix::fs::symlink(&list, repository.path().join(".mailmap")).unwrap();
    repository.git(&["config", "--unset", "mailmap.file"]);
    let world = World::new();
    assert_eq!(world.import(&repository).left_out.mailmap.as_deref(), Some(".mailmap"));
    let world = World::new();
    world.import_from(&Source { follow_links: true, ..source(repository.path()) }).unwrap();
    assert_eq!(world.pushes()[0].author_email.as_deref(), Some(ADA));
}

#[test]
fn another_branch_or_a_tag_is_taken_by_its_name() {
    let mut repository = GitRepository::new();
    repository.commit(&[NewCommit::new(ADA, 0)]);
    let who = ["-c", "user.name=ada", "-c", "user.email=ada@demo.test"];
    repository.git(&[&who[..], &["tag", "-a", "-m", "One", "v1", "main"]].concat());
    repository.commit_on("refs/heads/team/side", None, &[NewCommit::new(BOB, 100), NewCommit::new(ADA, 200)]);
    for (name, commits, shown) in [
        ("main", 1, "main"),
        ("team/side", 2, "team/side"),
        ("refs/heads/team/side", 2, "team/side"),
        ("v1", 1, "v1"),
        ("refs/tags/v1", 1, "v1"),
    ] {
        let world = World::new();
        assert_eq!(world.import_branch(&repository, name).unwrap().commits, commits, "{name}");
        assert_eq!(world.pushes()[0].branch_name.as_deref(), Some(shown));
    }
    for unknown in ["nothing", "", "../HEAD", "refs/heads/nothing", "a b", "-x"] {
        let told = World::new().import_branch(&repository, unknown).unwrap_err().to_string();
        assert_eq!(
            told,
            format!(
                "there is nothing to import: there is no branch or tag {unknown}; --branch takes one of main, team/side"
            )
        );
    }
}

#[test]
fn a_head_without_commits_lists_the_branches_there_are() {
    let mut repository = GitRepository::new();
    repository.commit(&[NewCommit::new(ADA, 0)]);
    for n in 0..30 {
        repository.git(&["branch", &format!("b{n:02}"), "main"]);
    }
    let told = || World::new().try_import(repository.path()).unwrap_err().to_string();
    let head = |text: &str| std::fs::write(repository.path().join(".git/HEAD"), text).unwrap();
    head("ref: refs/heads/master\n");
    let unborn = told();
    assert!(unborn.starts_with("there is nothing to import: HEAD is master, which has no commits; --branch takes one of b00, b01, "), "{unborn}");
    assert!(unborn.ends_with(", b19 and 11 more"), "{unborn}");
    head("1234567890123456789012345678901234567890\n");
    assert!(
        told().contains(
            "HEAD is 1234567890123456789012345678901234567890, which is no commit that can be read; --branch"
        ),
        "{}",
        told()
    );
    head("ref: ORIG_HEAD\n");
    assert!(told().contains("HEAD is ORIG_HEAD, which is no branch; --branch"), "{}", told());
    head("nonsense\n");
    assert!(told().contains("HEAD can't be read; --branch"), "{}", told());
    assert_eq!(World::new().import_branch(&repository, "b03").unwrap().commits, 1);
}

#[test]
fn other_ways_to_store_a_repository_are_refused_by_name() {
    let mut repository = GitRepository::new();
    repository.commit(&[NewCommit::new(ADA, 0)]);
    for (extension, value, words) in [
        ("objectFormat", "sha256", ["SHA-256", "git -C REPOSITORY fast-export"]),
        ("refStorage", "reftable", ["reftable", "git refs migrate --ref-format=files"]),
    ] {
        let config = repository.path().join(".git/config");
        let plain = std::fs::read_to_string(&config).unwrap();
        let version = plain.replace("repositoryformatversion = 0", "repositoryformatversion = 1");
        std::fs::write(&config, format!("{version}[extensions]\n\t{extension} = {value}\n")).unwrap();
        let told = World::new().try_import(repository.path()).unwrap_err().to_string();
        assert!(words.iter().all(|words| told.contains(words)), "{told}");
        std::fs::write(&config, plain).unwrap();
    }
    for extension in [
        "worktreeConfig=true",
        "partialClone=origin",
        "objectFormat=sha1",
        "refStorage=files",
        "preciousObjects=true",
    ] {
        let (key, value) = extension.split_once('=').unwrap();
        repository.git(&["config", "core.repositoryFormatVersion", "1"]);
        let config = repository.path().join(".git/config");
        let plain = std::fs::read_to_string(&config).unwrap();
        std::fs::write(&config, format!("{plain}[extensions]\n\t{key} = {value}\n")).unwrap();
        assert_eq!(World::new().import(&repository).commits, 1, "{extension}");
        std::fs::write(&config, plain).unwrap();
    }
    let sha256 = GitRepository::sha256();
    let told = World::new().try_import(sha256.path()).unwrap_err().to_string();
    assert!(told.contains("SHA-256"), "{told}");
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
        let error = import((&world.app.db, &world.app.clock), &source(repository.path()), unknown, |_| {})
            .unwrap_err();
        assert_eq!(error.to_string(), format!("there is no project {unknown}"));
    }
    assert!(world.pushes().is_empty() && world.actions().is_empty());
}
