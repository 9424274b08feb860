//! Who may connect to the server sockets of a context.

use std::sync::Arc;

use napi::bindgen_prelude::Env;
use napi_derive::napi;

use crate::{
    context::{Context, Owned},
    environment::{Ending, Handle},
    error::raise,
};

impl Ending for Handle<zpatterns::Authenticator> {
    fn end(&self) {
        drop(self.take());
    }
}

/// Decisions so far.
#[napi(object)]
pub struct AuthCounts {
    /// Peers let in.
    pub allowed: f64,
    /// Refused by address.
    pub denied_address: f64,
    /// Refused by user name or password.
    pub denied_user: f64,
    /// Refused by key.
    pub denied_key: f64,
    /// Refused because the request made no sense.
    pub denied_malformed: f64,
}

/// An authenticator.
#[napi]
pub struct Authenticator {
    id: u32,
    authenticator: Handle<zpatterns::Authenticator>,
    context: Arc<Owned>,
}

impl Drop for Authenticator {
    fn drop(&mut self) {
        self.close();
    }
}

#[napi]
impl Authenticator {
    /// Starts the authenticator of a context.
    #[napi(constructor)]
    pub fn new(env: &Env, context: &Context) -> napi::Result<Self> {
        let context = Arc::clone(&context.0);
        let made = context.context().and_then(|context| context.authenticator()).map_err(raise(env))?;
        let authenticator = Handle::new(made);
        let id = context.environment().next_id();
        context.environment().remember(id, authenticator.clone());
        Ok(Self { id, authenticator, context })
    }

    /// Lets peers from this address in.
    #[napi]
    pub fn allow_address(&self, env: &Env, address: String) -> napi::Result<()> {
        self.authenticator.with(|it| it.allow_address(&address)).map_err(raise(env))
    }

    /// Refuses peers from this address.
    #[napi]
    pub fn deny_address(&self, env: &Env, address: String) -> napi::Result<()> {
        self.authenticator.with(|it| it.deny_address(&address)).map_err(raise(env))
    }

    /// Lets a user in.
    #[napi]
    pub fn allow_user(&self, env: &Env, name: String, password: String) -> napi::Result<()> {
        self.authenticator.with(|it| it.allow_user(&name, &password)).map_err(raise(env))
    }

    /// Refuses a user.
    #[napi]
    pub fn remove_user(&self, env: &Env, name: String) -> napi::Result<()> {
        let remove = |it: &zpatterns::Authenticator| {
            it.remove_user(&name);
            Ok(())
        };
        self.authenticator.with(remove).map_err(raise(env))
    }

    /// Lets the client with this key in.
    #[napi]
    pub fn allow_key(&self, env: &Env, public_key: String) -> napi::Result<()> {
        self.authenticator.with(|it| it.allow_key(&public_key)).map_err(raise(env))
    }

    /// Refuses a key.
    #[napi]
    pub fn remove_key(&self, env: &Env, public_key: String) -> napi::Result<()> {
        self.authenticator.with(|it| it.remove_key(&public_key)).map_err(raise(env))
    }

    /// Lets every client with a key in.
    #[napi]
    pub fn allow_any_key(&self, env: &Env) -> napi::Result<()> {
        let allow = |it: &zpatterns::Authenticator| {
            it.allow_any_key();
            Ok(())
        };
        self.authenticator.with(allow).map_err(raise(env))
    }

    /// Decisions so far.
    #[napi]
    pub fn stats(&self, env: &Env) -> napi::Result<AuthCounts> {
        let stats = self.authenticator.with(|it| Ok(it.stats())).map_err(raise(env))?;
        Ok(AuthCounts {
            allowed: stats.allowed as f64,
            denied_address: stats.denied_address as f64,
            denied_user: stats.denied_user as f64,
            denied_key: stats.denied_key as f64,
            denied_malformed: stats.denied_malformed as f64,
        })
    }

    /// Stops: nobody new gets in.
    #[napi]
    pub fn close(&self) {
        self.context.environment().forget(self.id);
        self.authenticator.end();
    }
}
