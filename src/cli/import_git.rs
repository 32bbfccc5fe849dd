//! `pilothouse import git PATH --project ID`

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::database::Database;
use super::plain::plain;
use super::{CommandError, CommandResult};
use crate::app::App;
use crate::config::Config;
use crate::repositories::{self, Progress, Source, Summary};

/// Record a git repository's history as pushes of a project.
///
/// Reads the first-parent history of HEAD, or of another branch. Commits of one author with at most 30 minutes between them
/// count as one push. Running it again records only what is new.
#[derive(Debug, Args)]
pub(super) struct ImportGit {
    /// Work tree, .git directory or bare repository
    path: PathBuf,
    /// Id of the project that the pushes belong to
    #[arg(long, value_name = "ID")]
    project: String,
    /// Read this branch or tag in place of HEAD
    #[arg(long, value_name = "NAME")]
    branch: Option<String>,
    /// Read what lies outside of PATH too, where the repository leads there (linked work trees, alternates)
    #[arg(long)]
    follow_links: bool,
}

pub(super) fn run(config: Config, arguments: &ImportGit) -> CommandResult {
    let database = Database::for_command(&config)?;
    database.migrate().map_err(CommandError::failed)?;
    let outcome = database.app(config).and_then(|app| import(&app, arguments));
    database.stop();
    outcome
}

/// Progress goes to standard error, the result to standard output.
fn import(app: &App, arguments: &ImportGit) -> CommandResult {
    let started = Instant::now();
    let mut display = Display::new();
    let source = Source {
        path: arguments.path.clone(),
        branch: arguments.branch.clone(),
        follow_links: arguments.follow_links,
    };
    let summary = repositories::import(app, &source, &arguments.project, |progress| display.show(progress));
    display.clear();
    let summary = summary.map_err(CommandError::failed)?;
    println!("{}", plain(&outcome(&summary, started.elapsed(), &arguments.path)));
    for left_out in left_out(&summary) {
        println!("{}", plain(&left_out));
    }
    Ok(())
}

/// What of the repository could not be read, a sentence each.
fn left_out(summary: &Summary) -> Vec<String> {
    let mut told = Vec::new();
    if summary.damaged > 0 {
        let commits = counted(summary.damaged, "commit has", "commits have");
        told.push(format!("{commits} damaged lines: what can't be read of them was left out."));
    }
    if let Some(commit) = &summary.ends_at {
        told.push(format!("Nothing older could be read: the history ends at {commit}."));
    }
    told
}

fn outcome(summary: &Summary, took: Duration, path: &Path) -> String {
    let &Summary { commits, pushes, new_pushes, new_actions, .. } = summary;
    let read = format!("{}, {}", counted(commits, "commit", "commits"), counted(pushes, "push", "pushes"));
    if new_pushes == 0 && new_actions == 0 {
        return format!("{}: {read}; all of it was on record already, nothing was added.", path.display());
    }
    let seconds = took.as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    let rate = commits as f64 / seconds.max(0.001);
    let pushes = counted(new_pushes, "push", "pushes");
    let actions = counted(new_actions, "action", "actions");
    format!(
        "{}: {read}; added {pushes} and {actions} in {seconds:.1} s ({rate:.0} commits/s).",
        path.display()
    )
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{} {}", grouped(count), if count == 1 { one } else { many })
}

fn grouped(count: usize) -> HumanCount {
    HumanCount(count as u64)
}

/// A progress bar on a terminal, a line now and then elsewhere.
struct Display {
    bar: Option<ProgressBar>,
    printed: Instant,
}

/// Time between two lines where there is no terminal.
const BETWEEN_LINES: Duration = Duration::from_secs(2);

impl Display {
    fn new() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            let template = "{msg} {wide_bar} {human_pos}/{human_len} commits, {eta} left";
            ProgressStyle::with_template(template).map_or(bar.clone(), |style| bar.clone().with_style(style))
        });
        Self { bar, printed: Instant::now() }
    }

    fn show(&mut self, progress: Progress) {
        match (&self.bar, progress) {
            (Some(bar), Progress::Reading { commits }) => {
                bar.set_message("Reading");
                bar.set_position(commits as u64);
            }
            (Some(bar), Progress::Recording { commits, of }) => {
                if bar.length().is_none() {
                    bar.set_length(of as u64);
                    bar.set_message("Recording");
                    bar.reset_eta();
                }
                bar.set_position(commits as u64);
            }
            (None, progress) => self.print(progress),
        }
    }

    fn print(&mut self, progress: Progress) {
        if self.printed.elapsed() < BETWEEN_LINES {
            return;
        }
        self.printed = Instant::now();
        match progress {
            Progress::Reading { commits } => eprintln!("Read {} commits", grouped(commits)),
            Progress::Recording { commits, of } => {
                eprintln!("Recorded {} of {} commits", grouped(commits), grouped(of));
            }
        }
    }

    fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_added_nothing_says_so() {
        let summary = Summary { commits: 1200, pushes: 3, ..Summary::default() };
        let text = outcome(&summary, Duration::from_secs(1), Path::new("shop"));
        assert_eq!(
            text,
            "shop: 1,200 commits, 3 pushes; all of it was on record already, nothing was added."
        );
        let text = outcome(
            &Summary { new_pushes: 3, new_actions: 3, ..summary },
            Duration::from_secs(2),
            Path::new("shop"),
        );
        assert_eq!(
            text,
            "shop: 1,200 commits, 3 pushes; added 3 pushes and 3 actions in 2.0 s (600 commits/s)."
        );
    }
}
