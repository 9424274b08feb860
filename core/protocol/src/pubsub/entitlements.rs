//! stub
use super::Criterion;
use crate::Result;
use bytes::Bytes;
/// stub
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Rules {
    /// stub
    pub allow: Vec<Criterion>,
    /// stub
    pub deny: Vec<Criterion>,
}
impl Rules {
    /// stub
    pub fn everything() -> Self {
        Self { allow: vec![Criterion::Prefix(Bytes::new())], deny: Vec::new() }
    }
    /// stub
    pub fn may(&self, subject: &[u8]) -> bool {
        self.allow.iter().any(|c| c.matches(subject)) && !self.deny.iter().any(|c| c.matches(subject))
    }
    /// stub
    pub fn may_some(&self, criterion: &Criterion) -> bool {
        self.allow.iter().any(|c| c.overlaps(criterion))
    }
}
/// stub
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Credential {
    /// stub
    None,
    /// stub
    Password {
        /// stub
        user: Bytes,
        /// stub
        password: Bytes,
    },
    /// stub
    Token(Bytes),
}
/// stub
#[derive(Clone, Default, Debug)]
pub struct Entitlements {
    /// stub
    pub users: std::collections::BTreeMap<Bytes, (Bytes, Rules)>,
}
impl Entitlements {
    /// stub
    pub fn identify(&self, connection: &[u8], credential: &Credential) -> Result<Bytes> {
        let refused = || crate::Error::new(crate::ErrorKind::PermissionDenied, "no");
        match credential {
            Credential::Password { user, password } => match self.users.get(user) {
                Some((p, _)) if p == password => Ok(user.clone()),
                _ => Err(refused()),
            },
            _ if self.users.contains_key(connection) => Ok(Bytes::copy_from_slice(connection)),
            _ => Err(refused()),
        }
    }
    /// stub
    pub fn rules(&self, user: &[u8]) -> Rules {
        self.users.get(user).map(|(_, r)| r.clone()).unwrap_or_default()
    }
}
