//! `zpat pub` and `zpat sub`: publish-subscribe from a shell.

use std::{
    fs,
    io::{self, BufRead},
    path::{Path, PathBuf},
    thread,
    time::{Duration, SystemTime},
};

use zpatterns::{
    Context, Deadline,
    pubsub::{
        Access, Credential, Criterion, Entitlements, Policy, Publisher, PublisherEvent, PublisherOptions, Slow, Start,
        StreamOptions, Subscriber, SubscriberEvent, SubscriberInfo, SubscriberOptions, SubscriptionOptions,
    },
};

use crate::{
    Outcome,
    reading::{print, span},
};

/// How often the file with the entitlements is looked at.
const LOOK: Duration = Duration::from_millis(500);
/// How often it is looked whether enough subscribers are there.
const LOOK_SOON: Duration = Duration::from_millis(10);

#[derive(clap::Args)]
pub(crate) struct PubArguments {
    /// Where subscribers connect to.
    #[arg(long, value_name = "ENDPOINT")]
    bind: String,
    /// Where public streams leave once for all.
    #[arg(long, value_name = "ENDPOINT")]
    shared: Option<String>,
    /// Where plain SUB sockets hear public streams.
    #[arg(long, value_name = "ENDPOINT")]
    plain: Option<String>,
    /// Where plain SUB sockets hear what a user may; may be given several times. Whoever reaches it is let in.
    #[arg(long, value_name = "USER=ENDPOINT", value_parser = user_at)]
    plain_for: Vec<(String, String)>,
    /// Subjects that everybody may hear: a pattern; may be given several times.
    #[arg(long, value_name = "PATTERN")]
    public: Vec<String>,
    /// A file that says who may hear what; when it changes, so does that.
    #[arg(long, value_name = "FILE")]
    entitlements: Option<PathBuf>,
    /// How many of the last publications are kept for those who come late.
    #[arg(long, default_value_t = 10_000, value_name = "N")]
    history: usize,
    /// A folder for what memory has no room for, in a file that goes with the publisher: for subscribers that spill.
    #[arg(long, value_name = "FOLDER", requires = "disk_bytes")]
    disk: Option<PathBuf>,
    /// Bytes of that, for each stream.
    #[arg(long, default_value_t = 0, value_name = "BYTES", requires = "disk")]
    disk_bytes: u64,
    /// Before so many subscribers are there, and have asked for something, nothing is published.
    #[arg(long, default_value_t = 0, value_name = "N")]
    at_least: usize,
    /// Seconds to wait for room for each publication, and in the end for all to arrive.
    #[arg(long, default_value_t = 30.0, value_name = "SECONDS")]
    timeout: f64,
    /// A subject, and frames to publish; without any, each line of the standard input is one, with tabs between its parts.
    publication: Vec<String>,
}

#[derive(clap::Args)]
pub(crate) struct SubArguments {
    /// The publisher.
    #[arg(long, value_name = "ENDPOINT")]
    connect: String,
    /// Who one is, with a password.
    #[arg(long, value_name = "NAME", requires = "password_file")]
    user: Option<String>,
    /// A file with the password; a line's end is not part of it.
    #[arg(long, value_name = "FILE", requires = "user")]
    password_file: Option<PathBuf>,
    /// A file with a token, instead; a line's end is not part of it.
    #[arg(long, value_name = "FILE", conflicts_with = "user")]
    token_file: Option<PathBuf>,
    /// By which the publisher knows the subscriber when it comes back.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Seconds for which the publisher keeps what is for it meanwhile.
    #[arg(long, default_value_t = 0.0, value_name = "SECONDS", requires = "name")]
    keep: f64,
    /// Begin with the last publication of each subject.
    #[arg(long, conflicts_with = "last")]
    last_values: bool,
    /// Begin with the last so many of each stream.
    #[arg(long, value_name = "N")]
    last: Option<u32>,
    /// What is done with a subscriber that is slow: drop, hold, disconnect or spill.
    #[arg(long, default_value = "drop", value_name = "WHAT")]
    slow: Slow,
    /// It is slow when it has not taken so many publications.
    #[arg(long, default_value_t = SubscriptionOptions::default().policy.max_messages, value_name = "N")]
    max_messages: u32,
    /// End after this many publications.
    #[arg(long, value_name = "N")]
    count: Option<u64>,
    /// Seconds to wait for each publication.
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<f64>,
    /// Patterns of subjects; * stands for one level, > for all that follow. Without any, all.
    patterns: Vec<String>,
}

pub(crate) fn publish(arguments: &PubArguments) -> Outcome {
    // What is written from now on is read again.
    let known = arguments.entitlements.as_deref().map(changed);
    let access = match &arguments.entitlements {
        Some(file) => Access::Entitlements(Box::new(Entitlements::read(&fs::read(file)?)?)),
        None => Access::Open,
    };
    let stream = |name, subjects| {
        let (history, disk_bytes) = (arguments.history, arguments.disk_bytes);
        StreamOptions { history, disk_bytes, ..PublisherOptions::stream(name, subjects) }
    };
    let public: Vec<Criterion> = arguments.public.iter().cloned().map(Criterion::pattern).collect::<Result<_, _>>()?;
    let mut streams = vec![stream("main", vec![Criterion::prefix("")?])];
    if !public.is_empty() {
        streams.insert(0, StreamOptions { public: true, ..stream("public", public) });
    }
    let (shared, plain) = (arguments.shared.clone(), arguments.plain.clone());
    let (disk, max_plain) = (arguments.disk.clone(), arguments.plain_for.len());
    let defaults = PublisherOptions::default();
    let options = PublisherOptions { streams, shared, plain, access, disk, max_plain, news: true, ..defaults };
    let publisher = Publisher::bind(&Context::new()?, &arguments.bind, options)?;
    eprintln!("bound to {}", publisher.endpoint());
    for (what, endpoint) in [("shared", publisher.shared_endpoint()), ("plain", publisher.plain_endpoint())] {
        endpoint.into_iter().for_each(|endpoint| eprintln!("{what} at {endpoint}"));
    }
    for (user, endpoint) in &arguments.plain_for {
        eprintln!("plain for {user} at {}", publisher.open_plain(user.as_bytes(), endpoint)?);
    }
    let telling = thread::spawn({
        let publisher = publisher.clone();
        move || tell(&publisher)
    });
    if let (Some(file), Some(known)) = (arguments.entitlements.clone(), known) {
        let publisher = publisher.clone();
        thread::spawn(move || follow(&publisher, &file, known));
    }
    while listening(&publisher)? < arguments.at_least {
        thread::sleep(LOOK_SOON);
    }
    let outcome = say(arguments, &publisher);
    publisher.close(span(arguments.timeout)?);
    telling.join().map_err(|_| "telling who comes and goes has failed")?;
    outcome
}

fn user_at(text: &str) -> Result<(String, String), &'static str> {
    let (user, endpoint) = text.split_once('=').ok_or("a user and an endpoint, with = between them")?;
    Ok((user.to_owned(), endpoint.to_owned()))
}

fn say(arguments: &PubArguments, publisher: &Publisher) -> Outcome {
    let wait = span(arguments.timeout)?;
    let say = |parts: &[&[u8]]| match parts {
        [subject, frames @ ..] => publisher.publish(subject, frames, &Deadline::after(wait)),
        [] => Ok(()),
    };
    if !arguments.publication.is_empty() {
        let parts: Vec<&[u8]> = arguments.publication.iter().map(String::as_bytes).collect();
        return Ok(say(&parts)?);
    }
    for line in io::stdin().lock().split(b'\n') {
        let line = line?;
        let parts: Vec<&[u8]> = line.split(|byte| *byte == b'\t').collect();
        say(&parts)?;
    }
    Ok(())
}

/// How many are there and have asked for something: nothing tells of that.
fn listening(publisher: &Publisher) -> Result<usize, zpatterns::Error> {
    let listens = |known: &SubscriberInfo| known.connected && known.subscriptions > 0;
    Ok(publisher.subscribers()?.iter().filter(|known| listens(known)).count())
}

/// Who comes and goes, until the publisher is closed.
fn tell(publisher: &Publisher) {
    while let Ok(event) = publisher.next(&Deadline::never()) {
        let (user, what) = match &event {
            PublisherEvent::Joined { user, .. } => (user, "joined"),
            PublisherEvent::Left { user, .. } => (user, "left"),
            _ => continue,
        };
        let user = if user.is_empty() { "somebody".into() } else { String::from_utf8_lossy(user) };
        eprintln!("{user} {what}");
    }
}

/// When a file was written last.
fn changed(file: &Path) -> SystemTime {
    fs::metadata(file).and_then(|found| found.modified()).unwrap_or(SystemTime::UNIX_EPOCH)
}

/// Looks at the file now and then; one that cannot be read changes nothing.
fn follow(publisher: &Publisher, file: &Path, mut known: SystemTime) {
    while !publisher.is_closed() {
        thread::sleep(LOOK);
        let now = changed(file);
        if now == known {
            continue;
        }
        known = now;
        let read = fs::read(file).map_err(|error| error.to_string());
        let read = read.and_then(|text| Entitlements::read(&text).map_err(|error| error.to_string()));
        let set = |entitlements| publisher.set_entitlements(entitlements).map_err(|error| error.to_string());
        match read.and_then(set) {
            Ok(()) => eprintln!("entitlements are read again"),
            Err(error) => eprintln!("entitlements stay as they are: {error}"),
        }
    }
}

/// What is in a file, without the end of its last line.
fn secret(file: &PathBuf) -> io::Result<Vec<u8>> {
    let mut secret = fs::read(file)?;
    while matches!(secret.last(), Some(b'\n' | b'\r')) {
        secret.pop();
    }
    Ok(secret)
}

pub(crate) fn subscribe(arguments: &SubArguments) -> Outcome {
    let credential = match (&arguments.user, &arguments.password_file, &arguments.token_file) {
        (Some(user), Some(file), _) => {
            Credential::Password { user: user.clone().into(), password: secret(file)?.into() }
        }
        (_, _, Some(file)) => Credential::Token(secret(file)?.into()),
        _ => Credential::None,
    };
    let (name, keep) = (arguments.name.clone(), span(arguments.keep)?);
    let options = SubscriberOptions { name, keep, credential, ..SubscriberOptions::default() };
    let subscriber = Subscriber::connect(&Context::new()?, &arguments.connect, options)?;
    let start = match (arguments.last_values, arguments.last) {
        (true, _) => Start::LastValues,
        (false, Some(count)) => Start::Last(count),
        (false, None) => Start::Now,
    };
    let policy =
        Policy { slow: arguments.slow, max_messages: arguments.max_messages, ..SubscriptionOptions::default().policy };
    let options = SubscriptionOptions { start, policy, ..SubscriptionOptions::default() };
    if arguments.patterns.is_empty() {
        subscriber.subscribe(Criterion::prefix("")?, options)?;
    }
    for pattern in &arguments.patterns {
        subscriber.subscribe(Criterion::pattern(pattern.clone())?, options)?;
    }
    let mut out = io::stdout().lock();
    let mut left = arguments.count;
    while left != Some(0) {
        let deadline = arguments.timeout.map_or(Ok(Deadline::never()), |seconds| span(seconds).map(Deadline::after))?;
        match subscriber.recv(&deadline)? {
            SubscriberEvent::Message { subject, frames, .. } => {
                print(&mut out, [&subject].into_iter().chain(&frames))?;
                left = left.map(|left| left - 1);
            }
            SubscriberEvent::Rejected { error, .. } => return Err(error.into()),
            event => eprintln!("{}", line_of(&event)),
        }
    }
    Ok(())
}

fn line_of(event: &SubscriberEvent) -> String {
    match event {
        SubscriberEvent::Connected => "connected".to_owned(),
        SubscriberEvent::Subscribed { .. } => "subscribed".to_owned(),
        SubscriberEvent::Missed { stream, first, last, reason, .. } => {
            format!("missed {first}..{last} of {} ({})", String::from_utf8_lossy(stream), reason.name())
        }
        SubscriberEvent::Restarted => "the publisher has started anew".to_owned(),
        other => format!("{other:?}"),
    }
}
