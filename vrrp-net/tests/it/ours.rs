//! Our side of a link: a driver with one virtual router, on a thread of the host that it belongs to.

use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use vrrp_net::{Command, Driver, Report, RouterOptions, VirtualRouter};
use vrrp_proto::State;

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

impl Drop for Ours {
    fn drop(&mut self) {
        drop(self.router.take());
        if let Some(driver) = self.driver.take() {
            // A driver that panicked has said so.
            driver.join().ok();
        }
    }
}
