//! Values in scenarios: text, bytes, repetitions, and what earlier steps saved.
//!
//! A text stands for its UTF-8, `hex:00ff` for bytes, `{ repeat = "a", times = 9 }` for a long value. In a text,
//! `$name` and `$name.part` are what a step saved, `$i` counts a step's repetitions, `$any` is an endpoint to bind to, or
//! the bus of this game, and `$folder` a folder of it. In what is expected, `*` is any value, a number in a text such as `>=1` a bound,
//! `!text` anything else, and a list in a field frames.

use std::{collections::BTreeMap, net::UdpSocket, path::PathBuf};

use anyhow::{Context, Result, bail, ensure};
use toml::Value;

use crate::{
    answer::{Data, hex, unhex},
    command::{Command, Default, Form},
    scenario::{Step, Transport},
};

/// What a scenario knows while it is played.
pub(crate) struct Values {
    transport: Transport,
    folder: PathBuf,
    endpoints: u32,
    /// Holds the port of the bus.
    port: Option<UdpSocket>,
    saved: BTreeMap<String, Data>,
    /// `$i`.
    pub(crate) repetition: u32,
}

impl Values {
    /// Endpoints are of `transport`; files of ipc are in `folder`.
    pub(crate) fn new(transport: Transport, folder: PathBuf) -> Self {
        Self { transport, folder, endpoints: 0, port: None, saved: BTreeMap::new(), repetition: 0 }
    }

    pub(crate) fn save(&mut self, name: &str, data: Data) {
        self.saved.insert(name.to_owned(), data);
    }

    /// The line that a step sends to its peer.
    pub(crate) fn line(&mut self, step: &Step) -> Result<String> {
        let command = Command::named(&step.command)?;
        let mut words = vec![command.name.to_owned()];
        if command.on {
            words.push(step.on.clone());
        }
        for parameter in command.parameters {
            let given = step.arguments.get(parameter.name).cloned();
            let value = given.or_else(|| parameter.default.map(Value::from));
            let value = value.with_context(|| format!("{} needs `{}`", step.command, parameter.name))?;
            words.extend(self.words(parameter.form, &value)?);
        }
        Ok(words.join(" "))
    }

    fn words(&mut self, form: Form, value: &Value) -> Result<Vec<String>> {
        Ok(match form {
            Form::Nothing => vec![],
            Form::Word => vec![self.text(value)?],
            Form::Words => {
                let words = value.as_array().context("a list is needed")?;
                words.iter().map(|word| self.text(word)).collect::<Result<_>>()?
            }
            Form::Number => vec![value.as_integer().context("a number is needed")?.to_string()],
            Form::Bytes => vec![hex(&self.bytes(value)?)],
            Form::Frames => self.message(value)?.iter().map(|frame| hex(frame)).collect(),
            Form::Messages => {
                let line = |frames: &Vec<Vec<u8>>| frames.iter().map(|frame| hex(frame)).collect::<Vec<_>>().join(",");
                self.messages(value)?.iter().map(line).collect()
            }
            Form::Fields | Form::Counters => {
                let table = value.as_table().context("a table is needed")?;
                let field = |(name, value): (&String, &Value)| {
                    Ok(match value {
                        Value::Integer(_) | Value::Boolean(_) => format!("{name}={value}"),
                        other => format!("{name}=hex:{}", hex(&self.bytes(other)?)),
                    })
                };
                table.iter().map(field).collect::<Result<_>>()?
            }
        })
    }

    /// The messages of a list, whose elements are a frame or a list of frames, or of `{ message = [..], times = n }`.
    pub(crate) fn messages(&mut self, value: &Value) -> Result<Vec<Vec<Vec<u8>>>> {
        if let Value::Table(table) = value
            && let (Some(message), Some(times)) = (table.get("message"), table.get("times"))
        {
            let times = u32::try_from(times.as_integer().context("times is a number")?)?;
            let before = self.repetition;
            let all = (0..times).map(|index| {
                self.repetition = index;
                self.message(message)
            });
            let all = all.collect();
            self.repetition = before;
            return all;
        }
        value.as_array().context("messages are a list")?.iter().map(|message| self.message(message)).collect()
    }

    fn message(&mut self, value: &Value) -> Result<Vec<Vec<u8>>> {
        match value {
            Value::Array(frames) => frames.iter().map(|frame| self.bytes(frame)).collect(),
            single => Ok(vec![self.bytes(single)?]),
        }
    }

    fn text(&mut self, value: &Value) -> Result<String> {
        String::from_utf8(self.bytes(value)?).context("text is needed")
    }

    fn bytes(&mut self, value: &Value) -> Result<Vec<u8>> {
        match value {
            Value::String(text) => match text.strip_prefix("hex:") {
                Some(digits) => unhex(digits),
                None => self.substituted(text),
            },
            Value::Table(table) => match (table.get("repeat"), table.get("times").and_then(Value::as_integer)) {
                (Some(part), Some(times)) if table.len() == 2 => Ok(self.bytes(part)?.repeat(usize::try_from(times)?)),
                _ => bail!("a long value is {{ repeat = .., times = .. }}"),
            },
            other => bail!("`{other}` is neither text nor a repetition"),
        }
    }

    /// The text with each `$name` or `$name.part` replaced.
    fn substituted(&mut self, text: &str) -> Result<Vec<u8>> {
        let mut pieces = text.split('$');
        let mut out = pieces.next().unwrap_or_default().as_bytes().to_vec();
        for piece in pieces {
            let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
            let end = piece.find(|c| !is_name(c)).unwrap_or(piece.len());
            // A full stop behind a name belongs to the text.
            let reference = piece[..end].trim_end_matches('.');
            out.extend(self.resolve(reference)?);
            out.extend(&piece.as_bytes()[reference.len()..]);
        }
        Ok(out)
    }

    fn resolve(&mut self, reference: &str) -> Result<Vec<u8>> {
        let (name, part) = reference.split_once('.').map_or((reference, None), |(name, part)| (name, Some(part)));
        match name {
            "i" => return Ok(self.repetition.to_string().into_bytes()),
            "any" => return Ok(self.endpoint()?.into_bytes()),
            "folder" => return Ok(self.folder.display().to_string().into_bytes()),
            _ => {}
        }
        let saved = self.saved.get(name).with_context(|| format!("nothing is saved as ${name}"))?;
        saved.part(part).with_context(|| format!("${reference} is not a part of what was saved"))
    }

    /// An endpoint that nobody is bound to; a bus is the same for all.
    fn endpoint(&mut self) -> Result<String> {
        self.endpoints += 1;
        Ok(match self.transport {
            Transport::Tcp => "tcp://127.0.0.1:0".into(),
            Transport::Ws => "ws://127.0.0.1:0".into(),
            Transport::Ipc => format!("ipc://{}/{}", self.folder.display(), self.endpoints),
            Transport::Inproc => format!("inproc://{}", self.endpoints),
            Transport::Epgm => format!("epgm://127.0.0.1;239.192.8.1:{}", self.bus_port()?),
        })
    }

    /// A port that no other game gets as long as this one holds it, at an address that the bus does not need.
    fn bus_port(&mut self) -> Result<u16> {
        let port = match self.port.take() {
            Some(port) => port,
            None => UdpSocket::bind(("127.0.0.2", 0)).context("a port for a bus")?,
        };
        Ok(self.port.insert(port).local_addr()?.port())
    }

    /// Whether an answer is what a step expects.
    pub(crate) fn matches(&mut self, data: &Data, expected: &Value) -> Result<bool> {
        Ok(match (data, expected) {
            (Data::Messages(messages), Value::Integer(count)) => messages.len() as i64 == *count,
            (Data::Messages(messages), value) => *messages == self.messages(value)?,
            (Data::Number(number), Value::Integer(expected)) => number == expected,
            (Data::Word(word), value) => *word == self.text(value)?,
            (Data::Frames(frames), Value::Array(values)) => {
                let mut equal = frames.len() == values.len();
                for (frame, value) in frames.iter().zip(values) {
                    equal &= value.as_str() == Some("*") || *frame == self.bytes(value)?;
                }
                equal
            }
            (Data::Fields(fields), Value::Table(table)) => {
                let mut equal = true;
                for (name, value) in table {
                    equal &= self.field_matches(fields.get(name).map_or("", String::as_str), value)?;
                }
                equal
            }
            (_, value) => bail!("an answer of this form is never `{value}`"),
        })
    }

    fn field_matches(&mut self, field: &str, expected: &Value) -> Result<bool> {
        if let Value::Array(frames) = expected {
            let frames = frames.iter().map(|frame| Ok(hex(&self.bytes(frame)?))).collect::<Result<Vec<_>>>()?;
            return Ok(field == frames.join(","));
        }
        let Value::String(text) = expected else { return Ok(field == expected.to_string()) };
        if let Some(other) = text.strip_prefix('!') {
            return Ok(field.as_bytes() != self.substituted(other)?);
        }
        if let Some(bound) = text.strip_prefix(">=") {
            let bound: u64 = bound.trim().parse().context("a bound is a number")?;
            return Ok(field.parse::<u64>().is_ok_and(|number| number >= bound));
        }
        Ok(text == "*" && !field.is_empty() || field.as_bytes() == self.substituted(text)?)
    }

    /// How many messages a step expects in all, if it expects messages.
    pub(crate) fn expected_messages(&mut self, expected: &Value) -> Result<usize> {
        let count = match expected {
            Value::Integer(count) => usize::try_from(*count)?,
            value => self.messages(value)?.len(),
        };
        ensure!(count > 0, "a step that receives messages expects at least one");
        Ok(count)
    }
}

impl From<Default> for Value {
    fn from(default: Default) -> Self {
        match default {
            Default::Number(number) => Self::Integer(number),
            Default::Text(text) => Self::String(text.into()),
            Default::NoFields => Self::Table(toml::Table::new()),
            Default::NoFrames => Self::Array(vec![]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> String {
        let mut values = Values::new(Transport::Ipc, "/run/x".into());
        values.save("peer", Data::Frames(vec![b"me".to_vec(), vec![0]]));
        values.save("stats", Data::Fields([("sent".to_owned(), "3".to_owned())].into()));
        values.line(&toml::from_str(text).expect("toml")).expect("a line")
    }

    #[test]
    fn steps_become_lines() {
        let cases = [
            ("do = 'bind'", "bind socket ipc:///run/x/1"),
            ("do = 'send'\nframes = ['$peer.0', '', 'hex:00ff', 'n$stats.sent']", "send socket 10000 6d65 - 00ff 6e33"),
            ("do = 'send-many'\ntimeout = 5\nmessages = ['a', ['b', '']]", "send-many socket 5 61 62,-"),
            ("do = 'send-many'\nmessages = { message = 'm$i.', times = 2 }", "send-many socket 10000 6d302e 6d312e"),
            ("do = 'send'\nframes = [{ repeat = 'a', times = 3 }]", "send socket 10000 616161"),
            (
                "do = 'open'\non = 'x'\nkind = 'sub'\noptions = { linger = 5, ipv6 = true, zap_domain = 'a' }",
                "open x sub ipv6=true linger=5 zap_domain=hex:61",
            ),
            ("do = 'job-reply'", "job-reply job"),
            ("do = 'zpat'\narguments = ['--store', '$folder/store']", "zpat --store /run/x/store"),
        ];
        for (step, expected) in cases {
            assert_eq!(line(&format!("role = 'a'\n{step}")), expected);
        }
    }

    #[test]
    fn a_game_has_one_bus_and_every_game_another() {
        let bus = |values: &mut Values| values.resolve("any").expect("a port is free");
        let mut both = [(); 2].map(|()| Values::new(Transport::Epgm, PathBuf::new()));
        let [one, other] = both.each_mut().map(bus);
        assert_ne!(one, other);
        assert_eq!(both.each_mut().map(bus), [one, other]);
    }

    #[test]
    fn answers_are_compared_in_their_form() {
        let mut values = Values::new(Transport::Tcp, PathBuf::new());
        let mut check = |data: &Data, expected: &str| {
            let table: toml::Table = toml::from_str(&format!("v = {expected}")).expect("toml");
            values.matches(data, &table["v"]).expect("comparable")
        };
        let frames = Data::Frames(vec![b"id".to_vec(), b"x".to_vec()]);
        assert!(check(&frames, "['*', 'x']") && !check(&frames, "['*']") && !check(&frames, "['*', 'y']"));
        let fields = Data::Fields([("sent".to_owned(), "3".to_owned())].into());
        assert!(check(&fields, "{ sent = 3 }") && check(&fields, "{ sent = '>=3' }"));
        assert!(!check(&fields, "{ sent = '>=4' }") && !check(&fields, "{ missing = '*' }"));
        assert!(check(&fields, "{ sent = '!4' }") && !check(&fields, "{ sent = '!3' }"));
        let fields = Data::Fields([("body".to_owned(), "61,-".to_owned())].into());
        assert!(check(&fields, "{ body = ['a', ''] }") && !check(&fields, "{ body = ['a'] }"));
    }
}
