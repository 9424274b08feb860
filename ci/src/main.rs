//! Every check and every test of every language: cargo verify.

fn main() {}
