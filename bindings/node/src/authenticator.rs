//! Who may connect to the server sockets of a context.

use std::{collections::BTreeMap, sync::Arc};

use napi::bindgen_prelude::Env;
use napi_derive::napi;

use crate::{
    context::{Context, Owned},
    environment::{Ending, Handle},
    error::raise,
    stats::counters,
};

impl Ending for Handle<zpatterns::Authenticator> {
    fn end(&self) {
        drop(self.take());
    }
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
    pub fn stats(&self, env: &Env) -> napi::Result<BTreeMap<String, f64>> {
        self.authenticator.with(|it| Ok(counters(it.stats().fields()))).map_err(raise(env))
    }

    /// Stops: nobody new gets in.
    #[napi]
    pub fn close(&self) {
        self.context.environment().forget(self.id);
        self.authenticator.end();
    }
}
