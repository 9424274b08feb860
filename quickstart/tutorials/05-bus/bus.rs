//! Numbers for everybody at once: a fifth is lost, everybody is deaf for a while, nothing is missing in silence.
//!
//!     bus say ENDPOINT LISTENERS     says numbers as soon as so many listen
//!     bus listen ENDPOINT            listens

use std::{env, error::Error, str, thread::sleep, time::Duration};

use zpatterns::{Bus, BusEvent, BusOptions, Context, Deadline, ErrorKind};

const BODY: &[u8] = &[0; 1000]; // so hardly two numbers share a datagram

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

// region: say
fn say(endpoint: &str, listeners: u32) -> Result {
    let bus = Bus::open(&Context::new()?, endpoint, BusOptions::default())?;
    bus.subscribe(b"done")?;
    println!("endpoint {endpoint}");
    wait_for(&bus, listeners)?; // everybody is here
    say_numbers(&bus, 1, 100)?;
    say_words(&bus, &["lose", "0.2"])?;
    wait_for(&bus, listeners)?;
    say_numbers(&bus, 101, 1100)?;
    say_words(&bus, &["lose", "0"])?;
    wait_for(&bus, listeners)?;
    say_numbers(&bus, 1101, 1200)?;
    say_words(&bus, &["end"])?;
    wait_for(&bus, listeners)?;
    println!("everybody heard the end");
    Ok(())
}

fn say_words(bus: &Bus, words: &[&str]) -> Result {
    Ok(bus.send(words, &Deadline::never())?)
}

fn say_numbers(bus: &Bus, first: u32, last: u32) -> Result {
    for number in first..=last {
        bus.send(&[b"number", number.to_string().as_bytes(), BODY], &Deadline::never())?;
    }
    Ok(())
}

fn wait_for(bus: &Bus, mut answers: u32) -> Result {
    while answers > 0 {
        if let BusEvent::Message { .. } = bus.recv(&Deadline::never())? {
            answers -= 1;
        }
    }
    Ok(())
}
// endregion: say

// region: outage
fn say_on(endpoint: &str, listeners: u32) -> Result {
    let options = BusOptions { window: 20_000, ..Default::default() }; // it remembers 20 numbers
    let bus = Bus::open(&Context::new()?, endpoint, options)?;
    bus.subscribe(b"done")?;
    say_words(&bus, &["deaf", "100"])?;
    wait_for(&bus, listeners)?;
    let (mut number, mut answers) = (0, 0);
    // Until everybody hears again.
    while answers < listeners {
        number += 1;
        say_numbers(&bus, number, number)?;
        match bus.recv(&Deadline::after(Duration::from_millis(1))) {
            Ok(BusEvent::Message { .. }) => answers += 1,
            Err(error) if error.kind() != ErrorKind::Timeout => return Err(error.into()),
            _ => {}
        }
    }
    say_words(&bus, &["end"])?;
    wait_for(&bus, listeners)?;
    println!("everybody hears again");
    Ok(())
}
// endregion: outage

// region: listen
fn listen(endpoint: &str) -> Result {
    let bus = Bus::open(&Context::new()?, endpoint, BusOptions::default())?;
    bus.subscribe(b"")?;
    say_words(&bus, &["done"])?; // it is here
    let Heard { numbers, missed, wrong } = follow(&bus)?;
    println!("{numbers} numbers, {} out of order", some(wrong));
    println!("{} lost and repeated, {} missed", some(bus.counters()?.received.repaired), some(missed));
    let Heard { missed, wrong, .. } = follow(&bus)?;
    println!("deaf for a while: {} missed, {} out of order", some(missed), some(wrong));
    Ok(())
}

/// How many numbers came, how often some were missed, and how often they did not go on as they should.
#[derive(Default)]
struct Heard {
    numbers: u64,
    missed: u64,
    wrong: u64,
}

/// Up to the end.
fn follow(bus: &Bus) -> Result<Heard> {
    let (mut heard, mut due, mut told) = (Heard::default(), 1, false);
    loop {
        match bus.recv(&Deadline::never())? {
            BusEvent::Message { frames, .. } => match frames.iter().map(|frame| &**frame).collect::<Vec<_>>()[..] {
                [b"number", number, body] => {
                    let number: u32 = str::from_utf8(number)?.parse()?;
                    heard.wrong += u64::from(number != due && !told || body != BODY);
                    (heard.numbers, due, told) = (heard.numbers + 1, number + 1, false);
                }
                [b"lose", fraction] => {
                    bus.inject_loss(str::from_utf8(fraction)?.parse()?)?;
                    say_words(bus, &["done"])?;
                }
                [b"deaf", datagrams] => be_deaf(bus, str::from_utf8(datagrams)?.parse()?)?,
                [b"end"] => {
                    say_words(bus, &["done"])?;
                    return Ok(heard);
                }
                _ => {}
            },
            BusEvent::Missed { .. } => (heard.missed, told) = (heard.missed + 1, true),
            _ => {}
        }
    }
}
// endregion: listen

// region: deaf
fn be_deaf(bus: &Bus, datagrams: u64) -> Result {
    let end = bus.counters()?.injected + datagrams;
    bus.inject_loss(1.0)?;
    say_words(bus, &["done"])?;
    while bus.counters()?.injected < end {
        sleep(Duration::from_millis(10)); // so much has passed by unheard
    }
    bus.inject_loss(0.0)?;
    say_words(bus, &["done"])
}
// endregion: deaf

fn some(count: u64) -> &'static str {
    if count > 0 { "some were" } else { "none was" }
}

fn main() -> Result {
    let args: Vec<String> = env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["say", endpoint, listeners] => {
            say(endpoint, listeners.parse()?)?;
            say_on(endpoint, listeners.parse()?)
        }
        ["listen", endpoint] => listen(endpoint),
        _ => Err("usage: bus say ENDPOINT LISTENERS | listen ENDPOINT".into()),
    }
}
