//! Small rules that a person forgets and a compiler does not know.

use std::{fs, path::PathBuf};

use anyhow::{Context as _, Result};

use crate::stages::Work;

/// A file of code above this many lines is asked why.
const LONG: usize = 600;

/// Crates without effects, and all that they may depend on.
const SANS_IO: &[(&str, &[&str])] = &[
    ("zpatterns-protocol", &["zpatterns-protocol", "bytes", "fastrand", "slab"]),
    (
        "zpatterns-epgm",
        &["zpatterns-epgm", "bytes", "fastrand", "hmac", "sha2", "reed-solomon-simd", "fixedbitset", "once_cell"],
    ),
];

/// What hashes are made of.
const OF_HASHES: &[&str] = &[
    "block-buffer",
    "cfg-if",
    "cmov",
    "const-oid",
    "cpufeatures",
    "crypto-common",
    "ctutils",
    "digest",
    "hybrid-array",
    "typenum",
];

/// Files that git knows, with their text; files that are no text are left out.
pub(crate) fn tracked(work: &mut Work<'_>) -> Result<Vec<(PathBuf, String)>> {
    let root = work.layout.source("");
    let listed = work.run(&zpatterns_quickstart::shell::Call::new("git").arg("ls-files").dir(&root))?;
    let read = |name: &String| Some((PathBuf::from(name), fs::read_to_string(root.join(name)).ok()?));
    Ok(listed.stdout.iter().filter_map(read).collect())
}

/// The crates without effects depend on nothing that has any.
pub(crate) fn dependencies(work: &mut Work<'_>) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for (name, allowed) in SANS_IO {
        let tree = ["tree", "--edges", "normal", "--prefix", "none", "--format", "{lib}|{p}", "--package", name];
        let printed = work.run(&work.cargo(&tree))?.stdout;
        for line in printed.iter().filter(|line| !line.is_empty()) {
            let package = line.split(['|', ' ']).nth(1).context("cargo tree prints packages")?;
            if !allowed.iter().chain(OF_HASHES).any(|allowed| *allowed == package) {
                found.push(format!("{name} has no effects and must not depend on {package}"));
            }
        }
    }
    Ok(found)
}

/// Files that nobody wants to live in. Nobody lives in what is generated, which declarations of TypeScript are.
pub(crate) fn long_files(files: &[(PathBuf, String)]) -> Vec<String> {
    let code = ["rs", "c", "py", "ts", "mjs", "sh"];
    let long = files.iter().filter(|(path, text)| {
        let is_code = path.extension().is_some_and(|end| code.iter().any(|code| end == *code));
        is_code && !path.to_string_lossy().ends_with(".d.ts") && text.lines().count() > LONG
    });
    long.map(|(path, _)| format!("{} has more than {LONG} lines: split it", path.display())).collect()
}

/// A lock file that names a registry's host works only where that host can be reached.
pub(crate) fn lock_files(files: &[(PathBuf, String)]) -> Vec<String> {
    let named = files
        .iter()
        .filter(|(path, text)| path.ends_with("package-lock.json") && text.contains("\"resolved\": \"http"));
    named.map(|(path, _)| format!("{} holds download addresses", path.display())).collect()
}

/// Relative links in Markdown lead somewhere.
pub(crate) fn links(files: &[(PathBuf, String)]) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in files.iter().filter(|(path, _)| path.extension().is_some_and(|end| end == "md")) {
        let folder = path.parent().context("a file lies in a folder").map(PathBuf::from).unwrap_or_default();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split([')', '#', ' ']).next()) {
            let local = !target.is_empty() && !target.contains("://");
            let mut clean = PathBuf::new();
            for part in folder.join(target).components() {
                match part {
                    std::path::Component::ParentDir => drop(clean.pop()),
                    part => clean.push(part),
                }
            }
            let known = files.iter().any(|(path, _)| path.starts_with(&clean));
            if local && !known {
                found.push(format!("{} links to {target}, which is not there", path.display()));
            }
        }
    }
    found
}

/// A tutorial's text names regions (`region NAME`) that each of its programs has.
pub(crate) fn regions(files: &[(PathBuf, String)]) -> Vec<String> {
    let mut found = Vec::new();
    let texts =
        files.iter().filter(|(path, _)| path.starts_with("quickstart/tutorials") && path.ends_with("README.md"));
    for (path, text) in texts {
        let folder = path.parent().unwrap_or(path);
        let programs: Vec<_> = files
            .iter()
            .filter(|(file, _)| file.parent() == Some(folder))
            .filter(|(file, _)| {
                file.extension().is_some_and(|end| ["rs", "c", "py", "mjs"].iter().any(|it| end == *it))
            })
            .collect();
        for name in text.split("region `").skip(1).filter_map(|rest| rest.split('`').next()) {
            for (program, source) in &programs {
                if !source.contains(&format!("region: {name}")) {
                    found.push(format!("{} has no region `{name}`, which {} names", program.display(), path.display()));
                }
            }
        }
    }
    found
}

/// A program in a text is a region of one that runs: the comment above it, `<!-- region NAME of FILE -->`, says which.
/// In the README of the repository every program has such a comment.
pub(crate) fn shown(files: &[(PathBuf, String)]) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in files.iter().filter(|(path, _)| path.extension().is_some_and(|end| end == "md")) {
        let (mut above, mut lines) = ("", text.lines());
        while let Some(line) = lines.next() {
            if let Some(language) = line.strip_prefix("```") {
                let shown: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
                let named = above.strip_prefix("<!-- region ").and_then(|rest| rest.strip_suffix(" -->"));
                let is_program = ["rust", "c", "python", "js"].contains(&language);
                match named.and_then(|named| named.split_once(" of ")) {
                    Some((name, file)) if region(files, file, name).as_deref() != Some(&shown.join("\n")) => {
                        found.push(format!("{} shows something else than region {name} of {file}", path.display()));
                    }
                    None if is_program && path.as_os_str() == "README.md" => {
                        found.push(format!("{} shows a program in {language} that nothing runs", path.display()));
                    }
                    _ => {}
                }
            }
            above = line;
        }
    }
    found
}

/// The lines of a file between `region: NAME` and the next `endregion`, moved to the left as far as they go.
fn region(files: &[(PathBuf, String)], file: &str, name: &str) -> Option<String> {
    let (_, text) = files.iter().find(|(path, _)| path.as_os_str() == file)?;
    let is_start =
        |line: &&str| line.split_once("region: ").is_some_and(|(_, rest)| rest.split(' ').next() == Some(name));
    let inside = text.lines().skip_while(|line| !is_start(line)).skip(1).take_while(|line| !line.contains("endregion"));
    let lines: Vec<&str> = inside.collect();
    let indents = lines.iter().filter(|line| !line.is_empty()).map(|line| line.len() - line.trim_start().len());
    let indent = indents.min()?;
    Some(lines.iter().map(|line| line.get(indent..).unwrap_or_default()).collect::<Vec<_>>().join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> (PathBuf, String) {
        (path.into(), text.into())
    }

    #[test]
    fn dead_links_are_found() {
        let files = [
            file("docs/a.md", "[good](b.md) [folder](../core) [web](https://example.org) [bad](c.md) [part](#x)"),
            file("docs/b.md", ""),
            file("core/lib.rs", ""),
        ];
        assert_eq!(links(&files), ["docs/a.md links to c.md, which is not there"]);
    }

    #[test]
    fn missing_regions_are_found() {
        let files = [
            file("quickstart/tutorials/1/README.md", "see the region `send` and the region `recv`"),
            file("quickstart/tutorials/1/a.py", "# region: send\n# region: recv"),
            file("quickstart/tutorials/1/a.c", "// region: send"),
        ];
        assert_eq!(regions(&files).len(), 1);
    }

    #[test]
    fn programs_that_nothing_runs_are_found() {
        let program =
            file("a.c", "int main(void) {\n  /* region: it */\n  if (x)\n    y();\n\n  z();\n  /* endregion: it */\n}");
        let found = |text: &str| shown(&[program.clone(), file("README.md", text)]);
        let named =
            |lines: &str| found(&format!("<!-- region it of a.c -->\n```c\n{lines}\n```\n```\nno program\n```\n"));
        assert!(named("if (x)\n  y();\n\nz();").is_empty());
        assert_eq!(named("if (x)\n  y();"), ["README.md shows something else than region it of a.c"]);
        assert_eq!(found("```js\nx\n```"), ["README.md shows a program in js that nothing runs"]);
    }

    #[test]
    fn long_files_and_addresses_are_found() {
        let files = [
            file("a.rs", &"x\n".repeat(LONG + 1)),
            file("a.json", &"x\n".repeat(LONG + 1)),
            file("a.d.ts", &"x\n".repeat(LONG + 1)),
            file("package-lock.json", "\"resolved\": \"https://registry.example/x\""),
        ];
        assert_eq!((long_files(&files).len(), lock_files(&files).len()), (1, 1));
    }
}
