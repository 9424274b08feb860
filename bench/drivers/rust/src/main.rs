//! The Rust bench driver.

fn main() {}
