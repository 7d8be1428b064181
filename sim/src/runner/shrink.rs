//! Shrinks a failing scenario: runs the candidates, each in a process of its own, and keeps the smallest as a regression.

use super::one::Ran;
use super::regressions;
use super::worker::{HANGS, SEED_MAX, Worker};
use crate::checkers::Violation;
use crate::scenario::Scenario;
use crate::shrink::{Size, Verdict, shrink};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Candidates that are run unless told otherwise.
pub const ATTEMPTS: u32 = 2000;
/// Minutes of real time that are spent unless told otherwise.
pub const MINUTES: f64 = 15.0;
/// A candidate that takes so many times longer than the original, and [`PATIENCE`], is not what is looked for.
const LONGER_MAX: u32 = 4;
/// Time that any candidate has.
const PATIENCE: Duration = Duration::from_secs(10);
/// Attempts between two lines that say how it goes.
const TELL_EVERY: u32 = 50;
/// Columns of a story.
const COLUMNS: usize = 125;

/// What to shrink, and how hard to try.
pub struct Task {
    /// The scenario, which must fail.
    pub scenario: Scenario,
    /// The invariant, or checker, that must go on being broken; without it, the first that is.
    pub invariant: Option<String>,
    /// Candidates at most.
    pub attempts: u32,
    /// Real time at most.
    pub minutes: f64,
    /// What the regression is to be called.
    pub name: String,
    /// What it is about; without it, what was violated.
    pub story: Option<String>,
}

/// What is broken: equal in a candidate that fails as the original did.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Broken {
    invariant: String,
    checker: String,
    /// Of a sudden death: the source line that panicked, or that it hung.
    place: Option<String>,
}

impl Broken {
    fn of(violation: &Violation) -> Broken {
        let Violation { invariant, checker, what, .. } = violation;
        let place = (checker == "panic").then(|| match what.split_once("panicked at ") {
            Some((_, place)) => place.split_whitespace().next().unwrap_or_default().trim_end_matches(':'),
            None if what.starts_with(HANGS) => HANGS,
            None => "",
        });
        Broken { invariant: invariant.clone(), checker: checker.clone(), place: place.map(str::to_string) }
    }

    fn is_in(&self, ran: &Ran) -> bool {
        ran.violations.iter().any(|violation| Broken::of(violation) == *self)
    }
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.invariant, self.checker)?;
        self.place.as_ref().map_or(Ok(()), |place| write!(f, " at {place}"))
    }
}

/// Shrinks, tells how it goes, and writes the regression.
pub fn run(task: &Task) -> Result<(), String> {
    let path = place(&task.name)?;
    let began = Instant::now();
    let first = Worker::fresh().run(&task.scenario)?;
    let patience = PATIENCE.max(began.elapsed() * LONGER_MAX);
    let broken = broken(task, &first)?;
    let again = Worker::fresh().run(&task.scenario)?;
    if again.hash != first.hash {
        return Err(format!("two runs differ: {} and {}", first.hash, again.hash));
    }
    let size = Size::of(&task.scenario);
    println!("{} seed {} breaks {broken}: {size}", task.scenario.name, task.scenario.seed);

    let (mut worker, mut attempts, mut error) = (Worker::fresh().within(patience.min(SEED_MAX)), 0, None);
    let judge = |candidate: &Scenario| {
        if attempts >= task.attempts || began.elapsed().as_secs_f64() >= task.minutes * 60.0 {
            return Verdict::Stop;
        }
        attempts += 1;
        if attempts % TELL_EVERY == 0 {
            println!("{attempts:>5} candidates, {} s", began.elapsed().as_secs());
        }
        match worker.run(candidate) {
            Ok(ran) if broken.is_in(&ran) => Verdict::Fails,
            Ok(_) => Verdict::Passes,
            Err(why) => {
                error = Some(why);
                Verdict::Stop
            }
        }
    };
    let shrunk = shrink(&task.scenario, judge, |what, best, attempts| {
        println!("{attempts:>5} {what}: {}", Size::of(best));
    });
    if let Some(why) = error {
        return Err(why);
    }

    let small = Size::of(&shrunk.scenario);
    let last = Worker::fresh().run(&shrunk.scenario)?;
    let Some(violation) = last.violations.iter().find(|violation| Broken::of(violation) == broken) else {
        return Err(format!("the smallest does not break {broken} when it is run once more"));
    };
    let story = story(task, violation, &format!("from {size} to {small}"));
    let text = format!("{story}{}\n", shrunk.scenario.to_json());
    std::fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
    // As `simulate` would read it.
    if regressions::read(&path)? != shrunk.scenario {
        return Err(format!("{} reads back as another scenario", path.display()));
    }
    println!(
        "{} candidates in {} s, {}: {small}",
        shrunk.attempts,
        began.elapsed().as_secs(),
        if shrunk.finished { "nothing more to spare" } else { "the budget is used up" }
    );
    println!("  {}: {}", broken, violation.what);
    println!("  replay: cargo xtask simulate scenarios/regressions/{}.json", task.name);
    Ok(())
}

fn place(name: &str) -> Result<PathBuf, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if name.is_empty() || !name.chars().all(plain) {
        return Err(format!("{name:?} is no name: letters, digits, - and _"));
    }
    let path = super::scenarios_dir().join("regressions").join(format!("{name}.json"));
    if path.exists() { Err(format!("{} is there; --name gives another", path.display())) } else { Ok(path) }
}

/// What the original breaks that it is not known to.
fn broken(task: &Task, ran: &Ran) -> Result<Broken, String> {
    let unexpected = ran.violations.iter().filter(|v| !task.scenario.expected.contains(&v.invariant));
    let wanted = |v: &&Violation| match &task.invariant {
        Some(wanted) => v.invariant == *wanted || v.checker == *wanted,
        None => true,
    };
    let found = unexpected.into_iter().find(wanted);
    found.map(Broken::of).ok_or_else(|| match &task.invariant {
        Some(wanted) => format!("{wanted} holds in this scenario"),
        None => "nothing is broken in this scenario".to_string(),
    })
}

/// What stands above the scenario, in lines that begin with `//`.
fn story(task: &Task, violation: &Violation, sizes: &str) -> String {
    let Violation { invariant, checker, what, .. } = violation;
    let about = task.story.as_ref().unwrap_or(what);
    let Scenario { name, seed, .. } = &task.scenario;
    let told = [
        format!("{} ({invariant}, the checker {checker}.)", about.trim()),
        format!("Found by {name}, seed {seed}, and shrunk {sizes}. Not mended yet."),
    ];
    let mut text = String::new();
    for paragraph in told {
        let mut line = String::from("//");
        for word in paragraph.split_whitespace() {
            if line.len() + 1 + word.len() > COLUMNS && line.len() > 2 {
                text.push_str(&line);
                text.push('\n');
                line = String::from("//");
            }
            line.push(' ');
            line.push_str(word);
        }
        text.push_str(&line);
        text.push('\n');
    }
    text
}

#[cfg(test)]
#[path = "shrink_test.rs"]
mod tests;
