//! What this build is and can do, and CURVE key pairs.

use napi::bindgen_prelude::Env;
use napi_derive::napi;
use zpatterns::CurveKeys;

use crate::error::raise;

/// Versions and capabilities.
#[napi(object)]
pub struct BuildInfo {
    /// Version of zpatterns.
    pub version: String,
    /// Version of the libzmq compiled in.
    pub libzmq: String,
    /// Whether connections can be encrypted with CURVE.
    pub curve: bool,
    /// Transports that a socket can bind to.
    pub transports: Vec<String>,
}

/// Asks the build.
#[napi]
pub fn info(env: &Env) -> napi::Result<BuildInfo> {
    let info = zpatterns::info().map_err(raise(env))?;
    Ok(BuildInfo {
        version: info.version.into(),
        libzmq: info.libzmq,
        curve: info.curve,
        transports: info.transports.into_iter().map(Into::into).collect(),
    })
}

/// A CURVE key pair, both halves 40 characters of Z85.
#[napi(object)]
pub struct CurvePair {
    /// To give away.
    pub public_key: String,
    /// To keep.
    pub secret_key: String,
}

/// A new key pair, or the one that belongs to `secret_key`.
#[napi]
pub fn curve_key_pair(env: &Env, secret_key: Option<String>) -> napi::Result<CurvePair> {
    let keys = secret_key.map_or_else(CurveKeys::generate, |secret| CurveKeys::from_secret(&secret));
    let CurveKeys { public, secret } = keys.map_err(raise(env))?;
    Ok(CurvePair { public_key: public, secret_key: secret })
}
