//! What is in a queue, for people who look.

use std::{
    ffi::{c_char, c_int},
    mem::offset_of,
};

use zpatterns::zqueue::{DeadLetter, JobOptions, JobState, TreeJob};

use super::{
    counters::{ZPAT_QUEUE_NAME_SIZE, zpat_queue_counters_t},
    producer::{handle, job_number, zpat_producer_t},
};
use crate::{
    arguments::{Names, c_names, check_room, deadline, invalid, named, write_growing},
    batch::{Slot, zpat_batch_t},
    cancel::zpat_cancel_t,
    error::{code_of, entry},
    plain::Plain,
};

/// Where a job stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub enum zpat_job_state_t {
    /// It waits for a worker, or for its elder siblings.
    ZPAT_JOB_WAITING = 0,
    /// It waits for its time.
    ZPAT_JOB_DELAYED = 1,
    /// A worker has it.
    ZPAT_JOB_RUNNING = 2,
    /// It waits for its children.
    ZPAT_JOB_SUSPENDED = 3,
}

/// Core's states in the order of the numbers above; new ones go to the end of both.
const STATES: [JobState; 4] = [JobState::Waiting, JobState::Delayed, JobState::Running, JobState::Suspended];

/// A job in a tree. Start from `ZPAT_TREE_JOB_INIT`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct zpat_tree_job_t {
    /// `sizeof(zpat_tree_job_t)`.
    pub struct_size: usize,
    /// Its number.
    pub job: i64,
    /// The number of the one it is a child of; 0 if of none that is there.
    pub parent: i64,
    /// How far below the job that was asked about, which has 0.
    pub depth: u64,
    /// The queue in which it is, with a zero at the end. It is whatever bytes somebody sent.
    pub queue: [c_char; ZPAT_QUEUE_NAME_SIZE],
    /// Length of that, without the zero at its end.
    pub queue_len: u64,
    /// A `zpat_job_state_t`.
    pub state: i64,
    /// For how long it has stood there, in milliseconds.
    pub since: u64,
    /// Its children that have not ended.
    pub open_children: u64,
    /// All children that it has spawned.
    pub children: u64,
}

impl zpat_tree_job_t {
    const ENDS: &'static [usize] = &[offset_of!(Self, children) + size_of::<u64>()];

    fn of(job: &TreeJob, struct_size: usize) -> Self {
        let TreeJob { job, parent, depth, queue, state, since, children: (open_children, children) } = job;
        Self {
            struct_size,
            job: job.cast_signed(),
            parent: parent.cast_signed(),
            depth: u64::from(*depth),
            queue: named(queue),
            queue_len: queue.len() as u64,
            state: *state as i64,
            since: *since,
            open_children: u64::from(*open_children),
            children: u64::from(*children),
        }
    }
}

/// A dead letter: a job that failed by itself. Start from `ZPAT_DEAD_LETTER_INIT`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct zpat_dead_letter_t {
    /// `sizeof(zpat_dead_letter_t)`.
    pub struct_size: usize,
    /// The number that the job had, by which `zpat_producer_requeue` takes it.
    pub job: i64,
    /// A `zpat_error_t`: why it failed, as in `zpat_job_outcome_t`.
    pub error: i64,
    /// The worker's own code, as in `zpat_job_outcome_t`.
    pub code: i64,
    /// The queue in which it was, with a zero at the end. It is whatever bytes somebody sent.
    pub queue: [c_char; ZPAT_QUEUE_NAME_SIZE],
    /// Length of that, without the zero at its end.
    pub queue_len: u64,
    /// Its key, with a zero at the end, of whatever bytes. It is empty if it has none.
    pub key: [c_char; ZPAT_QUEUE_NAME_SIZE],
    /// Length of that, without the zero at its end.
    pub key_len: u64,
    /// How it was to be done: this and the others are as in `zpat_job_options_t`.
    pub priority: i64,
    /// In milliseconds.
    pub delay: i64,
    /// How often it might fail.
    pub attempts: i64,
    /// In milliseconds.
    pub backoff: i64,
    /// In milliseconds.
    pub time_limit: i64,
    /// In milliseconds.
    pub keep: i64,
}

impl zpat_dead_letter_t {
    const ENDS: &'static [usize] = &[offset_of!(Self, keep) + size_of::<i64>()];

    fn of(letter: &DeadLetter, struct_size: usize) -> Self {
        let DeadLetter { job, queue, body: _, options, failure } = letter;
        let JobOptions { priority, delay, attempts, backoff, time_limit, key, keep } = options;
        Self {
            struct_size,
            job: job.cast_signed(),
            error: code_of(failure.kind).into(),
            code: failure.code.into(),
            queue: named(queue),
            queue_len: queue.len() as u64,
            key: named(key),
            key_len: key.len() as u64,
            priority: priority.plain(),
            delay: delay.plain(),
            attempts: attempts.plain(),
            backoff: backoff.plain(),
            time_limit: time_limit.plain(),
            keep: keep.plain(),
        }
    }
}

/// The name of a `zpat_job_state_t`, the same in every language (`waiting`); `unknown` for what is none. Static text.
#[unsafe(no_mangle)]
pub extern "C" fn zpat_job_state_name(state: c_int) -> *const c_char {
    static NAMES: Names = Names::new(|| c_names(STATES.map(JobState::name)));
    let name = usize::try_from(state).ok().and_then(|index| NAMES.get(index));
    name.map_or(c"unknown".as_ptr(), |name| name.as_ptr())
}

/// Asks the queue what became of the jobs in each of its queues; otherwise as `zpat_queue_queues`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_producer_queues(
    producer: *const zpat_producer_t,
    timeout_ms: i64,
    cancel: *const zpat_cancel_t,
    out: *mut zpat_queue_counters_t,
    most: usize,
) -> c_int {
    entry(|| {
        // SAFETY: C's promise.
        let queues = unsafe { handle(producer)?.queues(&deadline(timeout_ms, cancel)?) }?;
        // SAFETY: C's promise.
        unsafe { write_growing(out, most, zpat_queue_counters_t::ENDS, &queues, zpat_queue_counters_t::of) }
    })
}

/// Asks the queue for a job and what is below it and has not ended, each right behind the one it is a child of, and
/// writes that into `out`, an array of `most` elements, 1 or more; `struct_size` of the first is set, and holds for all.
/// Returns how many were written, which are never more than 10,000. `*more` is 1 if there are others, else 0; `more` may
/// be NULL. `ZPAT_E_NOT_FOUND` if the queue does not know the job, or it has ended.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_producer_tree(
    producer: *const zpat_producer_t,
    job: i64,
    timeout_ms: i64,
    cancel: *const zpat_cancel_t,
    out: *mut zpat_tree_job_t,
    most: usize,
    more: *mut c_int,
) -> c_int {
    entry(|| {
        check_room(out, most, "out")?;
        // SAFETY: C's promise.
        let (producer, deadline) = unsafe { (handle(producer)?, deadline(timeout_ms, cancel)?) };
        let (jobs, others) = producer.tree(job_number(job)?, as_many(most), &deadline)?;
        // SAFETY: C's promise.
        unsafe {
            say(more, others);
            write_growing(out, most, zpat_tree_job_t::ENDS, &jobs, zpat_tree_job_t::of)
        }
    })
}

/// Asks the queue for dead letters, the oldest first, from the number `first` on, and writes them into `out`, an array of
/// `most` elements, 1 or more; `struct_size` of the first is set, and holds for all. Returns how many were written, which
/// are never more than 10,000 and may be none. `*more` is 1 if there are others, else 0; `more` may be NULL. The next
/// ones begin behind the `job` of the last.
///
/// `*bodies` gets what was to be done, and `*failures` what was said of the failure, the worker's own words and data or
/// one line for people: message `i` of each belongs to `out[i]`. Each is NULL or a batch, as for `zpat_socket_recv`;
/// `failures` may be NULL.
#[unsafe(no_mangle)]
#[allow(clippy::too_many_arguments, reason = "which letters, how to wait for them, and where their parts go")]
pub unsafe extern "C" fn zpat_producer_dead(
    producer: *const zpat_producer_t,
    first: i64,
    timeout_ms: i64,
    cancel: *const zpat_cancel_t,
    out: *mut zpat_dead_letter_t,
    most: usize,
    bodies: *mut *mut zpat_batch_t,
    failures: *mut *mut zpat_batch_t,
    more: *mut c_int,
) -> c_int {
    entry(|| {
        check_room(out, most, "out")?;
        if bodies == failures {
            return Err(invalid("bodies and failures are two batches", "failures"));
        }
        // SAFETY: C's promise.
        let (bodies, failures) = unsafe { (Slot::empty(bodies)?, Slot::optional(failures)) };
        // SAFETY: C's promise.
        let (producer, deadline) = unsafe { (handle(producer)?, deadline(timeout_ms, cancel)?) };
        let (letters, others) = producer.dead(job_number(first)?, as_many(most), &deadline)?;
        // SAFETY: C's promise.
        let count = unsafe {
            say(more, others);
            write_growing(out, most, zpat_dead_letter_t::ENDS, &letters, zpat_dead_letter_t::of)
        }?;
        let (done, said): (Vec<_>, Vec<_>) =
            letters.into_iter().map(|letter| (letter.body, letter.failure.body)).unzip();
        bodies.fill_with_bodies(done);
        if let Some(failures) = failures {
            failures.fill_with_bodies(said);
        }
        Ok(count)
    })
}

/// How many may be asked for.
fn as_many(most: usize) -> u32 {
    u32::try_from(most).unwrap_or(u32::MAX)
}

/// Says whether there are more, to who wants to know.
///
/// # Safety
/// `more` is null or writable.
unsafe fn say(more: *mut c_int, others: bool) {
    // SAFETY: as the caller promises.
    if let Some(more) = unsafe { more.as_mut() } {
        *more = others.into();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sizes_known_are_those_of_the_structures() {
        assert_eq!(zpat_tree_job_t::ENDS.last(), Some(&size_of::<zpat_tree_job_t>()));
        assert_eq!(zpat_dead_letter_t::ENDS.last(), Some(&size_of::<zpat_dead_letter_t>()));
    }

    #[test]
    fn states_have_their_numbers() {
        let header = include_str!("../../include/zpatterns.h");
        for (number, state) in STATES.into_iter().enumerate() {
            assert_eq!(state as usize, number);
            let row = format!("  ZPAT_JOB_{} = {number},", state.name().to_uppercase());
            assert!(header.contains(&row), "the header lacks `{row}`");
        }
    }
}
