//! `zpat keys`: a CURVE key pair, as option names and values.

use zpatterns::CurveKeys;

use crate::Outcome;

pub(crate) fn run() -> Outcome {
    let keys = CurveKeys::generate()?;
    println!("curve_public_key {}", keys.public);
    println!("curve_secret_key {}", keys.secret);
    Ok(())
}
