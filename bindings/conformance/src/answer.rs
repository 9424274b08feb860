//! Answers of a peer: one line, `ok` and words, or `error` and a kind.

use std::{collections::BTreeMap, fmt};

use anyhow::{Context, Result, bail, ensure};

use crate::command::Form;

/// A line as it came, understood.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Answer {
    Ok(Data),
    Error(String),
}

/// What follows `ok`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Data {
    Nothing,
    Word(String),
    Number(i64),
    Frames(Vec<Vec<u8>>),
    Messages(Vec<Vec<Vec<u8>>>),
    Fields(BTreeMap<String, String>),
}

impl Answer {
    /// Reads a line whose data has this form.
    pub(crate) fn parse(line: &str, form: Form) -> Result<Self> {
        let mut words = line.split(' ').filter(|word| !word.is_empty());
        match words.next() {
            Some("ok") => {}
            Some("error") => return Ok(Self::Error(words.next().context("an error without a kind")?.to_owned())),
            _ => bail!("`{}` is neither ok nor error", shortened(line)),
        }
        let frames = |text: &str| text.split(',').map(unhex).collect::<Result<Vec<_>>>();
        let data = match form {
            Form::Nothing => Data::Nothing,
            Form::Word => Data::Word(words.next().context("a word is missing")?.to_owned()),
            Form::Words => bail!("nothing answers with a list of words"),
            Form::Number => Data::Number(words.next().context("a number is missing")?.parse()?),
            Form::Bytes | Form::Frames => Data::Frames(words.by_ref().map(unhex).collect::<Result<_>>()?),
            Form::Messages => Data::Messages(words.by_ref().map(frames).collect::<Result<_>>()?),
            Form::Fields | Form::Counters => {
                let field = |word: &str| word.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
                let fields = words.by_ref().map(|word| field(word).context("name=value")).collect::<Result<_>>()?;
                Data::Fields(if form == Form::Counters { sums(fields)? } else { fields })
            }
        };
        ensure!(words.next().is_none(), "`{}` says more than it should", shortened(line));
        Ok(Self::Ok(data))
    }
}

impl Data {
    /// What `$name.part` stands for: a field by name, a frame by position, or all there is.
    pub(crate) fn part(&self, part: Option<&str>) -> Option<Vec<u8>> {
        match (self, part) {
            (Self::Word(word), None) => Some(word.clone().into_bytes()),
            (Self::Number(number), None) => Some(number.to_string().into_bytes()),
            (Self::Fields(fields), Some(name)) => fields.get(name).map(|value| value.clone().into_bytes()),
            (Self::Frames(frames), Some(index)) => frames.get(index.parse::<usize>().ok()?).cloned(),
            _ => None,
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(kind) => write!(out, "error {kind}"),
            Self::Ok(Data::Nothing) => out.write_str("ok"),
            Self::Ok(Data::Word(word)) => out.write_str(word),
            Self::Ok(Data::Number(number)) => write!(out, "{number}"),
            Self::Ok(Data::Frames(frames)) => out.write_str(&shown(frames)),
            Self::Ok(Data::Messages(messages)) => {
                write!(out, "{} messages", messages.len())?;
                messages.iter().take(5).try_for_each(|frames| write!(out, " {}", shown(frames)))
            }
            Self::Ok(Data::Fields(fields)) => {
                let all: Vec<_> = fields.iter().map(|(name, value)| format!("{name} = {value}")).collect();
                write!(out, "{{ {} }}", all.join(", "))
            }
        }
    }
}

/// Counters with what follows from them.
fn sums(mut counters: BTreeMap<String, String>) -> Result<BTreeMap<String, String>> {
    let number = |name: &str| counters.get(name).map_or("0", String::as_str).parse::<u64>();
    let mut lost = 0;
    for name in counters.keys().filter(|name| name.starts_with("lost_")) {
        lost += number(name)?;
    }
    let balance = number("accepted")? == number("delivered")? + lost + number("held")?;
    counters.extend([("lost".to_owned(), lost.to_string()), ("balance".to_owned(), balance.to_string())]);
    Ok(counters)
}

/// Frames as a scenario would write them.
fn shown(frames: &[Vec<u8>]) -> String {
    let one = |frame: &Vec<u8>| match std::str::from_utf8(frame) {
        Ok(text) if !text.contains(char::is_control) => format!("\"{}\"", shortened(text)),
        _ => format!("\"hex:{}\"", shortened(&hex(frame))),
    };
    format!("[{}]", frames.iter().map(one).collect::<Vec<_>>().join(", "))
}

/// No more of a text than fits on a line.
pub(crate) fn shortened(text: &str) -> String {
    match text.char_indices().nth(100) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}... ({} bytes)", &text[..end], text.len()),
    }
}

/// Bytes as a word.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    if bytes.is_empty() {
        return "-".into();
    }
    let digits = |byte: &u8| [DIGITS[usize::from(byte >> 4)] as char, DIGITS[usize::from(byte & 15)] as char];
    bytes.iter().flat_map(digits).collect()
}

/// A word as bytes.
pub(crate) fn unhex(word: &str) -> Result<Vec<u8>> {
    if word == "-" {
        return Ok(vec![]);
    }
    let digit = |c: u8| char::from(c).to_digit(16).map(|value| value as u8);
    let pair = |pair: &[u8]| match pair {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    };
    let bytes = word.as_bytes().chunks(2).map(pair).collect::<Option<Vec<u8>>>();
    bytes.with_context(|| format!("`{}` is not hexadecimal", shortened(word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_survive_the_line() {
        for bytes in [&b""[..], b"\0", b"text", &[0xff, 0x10, 0x0a]] {
            assert_eq!(unhex(&hex(bytes)).expect("hexadecimal"), bytes);
        }
        for bad in ["f", "0g", "+1", "\u{e9}"] {
            unhex(bad).expect_err(bad);
        }
    }

    #[test]
    fn answers_have_the_form_of_their_command() {
        let data = |line, form| Answer::parse(line, form).expect(line);
        assert_eq!(data("ok 61 -", Form::Frames), Answer::Ok(Data::Frames(vec![b"a".to_vec(), vec![]])));
        assert_eq!(data("error Full", Form::Frames), Answer::Error("Full".into()));
        assert_eq!(data("ok a= b=c=d", Form::Fields).to_string(), "{ a = , b = c=d }");
        let counters = data("ok accepted=6 delivered=2 held=1 lost_age=1 lost_closed=2", Form::Counters).to_string();
        assert!(counters.contains("balance = true") && counters.contains("lost = 3"), "{counters}");
        for (line, form) in
            [("", Form::Nothing), ("ok x", Form::Nothing), ("ok x", Form::Number), ("error", Form::Word)]
        {
            Answer::parse(line, form).expect_err(line);
        }
    }
}
