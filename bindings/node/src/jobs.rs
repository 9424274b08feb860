//! Jobs that a worker has given to JavaScript, by a small number each.

use std::sync::{Arc, Mutex};

use zpatterns::{Error, ErrorKind, Hook, Result};

use crate::environment::lock;

/// A job of core, of whatever pattern.
pub(crate) trait Held {
    /// Whether nobody waits for it any more.
    fn is_unwanted(&self) -> bool;

    /// Sets what is called once, when that is so, or the job has come to its end.
    fn set_hook(&self, hook: Hook) -> Result<()>;
}

/// The jobs that are not answered.
pub(crate) struct Jobs<J> {
    places: Mutex<Places<J>>,
    /// Jobs that JavaScript watches and that came to their end, or are awaited by nobody any more.
    told: Arc<Mutex<Vec<u32>>>,
}

struct Places<J> {
    jobs: Vec<Option<J>>,
    free: Vec<u32>,
}

impl<J> Default for Places<J> {
    fn default() -> Self {
        Self { jobs: Vec::new(), free: Vec::new() }
    }
}

impl<J> Default for Jobs<J> {
    fn default() -> Self {
        Self { places: Mutex::default(), told: Arc::default() }
    }
}

impl<J: Held> Jobs<J> {
    /// Keeps a job; its number is not that of another one that is here.
    pub(crate) fn keep(&self, job: J) -> u32 {
        let mut places = lock(&self.places);
        let Places { jobs, free } = &mut *places;
        let place = free.pop().unwrap_or_else(|| {
            jobs.push(None);
            jobs.len() as u32 - 1
        });
        jobs[place as usize] = Some(job);
        place
    }

    /// Looks at a job.
    pub(crate) fn with<R>(&self, place: u32, look: impl FnOnce(&J) -> Result<R>) -> Result<R> {
        look(lock(&self.places).jobs.get(place as usize).and_then(Option::as_ref).ok_or_else(unknown)?)
    }

    /// Takes a job out.
    pub(crate) fn take(&self, place: u32) -> Result<J> {
        let mut places = lock(&self.places);
        let job = places.jobs.get_mut(place as usize).and_then(Option::take).ok_or_else(unknown)?;
        places.free.push(place);
        Ok(job)
    }

    /// Whether nobody waits for a job any more; not so if it was answered.
    pub(crate) fn is_unwanted(&self, place: u32) -> bool {
        self.with(place, |job| Ok(job.is_unwanted())).unwrap_or(false)
    }

    /// Lets `notice` be called when there may be something to [take](Self::take_unwanted) because of this job.
    pub(crate) fn watch(&self, place: u32, notice: Hook) -> Result<()> {
        let told = Arc::clone(&self.told);
        let tell = move || {
            let mut told = lock(&told);
            told.push(place);
            let is_first = told.len() == 1;
            drop(told);
            if is_first {
                notice();
            }
        };
        self.with(place, |job| job.set_hook(Box::new(tell)))
    }

    /// Which of the jobs that are watched nobody waits for any more, since the last call.
    pub(crate) fn take_unwanted(&self) -> Vec<u32> {
        let told = std::mem::take(&mut *lock(&self.told));
        // Others were answered, and another job may have the number by now.
        told.into_iter().filter(|place| self.is_unwanted(*place)).collect()
    }

    /// Drops these.
    pub(crate) fn discard(&self, places: Vec<u32>) {
        places.into_iter().for_each(|place| drop(self.take(place)));
    }

    /// Drops all.
    pub(crate) fn clear(&self) {
        let places = std::mem::take(&mut *lock(&self.places));
        drop(places);
    }
}

fn unknown() -> Error {
    Error::new(ErrorKind::WrongState, "the job was answered")
}
