//! Reads what cargo tells programs: which files it built, and where build scripts left theirs.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use serde::Deserialize;

/// One message of `cargo build --message-format=json`; kinds that nobody here needs are [`Message::Other`].
#[derive(Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
enum Message {
    CompilerArtifact {
        target: Target,
        filenames: Vec<PathBuf>,
        executable: Option<PathBuf>,
    },
    BuildScriptExecuted {
        package_id: String,
        out_dir: PathBuf,
        linked_paths: Vec<String>,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

/// What one build produced.
pub(super) struct Artifacts(Vec<Message>);

impl Artifacts {
    /// The messages among the lines that cargo printed.
    pub(super) fn parse(lines: &[String]) -> Self {
        Self(lines.iter().filter_map(|line| serde_json::from_str(line).ok()).collect())
    }

    /// The program of the target `name`.
    pub(super) fn executable(&self, name: &str) -> Result<PathBuf> {
        let found = self.0.iter().find_map(|message| match message {
            Message::CompilerArtifact { target, executable, .. } if target.name == name => executable.clone(),
            _ => None,
        });
        found.with_context(|| format!("cargo built no program {name}"))
    }

    /// The folder that holds the library of the target `name`.
    pub(super) fn library_folder(&self, name: &str) -> Result<PathBuf> {
        let found = self.0.iter().find_map(|message| match message {
            Message::CompilerArtifact { target, filenames, .. } if target.name == name => filenames.first()?.parent(),
            _ => None,
        });
        found.map(PathBuf::from).with_context(|| format!("cargo built no library {name}"))
    }

    /// The folder that the build script of `package` filled, and those where it tells the linker to search.
    pub(super) fn build_script(&self, package: &str) -> Result<(PathBuf, Vec<PathBuf>)> {
        let found = self.0.iter().find_map(|message| match message {
            Message::BuildScriptExecuted { package_id, out_dir, linked_paths } if is_package(package_id, package) => {
                let folders = linked_paths.iter().map(|path| path.split_once('=').map_or(&**path, |(_, path)| path));
                Some((out_dir.clone(), folders.map(PathBuf::from).collect()))
            }
            _ => None,
        });
        found.with_context(|| format!("cargo ran no build script of {package}"))
    }
}

/// Whether a package id (`registry+address#name@1.0.0`, or `path+file:///folder/name#1.0.0` for a package whose
/// folder has its name) is that of `package`.
fn is_package(id: &str, package: &str) -> bool {
    let Some((source, fragment)) = id.rsplit_once('#') else { return false };
    match fragment.split_once('@') {
        Some((name, _)) => name == package,
        None => source.rsplit('/').next() == Some(package),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn artifacts() -> Artifacts {
        let lines = [
            r#"{"reason":"build-script-executed","package_id":"registry+https://example.org/index#sodium-sys@1.24.3","linked_libs":["static=sodium"],"linked_paths":["native=/t/sodium/lib","/t/plain"],"cfgs":[],"env":[],"out_dir":"/t/sodium"}"#,
            r#"{"reason":"compiler-artifact","package_id":"path+file:///r/c#our-c@0.1.0","target":{"kind":["cdylib"],"name":"our_c"},"filenames":["/t/release/libour_c.so"],"executable":null,"fresh":true}"#,
            r#"{"reason":"compiler-artifact","package_id":"x","target":{"kind":["example"],"name":"strings"},"filenames":["/t/release/examples/strings"],"executable":"/t/release/examples/strings","fresh":true}"#,
            r#"{"reason":"build-finished","success":true}"#,
            "a line of a build script that is no message",
        ];
        Artifacts::parse(&lines.map(String::from))
    }

    #[test]
    fn finds_what_was_built() {
        let artifacts = artifacts();
        assert_eq!(artifacts.executable("strings").unwrap(), PathBuf::from("/t/release/examples/strings"));
        assert_eq!(artifacts.library_folder("our_c").unwrap(), PathBuf::from("/t/release"));
        let (out, linked) = artifacts.build_script("sodium-sys").unwrap();
        assert_eq!(out, PathBuf::from("/t/sodium"));
        assert_eq!(linked, [PathBuf::from("/t/sodium/lib"), PathBuf::from("/t/plain")]);
    }

    #[test]
    fn says_what_was_not_built() {
        let artifacts = artifacts();
        assert!(artifacts.executable("our_c").is_err(), "a library is no program");
        assert!(artifacts.build_script("sodium").is_err());
    }

    #[test]
    fn reads_package_ids_of_both_forms() {
        assert!(is_package("path+file:///r/core/libzmq#zpatterns-libzmq@0.1.0", "zpatterns-libzmq"));
        assert!(is_package("path+file:///r/core/engine#0.1.0", "engine"));
        assert!(!is_package("path+file:///r/core/engine#0.1.0", "core"));
    }
}
