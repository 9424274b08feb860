//! Small rules that a person forgets and a compiler does not know.

use std::{fs, path::PathBuf};

use anyhow::{Context as _, Result};

use crate::stages::Work;

/// A file of code above this many lines is asked why.
const LONG: usize = 600;

/// Crates without effects, and all that they may depend on.
const SANS_IO: &[(&str, &[&str])] = &[("zpatterns-protocol", &["zpatterns-protocol", "bytes"])];

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
            if !allowed.contains(&package) {
                found.push(format!("{name} has no effects and must not depend on {package}"));
            }
        }
    }
    Ok(found)
}

/// Files that nobody wants to live in.
pub(crate) fn long_files(files: &[(PathBuf, String)]) -> Vec<String> {
    let code = ["rs", "c", "py", "ts", "mjs", "sh"];
    let long = files.iter().filter(|(path, text)| {
        path.extension().is_some_and(|end| code.iter().any(|code| end == *code)) && text.lines().count() > LONG
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
    fn long_files_and_addresses_are_found() {
        let files = [
            file("a.rs", &"x\n".repeat(LONG + 1)),
            file("a.json", &"x\n".repeat(LONG + 1)),
            file("package-lock.json", "\"resolved\": \"https://registry.example/x\""),
        ];
        assert_eq!((long_files(&files).len(), lock_files(&files).len()), (1, 1));
    }
}
