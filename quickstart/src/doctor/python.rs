//! Chooses a Python and a way to make virtual environments with it.
//!
//! Debian ships Python without `ensurepip` (it is in `python3-venv`), and then `python -m venv` fails halfway. There
//! are ways around that which need no administrator, so those are tried before anything is called missing.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use super::{Status, Tool, Version, WATCHDOG};
use crate::{
    language::Language,
    shell::{Call, ask},
};

const OLDEST: &str = "3.10";
/// The names under which a Python may be installed beside the system's own.
const NAMES: &[&str] =
    &["python3", "python3.15", "python3.14", "python3.13", "python3.12", "python3.11", "python3.10", "python"];
const PYTHON: &str = "apt install python3 python3-venv | brew install python | https://www.python.org/downloads";
const VENV: &str = "apt install python3-venv | brew install python | pip install virtualenv";

/// A way to make a virtual environment with pip in it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Environments {
    /// `python -m venv`.
    Venv,
    /// `python -m virtualenv`.
    Virtualenv,
    /// `uv venv --seed`, with the path of uv.
    Uv(PathBuf),
    /// `python -m pip install --target` fetches virtualenv into a folder of ours first.
    FetchVirtualenv,
}

impl Environments {
    const fn name(&self) -> &'static str {
        match self {
            Self::Venv => "venv",
            Self::Virtualenv => "virtualenv",
            Self::Uv(_) => "uv",
            Self::FetchVirtualenv => "virtualenv through pip",
        }
    }
}

/// An interpreter that is new enough, or the best there is.
#[derive(Clone, Debug)]
pub struct Python {
    /// The interpreter itself, behind wrappers of version managers.
    pub path: PathBuf,
    /// Its version.
    pub version: Version,
    /// How to make environments with it; `None` if nothing works.
    pub environments: Option<Environments>,
}

impl Python {
    /// The newest interpreter that can make environments; else the newest.
    pub fn newest() -> Option<Self> {
        let mut found: Vec<Self> = NAMES.iter().filter_map(|name| Self::named(name)).collect();
        found.sort_by(|a, b| (a.usable(), &a.version).cmp(&(b.usable(), &b.version)));
        found.pop()
    }

    /// The calls that make the environment `folder` anew; `scratch` receives what is needed on the way.
    ///
    /// # Errors
    /// When there is no way to make environments.
    pub fn make_environment(&self, folder: &Path, scratch: &Path) -> Result<Vec<Call>> {
        let python = || Call::new(&self.path).arg("-m");
        Ok(match &self.environments {
            Some(Environments::Venv) => vec![python().args(["venv", "--clear"]).arg(folder)],
            Some(Environments::Virtualenv) => vec![python().args(["virtualenv", "--clear"]).arg(folder)],
            Some(Environments::Uv(uv)) => {
                vec![Call::new(uv).args(["venv", "--seed", "--clear", "--python"]).arg(&self.path).arg(folder)]
            }
            Some(Environments::FetchVirtualenv) => vec![
                python().args(["pip", "install", "--quiet", "--upgrade", "--target"]).arg(scratch).arg("virtualenv"),
                python().args(["virtualenv", "--clear"]).arg(folder).env("PYTHONPATH", scratch),
            ],
            None => bail!("this Python cannot make virtual environments; install: {VENV}"),
        })
    }

    /// The interpreter in an environment.
    pub fn in_environment(folder: &Path) -> PathBuf {
        if cfg!(windows) { folder.join("Scripts").join("python.exe") } else { folder.join("bin").join("python") }
    }

    pub(super) fn tool(python: Option<&Self>) -> Tool {
        let status = match python {
            None => Status::Missing,
            Some(python) if !python.is_new_enough() => Status::TooOld,
            Some(_) => Status::Ok,
        };
        let version = python.map(|python| python.version.to_string()).unwrap_or_default();
        Tool { name: "python", version, oldest: OLDEST, status, needed_by: &[Language::Python], install: PYTHON }
    }

    pub(super) fn environments_tool(python: Option<&Self>) -> Tool {
        let way = python.and_then(|python| python.environments.as_ref());
        Tool {
            name: "python venv and pip",
            version: way.map(|way| way.name().to_owned()).unwrap_or_default(),
            oldest: "any",
            status: if way.is_some() { Status::Ok } else { Status::Missing },
            needed_by: &[Language::Python],
            install: VENV,
        }
    }

    fn named(name: &str) -> Option<Self> {
        let program = which::which(name).ok()?;
        // Asks for the interpreter behind a version manager's wrapper, which answers by the current folder.
        let question = "import sys; print(sys.executable); print('%d.%d.%d' % sys.version_info[:3])";
        let finished = ask(&Call::new(program).args(["-c", question]), WATCHDOG).ok().filter(|it| it.succeeded())?;
        let [path, version] = finished.stdout.as_slice() else { return None };
        let path = PathBuf::from(path);
        let environments = Self::find_environments(&path);
        Some(Self { version: Version::parse(version)?, path, environments })
    }

    fn find_environments(python: &Path) -> Option<Environments> {
        let imports = |modules: &str| {
            let call = Call::new(python).arg("-c").arg(format!("import {modules}"));
            ask(&call, WATCHDOG).is_ok_and(|finished| finished.succeeded())
        };
        if imports("venv, ensurepip") {
            Some(Environments::Venv)
        } else if imports("virtualenv") {
            Some(Environments::Virtualenv)
        } else if let Ok(uv) = which::which("uv") {
            Some(Environments::Uv(uv))
        } else if imports("pip") {
            Some(Environments::FetchVirtualenv)
        } else {
            None
        }
    }

    fn is_new_enough(&self) -> bool {
        self.version >= Version::parse(OLDEST).expect("our own constant is well-formed")
    }

    fn usable(&self) -> bool {
        self.is_new_enough() && self.environments.is_some()
    }
}
