//! What a publisher's program is told.

use napi::bindgen_prelude::Buffer;
use napi_derive::napi;
use zpatterns::pubsub::{Ask, Credential, PublisherEvent};

/// Something that happened. What is not of its kind is not there.
#[napi(object)]
pub struct PublisherNews {
    /// `asked`, `joined` or `left`.
    pub kind: String,
    /// The number of the question.
    pub ask: Option<f64>,
    /// By which the subscriber is known.
    pub identity: Buffer,
    /// Who it is.
    pub user: Buffer,
    /// What it says itself.
    pub credential: Option<PublisherNewsCredential>,
}

/// How somebody says who he is.
#[napi(object)]
pub struct PublisherNewsCredential {
    /// `none`, `password` or `token`.
    pub kind: String,
    /// The name that belongs to the password.
    pub user: Option<Buffer>,
    /// The password.
    pub password: Option<Buffer>,
    /// The token.
    pub token: Option<Buffer>,
}

impl PublisherNews {
    /// What happened; nothing, if it is of a kind that this binding was not written for.
    pub(super) fn of(event: PublisherEvent) -> Option<Self> {
        let (kind, identity, user, asked) = match event {
            PublisherEvent::Asked { ask: Ask(ask), identity, user, credential } => {
                ("asked", identity, user, Some((ask as f64, credential.into())))
            }
            PublisherEvent::Joined { identity, user } => ("joined", identity, user, None),
            PublisherEvent::Left { identity, user } => ("left", identity, user, None),
            _ => return None,
        };
        let (ask, credential) = asked.unzip();
        Some(Self {
            kind: kind.into(),
            ask,
            identity: identity.to_vec().into(),
            user: user.to_vec().into(),
            credential,
        })
    }
}

impl From<Credential> for PublisherNewsCredential {
    fn from(credential: Credential) -> Self {
        let (kind, user, password, token) = match credential {
            Credential::None => ("none", None, None, None),
            Credential::Password { user, password } => ("password", Some(user), Some(password), None),
            Credential::Token(token) => ("token", None, None, Some(token)),
        };
        let [user, password, token] = [user, password, token].map(|bytes| bytes.map(|bytes| bytes.to_vec().into()));
        Self { kind: kind.into(), user, password, token }
    }
}
