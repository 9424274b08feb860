//! ZPL, the ZeroMQ Property Language: names and values in a hierarchy, for files that people write.
//!
//! It follows [RFC 4](https://rfc.zeromq.org/spec/4/). A line is a name, with `=` and a value or without. Four spaces
//! more than the line above put it below that one. Text from `#` on is a comment. A value may stand in quotes of either
//! kind, which are no part of it and cannot be escaped; with a quote that has no other half it is taken as it stands. A
//! name may stand several times, and the order is kept.
//!
//! The RFC leaves some things open. Here
//! * text is UTF-8, and names are of ASCII letters, digits and `$-_@.&+/`, at least one of them;
//! * control characters stand in comments only; tabs within lines, but not before a name;
//! * `name =` has no value, and `name = ""` an empty one;
//! * there are at most 32 levels.
//!
//! How long a text may be, says who reads it: a line of it takes some hundred bytes in memory.
//!
//! ```
//! let text = b"frontend\n    option\n        hwm = 1000   # messages\n    bind = tcp://*:5555\n";
//! let root = zpatterns_protocol::zpl::parse(text)?;
//! assert_eq!(root.value(&["frontend", "option", "hwm"]), Some("1000"));
//! assert_eq!(root.value(&["frontend", "bind"]), Some("tcp://*:5555"));
//! # zpatterns_protocol::Result::Ok(())
//! ```

#[cfg(test)]
mod tests;

use crate::{Error, ErrorKind, Result};

/// The most levels.
pub const MAX_DEPTH: usize = 32;

/// How far a child stands to the right of its parent.
const INDENT: usize = 4;
const BLANKS: [char; 2] = [' ', '\t'];
const QUOTES: [char; 2] = ['"', '\''];

/// A property, and those below it.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Section {
    /// What it is called; the root has no name.
    pub name: String,
    /// What it is.
    pub value: Option<String>,
    /// Those below it, in their order.
    pub children: Vec<Self>,
    /// Where it stands, from 1.
    pub line: usize,
    /// The value may not be what its author meant, though it is what the RFC makes of it: it begins or ends with a
    /// quote that has no other half, or a `#` that follows without a space ended it. Who decides by it about rights
    /// should refuse it.
    pub is_doubtful: bool,
}

impl Section {
    /// The children of this name, in their order.
    pub fn named(&self, name: &str) -> impl Iterator<Item = &Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The first to which the names lead; of several with the same name the path may go through any.
    pub fn get(&self, path: &[&str]) -> Option<&Self> {
        match path.split_first() {
            None => Some(self),
            Some((name, path)) => self.named(name).find_map(|child| child.get(path)),
        }
    }

    /// The value of [`get`](Self::get).
    pub fn value(&self, path: &[&str]) -> Option<&str> {
        self.get(path)?.value.as_deref()
    }
}

/// Reads a text. The root has no name, and the first level for children. [`ErrorKind::InvalidText`] if it is not UTF-8,
/// and [`ErrorKind::InvalidArgument`] if a line is malformed or deeper than the one above allows; the context has the
/// line.
pub fn parse(text: &[u8]) -> Result<Section> {
    let text = str::from_utf8(text).map_err(|_| {
        let valid = text.utf8_chunks().next().map_or("", |chunk| chunk.valid());
        Error::new(ErrorKind::InvalidText, "ZPL is UTF-8").with("line", lines(valid).count())
    })?;
    // The root, and of each level the section that the next line may belong to.
    let mut open = vec![Section::default()];
    for (line, text) in (1..).zip(lines(text)) {
        let wrong = |what| Error::new(ErrorKind::InvalidArgument, what).with("line", line);
        let Some((depth, mut section)) = property(text).map_err(wrong)? else { continue };
        if depth >= open.len() {
            return Err(wrong("a child stands four spaces further to the right than its parent"));
        }
        if depth >= MAX_DEPTH {
            return Err(wrong("there are at most 32 levels"));
        }
        section.line = line;
        close(&mut open, depth);
        open.push(section);
    }
    close(&mut open, 0);
    Ok(open.remove(0))
}

/// Moves those deeper than a level to where they belong.
fn close(open: &mut Vec<Section>, depth: usize) {
    while open.len() > depth + 1
        && let Some(done) = open.pop()
        && let Some(parent) = open.last_mut()
    {
        parent.children.push(done);
    }
}

/// A line ends with LF, CR, or CR and LF.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split('\n').flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r'))
}

/// The level and what stands there, or nothing.
fn property(line: &str) -> std::result::Result<Option<(usize, Section)>, &'static str> {
    let text = line.trim_matches(BLANKS);
    if text.is_empty() || text.starts_with('#') {
        return Ok(None);
    }
    let indent = line.bytes().take_while(|byte| *byte == b' ').count();
    if indent % INDENT != 0 || line[indent..].starts_with('\t') {
        return Err("a line begins with four spaces for each level");
    }
    let (name, rest) = text.split_at(text.find(|char| !is_of_name(char)).unwrap_or(text.len()));
    if name.is_empty() {
        return Err("a name has letters, digits and $-_@.&+/");
    }
    let rest = rest.trim_start_matches(BLANKS);
    let (value, is_doubtful) = match rest.strip_prefix('=') {
        Some(rest) => value(rest.trim_start_matches(BLANKS)),
        None if rest.is_empty() || rest.starts_with('#') => (None, false),
        None => return Err("a name is of letters, digits and $-_@.&+/, and a value follows after ="),
    };
    if value.is_some_and(|value| value.contains(|char: char| char.is_control() && char != '\t')) {
        return Err("a value has a control character");
    }
    let (name, value) = (name.to_owned(), value.map(str::to_owned));
    Ok(Some((indent / INDENT, Section { name, value, is_doubtful, ..Section::default() })))
}

fn is_of_name(char: char) -> bool {
    char.is_ascii_alphanumeric() || "$-_@.&+/".contains(char)
}

/// What is meant by what follows after `=`, and whether that is doubtful.
fn value(text: &str) -> (Option<&str>, bool) {
    if let Some(quote) = text.chars().next().filter(|char| QUOTES.contains(char))
        && let Some((value, rest)) = text[1..].split_once(quote)
        && let rest = rest.trim_start_matches(BLANKS)
        && (rest.is_empty() || rest.starts_with('#'))
    {
        return (Some(value), false);
    }
    let (before, comment) = text.split_once('#').map_or((text, None), |(value, comment)| (value, Some(comment)));
    let value = before.trim_end_matches(BLANKS);
    let is_cut = comment.is_some() && value == before;
    let has_quote = value.starts_with(QUOTES) || value.ends_with(QUOTES);
    if value.is_empty() { (None, false) } else { (Some(value), is_cut || has_quote) }
}
