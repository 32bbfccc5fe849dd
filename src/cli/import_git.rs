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
use crate::repositories::{self, End, LeftOut, Progress, Source, Summary};

/// Record a git repository's history as pushes of a project.
///
/// Reads the first-parent history of HEAD. Commits of one author with at most 30 minutes between them
/// count as one push. Running it again records only what is new. What can't be read is left out, and the
/// last line says what that was.
#[derive(Debug, Args)]
pub(super) struct ImportGit {
    /// Work tree, .git directory or bare repository
    path: PathBuf,
    /// Id of the project that the pushes belong to
    #[arg(long, value_name = "ID")]
    project: String,
    /// Branch, tag or full reference to read instead of HEAD
    #[arg(long, value_name = "NAME")]
    branch: Option<String>,
    /// Follow .git files, commondir, alternates and symbolic links that lead out of PATH
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
    let ImportGit { path, project, branch, follow_links } = arguments;
    let source = Source { path: path.clone(), branch: branch.clone(), follow_links: *follow_links };
    let summary =
        repositories::import((&app.db, &app.clock), &source, project, |progress| display.show(progress));
    display.clear();
    let summary = summary.map_err(CommandError::failed)?;
    println!("{}", plain(&outcome(&summary, started.elapsed(), path)));
    Ok(())
}

fn outcome(summary: &Summary, took: Duration, path: &Path) -> String {
    let Summary { commits, pushes, new_pushes, new_actions, left_out } = summary;
    let read = format!("{}, {}", counted(*commits, "commit", "commits"), counted(*pushes, "push", "pushes"));
    let left_out = without(left_out);
    if *new_pushes == 0 && *new_actions == 0 {
        return format!(
            "{}: {read}; all of it was on record already, nothing was added.{left_out}",
            path.display()
        );
    }
    let seconds = took.as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    let rate = *commits as f64 / seconds.max(0.001);
    let pushes = counted(*new_pushes, "push", "pushes");
    let actions = counted(*new_actions, "action", "actions");
    format!(
        "{}: {read}; added {pushes} and {actions} in {seconds:.1} s ({rate:.0} commits/s).{left_out}",
        path.display()
    )
}

/// " Left out: …", or nothing.
fn without(left_out: &LeftOut) -> String {
    let LeftOut { damaged, without_files, end, mailmap } = left_out;
    let mut parts = Vec::new();
    if *damaged > 0 {
        let commits = counted(*damaged, "commit", "commits");
        parts.push(format!("author or time of {commits}, damaged"));
    }
    match end {
        Some(End::Shallow) => parts.push("what a shallow clone lacks".to_owned()),
        Some(End::Unreadable(id)) => {
            parts.push(format!("what came before {id}, whose parent is missing or damaged"));
        }
        Some(End::Circle(id)) => parts.push(format!("what came before {id}, whose history is a circle")),
        Some(End::Long(limit)) => {
            parts.push(format!("what came before the newest {} commits", grouped(*limit)));
        }
        None => {}
    }
    if *without_files > 0 {
        let pushes = counted(*without_files, "push", "pushes");
        parts.push(format!("the files of {pushes}, missing or too many"));
    }
    if let Some(list) = mailmap {
        parts.push(format!("the names of {list}, which can't be read or is outside"));
    }
    if parts.is_empty() { String::new() } else { format!(" Left out: {}.", parts.join("; ")) }
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
        let text =
            |summary: &Summary, seconds| outcome(summary, Duration::from_secs(seconds), Path::new("shop"));
        let mut summary = Summary { commits: 1200, pushes: 3, ..Summary::default() };
        assert_eq!(
            text(&summary, 1),
            "shop: 1,200 commits, 3 pushes; all of it was on record already, nothing was added."
        );
        (summary.new_pushes, summary.new_actions) = (3, 3);
        let added = "shop: 1,200 commits, 3 pushes; added 3 pushes and 3 actions in 2.0 s (600 commits/s).";
        assert_eq!(text(&summary, 2), added);
        summary.left_out = LeftOut {
            damaged: 2,
            without_files: 1,
            end: Some(End::Shallow),
            mailmap: Some(".mailmap".to_owned()),
        };
        assert_eq!(
            text(&summary, 2),
            format!(
                "{added} Left out: author or time of 2 commits, damaged; what a shallow clone lacks; the files of \
                 1 push, missing or too many; the names of .mailmap, which can't be read or is outside."
            )
        );
    }
}
