//! The native module of the Python package zpatterns.
//!
//! Python programs use the package; this module is private to it. A function here converts, calls core, converts
//! back. What makes Python fast is decided here all the same: a call first tries without releasing the interpreter,
//! because releasing costs more than sending a message, and releases it only to block (`wait`); messages cross in
//! batches; and large `bytes` are handed over without a copy (`convert`).

mod auth;
mod bus;
mod cancel;
mod cell;
mod command;
mod context;
mod convert;
mod ends;
mod error;
mod given;
mod info;
mod monitor;
mod options;
mod proxy;
mod pubsub;
mod ready;
mod recv;
mod reqrep;
mod send;
mod slot;
mod socket;
mod table;
mod take;
mod wait;
mod zqueue;

/// What `import zpatterns._native` gives.
#[pyo3::pymodule(gil_used = false)]
mod _native {
    #[pymodule_export]
    use super::auth::Authenticator;
    #[pymodule_export]
    use super::bus::{Broken, Bus, Dropped, Gone, Joined, Message, Missed};
    #[pymodule_export]
    use super::cancel::Cancel;
    #[pymodule_export]
    use super::command::zpat;
    #[pymodule_export]
    use super::context::Context;
    #[pymodule_export]
    use super::ends::Ends;
    #[pymodule_export]
    use super::error::{error_kinds, raise_error};
    #[pymodule_export]
    use super::info::{curve_keypair, curve_public_key, info};
    #[pymodule_export]
    use super::monitor::Monitor;
    #[pymodule_export]
    use super::options::option_table;
    #[pymodule_export]
    use super::proxy::Proxy;
    #[pymodule_export]
    use super::pubsub::{Publisher, Subscriber};
    #[pymodule_export]
    use super::reqrep::{Broker, Client, Job, Worker};
    #[pymodule_export]
    use super::socket::Socket;
    #[pymodule_export]
    use super::zqueue::{AioProducer, Child, Draft, Producer, Queue, QueueJob, QueueWorker, Watch};

    /// Messages of a bus and of a subscriber have the same name, each in its own module.
    #[pymodule_init]
    fn init(module: &pyo3::Bound<'_, pyo3::types::PyModule>) -> pyo3::PyResult<()> {
        use pyo3::types::PyModuleMethods;
        module.add("Publication", module.py().get_type::<crate::pubsub::Message>())
    }

    /// The version of the package.
    #[pymodule_export]
    const VERSION: &str = env!("CARGO_PKG_VERSION");
}
