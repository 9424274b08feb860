//! Builds, installs, measures and tries zpatterns in every language: cargo quickstart.

fn main() {}
