//! Binding a Unix socket file without a race.
//!
//! libzmq removes whatever file is there, even one that another process listens on, and creates its own with the
//! umask's permissions, so there is a moment in which anyone may connect. Here the file is bound, given its mode and
//! owner, and only then listened on; before that every connection is refused. A live socket is never taken away.

use std::{
    io::ErrorKind as Io,
    os::{
        fd::{AsRawFd, OwnedFd, RawFd},
        unix::{fs::FileTypeExt, net::UnixStream},
    },
    path::{Path, PathBuf},
};

use rustix::{
    fs::{Gid, Mode, Uid},
    net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType},
};
use zpatterns_protocol::{Error, ErrorKind, Result};

use crate::{SocketOptions, errno, fork::Generation};

/// The file of an `ipc://` endpoint that we bind ourselves; wildcards and abstract names are libzmq's.
pub(crate) fn file_of(endpoint: &str) -> Option<&Path> {
    let path = endpoint.strip_prefix("ipc://")?;
    (!path.is_empty() && !path.starts_with(['*', '@'])).then(|| Path::new(path))
}

/// Who may use a socket file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Permissions {
    mode: Option<u32>,
    uid: Option<u32>,
    gid: Option<u32>,
    backlog: i32,
}

impl Permissions {
    /// As the options say; what they leave open is left to the system.
    pub(crate) fn of(options: &SocketOptions) -> Self {
        Self {
            mode: u32::try_from(options.ipc_mode).ok(),
            uid: u32::try_from(options.ipc_uid).ok(),
            gid: u32::try_from(options.ipc_gid).ok(),
            backlog: i32::try_from(options.backlog).unwrap_or(i32::MAX),
        }
    }
}

/// A listening socket file; the file is removed when this is dropped.
#[derive(Debug)]
pub(crate) struct Listener {
    fd: Option<OwnedFd>,
    file: PathBuf,
    generation: Generation,
}

impl Listener {
    /// Binds and listens.
    pub(crate) fn open(file: &Path, permissions: &Permissions) -> Result<Self> {
        let fail = |error: rustix::io::Errno, what: &str| {
            errno::error(error.raw_os_error(), what).with("file", file.display())
        };
        remove_stale(file)?;
        let address = SocketAddrUnix::new(file).map_err(|_| {
            Error::new(ErrorKind::InvalidEndpoint, "the path of a socket file has at most 107 bytes")
                .with("file", file.display())
        })?;
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let fd = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)
            .map_err(|error| fail(error, "cannot open a socket"))?;
        rustix::net::bind(&fd, &address).map_err(|error| fail(error, "cannot bind"))?;
        // From here on the file is ours, and goes with `listener` if a step fails.
        let listener = Self { fd: Some(fd), file: file.to_path_buf(), generation: Generation::current() };
        if permissions.uid.is_some() || permissions.gid.is_some() {
            let (uid, gid) = (permissions.uid.map(Uid::from_raw), permissions.gid.map(Gid::from_raw));
            rustix::fs::chown(file, uid, gid).map_err(|error| fail(error, "cannot give the socket file its owner"))?;
        }
        if let Some(mode) = permissions.mode {
            rustix::fs::chmod(file, Mode::from_raw_mode(mode))
                .map_err(|error| fail(error, "cannot give the socket file its mode"))?;
        }
        rustix::net::listen(listener.fd.as_ref().expect("still held"), permissions.backlog)
            .map_err(|error| fail(error, "cannot listen"))?;
        Ok(listener)
    }

    /// The descriptor, for libzmq to adopt.
    pub(crate) fn raw_fd(&self) -> RawFd {
        self.fd.as_ref().map_or(-1, AsRawFd::as_raw_fd)
    }

    /// libzmq has adopted the descriptor and will close it.
    pub(crate) fn adopted(&mut self) {
        std::mem::forget(self.fd.take());
    }

    pub(crate) fn file(&self) -> &Path {
        &self.file
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // In the child of a fork the file is the parent's.
        if self.generation.is_current() {
            let _ = std::fs::remove_file(&self.file);
        }
    }
}

/// Removes a socket file that nobody listens on; anything else that is in the way is an error.
fn remove_stale(file: &Path) -> Result<()> {
    let Ok(found) = std::fs::symlink_metadata(file) else { return Ok(()) };
    let taken = |text: &str| Err(Error::new(ErrorKind::AddressInUse, text).with("file", file.display()));
    if !found.file_type().is_socket() {
        return taken("cannot bind: a file that is not a socket has this name");
    }
    match UnixStream::connect(file) {
        Err(error) if error.kind() == Io::ConnectionRefused => std::fs::remove_file(file).map_err(|error| {
            Error::new(ErrorKind::PermissionDenied, format!("cannot remove a stale socket file: {error}"))
                .with("file", file.display())
        }),
        Err(error) if error.kind() == Io::NotFound => Ok(()),
        Err(error) if error.kind() == Io::PermissionDenied => {
            Err(Error::new(ErrorKind::PermissionDenied, "cannot bind: the socket file belongs to somebody else")
                .with("file", file.display()))
        }
        _ => taken("cannot bind: another socket listens on this file"),
    }
}
