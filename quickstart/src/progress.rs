//! Shows that work goes on.
//!
//! On a terminal each step is a spinner with its time and the newest line of output; elsewhere (a log of a CI run, a
//! pipe) it is one plain line at the start, one at the end, and one every half minute in between. Everything goes to the standard error output, so the
//! tables on the standard output can be kept apart.

use std::{
    io::{IsTerminal as _, stderr},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How long a plain step may say nothing.
const QUIET: Duration = Duration::from_secs(30);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Face {
    Terminal,
    Plain,
    Silent,
}

/// How progress is shown, decided once.
#[derive(Clone, Debug)]
pub struct Progress {
    face: Face,
}

impl Progress {
    /// Spinners if the standard error output is a terminal, else plain lines.
    pub fn detect() -> Self {
        Self { face: if stderr().is_terminal() { Face::Terminal } else { Face::Plain } }
    }

    /// Shows nothing.
    pub fn silent() -> Self {
        Self { face: Face::Silent }
    }

    /// Prints a line for people.
    pub fn say(&self, line: &str) {
        if self.face != Face::Silent {
            eprintln!("{line}");
        }
    }

    /// Starts a step of unknown length.
    pub fn step(&self, title: &str) -> Step {
        self.begin(title, None)
    }

    /// Starts a step of `length` parts, each of which ends with [`Step::advance`].
    pub fn counted(&self, title: &str, length: usize) -> Step {
        self.begin(title, Some(length))
    }

    fn begin(&self, title: &str, length: Option<usize>) -> Step {
        if self.face == Face::Plain {
            eprintln!("{title} ...");
        }
        let bar = match (self.face, length) {
            (Face::Terminal, None) => bar(ProgressBar::new_spinner(), "{spinner} {prefix} {elapsed} {wide_msg:.dim}"),
            (Face::Terminal, Some(length)) => {
                bar(ProgressBar::new(length as u64), "{spinner} {prefix} [{bar:24}] {pos}/{len} {wide_msg:.dim}")
            }
            // It counts, and shows nothing.
            (_, length) => {
                ProgressBar::with_draw_target(length.map(|length| length as u64), ProgressDrawTarget::hidden())
            }
        };
        bar.set_prefix(title.to_owned());
        let started = Instant::now();
        Step { title: title.to_owned(), face: self.face, started, spoke: Mutex::new(started), bar }
    }
}

fn bar(bar: ProgressBar, template: &str) -> ProgressBar {
    bar.set_style(ProgressStyle::with_template(template).expect("the template is valid"));
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

/// A step in progress.
#[derive(Debug)]
pub struct Step {
    title: String,
    face: Face,
    started: Instant,
    spoke: Mutex<Instant>,
    bar: ProgressBar,
}

impl Step {
    /// Shows what the step is doing now, where there is room for it.
    pub fn note(&self, text: &str) {
        self.bar.set_message(text.trim().to_owned());
        self.speak(|| text.trim().to_owned());
    }

    /// One of the counted parts is done.
    pub fn advance(&self) {
        self.bar.inc(1);
        self.speak(|| format!("{} of {}", self.bar.position(), self.bar.length().unwrap_or_default()));
    }

    /// Says something in plain lines, now and then.
    fn speak(&self, what: impl FnOnce() -> String) {
        let mut spoke = self.spoke.lock().unwrap_or_else(PoisonError::into_inner);
        if self.face == Face::Plain && spoke.elapsed() >= QUIET {
            *spoke = Instant::now();
            eprintln!("{}: {}", self.title, what());
        }
    }

    /// Ends the step with one word, such as `ok` or `failed`.
    pub fn end(self, word: &str) {
        self.bar.finish_and_clear();
        if self.face != Face::Silent {
            eprintln!("{}: {word}, {:.1} s", self.title, self.started.elapsed().as_secs_f64());
        }
    }
}
