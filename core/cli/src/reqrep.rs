//! `zpat broker`, `zpat request` and `zpat work`: reliable request-reply from a shell.

use std::{
    io::{self, Read, Write},
    os::unix::process::ExitStatusExt,
    path::PathBuf,
    thread,
};

use zpatterns::{
    Cancel, Context, Deadline, ErrorKind,
    reqrep::{
        Balance, Broker, BrokerOptions, Client, ClientOptions, FreelanceServer, News, Outcome as End, PlainEndpoint,
        RequestOptions, Side, Task, Worker, WorkerOptions,
    },
};

use crate::{Outcome, reading::span, shell};

#[derive(clap::Args)]
pub(crate) struct BrokerArguments {
    /// Where clients and workers connect to; may be given several times.
    #[arg(long, value_name = "ENDPOINT", required = true)]
    bind: Vec<String>,
    /// How requests are spread: least-recently-used, most-free, or sticky by key.
    #[arg(long, default_value = "least-recently-used", value_parser = ["least-recently-used", "most-free", "sticky"])]
    balance: String,
    /// Requests held at once.
    #[arg(long, default_value_t = BrokerOptions::default().max_requests, value_name = "N")]
    max_requests: usize,
    /// An endpoint for REQ clients that say nothing but their question: the service they ask for, and where; may be given
    /// several times.
    #[arg(long, value_name = "SERVICE=ENDPOINT", value_parser = plain)]
    clients: Vec<(String, String)>,
    /// An endpoint for workers of the Paranoid Pirate, the Simple Pirate and the LRU queue: the service they offer, and where;
    /// may be given several times.
    #[arg(long, value_name = "SERVICE=ENDPOINT", value_parser = plain)]
    workers: Vec<(String, String)>,
    /// The file of a store, made if it is not there: with it, durable requests outlive the broker.
    #[arg(long, value_name = "FILE")]
    store: Option<PathBuf>,
    /// Write to the standard error which workers come and go, and which requests are lost.
    #[arg(long)]
    news: bool,
}

#[derive(clap::Args)]
pub(crate) struct RequestArguments {
    /// A broker, or a worker that binds; may be given several times.
    #[arg(long, value_name = "ENDPOINT", required_unless_present = "freelance")]
    connect: Vec<String>,
    /// A server that speaks the Freelance protocol, and offers this service; may be given several times.
    #[arg(long, value_name = "ENDPOINT")]
    freelance: Vec<String>,
    /// Seconds for which an answer is of use.
    #[arg(long, default_value_t = 30.0, value_name = "SECONDS")]
    deadline: f64,
    /// Seconds to wait while nobody offers the service; by default as long as the deadline.
    #[arg(long, value_name = "SECONDS")]
    patience: Option<f64>,
    /// How often it may be given to a worker, if workers are lost: 1 is at most once.
    #[arg(long, default_value_t = RequestOptions::default().attempts, value_name = "N")]
    attempts: u8,
    /// By which it is kept to one worker, run once, or stored.
    #[arg(long, default_value = "")]
    key: String,
    /// Run once for all requests of the same service and key.
    #[arg(long)]
    once: bool,
    /// Stored by the broker, and answered also if that is lost meanwhile; needs a key.
    #[arg(long)]
    durable: bool,
    /// Leave the request in the broker's store, and do not wait for the answer; needs a key.
    #[arg(long, group = "task")]
    leave: bool,
    /// Print the answer to the request that was left under service and key.
    #[arg(long, group = "task")]
    fetch: bool,
    /// Forget the request that was left under service and key, and its answer.
    #[arg(long, group = "task")]
    discard: bool,
    /// What is asked for.
    service: String,
    /// The frames of the question; without any, the standard input is one.
    body: Vec<String>,
}

#[derive(clap::Args)]
pub(crate) struct WorkArguments {
    /// Brokers; may be given several times.
    #[arg(long, value_name = "ENDPOINT", required_unless_present = "bind", conflicts_with = "bind")]
    connect: Vec<String>,
    /// Work without a broker: clients connect to this endpoint.
    #[arg(long, value_name = "ENDPOINT")]
    bind: Option<String>,
    /// A shell command for each job: the question's first frame is its input, its output the reply. If it fails, its exit
    /// code and what it wrote to the standard error are the error. It is killed when nobody waits any more, or when the
    /// deadline has passed.
    #[arg(long, value_name = "COMMAND")]
    exec: String,
    /// How many jobs at once.
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=256))]
    jobs: u32,
    /// What is offered.
    service: String,
}

fn plain(argument: &str) -> Result<(String, String), String> {
    let (service, endpoint) = argument.split_once('=').ok_or("a service, =, and an endpoint")?;
    Ok((service.to_owned(), endpoint.to_owned()))
}

fn texts(all: &[String]) -> Vec<&str> {
    all.iter().map(String::as_str).collect()
}

pub(crate) fn broker(arguments: &BrokerArguments) -> Outcome {
    let context = Context::new()?;
    let balance = match &*arguments.balance {
        "most-free" => Balance::MostFree,
        "sticky" => Balance::Sticky,
        _ => Balance::LeastRecentlyUsed,
    };
    let (max_requests, store) = (arguments.max_requests, arguments.store.clone());
    let plain = |side| {
        move |(service, endpoint): &(String, String)| PlainEndpoint {
            endpoint: endpoint.clone(),
            side,
            service: service.clone(),
        }
    };
    let clients = arguments.clients.iter().map(plain(Side::Clients));
    let plain = clients.chain(arguments.workers.iter().map(plain(Side::Workers))).collect();
    let options = BrokerOptions { balance, plain, max_requests, store, ..BrokerOptions::default() };
    let broker = Broker::bind(&context, &texts(&arguments.bind), options)?;
    for endpoint in broker.endpoints() {
        eprintln!("bound to {endpoint}");
    }
    if arguments.news {
        return tell_news(&broker);
    }
    Ok(broker.wait(&Deadline::never())?)
}

fn tell_news(broker: &Broker) -> Outcome {
    loop {
        match broker.next(&Deadline::never()) {
            Ok(news) => eprintln!("{}", line_of(&news)),
            Err(error) if error.kind() == ErrorKind::Closed => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}

fn line_of(news: &News) -> String {
    let text = String::from_utf8_lossy;
    match news {
        News::WorkerJoined { worker, service } => format!("worker {worker} offers {}", text(service)),
        News::WorkerGone { worker, service, held, left } => {
            let how = if *left { "has left" } else { "is lost" };
            format!("worker {worker} for {} {how}, with {held} requests", text(service))
        }
        News::Lost { service, reason, requests } => {
            format!("{requests} requests for {} are lost: {}", text(service), reason.name())
        }
        News::Missed { news } => format!("{news} news were missed"),
        other => format!("{other:?}"),
    }
}

pub(crate) fn request(arguments: &RequestArguments) -> Outcome {
    let context = Context::new()?;
    let server = |endpoint: &String| {
        let (endpoint, service) = (endpoint.clone(), arguments.service.clone());
        FreelanceServer { endpoint, service, credit: 1 }
    };
    let freelance = arguments.freelance.iter().map(server).collect();
    let client_options = ClientOptions { freelance, ..ClientOptions::default() };
    let client = Client::connect(&context, &texts(&arguments.connect), client_options)?;
    let deadline = span(arguments.deadline)?;
    let options = RequestOptions {
        deadline,
        patience: arguments.patience.map_or(Ok(deadline), span)?,
        attempts: arguments.attempts,
        once: arguments.once,
        durable: arguments.durable,
        key: arguments.key.clone().into(),
        ..RequestOptions::default()
    };
    let mut body: Vec<_> = arguments.body.iter().map(|frame| frame.clone().into()).collect();
    let task = match (arguments.leave, arguments.fetch, arguments.discard) {
        (true, ..) => Task::Store,
        (_, true, _) => Task::Fetch,
        (.., true) => Task::Discard,
        _ => Task::Ask,
    };
    if body.is_empty() && matches!(task, Task::Ask | Task::Store) {
        let mut input = Vec::new();
        io::stdin().read_to_end(&mut input)?;
        body.push(input.into());
    }
    let ticket = client.submit_task(task, &arguments.service, body, &options)?;
    match client.outcome(ticket, &Deadline::never())? {
        End::Accepted => Ok(()),
        End::Reply(body) => {
            let mut out = io::stdout().lock();
            for (index, frame) in body.iter().enumerate() {
                out.write_all(if index == 0 { b"" } else { b"\t" })?;
                out.write_all(frame)?;
            }
            Ok(out.flush()?)
        }
        End::Error { code, body } => {
            let text = body.first().map_or_else(String::new, |text| String::from_utf8_lossy(text).into_owned());
            Err(format!("the worker failed with code {code}: {}", text.trim_end()).into())
        }
        End::Failed(failure) => Err(failure.to_string().into()),
    }
}

pub(crate) fn work(arguments: &WorkArguments) -> Outcome {
    let context = Context::new()?;
    let options = WorkerOptions { credit: arguments.jobs, ..WorkerOptions::default() };
    let worker = match &arguments.bind {
        Some(endpoint) => Worker::bind(&context, endpoint, &arguments.service, options)?,
        None => Worker::connect(&context, &texts(&arguments.connect), &arguments.service, options)?,
    };
    if let Some(endpoint) = worker.endpoint() {
        eprintln!("bound to {endpoint}");
    }
    thread::scope(|scope| {
        let each = |_| scope.spawn(|| one_by_one(&worker, &arguments.exec));
        let all: Vec<_> = (0..arguments.jobs).map(each).collect();
        all.into_iter().try_for_each(|thread| thread.join().map_err(|_| "a thread of the worker failed")?)
    })
    .map_err(Into::into)
}

fn one_by_one(worker: &Worker, command: &str) -> Result<(), String> {
    loop {
        let job = match worker.next(&Deadline::never()) {
            Ok(job) => job,
            Err(error) if error.kind() == ErrorKind::Closed => return Ok(()),
            Err(error) => return Err(error.to_string()),
        };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let names = [("ZPAT_SERVICE", text(job.service())), ("ZPAT_KEY", text(job.key()))];
        let input = job.body().first().map_or(&[][..], |frame| frame);
        let unwanted = |done: &Cancel| job.wait_cancelled(&Deadline::at(job.deadline()).or(done));
        let answered = match shell::run(command, &names, input, unwanted) {
            Ok((status, output, _)) if status.success() => job.reply(vec![output.into()]),
            Ok((status, _, errors)) => match status.signal() {
                Some(signal) => {
                    job.fail(shell::SIGNALLED + signal.unsigned_abs(), vec![format!("ended by signal {signal}").into()])
                }
                None => job.fail(status.code().unwrap_or_default().unsigned_abs(), vec![errors.into()]),
            },
            Err(error) => job.fail(shell::CANNOT_RUN, vec![format!("cannot run the command: {error}").into()]),
        };
        answered.map_err(|error| error.to_string())?;
    }
}
