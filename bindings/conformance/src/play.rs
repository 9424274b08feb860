//! Playing one scenario: each step's line goes to its peer, and the answer is compared.

use std::{
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use toml::Value;

use crate::{
    answer::{Answer, Data, shortened},
    command::{Command, Form},
    process::{Process, WATCHDOG},
    program::Program,
    proxy::Proxy,
    scenario::{Scenario, Step, Transport},
    value::Values,
};

/// Plays a scenario in one of its ways over a transport; the processes are in the order of its roles. The error says
/// which step went wrong and how, and then the processes are in an unknown state.
pub(crate) fn play(
    scenario: &Scenario,
    way: Option<&String>,
    transport: Transport,
    folder: PathBuf,
    cast: Vec<&mut Process>,
) -> Result<()> {
    let running = cast.iter().map(|_| None).collect();
    let mut game = Game { scenario, values: Values::new(transport, folder), cast, running, program: None, proxy: None };
    for (index, step) in scenario.steps.iter().enumerate() {
        if step.way.is_none() || step.way.as_ref() == way {
            game.step(index, step)?;
        }
    }
    // Whoever ends first may be the one that another still hears from.
    for role in 0..scenario.roles.len() {
        game.settle(role)?;
    }
    for process in &game.cast {
        process.send("reset")?;
    }
    for (role, process) in game.cast.iter_mut().enumerate() {
        let answer = process.answer(Form::Nothing, WATCHDOG).with_context(|| scenario.roles[role].clone())?;
        if answer != Answer::Ok(Data::Nothing) {
            bail!("{}: reset answers {answer}", scenario.roles[role]);
        }
    }
    Ok(())
}

struct Game<'a> {
    scenario: &'a Scenario,
    values: Values,
    cast: Vec<&'a mut Process>,
    /// For each role, the step that it is still busy with, and its line.
    running: Vec<Option<(usize, String)>>,
    /// The program that a step started.
    program: Option<Program>,
    /// What stands between two roles.
    proxy: Option<Proxy>,
}

impl Game<'_> {
    fn step(&mut self, index: usize, step: &Step) -> Result<()> {
        let role = self.scenario.roles.iter().position(|role| *role == step.role);
        if let Some(role) = role {
            self.settle(role)?;
        }
        for repetition in 0..step.count {
            self.values.repetition = repetition;
            if let Some(role) = role.filter(|_| step.meanwhile) {
                let line = self.values.line(step).with_context(|| place(index, step))?;
                self.cast[role].send(&line).with_context(|| place(index, step))?;
                self.running[role] = Some((index, line));
            } else {
                self.exchange(step, role).with_context(|| place(index, step))?;
            }
        }
        Ok(())
    }

    /// Waits for the answer of a step that a role is still busy with.
    fn settle(&mut self, role: usize) -> Result<()> {
        let Some((index, line)) = self.running[role].take() else { return Ok(()) };
        let step = &self.scenario.steps[index];
        let answer = self.answer(step, role).with_context(|| place(index, step))?;
        if !self.is_as_expected(step, &answer).with_context(|| place(index, step))? {
            return Err(different(step, &line, &answer).context(place(index, step)));
        }
        self.keep(step, answer);
        Ok(())
    }

    /// Sends the line of a step until the answer is there as a whole and is one to keep.
    fn exchange(&mut self, step: &Step, role: Option<usize>) -> Result<()> {
        let wanted = match (&step.expect, Command::named(&step.command)?.answer) {
            (Some(expected), Form::Messages) => self.values.expected_messages(expected)?,
            _ => 0,
        };
        let started = Instant::now();
        let mut parts = Vec::new();
        loop {
            let line = self.values.line(step)?;
            let mut answer = match role {
                None => self.between(&line)?,
                Some(role) if step.is_outside() => self.outside(&line, role)?,
                Some(role) => {
                    self.cast[role].send(&line)?;
                    self.answer(step, role)?
                }
            };
            let in_time = started.elapsed() < WATCHDOG;
            if in_time && self.is_skipped(step, &answer)? {
                continue;
            }
            // A batch comes in as many parts as the network made of it.
            if let Answer::Ok(Data::Messages(part)) = &mut answer {
                parts.append(part);
                if parts.len() < wanted && in_time {
                    continue;
                }
                *part = std::mem::take(&mut parts);
            }
            if self.is_as_expected(step, &answer)? {
                self.keep(step, answer);
                return Ok(());
            }
            if !step.until || !in_time {
                return Err(different(step, &line, &answer));
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Does what no peer can do to itself.
    fn outside(&mut self, line: &str, role: usize) -> Result<Answer> {
        let words: Vec<&str> = line.split(' ').collect();
        let process = &mut self.cast[role];
        match words[0] {
            "kill" => process.kill()?,
            "stop" => process.signal("STOP")?,
            "go-on" => process.signal("CONT")?,
            "zpat" => {
                let (program, endpoint) = Program::start(&process.zpat, &words[1..])?;
                self.program = Some(program);
                return Ok(Answer::Ok(Data::Word(endpoint)));
            }
            "zpat-kill" => self.program = None,
            other => unreachable!("{other} is not in the table of what the runner does"),
        }
        Ok(Answer::Ok(Data::Nothing))
    }

    /// Does what a network does.
    fn between(&mut self, line: &str) -> Result<Answer> {
        let (command, endpoint) = line.split_once(' ').unwrap_or((line, ""));
        if command == "forward" {
            let proxy = self.proxy.insert(Proxy::start(endpoint)?);
            return Ok(Answer::Ok(Data::Word(proxy.endpoint().to_owned())));
        }
        let proxy = self.proxy.as_mut().context("no proxy was started")?;
        match command {
            "reset-connections" => proxy.reset()?,
            "hold-connections" => proxy.hold()?,
            other => unreachable!("{other} is not in the table of what the proxy does"),
        }
        Ok(Answer::Ok(Data::Nothing))
    }

    fn answer(&mut self, step: &Step, role: usize) -> Result<Answer> {
        let allowed = step.arguments.get("timeout").and_then(Value::as_integer).unwrap_or(10_000);
        let allowed = Duration::from_millis(u64::try_from(allowed).unwrap_or(0));
        self.cast[role].answer(Command::named(&step.command)?.answer, allowed + WATCHDOG)
    }

    fn is_as_expected(&mut self, step: &Step, answer: &Answer) -> Result<bool> {
        match (answer, &step.error, &step.expect) {
            (Answer::Error(kind), Some(expected), _) => Ok(kind == expected),
            (Answer::Ok(data), None, Some(expected)) => self.values.matches(data, expected),
            (Answer::Ok(_), None, None) => Ok(true),
            _ => Ok(false),
        }
    }

    fn is_skipped(&mut self, step: &Step, answer: &Answer) -> Result<bool> {
        match (answer, &step.skip) {
            (Answer::Ok(data), Some(skipped)) => self.values.matches(data, skipped),
            _ => Ok(false),
        }
    }

    fn keep(&mut self, step: &Step, answer: Answer) {
        if let (Some(name), Answer::Ok(data)) = (&step.save, answer) {
            self.values.save(name, data);
        }
    }
}

fn place(index: usize, step: &Step) -> String {
    format!("step {}: {} {}", index + 1, step.role, step.command)
}

fn different(step: &Step, line: &str, answer: &Answer) -> anyhow::Error {
    let expected = match (&step.error, &step.expect) {
        (Some(kind), _) => format!("error {kind}"),
        (None, Some(expected)) => expected.to_string(),
        (None, None) => "ok".into(),
    };
    anyhow::anyhow!("expected {}\n      got      {answer}\n      to       {}", shortened(&expected), shortened(line))
}
