//! What each language exports, read from its sources: types, their members, and functions.
//!
//! It reads lines as the formatters of this repository leave them, and knows no more of a language than how the line
//! of a declaration starts. What it overlooks cannot be named in `names.toml`, so nothing is taken for there that is
//! not.

use std::{collections::BTreeSet, fs, path::Path};

use anyhow::{Context, Result};

/// A column of the page: a language, or another face of it.
pub(crate) struct Face {
    /// Its peer.
    pub(crate) peer: &'static str,
    /// For people.
    pub(crate) title: &'static str,
    /// Whether its calls have names of their own.
    pub(crate) has_calls: bool,
}

/// The columns, in their order.
pub(crate) const FACES: &[Face] = &[
    Face { peer: "rust", title: "Rust", has_calls: true },
    Face { peer: "rust-async", title: "Rust, futures", has_calls: false },
    Face { peer: "c", title: "C", has_calls: true },
    Face { peer: "c-async", title: "C, event loop", has_calls: false },
    Face { peer: "python", title: "Python", has_calls: true },
    Face { peer: "python-async", title: "Python, asyncio", has_calls: true },
    Face { peer: "node", title: "Node", has_calls: true },
];

/// How a language writes what it exports.
struct Syntax {
    language: &'static str,
    /// Only the types and functions that these files name are exported; without any, all.
    index: &'static [&'static str],
    /// Files, and folders of files.
    sources: &'static [&'static str],
    /// How lines start that declare a type, a member of it, and a function.
    types: &'static [&'static str],
    members: &'static [&'static str],
    functions: &'static [&'static str],
}

const SYNTAXES: &[Syntax] = &[
    Syntax {
        language: "rust",
        index: &[
            "core/zpatterns/src/lib.rs",
            "core/zpatterns/src/pubsub.rs",
            "core/zpatterns/src/reqrep.rs",
            "core/zpatterns/src/zqueue.rs",
        ],
        sources: &[
            "core/protocol/src/error.rs",
            "core/engine/src",
            "core/engine/src/bus",
            "core/engine/src/socket",
            "core/zpatterns/src",
            "core/zpatterns/src/pubsub",
            "core/zpatterns/src/reqrep",
            "core/zpatterns/src/zqueue",
        ],
        types: &["impl "],
        members: &["    pub fn ", "    pub const fn "],
        functions: &["pub fn "],
    },
    Syntax {
        language: "c",
        index: &[],
        sources: &["bindings/c/include/zpatterns.h"],
        types: &[],
        members: &[],
        functions: &[
            "void ",
            "int ",
            "int64_t ",
            "uint64_t ",
            "size_t ",
            "const char *",
            "zpat_slice_t ",
            "static inline int ",
            "static inline zpat_slice_t ",
        ],
    },
    Syntax {
        language: "python",
        index: &["bindings/python/python/zpatterns/__init__.py"],
        sources: &["bindings/python/python/zpatterns"],
        types: &["class "],
        members: &["    def ", "    async def "],
        functions: &["def "],
    },
    Syntax {
        language: "node",
        index: &["bindings/node/lib/index.ts"],
        sources: &[
            "bindings/node/lib",
            "bindings/node/lib/bus",
            "bindings/node/lib/pubsub",
            "bindings/node/lib/reqrep",
            "bindings/node/lib/zqueue",
        ],
        types: &["export class ", "export abstract class "],
        members: &["  static override ", "  static ", "  async ", "  get ", "  "],
        functions: &["export function "],
    },
];

/// What `language` exports: `Socket`, `Socket.bind`, `aio.Socket.recv`, `info`.
pub(crate) fn exports(root: &Path, language: &str) -> Result<BTreeSet<String>> {
    let syntax = SYNTAXES.iter().find(|syntax| syntax.language == language);
    let syntax = syntax.with_context(|| format!("nothing says how {language} exports"))?;
    let index = syntax.index.iter().map(|file| fs::read_to_string(root.join(file)).context(*file));
    // Where something comes from is not what it is called.
    let of_line = |line: &str| line.split(" from '").next().unwrap_or_default().to_owned();
    let index: Vec<String> =
        index.collect::<Result<Vec<_>>>()?.iter().flat_map(|text| text.lines().map(of_line)).collect();
    let index = index.join(" ");
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let listed: BTreeSet<&str> = index.split(|c| !is_word(c)).collect();
    let (mut found, mut all, mut heirs) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
    for source in syntax.sources.iter().map(|source| root.join(source)) {
        let mut files = vec![source.clone()];
        if source.is_dir() {
            files = fs::read_dir(&source)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
        }
        // What is no text, such as a folder or a library that was built there, declares nothing.
        for (file, text) in files.iter().filter_map(|file| Some((file, fs::read_to_string(file).ok()?))) {
            // The one module that programs import by its name, and those whose types it hands on.
            let of_asyncio = file.file_name().is_some_and(|name| name.to_string_lossy().contains("aio"));
            let module = if of_asyncio { "aio." } else { "" };
            let is_listed = |name: &&String| {
                let first = name.split('.').next().unwrap_or_default();
                syntax.index.is_empty() || listed.contains(first)
            };
            let declared = syntax.declared(&text);
            found.extend(declared.iter().filter(is_listed).map(|name| format!("{module}{name}")));
            all.extend(declared);
            let heirs_here = text.lines().filter_map(|line| inheritance(line, syntax.types));
            heirs.extend(heirs_here.map(|(heir, base)| (format!("{module}{heir}"), base.to_owned())));
        }
    }
    // What several types share is declared once, in a type that is not exported itself.
    for (heir, base) in heirs.iter().filter(|(heir, _)| found.contains(heir)).cloned().collect::<Vec<_>>() {
        let of_base = format!("{base}.");
        found.extend(all.iter().filter_map(|name| Some(format!("{heir}.{}", name.strip_prefix(&of_base)?))));
    }
    Ok(found)
}

impl Syntax {
    fn declared(&self, text: &str) -> Vec<String> {
        let (mut found, mut owner) = (Vec::new(), None);
        // A stub without words is for the package itself.
        for line in text.lines().filter(|line| !line.ends_with(": ...")) {
            if let Some((name, _)) = declaration(line, self.types)
                && name.starts_with(char::is_uppercase)
            {
                owner = Some(name);
                found.push(name.to_owned());
            } else if let Some((name, '(' | '<')) = declaration(line, self.functions) {
                owner = None;
                found.push(name.to_owned());
            } else if let (Some(owner), Some((name, '(' | '<'))) = (owner, declaration(line, self.members))
                && name != "constructor"
            {
                found.push(format!("{owner}.{name}"));
            }
        }
        found
    }
}

/// The name that a line declares, and what follows it.
fn declaration<'a>(line: &'a str, starts: &[&str]) -> Option<(&'a str, char)> {
    starts.iter().find_map(|start| {
        let rest = line.strip_prefix(start)?;
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').filter(|end| *end > 0)?;
        Some((&rest[..end], rest[end..].chars().next()?))
    })
}

/// A type that a line declares, and the one whose members it has too: `class Worker(Taker[Job]):`, `class Job extends Held {`.
fn inheritance<'a>(line: &'a str, types: &[&str]) -> Option<(&'a str, &'a str)> {
    let (heir, _) = declaration(line, types)?;
    let (_, rest) = line.split_once('(').or_else(|| line.split_once(" extends "))?;
    let base = rest.split(|c: char| !c.is_alphanumeric() && !"_.".contains(c)).next()?;
    let base = base.rsplit('.').next()?;
    (base != heir && !base.is_empty()).then_some((heir, base))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared(language: &str, text: &str) -> String {
        let syntax = SYNTAXES.iter().find(|syntax| syntax.language == language).expect("a language");
        syntax.declared(text).join(" ")
    }

    #[test]
    fn what_is_inherited_is_found() {
        assert_eq!(inheritance("class Worker(Taker[Job]):", &["class "]), Some(("Worker", "Taker")));
        assert_eq!(inheritance("class Queue(_native.Queue):", &["class "]), None, "a stub of the same name");
        assert_eq!(inheritance("class Socket:", &["class "]), None);
        let types = ["export class "];
        assert_eq!(inheritance("export class Job extends Held<X> implements Y {", &types), Some(("Job", "Held")));
        assert_eq!(inheritance("export class Bus implements AsyncDisposable {", &types), None);
    }

    #[test]
    fn declarations_are_found_in_every_language() {
        let rust =
            "impl Socket {\n    pub fn bind(&self)\n    fn hidden(&self)\n    pub(crate) fn inner()\n}\npub fn info()";
        assert_eq!(declared("rust", rust), "Socket Socket.bind info");
        let c = "int zpat_info(zpat_info_t *info);\nconst char *zpat_version(void);\n * int zpat_no(x)\nint x;";
        assert_eq!(declared("c", c), "zpat_info zpat_version");
        let python = "class Socket(Base):\n    async def recv(self):\n    def arm(self) -> int: ...\ndef info():";
        assert_eq!(declared("python", python), "Socket Socket.recv info");
        let node = "export class Socket {\n  constructor() {\n  get type(): T {\n  #end() {\n    call(x)\n  send(m) {";
        assert_eq!(declared("node", node), "Socket Socket.type Socket.send");
    }
}
