//! Options of a queue, a producer and a worker.

use std::{
    ffi::{c_char, c_int, c_void},
    mem::offset_of,
    ptr,
};

use zpatterns::{
    Result,
    zqueue::{Order, ProducerOptions, QueueOptions, QueueWorkerOptions},
};

use super::fields::{with_producer_options, with_queue_options, with_queue_worker_options};
use crate::{
    arguments::{growing, init_growing, optional_path, text},
    checked::{Checked, Element, c_type, from_c, list, options, to_c},
    error::entry,
    plain::Plain,
};

/// Which of the jobs that wait for a worker is the next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub enum zpat_order_t {
    /// What was begun comes first: a job that goes on, then children, then other jobs in the order in which they came.
    /// What waits is bounded by the depth of a tree times its width.
    ZPAT_ORDER_DEPTH = 0,
    /// In the order in which they came, children too: a tree is worked through level by level.
    ZPAT_ORDER_FIFO = 1,
    /// What came last.
    ZPAT_ORDER_LIFO = 2,
    /// What has the highest priority; of those that have the same, as `ZPAT_ORDER_DEPTH`.
    ZPAT_ORDER_PRIORITY = 3,
}

/// The order of one queue, for `orders` in `zpat_queue_options_t`, which is an array: this structure does not grow. The
/// text is read while the queue is opened, not later, and stays the caller's.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct zpat_queue_order_t {
    /// The name of the queue, 1 to 255 bytes. If it is there twice, the last one holds.
    pub queue: *const c_char,
    /// A `zpat_order_t`.
    pub order: c_int,
}

/// How a queue is set up. What is beyond a bound is refused with `ZPAT_E_FULL` and a hint when to try again; a tree that
/// outgrows one of its own ends with `ZPAT_E_TOO_LARGE`. Start from `ZPAT_QUEUE_OPTIONS_INIT`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct zpat_queue_options_t {
    /// `sizeof(zpat_queue_options_t)`.
    pub struct_size: usize,
    /// A worker that owes a sign of life is asked for one after this much silence, in milliseconds. 1 or more.
    pub heartbeat_interval: i64,
    /// After how many silent intervals it counts as dead, and its jobs are given to others. 2 or more.
    pub heartbeat_limit: i64,
    /// A `zpat_order_t`: which job is the next.
    pub order: i64,
    /// The same, of queues by their names. NULL, the default, is none.
    pub orders: *const zpat_queue_order_t,
    /// How many those are.
    pub orders_count: usize,
    /// The file of the store, a path as `open(2)` takes it; the file is made if it is not there. With it, what is
    /// accepted is on the disk. The text is read while the queue is opened, not later, and stays the caller's. NULL, the
    /// default, is no store: then a queue that ends takes its jobs with it.
    pub store: *const c_char,
    /// Names of queues.
    pub max_queues: i64,
    /// Jobs in all.
    pub max_jobs: i64,
    /// Bytes of jobs in all; each job counts as 256 more.
    pub max_bytes: i64,
    /// Bytes of the jobs in one queue.
    pub max_queue_bytes: i64,
    /// Generations of a tree, its root included. At most 65535.
    pub max_depth: i64,
    /// Children that a job spawns at once.
    pub max_children: i64,
    /// Jobs of one tree, over all its life.
    pub max_tree_jobs: i64,
    /// Bytes of the jobs of one tree at a time.
    pub max_tree_bytes: i64,
    /// Workers that may be lost with a job; with the next it fails with `ZPAT_E_UNREACHABLE`. At most 255.
    pub max_lost: i64,
    /// Outcomes that are kept; beyond, the one whose time comes first is dropped.
    pub max_kept: i64,
    /// Bytes of those.
    pub max_kept_bytes: i64,
    /// Dead letters, which are jobs that failed by themselves; beyond, the oldest is dropped.
    pub max_dead: i64,
    /// Bytes of those.
    pub max_dead_bytes: i64,
    /// Jobs that are being pushed part by part.
    pub max_drafts: i64,
    /// Bytes of those.
    pub max_draft_bytes: i64,
    /// Producers and workers connected at once.
    pub max_peers: i64,
    /// Jobs that one worker has at once.
    pub max_per_peer: i64,
}

/// How a producer is set up. Start from `ZPAT_PRODUCER_OPTIONS_INIT`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct zpat_producer_options_t {
    /// `sizeof(zpat_producer_options_t)`.
    pub struct_size: usize,
    /// A queue that owes a sign of life is asked for one after this much silence, in milliseconds. 1 or more.
    pub heartbeat_interval: i64,
    /// After how many silent intervals the connection counts as broken, and is made again. 2 or more.
    pub heartbeat_limit: i64,
    /// How long a job may take until it is accepted, and a question until it is answered, in milliseconds.
    pub patience: i64,
    /// What it may wait for at once; beyond, `ZPAT_E_FULL`.
    pub max_calls: i64,
    /// Bytes of jobs that are not accepted yet.
    pub max_bytes: i64,
}

/// How a worker of queues is set up. Start from `ZPAT_QUEUE_WORKER_OPTIONS_INIT`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct zpat_queue_worker_options_t {
    /// `sizeof(zpat_queue_worker_options_t)`.
    pub struct_size: usize,
    /// A queue that owes a sign of life is asked for one after this much silence, in milliseconds. 1 or more.
    pub heartbeat_interval: i64,
    /// After how many silent intervals the connection counts as broken, and is made again. 2 or more.
    pub heartbeat_limit: i64,
    /// How many jobs it has at once from each endpoint; the first is being done, the others are at hand. 1 or more.
    pub credit: i64,
    /// Bytes of what a queue has not taken.
    pub max_bytes: i64,
}

impl Element for zpat_queue_order_t {
    type Core = (String, Order);

    unsafe fn convert(&self) -> Result<(String, Order)> {
        // SAFETY: as the caller promises.
        let queue = unsafe { text(self.queue, "queue") }?;
        Ok((queue.to_owned(), Order::checked(self.order.into(), "order")?))
    }
}

with_queue_options!(options);
with_producer_options!(options);
with_queue_worker_options!(options);

/// Writes the defaults into `options`, a structure of `struct_size` bytes, as `ZPAT_QUEUE_OPTIONS_INIT` does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_queue_options_init(options: *mut zpat_queue_options_t, struct_size: usize) -> c_int {
    let (defaults, ends) = (zpat_queue_options_t::defaults(), zpat_queue_options_t::ENDS);
    // SAFETY: C's promise.
    entry(|| unsafe { init_growing(options, struct_size, defaults, ends) }.map(|()| 0))
}

/// Writes the defaults into `options`, a structure of `struct_size` bytes, as `ZPAT_PRODUCER_OPTIONS_INIT` does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_producer_options_init(
    options: *mut zpat_producer_options_t,
    struct_size: usize,
) -> c_int {
    let (defaults, ends) = (zpat_producer_options_t::defaults(), zpat_producer_options_t::ENDS);
    // SAFETY: C's promise.
    entry(|| unsafe { init_growing(options, struct_size, defaults, ends) }.map(|()| 0))
}

/// Writes the defaults into `options`, a structure of `struct_size` bytes, as `ZPAT_QUEUE_WORKER_OPTIONS_INIT` does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_queue_worker_options_init(
    options: *mut zpat_queue_worker_options_t,
    struct_size: usize,
) -> c_int {
    let (defaults, ends) = (zpat_queue_worker_options_t::defaults(), zpat_queue_worker_options_t::ENDS);
    // SAFETY: C's promise.
    entry(|| unsafe { init_growing(options, struct_size, defaults, ends) }.map(|()| 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{checked::has_no_holes, zqueue::wanted::zpat_job_options_t};

    #[test]
    fn structures_have_the_order_of_fields_rs_and_no_holes() {
        let layouts = [
            (zpat_queue_options_t::ENDS, size_of::<zpat_queue_options_t>()),
            (zpat_producer_options_t::ENDS, size_of::<zpat_producer_options_t>()),
            (zpat_queue_worker_options_t::ENDS, size_of::<zpat_queue_worker_options_t>()),
            (zpat_job_options_t::ENDS, size_of::<zpat_job_options_t>()),
        ];
        for (ends, size) in layouts {
            assert!(has_no_holes(ends, size), "{ends:?}");
        }
    }

    #[test]
    fn defaults_are_cores_whatever_the_age_of_the_header() {
        let core = format!("{:?}", QueueOptions::default());
        for size in zpat_queue_options_t::ENDS {
            let old = zpat_queue_options_t { struct_size: *size, ..zpat_queue_options_t::defaults() };
            // SAFETY: the structure is complete.
            let converted = unsafe { zpat_queue_options_t::convert(&raw const old) }.expect("an older one is fine");
            assert_eq!(format!("{converted:?}"), core);
        }
    }

    #[test]
    fn orders_have_their_numbers() {
        let all = [
            zpat_order_t::ZPAT_ORDER_DEPTH,
            zpat_order_t::ZPAT_ORDER_FIFO,
            zpat_order_t::ZPAT_ORDER_LIFO,
            zpat_order_t::ZPAT_ORDER_PRIORITY,
        ];
        for order in all {
            let checked = Order::checked(order as i64, "order").expect("it is known");
            assert_eq!((checked.plain(), checked as i64), (order as i64, order as i64));
        }
        assert!(Order::checked(-1, "order").is_err() && Order::checked(4, "order").is_err());
    }
}
