//! Jobs that a worker has given to JavaScript, by a small number each.

use std::sync::Mutex;

use zpatterns::{Error, ErrorKind, Result, reqrep::Job};

use crate::environment::lock;

/// The jobs that are not answered.
#[derive(Default)]
pub(super) struct Jobs(Mutex<Places>);

#[derive(Default)]
struct Places {
    jobs: Vec<Option<Job>>,
    free: Vec<u32>,
}

impl Jobs {
    /// Keeps a job; its number is not that of another one that is here.
    pub(super) fn keep(&self, job: Job) -> u32 {
        let mut places = lock(&self.0);
        let Places { jobs, free } = &mut *places;
        let place = free.pop().unwrap_or_else(|| {
            jobs.push(None);
            jobs.len() as u32 - 1
        });
        jobs[place as usize] = Some(job);
        place
    }

    /// Looks at a job.
    pub(super) fn with<R>(&self, place: u32, look: impl FnOnce(&Job) -> Result<R>) -> Result<R> {
        look(lock(&self.0).jobs.get(place as usize).and_then(Option::as_ref).ok_or_else(unknown)?)
    }

    /// Takes a job out.
    pub(super) fn take(&self, place: u32) -> Result<Job> {
        let mut places = lock(&self.0);
        let job = places.jobs.get_mut(place as usize).and_then(Option::take).ok_or_else(unknown)?;
        places.free.push(place);
        Ok(job)
    }

    /// Drops all.
    pub(super) fn clear(&self) {
        let places = std::mem::take(&mut *lock(&self.0));
        drop(places);
    }
}

fn unknown() -> Error {
    Error::new(ErrorKind::WrongState, "the job was answered")
}
