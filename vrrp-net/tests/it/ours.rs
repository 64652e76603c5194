//! Our side of a link: a driver with one virtual router, on a thread of the host that it belongs to.

use std::os::fd::AsFd;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use tokio::runtime::{Builder, Runtime};
use vrrp_net::{Command, Driver, Engine, Report, RouterId, RouterOptions, Turn, VirtualRouter};
use vrrp_proto::{Config, Interval, Priority, State, Versions, VirtualRouterId};

/// Virtual router 51 on this interface, VRRPv3 over IPv4, for 10.9.0.100; ten times a second, so that a
/// machine that is busy with other tests keeps nobody silent for a down interval.
pub(crate) fn virtual_router(interface: &str, priority: u8) -> RouterOptions {
    let vrid = VirtualRouterId::new(51).unwrap();
    let mut election = Config::new(vrid, Versions::V3, "0.0.0.0".parse().unwrap(), Priority::new(priority));
    election.interval = Interval::from_centiseconds(10).unwrap();
    RouterOptions::new(interface, vec!["10.9.0.100".parse().unwrap()], election)
}

/// Driven until it is dropped.
pub(crate) struct Ours {
    router: Option<VirtualRouter>,
    waits: Runtime,
    driver: Option<JoinHandle<()>>,
}

impl Ours {
    /// On the host of this thread.
    pub(crate) fn start(options: RouterOptions) -> Self {
        let (tell, told) = std::sync::mpsc::channel();
        // A thread belongs to the namespace of the one that made it.
        let driver = thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let (remote, driver) = Driver::new().unwrap();
                let driving = tokio::spawn(driver.run());
                tell.send(remote.add(options).await.unwrap()).unwrap();
                drop(remote);
                driving.await.unwrap().unwrap();
            });
        });
        let router: VirtualRouter = told.recv().unwrap();
        router.command(Command::Start).unwrap();
        Self {
            router: Some(router),
            waits: Builder::new_current_thread().enable_all().build().unwrap(),
            driver: Some(driver),
        }
    }

    /// Takes it out, and says what was published of it last.
    pub(crate) fn remove(mut self) -> Report {
        let mut standings = self.router().standings();
        // One that still watches keeps no driver running.
        self.router.take().unwrap().remove();
        self.waits.block_on(async { while standings.changed().await.is_ok() {} });
        standings.borrow().clone()
    }

    fn router(&self) -> &VirtualRouter {
        self.router.as_ref().unwrap()
    }

    pub(crate) fn command(&self, command: Command) {
        self.router().command(command).unwrap();
    }

    pub(crate) fn report(&self) -> Report {
        self.waits.block_on(self.router().report()).unwrap()
    }

    /// Waits until the router says so.
    pub(crate) fn until(&self, what: &str, so: impl Fn(&Report) -> bool) -> Report {
        let mut standings = self.router().standings();
        let waited = self.waits.block_on(async {
            tokio::time::timeout(Duration::from_secs(20), standings.wait_for(|report| so(report)))
                .await
                .map(|found| found.unwrap().clone())
        });
        waited.unwrap_or_else(|_| panic!("not {what} within 20 s: {:#?}", self.report()))
    }

    pub(crate) fn until_state(&self, state: State) -> Report {
        self.until(&format!("{state:?}"), |report| report.status.standing.state == state)
    }

    /// What it says of why it is what it is.
    pub(crate) fn why(&self) -> String {
        self.report().status.standing.reason.to_string()
    }
}

/// An engine without any runtime, and its one router: it is driven when the test says so.
pub(crate) struct Bare {
    pub(crate) engine: Engine,
    router: RouterId,
}

impl Bare {
    /// In the namespace of this thread.
    pub(crate) fn start(options: RouterOptions) -> Self {
        let mut engine = Engine::new().unwrap();
        let router = engine.add(options).unwrap();
        engine.command(router, Command::Start);
        Self { engine, router }
    }

    pub(crate) fn report(&self) -> Report {
        self.engine.report(self.router).unwrap()
    }

    pub(crate) fn why(&self) -> String {
        self.report().status.standing.reason.to_string()
    }

    /// `poll(2)` and a turn, until it is so.
    pub(crate) fn until(&mut self, so: impl Fn(&Report) -> bool) -> Report {
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            let report = self.report();
            if so(&report) {
                return report;
            }
            assert!(Instant::now() < end, "not so within 20 s: {report:#?}");
            let mut waiting = [PollFd::new(self.engine.as_fd(), PollFlags::POLLIN)];
            poll(&mut waiting, PollTimeout::from(1_000_u16)).unwrap();
            while self.engine.turn() == Turn::More {}
        }
    }

    pub(crate) fn until_state(&mut self, state: State) -> Report {
        self.until(|report| report.status.standing.state == state)
    }
}

impl Drop for Ours {
    fn drop(&mut self) {
        drop(self.router.take());
        if let Some(driver) = self.driver.take() {
            // A driver that panicked has said so.
            driver.join().ok();
        }
    }
}
