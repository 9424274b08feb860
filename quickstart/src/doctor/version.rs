//! Version numbers, read from what tools print about themselves.

use std::fmt;

use crate::shell::{Call, ask};

/// Numbers between dots, compared from the left; a missing number counts as zero.
#[derive(Clone, Debug)]
pub struct Version(Vec<u32>);

impl Version {
    /// The first dotted number in `text`: 1.95.0 in `rustc 1.95.0 (59807616e 2026-04-14)`.
    pub fn parse(text: &str) -> Option<Self> {
        text.split(|c: char| !c.is_ascii_digit() && c != '.')
            .map(|word| word.split('.').map_while(|number| number.parse().ok()).collect::<Vec<u32>>())
            .find(|numbers| numbers.len() >= 2)
            .map(Self)
    }

    /// What the program says when it is asked; `None` if it does not run, fails or names no version.
    pub fn of(call: &Call) -> Option<Self> {
        let finished = ask(call, super::WATCHDOG).ok().filter(|finished| finished.succeeded())?;
        // Python 2 and some compilers answer on the other output.
        finished.stdout.iter().chain(&finished.stderr).find_map(|line| Self::parse(line))
    }

    fn numbers(&self) -> &[u32] {
        let end = self.0.iter().rposition(|number| *number != 0).map_or(0, |last| last + 1);
        &self.0[..end]
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.numbers() == other.numbers()
    }
}

impl Eq for Version {}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.numbers().cmp(other.numbers())
    }
}

impl fmt::Display for Version {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: Vec<String> = self.0.iter().map(u32::to_string).collect();
        out.write_str(&numbers.join("."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_tools_print() {
        for (line, version) in [
            ("rustc 1.95.0 (59807616e 2026-04-14)", "1.95.0"),
            ("Python 3.14.0rc2", "3.14.0"),
            ("Python 3.15.0a1+", "3.15.0"),
            ("v20.20.2", "20.20.2"),
            ("11.19.1", "11.19.1"),
            ("GNU Make 4.3", "4.3"),
            ("gcc (Ubuntu 13.3.0-6ubuntu2~24.04) 13.3.0", "13.3.0"),
            ("Apple clang version 15.0.0 (clang-1500.3.9.4)", "15.0.0"),
        ] {
            assert_eq!(Version::parse(line).unwrap().to_string(), version, "{line}");
        }
        assert_eq!(Version::parse("no version in 2026"), None);
    }

    #[test]
    fn compares_by_number() {
        let version = |text| Version::parse(text).unwrap();
        assert!(version("3.9.18") < version("3.10"));
        assert!(version("20.0") == version("20.0.0"));
        assert!(version("1.95.0") > version("1.90"));
    }
}
