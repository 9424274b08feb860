//! Who may hear what.
//!
//! A publisher asks two things: who a subscriber is, and what it may hear. Users, their credentials and their rules are
//! read from a file in [ZPL](crate::zpl) or put together one by one, and are then only looked at: whoever wants other
//! rights makes others and exchanges them whole.
//!
//! ```text
//! everyone                        # rules of every user
//!     allow = news.>
//!     deny = news.internal.>
//! anonymous                       # present: who presents no credential is let in
//! group
//!     traders
//!         allow = ticks.>
//! user
//!     alice
//!         password = "secret"
//!         key = "40 characters of Z85"
//!         group = traders
//!     bob
//!         token = "abc"
//!         allow = ticks.eur.*
//!         allow-prefix = legacy
//!         deny = ticks.eur.chf
//! ```
//!
//! * `everyone`, `anonymous` and the names below `group` and `user` stand once; `group` and `user` may stand several
//!   times.
//! * `allow`, `deny`, `allow-prefix` and `deny-prefix` are rules: patterns or prefixes, as many as are wanted.
//! * A user has at most one `password`, and any number of `token`, `key` (CURVE, public, in Z85) and `group`. No token
//!   and no key belongs to two users. `anonymous` may have rules and groups.
//! * A value with a `#` in it, or a quote at an end of it, must stand in quotes. ZPL would cut it, or take half a quote
//!   for a part of it, and a rule would forbid something else. So such a value is an error, as is any name that is not
//!   here.
//!
//! A file has passwords as they are, so nobody else should be able to read it.

mod file;
mod rules;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    hint::black_box,
};

use bytes::Bytes;

pub use self::rules::{MAX_RULES, Rules};
use crate::{Error, ErrorKind, Result, fields::MAX_NAME};

/// The longest password or token, in bytes.
pub const MAX_SECRET: usize = 255;

/// The name of who has not said who it is.
const ANONYMOUS: &[u8] = b"";
/// What a password is compared with if the user has none, or is nobody. It lets nobody in.
const NO_SECRET: Bytes = Bytes::from_static(&[0; 16]);

/// How a subscriber says who it is. `Debug` does not print what is secret.
#[derive(Clone, PartialEq, Eq, Default)]
pub enum Credential {
    /// It does not.
    #[default]
    None,
    /// By its name, and a password.
    Password {
        /// The name.
        user: Bytes,
        /// At most 255 bytes.
        password: Bytes,
    },
    /// By what only it has. At most 16 KiB, for programs that decide by themselves; of those that entitlements know, at most 255
    /// bytes.
    Token(Bytes),
}

impl fmt::Debug for Credential {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => out.write_str("None"),
            Self::Password { user, .. } => out.debug_struct("Password").field("user", user).finish_non_exhaustive(),
            Self::Token(_) => out.write_str("Token(..)"),
        }
    }
}

/// All users with their credentials and rules, groups of them, and rules for everyone. `Debug` prints how many there
/// are.
///
/// The default knows nobody. What is malformed, there already, or not there that should be, is an
/// [`ErrorKind::InvalidArgument`] and changes nothing.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Entitlements {
    users: BTreeMap<Bytes, User>,
    /// Whose they are.
    tokens: BTreeMap<Bytes, Bytes>,
    keys: BTreeMap<Bytes, Bytes>,
    groups: BTreeMap<Bytes, Rules>,
    everyone: Rules,
}

#[derive(Clone, PartialEq, Eq, Default)]
struct User {
    password: Option<Bytes>,
    groups: BTreeSet<Bytes>,
    rules: Rules,
}

impl Entitlements {
    /// Reads them from a file's text. Errors are those of [`zpl::parse`](crate::zpl::parse), and
    /// [`ErrorKind::InvalidArgument`]; the context has the line. How long the text may be, says who has read it.
    pub fn read(text: &[u8]) -> Result<Self> {
        file::read(text)
    }

    /// Rules that every user has, the anonymous one as well; in place of those before.
    pub fn set_everyone(&mut self, rules: Rules) -> Result<()> {
        rules.check()?;
        self.everyone = rules;
        Ok(())
    }

    /// A group with its rules. Its name has 1 to 255 bytes.
    pub fn add_group(&mut self, group: impl Into<Bytes>, rules: Rules) -> Result<()> {
        let group = name(group)?;
        rules.check()?;
        if self.groups.contains_key(&group) {
            return Err(wrong("there are two groups of this name"));
        }
        self.groups.insert(group, rules);
        Ok(())
    }

    /// A user with rules of its own. Its name has 1 to 255 bytes.
    pub fn add_user(&mut self, user: impl Into<Bytes>, rules: Rules) -> Result<()> {
        self.insert(name(user)?, rules)
    }

    /// Lets those in who present no credential; their name is empty.
    pub fn add_anonymous(&mut self, rules: Rules) -> Result<()> {
        self.insert(Bytes::from_static(ANONYMOUS), rules)
    }

    fn insert(&mut self, user: Bytes, rules: Rules) -> Result<()> {
        rules.check()?;
        // A connection is looked up among both.
        if self.users.contains_key(&user) || self.keys.contains_key(&user) {
            return Err(wrong("there are two users of this name"));
        }
        self.users.insert(user, User { rules, ..User::default() });
        Ok(())
    }

    /// A user's only password, of 1 to 255 bytes; in place of the one before.
    pub fn set_password(&mut self, user: &[u8], password: impl Into<Bytes>) -> Result<()> {
        let password = secret(password)?;
        self.check_named(user)?;
        self.user(user)?.password = Some(password);
        Ok(())
    }

    /// A token of 1 to 255 bytes that says who the user is. It may have several.
    pub fn add_token(&mut self, user: &[u8], token: impl Into<Bytes>) -> Result<()> {
        let token = secret(token)?;
        let user = self.check_named(user)?;
        if self.tokens.contains_key(&token) {
            return Err(wrong("this token is somebody's already"));
        }
        self.tokens.insert(token, user);
        Ok(())
    }

    /// A public key of CURVE that says who the user is, as 40 characters of Z85. It may have several.
    pub fn add_key(&mut self, user: &[u8], key: impl Into<Bytes>) -> Result<()> {
        let key = key.into();
        let user = self.check_named(user)?;
        if !is_key(&key) {
            return Err(wrong("a key has 40 characters of Z85; one with a # in it stands in quotes"));
        }
        if self.keys.contains_key(&key) || self.users.contains_key(&key) {
            return Err(wrong("this key is somebody's already"));
        }
        self.keys.insert(key, user);
        Ok(())
    }

    /// Gives a user the rules of a group. It may be in several.
    pub fn join(&mut self, user: &[u8], group: &[u8]) -> Result<()> {
        let Some((group, _)) = self.groups.get_key_value(group) else { return Err(wrong("there is no such group")) };
        let group = group.clone();
        self.user(user)?.groups.insert(group);
        Ok(())
    }

    fn user(&mut self, user: &[u8]) -> Result<&mut User> {
        self.users.get_mut(user).ok_or_else(|| wrong("there is no such user"))
    }

    /// The name of a user that may have credentials.
    fn check_named(&self, user: &[u8]) -> Result<Bytes> {
        match self.users.get_key_value(user) {
            Some((name, _)) if !name.is_empty() => Ok(name.clone()),
            Some(_) => Err(wrong("who is anonymous has no credential")),
            None => Err(wrong("there is no such user")),
        }
    }

    /// Who that is.
    ///
    /// What the security of the connection says comes first: a name or, for CURVE, a public key as 40 characters of
    /// Z85; empty if it has none. It must come from a PLAIN or CURVE server that has checked it, because libzmq lets
    /// the peer of a NULL connection write a `User-Id` of its own. If that is no user here, the credential counts. Who
    /// presents neither is the anonymous user, whose name is empty, if there is one; a wrong credential makes nobody
    /// anonymous.
    ///
    /// [`ErrorKind::PermissionDenied`] if it is nobody, and always with the same text. Secrets are compared to their
    /// ends, a token with every token, and the password of nobody with something, so how long it takes does not tell
    /// how much was right. Among 10,000 tokens that is 50 µs.
    pub fn identify(&self, connection: &[u8], credential: &Credential) -> Result<Bytes> {
        let connected = match self.keys.get(connection) {
            Some(user) => Some(user),
            None if connection.is_empty() => None,
            None => self.name_of(connection),
        };
        let user = match (connected, credential) {
            (Some(user), _) => Some(user),
            (None, Credential::None) => self.name_of(ANONYMOUS),
            (None, Credential::Password { user, password }) => {
                let known = self.users.get(user).and_then(|user| user.password.as_ref());
                let is_same = is_same(known.unwrap_or(&NO_SECRET), password);
                self.name_of(user).filter(|_| is_same & known.is_some())
            }
            (None, Credential::Token(token)) => {
                let same = |found, (known, user)| if is_same(known, token) { Some(user) } else { found };
                self.tokens.iter().fold(None, same)
            }
        };
        let refused = || Error::new(ErrorKind::PermissionDenied, "there is no such user, or its credential is another");
        user.cloned().ok_or_else(refused)
    }

    /// Whether there is such a user; with an empty name, whether who presents no credential is let in.
    pub fn has(&self, user: &[u8]) -> bool {
        self.users.contains_key(user)
    }

    fn name_of(&self, user: &[u8]) -> Option<&Bytes> {
        self.users.get_key_value(user).map(|(name, _)| name)
    }

    /// The rules of a user: its own with those of its groups and of everyone, each once and in order. Who is not here
    /// has none.
    pub fn rules(&self, user: &[u8]) -> Rules {
        let Some(user) = self.users.get(user) else { return Rules::default() };
        let groups = user.groups.iter().filter_map(|group| self.groups.get(group));
        Rules::together([&user.rules, &self.everyone].into_iter().chain(groups))
    }
}

impl fmt::Debug for Entitlements {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Entitlements")
            .field("users", &self.users.len())
            .field("tokens", &self.tokens.len())
            .field("keys", &self.keys.len())
            .field("groups", &self.groups.len())
            .finish_non_exhaustive()
    }
}

fn name(name: impl Into<Bytes>) -> Result<Bytes> {
    let name = name.into();
    if (1..=MAX_NAME).contains(&name.len()) { Ok(name) } else { Err(wrong("a name has 1 to 255 bytes")) }
}

fn secret(secret: impl Into<Bytes>) -> Result<Bytes> {
    let secret = secret.into();
    let is_sound = (1..=MAX_SECRET).contains(&secret.len());
    if is_sound { Ok(secret) } else { Err(wrong("a password or a token has 1 to 255 bytes")) }
}

/// Looks at every byte, so that its time does not tell where the first difference is.
fn is_same(known: &Bytes, given: &Bytes) -> bool {
    let differences = known.iter().zip(given).fold(0, |all, (known, given)| all | (known ^ given));
    // Or a compiler might leave early.
    black_box(differences) == 0 && known.len() == given.len()
}

/// 32 bytes in Z85 (RFC 32): of each 5 characters a number of 32 bits to the base of 85.
fn is_key(text: &[u8]) -> bool {
    const DIGITS: &[u8; 85] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";
    let digit = |char: &u8| DIGITS.iter().position(|digit| digit == char);
    let number = |chars: &[u8]| chars.iter().try_fold(0, |number: u64, char| Some(number * 85 + digit(char)? as u64));
    text.len() == 40 && text.chunks(5).all(|chars| number(chars).is_some_and(|number| number <= u32::MAX.into()))
}

fn wrong(what: &'static str) -> Error {
    Error::new(ErrorKind::InvalidArgument, what)
}
