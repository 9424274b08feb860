//! Options as languages without enumerations with content have them: several that belong together, of which some exclude others.

use std::time::Duration;

use bytes::Bytes;
use zpatterns_engine::{ClientSecurity, CurveKeys, Error, ErrorKind, Result, Security, ServerSecurity};
use zpatterns_protocol::pubsub::{Access, Credential, Criterion, Entitlements, Rules, Snail, Start};

fn wrong<T>(text: &'static str, option: &'static str) -> Result<T> {
    Err(Error::new(ErrorKind::InvalidArgument, text).with("option", option))
}

/// Who may hear what: as it is written in ZPL, or as the program decides within `ask`, or everybody everything.
pub fn access_of(entitlements: Option<&[u8]>, ask: Option<Duration>) -> Result<Access> {
    match (entitlements, ask) {
        (Some(_), Some(_)) => wrong("either it is written who may hear what, or the program is asked", "ask"),
        (Some(text), None) => {
            let read = Entitlements::read(text).map_err(|error| error.with("option", "entitlements"))?;
            Ok(Access::Entitlements(Box::new(read)))
        }
        (None, Some(patience)) => Ok(Access::Ask(patience)),
        (None, None) => Ok(Access::Open),
    }
}

/// Who a subscriber is: a user with a password, or who has a token, or nobody.
pub fn credential_of(user: Option<Bytes>, password: Option<Bytes>, token: Option<Bytes>) -> Result<Credential> {
    match (user, password, token) {
        (None, None, None) => Ok(Credential::None),
        (Some(user), Some(password), None) => Ok(Credential::Password { user, password }),
        (None, None, Some(token)) => Ok(Credential::Token(token)),
        (_, _, Some(_)) => wrong("who has a token has neither a user nor a password", "token"),
        _ => wrong("a user has a password, and a password a user", "password"),
    }
}

/// What those must show who connect.
pub fn server_security(curve_secret_key: Option<String>, plain: bool, zap_domain: Option<String>) -> Result<Security> {
    let server = match (curve_secret_key, plain) {
        (Some(_), true) => return wrong("a server has either a key, or users with passwords", "plain_server"),
        (Some(secret_key), false) => Some(ServerSecurity::Curve { secret_key }),
        (None, true) => Some(ServerSecurity::Plain),
        (None, false) => None,
    };
    Ok(Security { server, zap_domain, ..Security::default() })
}

/// What is shown to a server: three keys, or a name and a password.
pub fn client_security(
    (server_key, public, secret): (Option<String>, Option<String>, Option<String>),
    (username, password): (Option<String>, Option<String>),
) -> Result<Security> {
    let curve = match (server_key, public, secret) {
        (Some(server_key), Some(public), Some(secret)) => {
            Some(ClientSecurity::Curve { server_key, keys: CurveKeys { public, secret } })
        }
        (None, None, None) => None,
        _ => return wrong("there are three keys: the server's, and two of one's own", "curve_server_key"),
    };
    let plain = match (username, password) {
        (Some(username), Some(password)) => Some(ClientSecurity::Plain { username, password }),
        (None, None) => None,
        _ => return wrong("a name has a password, and a password a name", "plain_username"),
    };
    if curve.is_some() && plain.is_some() {
        return wrong("a client shows either keys, or a name and a password", "plain_username");
    }
    Ok(Security { client: curve.or(plain), ..Security::default() })
}

/// When a subscriber dies of being late: by count, by time, or both; by neither, never.
pub fn snail(max_lag: Option<u64>, max_age: Option<Duration>) -> Option<Snail> {
    let given = max_lag.is_some() || max_age.is_some();
    given.then(|| Snail { max_lag: max_lag.unwrap_or(u64::MAX), max_age: max_age.unwrap_or(Duration::MAX) })
}

/// Where a subscription begins. [`ErrorKind::InvalidArgument`] if it is to begin in two places.
pub fn start(last_values: bool, last: Option<u32>) -> Result<Start> {
    match (last_values, last) {
        (true, Some(_)) => wrong("it begins either with the last values, or with the last so many", "last"),
        (true, None) => Ok(Start::LastValues),
        (false, Some(count)) => Ok(Start::Last(count)),
        (false, None) => Ok(Start::Now),
    }
}

/// Subjects by their patterns; none given are all.
pub fn subjects<T: AsRef<str>>(patterns: &[T]) -> Result<Vec<Criterion>> {
    if patterns.is_empty() {
        return Ok(vec![Criterion::Prefix(Bytes::new())]);
    }
    criteria(patterns, "subjects")
}

fn criteria<T: AsRef<str>>(patterns: &[T], option: &'static str) -> Result<Vec<Criterion>> {
    let criterion = |(index, pattern): (usize, &T)| {
        let criterion = Criterion::pattern(pattern.as_ref().to_owned());
        criterion.map_err(|error| error.with("option", option).with("index", index))
    };
    patterns.iter().enumerate().map(criterion).collect()
}

/// What one may hear, by patterns. None allowed is nothing allowed.
pub fn rules<T: AsRef<str>>(allow: &[T], deny: &[T]) -> Result<Rules> {
    Ok(Rules { allow: criteria(allow, "allow")?, deny: criteria(deny, "deny")? })
}
