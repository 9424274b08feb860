//! The languages of zpatterns, in the order in which every table lists them.

use std::fmt;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// One language that has a binding, a tutorial and a bench driver.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// The core's own language.
    Rust,
    /// The C library, through pkg-config.
    C,
    /// The wheel, in a virtual environment.
    Python,
    /// The npm package.
    Node,
}

impl Language {
    /// Every language.
    pub const ALL: [Self; 4] = [Self::Rust, Self::C, Self::Python, Self::Node];

    /// The name in options, reports and folders: `python`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::C => "c",
            Self::Python => "python",
            Self::Node => "node",
        }
    }

    /// The name for people: `Python`.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Rust => "Rust",
            Self::C => "C",
            Self::Python => "Python",
            Self::Node => "Node",
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.title())
    }
}

/// Why the rows of a language hold no result.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Absent {
    /// Its toolchain is not on this machine; the text names the tools.
    Missing(String),
    /// Its toolchain is there and a step failed; the text is what a person needs to see.
    Failed(String),
}

impl Absent {
    /// The word in the rows: `missing` or `failed`.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Missing(_) => "missing",
            Self::Failed(_) => "failed",
        }
    }

    /// What is missing, or what went wrong.
    pub fn reason(&self) -> &str {
        match self {
            Self::Missing(reason) | Self::Failed(reason) => reason,
        }
    }
}
