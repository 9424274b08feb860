//! The side that asks.
//!
//! Every request is posted, and JavaScript knows by its ticket whose outcome came.

use std::sync::Arc;

use napi::bindgen_prelude::{ArrayBuffer, Env, Float64ArraySlice, Object, Unknown};
use napi_derive::napi;
use zpatterns::{
    Deadline, Error, ErrorKind, Result,
    reqrep::{self, Failure, Outcome, Part, Ticket},
};

use super::{
    counters::RequestCounts,
    options::{REQUEST_FACTS, client_options, freelance_servers, request_options},
};
use crate::{
    context::{Context, Owned},
    environment::{Ending, Handle},
    error::raise,
    pack::{Slab, owned},
    packing::{Packing, gather, halves},
};

const REPLY: u32 = 0;
const PARTIAL: u32 = 1;
const ERROR: u32 = 2;
const FAILED: u32 = 3;
const FAILED_MAY_HAVE_RUN: u32 = 4;

/// How many facts JavaScript gets with what comes of a request: the lower and the upper half of its ticket; what it is;
/// the run of a part, a worker's own code, or the kind of a failure; and when to try again, in milliseconds.
const FACTS: usize = 5;

impl Ending for Handle<reqrep::Client> {
    fn end(&self) {
        if let Some(client) = self.take() {
            client.set_hook(None);
            client.close();
        }
    }
}

/// A client.
#[napi]
pub struct Client {
    id: u32,
    client: Handle<reqrep::Client>,
    // Kept until the client is gone, and only then allowed to end.
    context: Arc<Owned>,
}

impl Drop for Client {
    fn drop(&mut self) {
        self.close();
    }
}

#[napi]
impl Client {
    /// Opens a client of these brokers, or of workers that bind, and of servers of the Freelance pattern.
    #[napi(constructor)]
    pub fn new(
        env: &Env,
        context: &Context,
        endpoints: Vec<String>,
        freelance: Unknown<'_>,
        options: Object<'_>,
    ) -> napi::Result<Self> {
        let mut options = client_options(env, &options)?;
        options.freelance = freelance_servers(env, freelance)?;
        let context = Arc::clone(&context.0);
        let environment = context.environment();
        let id = environment.next_id();
        let endpoints: Vec<&str> = endpoints.iter().map(String::as_str).collect();
        let client = context.context().and_then(|context| reqrep::Client::connect(&context, &endpoints, options));
        let client = client.map_err(raise(env))?;
        client.set_hook(Some(environment.hook(id)));
        let client = Handle::new(client);
        environment.remember(id, client.clone());
        Ok(Self { id, client, context })
    }

    /// The number in this client's notices.
    #[napi(getter)]
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Posts packed requests, those from `first` up to `end`, writes their tickets and returns how many were posted.
    /// The frames of each are its service, its key and its question. If the next request is refused, that shows when it
    /// is the first.
    #[napi]
    #[allow(clippy::too_many_arguments, reason = "the parts of a packed batch")]
    pub fn post(
        &self,
        env: &Env,
        data: &[u8],
        frame_ends: &[u32],
        message_ends: &[u32],
        facts: &[u32],
        mut tickets: Float64ArraySlice<'_>,
        first: u32,
        end: u32,
    ) -> napi::Result<u32> {
        let client = self.client.get().map_err(raise(env))?;
        // SAFETY: JavaScript, which knows the array, waits for this call.
        let tickets = unsafe { tickets.as_mut() };
        let slab = Slab { data, frame_ends, message_ends, facts };
        client.cork();
        let posted = slab.give(first, end, |request, facts, frames| {
            let Ticket(number) = post(&client, facts, frames)?;
            tickets[request] = number as f64;
            Ok(())
        });
        let sent = client.uncork();
        posted.and_then(|posted| sent.map(|()| posted)).map_err(raise(env))
    }

    /// Takes what came of requests. Nothing, if nothing did, and then a notice follows.
    #[napi]
    pub fn drain<'env>(&self, env: &'env Env) -> napi::Result<Option<ArrayBuffer<'env>>> {
        let packing = self.client.get().and_then(|client| take(&client)).map_err(raise(env))?;
        packing.map(|packing| packing.seal(env)).transpose()
    }

    /// Takes a request back; its outcome comes at once.
    #[napi]
    pub fn cancel(&self, env: &Env, ticket: f64) -> napi::Result<()> {
        self.client.get().and_then(|client| client.cancel(Ticket(ticket as u64))).map_err(raise(env))
    }

    /// What became of the requests so far.
    #[napi]
    pub fn counters(&self, env: &Env) -> napi::Result<RequestCounts> {
        self.client.get().and_then(|client| client.counters()).map(Into::into).map_err(raise(env))
    }

    /// Closes the client. Requests that are open have no outcome.
    #[napi]
    pub fn close(&self) {
        self.context.environment().forget(self.id);
        self.client.end();
    }
}

fn post<'a>(
    client: &reqrep::Client,
    facts: [u32; REQUEST_FACTS],
    mut frames: impl Iterator<Item = &'a [u8]>,
) -> Result<Ticket> {
    let service = std::str::from_utf8(frames.next().unwrap_or_default())
        .map_err(|_| Error::new(ErrorKind::InvalidText, "the name of a service is UTF-8"))?;
    let (task, options) = request_options(facts, frames.next().unwrap_or_default());
    client.post_task(task, service, owned(frames), &options)
}

fn take(client: &reqrep::Client) -> Result<Option<Packing<FACTS>>> {
    let add = |packing: &mut _, (Ticket(ticket), part)| add(packing, ticket, &part);
    gather(|| client.next(&Deadline::now()), || client.arm(), add)
}

fn add(packing: &mut Packing<FACTS>, ticket: u64, part: &Part) {
    let [low, high] = halves(ticket);
    let facts = |kind, value, retry_after| [low, high, kind, value, retry_after];
    match part {
        Part::Partial { run, body } => packing.add(facts(PARTIAL, (*run).into(), 0), body.iter().map(|frame| &**frame)),
        Part::Outcome(Outcome::Reply(body)) => packing.add(facts(REPLY, 0, 0), body.iter().map(|frame| &**frame)),
        // An answer without frames.
        Part::Outcome(Outcome::Accepted) => packing.add(facts(REPLY, 0, 0), []),
        Part::Outcome(Outcome::Error { code, body }) => {
            packing.add(facts(ERROR, *code, 0), body.iter().map(|frame| &**frame));
        }
        Part::Outcome(Outcome::Failed(Failure { kind, may_have_run, retry_after, text })) => {
            let what = if *may_have_run { FAILED_MAY_HAVE_RUN } else { FAILED };
            let retry_after = retry_after.as_millis().try_into().unwrap_or(u32::MAX);
            packing.add(facts(what, kind.code().into(), retry_after), [text.as_bytes()]);
        }
    }
}
