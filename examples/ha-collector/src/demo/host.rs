//! A machine: a thread in a network namespace of its own. What it starts belongs to it.

use std::io;
use std::net::IpAddr;
use std::sync::mpsc;
use std::thread;

use nix::ifaddrs::getifaddrs;
use nix::sched::{CloneFlags, unshare};
use nix::unistd::gettid;

use super::Error;

type Work = Box<dyn FnOnce() + Send>;

/// One machine. Dropped, its network is gone once the processes in it are.
#[derive(Debug)]
pub(super) struct Host {
    pub(super) name: &'static str,
    work: mpsc::Sender<Work>,
    /// By which its namespace is named to `ip`.
    pub(super) thread: i32,
}

impl Host {
    pub(super) fn new(name: &'static str) -> Result<Self, Error> {
        let (work, todo) = mpsc::channel::<Work>();
        let (tell, told) = mpsc::channel();
        let cannot = |source| Error::Start { program: format!("the network of {name}"), source };
        thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                let made = unshare(CloneFlags::CLONE_NEWNET).map(|()| gettid().as_raw());
                let failed = made.is_err();
                if tell.send(made).is_err() || failed {
                    return;
                }
                for work in todo {
                    work();
                }
            })
            .map_err(cannot)?;
        let made = told.recv().map_err(|_ended| Error::HostGone { host: name })?;
        Ok(Self { name, work, thread: made.map_err(|errno| cannot(errno.into()))? })
    }

    /// Runs this on the machine and gives back what it gives back.
    pub(super) fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let gone = || Error::HostGone { host: self.name };
        let (tell, told) = mpsc::channel();
        // Nobody waits for the answer when the receiver is gone.
        let work: Work = Box::new(move || drop(tell.send(work())));
        self.work.send(work).map_err(|_ended| gone())?;
        told.recv().map_err(|_ended| gone())
    }

    /// Whether it has this address now.
    pub(super) fn holds(&self, address: IpAddr) -> Result<bool, Error> {
        let found = self.run(move || -> io::Result<bool> {
            Ok(getifaddrs()?.any(|interface| {
                let has = interface.address.as_ref().and_then(|address| address.as_sockaddr_in());
                has.is_some_and(|has| IpAddr::V4(has.ip()) == address)
            }))
        })?;
        found.map_err(|error| Error::Network { command: "getifaddrs".to_owned(), said: error.to_string() })
    }
}
