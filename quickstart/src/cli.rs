//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::language::Language;

/// Builds zpatterns in every language that has a toolchain here, installs it as a user would, lets every language
/// talk to every other one, measures each beside what its users would take otherwise, and writes a report.
#[derive(Parser, Debug)]
#[command(name = "cargo quickstart", bin_name = "cargo quickstart", version)]
pub struct Cli {
    /// A part of it; without one, everything.
    #[command(subcommand)]
    pub command: Option<Command>,

    /// A text of yours that every language sends to every other one; may be repeated.
    #[arg(long = "text", value_name = "TEXT", allow_hyphen_values = true)]
    pub texts: Vec<String>,

    /// A file of yours that every language sends to every other one; may be repeated.
    #[arg(long = "file", value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// A folder of yours whose size all languages find out together [default: the project's own].
    #[arg(long, value_name = "FOLDER")]
    pub folder: Option<PathBuf>,

    /// Leaves out the measurements.
    #[arg(long)]
    pub no_bench: bool,

    /// What every command understands.
    #[command(flatten)]
    pub common: Common,
}

/// Options of every command.
#[derive(Args, Debug)]
pub struct Common {
    /// Only these languages, separated by commas.
    #[arg(long, value_enum, value_delimiter = ',', global = true)]
    pub only: Vec<Language>,

    /// How many compilers may run at a time [default: as many as there are processors].
    #[arg(long, value_name = "N", global = true, value_parser = clap::value_parser!(u16).range(1..))]
    pub jobs: Option<u16>,

    /// The folder for everything that is made [default: target/quickstart].
    #[arg(long, value_name = "FOLDER", global = true)]
    pub out: Option<PathBuf>,
}

/// The parts that can be run alone.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Shows the toolchains that were found, and how to install those that were not.
    Doctor,
    /// Builds and installs, then only measures.
    Bench {
        /// Measures every workload at every size, with more rounds and longer ones.
        #[arg(long)]
        long: bool,

        /// Only workloads whose names begin so, separated by commas.
        #[arg(long, value_name = "NAME", value_delimiter = ',')]
        workloads: Vec<String>,
    },
}

impl Common {
    /// The languages to work on, in the order of all tables.
    pub fn languages(&self) -> Vec<Language> {
        Language::ALL.into_iter().filter(|language| self.only.is_empty() || self.only.contains(language)).collect()
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn understands_what_the_readme_says() {
        let cli = Cli::parse_from(["q", "--text", "-a b", "--text", "", "--only", "python,c", "--jobs", "2"]);
        assert_eq!(cli.texts, ["-a b", ""]);
        assert_eq!(cli.common.languages(), [Language::C, Language::Python]);
        let cli = Cli::parse_from(["q", "bench", "--long", "--only", "node"]);
        assert!(matches!(cli.command, Some(Command::Bench { long: true, .. })));
        assert_eq!(cli.common.languages(), [Language::Node]);
        assert!(Cli::try_parse_from(["q", "--jobs", "0"]).is_err());
    }
}
