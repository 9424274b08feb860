//! Greetings through a broker: a worker is killed, the broker is killed, and no question is lost.
//!
//!     reqrep broker [STORE]                     prints its endpoint, for the others
//!     reqrep work ENDPOINT [--dies-after N]     greets; is killed with the question after the Nth at hand
//!     reqrep ask ENDPOINT                       asks once, then 200 times at once; then the others go home
//!     reqrep leave ENDPOINT                     leaves a question in the broker's STORE
//!     reqrep fetch ENDPOINT                     fetches the answer to it; then the others go home

use std::{env, error::Error, time::Duration};

use rustix::process::{Signal, getpid, kill_process};
use zpatterns::{Context, Deadline, ErrorKind, reqrep::*};

const WAIT: Duration = Duration::from_secs(120); // for an answer

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

// region: broker
fn broker(store: Option<&str>) -> Result {
    let context = Context::new()?;
    let heartbeat = Heartbeat { interval: Duration::from_millis(250), limit: 3 }; // 0.75 s of silence is death
    let options = BrokerOptions { heartbeat, store: store.map(Into::into), ..Default::default() };
    let broker = Broker::bind(&context, &["tcp://127.0.0.1:0"], options)?;
    let end = Worker::connect(&context, &broker.endpoints(), "end", WorkerOptions::default())?;
    println!("endpoint {}", broker.endpoints()[0]);
    end.next(&Deadline::never())?.reply(vec![])?; // somebody asks for the end
    broker.drain(&Deadline::never())?;
    let counters = broker.counters()?;
    println!("{} given to another worker", if counters.redelivered > 0 { "some were" } else { "none was" });
    println!("{} lost", if counters.all_lost() > 0 { "some were" } else { "none was" });
    Ok(())
}
// endregion: broker

// region: work
fn work(endpoint: &str, dies_after: usize) -> Result {
    let options = WorkerOptions { credit: 10, ..Default::default() }; // so many questions may be at hand
    let worker = Worker::connect(&Context::new()?, &[endpoint], "greet", options)?;
    let mut greeted = 0;
    while let Some(job) = next(&worker)? {
        if greeted == dies_after {
            println!("killed, with questions at hand");
            kill_process(getpid(), Signal::KILL)?;
        }
        let name = job.body().concat();
        job.reply(vec![[b"Hello, ", &*name, b"!"].concat().into()])?;
        if name == b"end" {
            worker.leave()?; // takes no more questions, and finishes what it has
        }
        greeted += 1;
    }
    println!("sent home");
    Ok(())
}

/// None once the worker has left.
fn next(worker: &Worker) -> Result<Option<Job>> {
    match worker.next(&Deadline::never()) {
        Err(error) if error.kind() == ErrorKind::Closed => Ok(None),
        job => Ok(Some(job?)),
    }
}
// endregion: work

// region: ask
fn ask(client: &Client, options: &RequestOptions) -> Result {
    println!("{}", greeting(client.request("greet", vec!["World".into()], options)?)?);
    let names: Vec<String> = (1..=200).map(|number| number.to_string()).collect();
    let submit = |name: &String| client.submit("greet", vec![name.clone().into()], options);
    let tickets: zpatterns::Result<Vec<_>> = names.iter().map(submit).collect(); // all, before one is answered
    let mut answered = 0;
    for (name, ticket) in names.iter().zip(tickets?) {
        let answer = greeting(client.outcome(ticket, &Deadline::never())?)?;
        answered += usize::from(answer == format!("Hello, {name}!"));
    }
    println!("{} asked, {answered} answered", names.len());
    send_home(client, options)
}

fn send_home(client: &Client, options: &RequestOptions) -> Result {
    greeting(client.request("greet", vec!["end".into()], options)?)?;
    greeting(client.request("end", vec![], options)?).map(drop)
}
// endregion: ask

// region: durable
fn leave(client: &Client, options: &RequestOptions) -> Result {
    let options = RequestOptions { key: "later".into(), ..options.clone() };
    match client.store("greet", vec!["Ada".into()], &options, &Deadline::never())? {
        Outcome::Accepted => println!("the question is on the broker's disk"),
        other => return Err(format!("{other:?}").into()),
    }
    Ok(())
}

fn fetch(client: &Client, options: &RequestOptions) -> Result {
    println!("{}", greeting(client.fetch("greet", b"later", WAIT, &Deadline::never())?)?);
    send_home(client, options)
}
// endregion: durable

fn greeting(outcome: Outcome) -> Result<String> {
    match outcome {
        Outcome::Reply(body) => Ok(String::from_utf8(body.concat())?),
        other => Err(format!("{other:?}").into()),
    }
}

fn main() -> Result {
    let args: Vec<String> = env::args().skip(1).collect();
    let client = |endpoint| Client::connect(&Context::new()?, &[endpoint], ClientOptions::default());
    let options = RequestOptions { deadline: WAIT, patience: WAIT, ..Default::default() };
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["broker"] => broker(None),
        ["broker", store] => broker(Some(store)),
        ["work", endpoint] => work(endpoint, usize::MAX),
        ["work", endpoint, "--dies-after", times] => work(endpoint, times.parse()?),
        ["ask", endpoint] => ask(&client(endpoint)?, &options),
        ["leave", endpoint] => leave(&client(endpoint)?, &options),
        ["fetch", endpoint] => fetch(&client(endpoint)?, &options),
        _ => Err("usage: reqrep broker [STORE] | work ENDPOINT [--dies-after N] | ask|leave|fetch ENDPOINT".into()),
    }
}
