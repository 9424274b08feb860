//! Options by their names, as a program would set them.

use zpatterns::{
    Result,
    zqueue::{JobOptions, ProducerOptions, QueueOptions, QueueWorkerOptions},
};

use crate::{
    Words, invalid,
    reqrep::options::{bytes, millis, number, text},
};

pub(super) fn queue(words: &mut Words<'_>) -> Result<QueueOptions> {
    let mut options = QueueOptions::default();
    for (option, value) in words.options()? {
        match option {
            "heartbeat_interval" => options.heartbeat.interval = millis(&value)?,
            "heartbeat_limit" => options.heartbeat.limit = number(&value)?,
            "order" => options.order = text(&value)?.parse()?,
            "store" => options.store = Some(text(&value)?.into()),
            "max_queues" => options.max_queues = number(&value)?,
            "max_jobs" => options.max_jobs = number(&value)?,
            "max_bytes" => options.max_bytes = number(&value)?,
            "max_queue_bytes" => options.max_queue_bytes = number(&value)?,
            "max_depth" => options.max_depth = number(&value)?,
            "max_children" => options.max_children = number(&value)?,
            "max_tree_jobs" => options.max_tree_jobs = number(&value)?,
            "max_tree_bytes" => options.max_tree_bytes = number(&value)?,
            "max_lost" => options.max_lost = number(&value)?,
            "max_kept" => options.max_kept = number(&value)?,
            "max_kept_bytes" => options.max_kept_bytes = number(&value)?,
            "max_dead" => options.max_dead = number(&value)?,
            "max_dead_bytes" => options.max_dead_bytes = number(&value)?,
            "max_drafts" => options.max_drafts = number(&value)?,
            "max_draft_bytes" => options.max_draft_bytes = number(&value)?,
            "max_peers" => options.max_peers = number(&value)?,
            "max_per_peer" => options.max_per_peer = number(&value)?,
            _ => return Err(invalid("a queue has no such option")),
        }
    }
    Ok(options)
}

pub(super) fn producer(words: &mut Words<'_>) -> Result<ProducerOptions> {
    let mut options = ProducerOptions::default();
    for (option, value) in words.options()? {
        match option {
            "heartbeat_interval" => options.heartbeat.interval = millis(&value)?,
            "heartbeat_limit" => options.heartbeat.limit = number(&value)?,
            "patience" => options.patience = millis(&value)?,
            "max_calls" => options.max_calls = number(&value)?,
            "max_bytes" => options.max_bytes = number(&value)?,
            _ => return Err(invalid("a producer has no such option")),
        }
    }
    Ok(options)
}

pub(super) fn worker(words: &mut Words<'_>) -> Result<QueueWorkerOptions> {
    let mut options = QueueWorkerOptions::default();
    for (option, value) in words.options()? {
        match option {
            "heartbeat_interval" => options.heartbeat.interval = millis(&value)?,
            "heartbeat_limit" => options.heartbeat.limit = number(&value)?,
            "credit" => options.credit = number(&value)?,
            "max_bytes" => options.max_bytes = number(&value)?,
            _ => return Err(invalid("a worker has no such option")),
        }
    }
    Ok(options)
}

pub(super) fn job(words: &mut Words<'_>) -> Result<JobOptions> {
    let mut options = JobOptions::default();
    for (option, value) in words.options()? {
        match option {
            "priority" => options.priority = number(&value)?,
            "delay" => options.delay = millis(&value)?,
            "attempts" => options.attempts = number(&value)?,
            "backoff" => options.backoff = millis(&value)?,
            "time_limit" => options.time_limit = millis(&value)?,
            "key" => options.key = bytes(&value)?.into(),
            "keep" => options.keep = millis(&value)?,
            _ => return Err(invalid("a job has no such option")),
        }
    }
    Ok(options)
}
