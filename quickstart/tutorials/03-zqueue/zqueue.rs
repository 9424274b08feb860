//! Recursion without a stack: workers in any language walk a folder and take a bicycle apart.
//!
//!     zqueue queue                        prints its endpoint, for the others; ends when it is asked to
//!     zqueue work ENDPOINT                works, until it is stopped
//!     zqueue measure ENDPOINT FOLDER      how many files, bytes, and a checksum; then the same by a plain program
//!     zqueue explode ENDPOINT PARTS THING what a thing consists of in the end, by a list of parts; then the queue ends

use std::{
    collections::BTreeMap,
    error::Error,
    ffi::OsStr,
    fs,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use zpatterns::{
    Context, Deadline,
    zqueue::{
        Child, Frames, JobOptions, Outcome, Producer, ProducerOptions, Queue, QueueJob, QueueOptions, QueueWorker,
        QueueWorkerOptions,
    },
};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

// region: queue
fn queue(context: &Context) -> Result<()> {
    let queue = Queue::bind(context, &["tcp://127.0.0.1:0"], QueueOptions::default())?;
    let end = QueueWorker::connect(context, &queue.endpoints(), &["end"], QueueWorkerOptions::default())?;
    println!("endpoint {}", queue.endpoints().join(" "));
    end.next(&Deadline::never())?.complete(vec![])?; // somebody asks for the end
    queue.drain(&Deadline::never())?;
    match queue.counters()?.all_lost() {
        0 => println!("every job was done, and none was lost"),
        lost => println!("every job was done, and {lost} were lost"),
    }
    Ok(())
}
// endregion: queue

// region: work
fn work(context: &Context, endpoint: &str) -> Result<()> {
    let options = QueueWorkerOptions { credit: 4, ..QueueWorkerOptions::default() }; // so many jobs may be at hand
    let worker = QueueWorker::connect(context, &[endpoint], &["folder", "file", "parts"], options)?;
    println!("works");
    loop {
        let job = worker.next(&Deadline::never())?;
        match job.queue() {
            b"folder" => folder(job)?,
            b"file" => {
                let measured = measure_file(path(&job.body()[0]))?;
                job.complete(vec![measured.into()])?;
            }
            _ => parts(job)?,
        }
    }
}
// endregion: work

// region: folder
fn folder(job: QueueJob) -> Result<()> {
    if let (Some(names), Some(results)) = (job.memo(), job.results()) {
        let measured = combined(names, &done(results)?); // everything in it is measured
        return Ok(job.complete(vec![measured.into()])?);
    }
    let folder = path(&job.body()[0]);
    let entries = look(folder)?;
    let child = |(name, kind): &(Vec<u8>, &str)| {
        Child::new(*kind, vec![folder.join(path(name)).as_os_str().as_bytes().to_vec().into()])
    };
    let children = entries.iter().map(child).collect();
    Ok(job.spawn(children, entries.into_iter().map(|(name, _)| name.into()).collect())?)
}
// endregion: folder

// region: plain
fn plain(path_of: &Path, kind: &str) -> Result<String> {
    if kind == "file" {
        return measure_file(path_of);
    }
    let entries = look(path_of)?;
    let results = entries.iter().map(|(name, kind)| plain(&path_of.join(path(name)), kind));
    let results: Vec<Frames> = results.map(|result| Ok(vec![result?.into()])).collect::<Result<_>>()?;
    let names: Frames = entries.into_iter().map(|(name, _)| name.into()).collect();
    Ok(combined(&names, &results.iter().collect::<Vec<_>>()))
}
// endregion: plain

fn path(bytes: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(bytes))
}

/// What is in a folder, in the order of its bytes; not what is hidden, was made, or is neither file nor folder.
fn look(folder: &Path) -> Result<Vec<(Vec<u8>, &'static str)>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (name, kind) = (entry.file_name().as_bytes().to_vec(), entry.file_type()?);
        let is_left_out = name.starts_with(b".") || name == b"target" || name == b"node_modules";
        if !is_left_out && (kind.is_dir() || kind.is_file()) {
            entries.push((name, if kind.is_dir() { "folder" } else { "file" }));
        }
    }
    entries.sort();
    Ok(entries)
}

fn measure_file(file: &Path) -> Result<String> {
    let data = fs::read(file)?;
    Ok(format!("1 {} {:08x}", data.len(), crc32fast::hash(&data)))
}

/// Of a folder: files, bytes, and the checksum of a list of what is in it.
fn combined(names: &Frames, results: &[&Frames]) -> String {
    let (mut files, mut bytes, mut listed) = (0, 0, Vec::new());
    for (name, result) in names.iter().zip(results) {
        let result = String::from_utf8_lossy(&result[0]);
        let number = |place| result.split(' ').nth(place).and_then(|word| word.parse::<u64>().ok()).unwrap_or(0);
        (files, bytes) = (files + number(0), bytes + number(1));
        listed.extend([name, &b" "[..], result.as_bytes(), b"\n"].concat());
    }
    format!("{files} {bytes} {:08x}", crc32fast::hash(&listed))
}

// region: parts
fn parts(job: QueueJob) -> Result<()> {
    let (bill, thing) = (text(&job.body()[0]), text(&job.body()[1]));
    if let (Some(numbers), Some(results)) = (job.memo(), job.results()) {
        let total = total(numbers, &done(results)?);
        return Ok(job.complete(total)?);
    }
    let needed = consists_of(&bill, &thing);
    if needed.is_empty() {
        return Ok(job.complete(vec![format!("1 {thing}").into()])?);
    }
    let child = |(_, part): &(String, String)| Child::new("parts", vec![bill.clone().into(), part.clone().into()]);
    let children = needed.iter().map(child).collect();
    Ok(job.spawn(children, needed.into_iter().map(|(number, _)| number.into()).collect())?)
}
// endregion: parts

/// The line `THING: NUMBER PART, NUMBER PART` as pairs; nothing if there is none.
fn consists_of(bill: &str, thing: &str) -> Vec<(String, String)> {
    let line = bill.lines().filter_map(|line| line.split_once(": ")).find(|(name, _)| *name == thing);
    let pairs = line.into_iter().flat_map(|(_, needed)| needed.split(", ")).filter_map(|one| one.split_once(' '));
    pairs.map(|(number, part)| (number.to_owned(), part.to_owned())).collect()
}

fn total(numbers: &Frames, results: &[&Frames]) -> Frames {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for (times, result) in numbers.iter().zip(results) {
        for line in result.iter().map(|line| text(line)) {
            let (number, part) = line.split_once(' ').unwrap_or(("0", ""));
            *counts.entry(part.to_owned()).or_default() +=
                text(times).parse().unwrap_or(0) * number.parse().unwrap_or(0);
        }
    }
    counts.into_iter().map(|(part, number)| format!("{number} {part}").into()).collect()
}

/// What children came to, which were all done: otherwise their parent would have failed.
fn done(results: &[Option<Outcome>]) -> Result<Vec<&Frames>> {
    let done = results.iter().map(|result| result.as_ref().and_then(Outcome::done));
    done.collect::<Option<_>>().ok_or_else(|| "a child was not done".into())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

// region: measure
fn measure(producer: &Producer, folder: &str) -> Result<()> {
    let result = run(producer, "folder", vec![folder.to_owned().into()])?;
    let result = text(&result[0]);
    let mut words = result.split(' ');
    let mut word = || words.next().unwrap_or_default();
    println!("{} files, {} bytes, checksum {}", word(), word(), word());
    let is_same = plain(&PathBuf::from(folder), "folder")? == result;
    println!("a plain program finds {}", if is_same { "the same" } else { "something else" });
    Ok(())
}

fn run(producer: &Producer, queue: &str, body: Frames) -> Result<Frames> {
    match producer.run(queue, body, &JobOptions::default(), &Deadline::never())? {
        Outcome::Done(body) => Ok(body),
        Outcome::Failed(failure) => Err(format!("{} was not done: {:?}", queue, failure).into()),
    }
}
// endregion: measure

fn explode(producer: &Producer, bill: &str, thing: &str) -> Result<()> {
    for line in run(producer, "parts", vec![fs::read(bill)?.into(), thing.to_owned().into()])? {
        println!("{}", text(&line));
    }
    run(producer, "end", vec![]).map(drop)
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let context = Context::new()?;
    let producer = |endpoint: &str| Producer::connect(&context, endpoint, ProducerOptions::default());
    match arguments[..] {
        ["queue"] => queue(&context),
        ["work", endpoint] => work(&context, endpoint),
        ["measure", endpoint, folder] => measure(&producer(endpoint)?, folder),
        ["explode", endpoint, bill, thing] => explode(&producer(endpoint)?, bill, thing),
        _ => Err("queue | work ENDPOINT | measure ENDPOINT FOLDER | explode ENDPOINT PARTS THING".into()),
    }
}
