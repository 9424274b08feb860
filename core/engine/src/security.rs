//! How a machine's connections are protected.
//!
//! A plain socket has options for that, and is a server or a client. A machine may have sockets of both kinds, which open and
//! close as it likes; so its host is told once what each kind needs, and sets it before a socket binds or connects.

use std::fmt;

use zpatterns_protocol::Result;

use crate::{Context, CurveKeys, SocketKind, SocketOptions, raw::RawSocket};

/// How a machine's connections are protected; by default not at all.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Security {
    /// What those must show who connect to the machine. The context needs an authenticator, which says who gets in.
    pub server: Option<ServerSecurity>,
    /// What the machine shows where it connects.
    pub client: Option<ClientSecurity>,
    /// As the option of this name of a socket that binds: what the authenticator is asked for.
    pub zap_domain: Option<String>,
}

/// What those must show who connect.
#[derive(Clone, PartialEq, Eq)]
pub enum ServerSecurity {
    /// A user's name and password, which anybody on the way can read.
    Plain,
    /// A key of their own, and that they know ours.
    Curve {
        /// Ours: 40 characters of Z85.
        secret_key: String,
    },
}

/// What a machine shows where it connects.
#[derive(Clone, PartialEq, Eq)]
pub enum ClientSecurity {
    /// A user's name and password, which anybody on the way can read.
    Plain {
        /// 1 to 255 bytes.
        username: String,
        /// 1 to 255 bytes.
        password: String,
    },
    /// Its keys, to a server that proves to have this one.
    Curve {
        /// The server's public key: 40 characters of Z85.
        server_key: String,
        /// The machine's own.
        keys: CurveKeys,
    },
}

impl Security {
    /// An error if nothing could be bound or connected like this: as a socket would give that is opened with such options.
    pub(crate) fn check(&self, context: &Context) -> Result<()> {
        if *self == Self::default() {
            return Ok(());
        }
        if self.server.is_some() {
            context.check_authenticator()?;
        }
        // What is well-formed, libzmq knows.
        let mut raw = context.open_raw(SocketKind::Dealer.number())?;
        self.set_for_server(&mut raw)?;
        self.set_for_client(&mut raw)
    }

    /// Before a socket binds.
    pub(crate) fn set_for_server(&self, raw: &mut RawSocket) -> Result<()> {
        let mut options = SocketOptions { zap_domain: self.zap_domain.clone(), ..SocketOptions::default() };
        match &self.server {
            None => {}
            Some(ServerSecurity::Plain) => options.plain_server = true,
            Some(ServerSecurity::Curve { secret_key }) => {
                options.curve_server = true;
                options.curve_secret_key = Some(secret_key.clone());
            }
        }
        raw.set_all(options.security())
    }

    /// Before a socket connects.
    pub(crate) fn set_for_client(&self, raw: &mut RawSocket) -> Result<()> {
        let mut options = SocketOptions::default();
        match &self.client {
            None => {}
            Some(ClientSecurity::Plain { username, password }) => {
                options.plain_username = Some(username.clone());
                options.plain_password = Some(password.clone());
            }
            Some(ClientSecurity::Curve { server_key, keys }) => {
                options.curve_server_key = Some(server_key.clone());
                options.curve_public_key = Some(keys.public.clone());
                options.curve_secret_key = Some(keys.secret.clone());
            }
        }
        raw.set_all(options.security())
    }
}

/// Without the secret.
impl fmt::Debug for ServerSecurity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Plain => "Plain",
            Self::Curve { .. } => "Curve",
        })
    }
}

/// Without the password and the secret key.
impl fmt::Debug for ClientSecurity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain { username, .. } => write!(out, "Plain({username})"),
            Self::Curve { server_key, keys } => write!(out, "Curve({keys:?} to {server_key})"),
        }
    }
}
