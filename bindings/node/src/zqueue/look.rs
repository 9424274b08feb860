//! What is there: queues, the jobs of a tree, dead letters.

use napi::bindgen_prelude::Buffer;
use napi_derive::napi;
use zpatterns::zqueue::{DeadLetter, Failure, Found, Frames, TreeJob};

use super::{counters::QueueCounts, options::JobFacts};
use crate::packing::text;

/// A job of a tree.
#[napi(object)]
pub struct TreeJobFacts {
    /// Its number.
    pub job: f64,
    /// What it is a child of; 0 if of none that is there.
    pub parent: f64,
    /// How far below the job that was asked about.
    pub depth: u32,
    /// The queue in which it is.
    pub queue: String,
    /// Where it stands.
    pub state: String,
    /// For so many milliseconds.
    pub since: f64,
    /// Children that have not ended.
    pub open: u32,
    /// All that it has spawned.
    pub spawned: u32,
}

impl From<TreeJob> for TreeJobFacts {
    fn from(job: TreeJob) -> Self {
        let TreeJob { job, parent, depth, queue, state, since, children: (open, spawned) } = job;
        Self {
            job: job as f64,
            parent: parent as f64,
            depth,
            queue: text(&queue),
            state: state.name().into(),
            since: since as f64,
            open,
            spawned,
        }
    }
}

/// A job that failed by itself.
#[napi(object)]
pub struct LetterFacts {
    /// The number that it had.
    pub job: f64,
    /// The queue in which it was.
    pub queue: String,
    /// What was to be done.
    pub body: Vec<Buffer>,
    /// How.
    pub options: JobFacts,
    /// Of the jobs with it one is taken.
    pub key: Buffer,
    /// Why it was not done, by the number of the kind.
    pub kind: u32,
    /// The worker's own code.
    pub code: u32,
    /// The worker's own words and data, or one line for people.
    pub words: Vec<Buffer>,
}

impl From<DeadLetter> for LetterFacts {
    fn from(letter: DeadLetter) -> Self {
        let DeadLetter { job, queue, body, options, failure: Failure { kind, code, body: words } } = letter;
        Self {
            job: job as f64,
            queue: text(&queue),
            body: buffers(&body),
            options: (&options).into(),
            key: options.key.to_vec().into(),
            kind: kind.code().into(),
            code,
            words: buffers(&words),
        }
    }
}

fn buffers(frames: &Frames) -> Vec<Buffer> {
    frames.iter().map(|frame| frame.to_vec().into()).collect()
}

/// What somebody found who looked: one of these.
#[napi(object)]
#[derive(Default)]
pub struct Sight {
    /// The queues.
    pub queues: Option<Vec<QueueCounts>>,
    /// A tree.
    pub tree: Option<Vec<TreeJobFacts>>,
    /// Dead letters.
    pub letters: Option<Vec<LetterFacts>>,
}

impl From<Found> for Sight {
    fn from(found: Found) -> Self {
        match found {
            Found::Queues(queues) => {
                Self { queues: Some(queues.into_iter().map(Into::into).collect()), ..Self::default() }
            }
            Found::Tree(jobs) => Self { tree: Some(jobs.into_iter().map(Into::into).collect()), ..Self::default() },
            Found::Dead(letters) => {
                Self { letters: Some(letters.into_iter().map(Into::into).collect()), ..Self::default() }
            }
        }
    }
}
