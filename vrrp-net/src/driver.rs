//! The [`Engine`] as one tokio task, and how others speak to it.

use std::collections::BTreeMap;
use std::fmt;
use std::io;

use tokio::io::unix::AsyncFd;
use tokio::sync::{mpsc, oneshot, watch};

use crate::engine::{Engine, Turn};
use crate::router::{AddError, Command, Options, Report, RouterId};
use crate::sys;

/// Drives any number of virtual routers as one task. It waits for nothing but its routers: whoever acts on what they
/// publish does so elsewhere.
///
/// A thread of its own with real-time priority and a current-thread runtime keeps advertisements on time while the
/// machine is busy.
#[derive(Debug)]
pub struct Driver {
    engine: AsyncFd<Engine>,
    asked: mpsc::UnboundedReceiver<Asked>,
    published: BTreeMap<RouterId, watch::Sender<Report>>,
}

/// Speaks to a [`Driver`]. When the last one is gone the driver stops its routers, with a release, and ends.
#[derive(Clone, Debug)]
pub struct Remote(mpsc::UnboundedSender<Asked>);

/// What is known of a virtual router whenever it changes; the level, not the edges: who is slow sees the last. When the
/// router is taken out the last is one that was stopped, and then the channel is closed.
pub type Standings = watch::Receiver<Report>;

/// A virtual router of a [`Driver`]. Clones speak to the same one.
#[derive(Clone, Debug)]
pub struct VirtualRouter {
    id: RouterId,
    remote: Remote,
    standings: Standings,
}

/// The driver has ended, or the router was removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gone;

impl fmt::Display for Gone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the driver has ended, or the router was removed")
    }
}

impl std::error::Error for Gone {}

#[derive(Debug)]
enum Asked {
    Add(Box<Options>, oneshot::Sender<Result<(RouterId, Standings), AddError>>),
    Remove(RouterId),
    Command(RouterId, Command),
    Report(RouterId, oneshot::Sender<Report>),
}

impl Driver {
    /// A driver, and how to speak to it. To be called within a tokio runtime with I/O enabled.
    ///
    /// # Errors
    ///
    /// What the kernel answered; not expected.
    pub fn new() -> io::Result<(Remote, Self)> {
        let engine = sys::watch(Engine::new()?)?;
        let (ask, asked) = mpsc::unbounded_channel();
        Ok((Remote(ask), Self { engine, asked, published: BTreeMap::new() }))
    }

    /// Drives until the last [`Remote`] and [`VirtualRouter`] are gone.
    ///
    /// # Errors
    ///
    /// When the runtime is shut down beneath it.
    pub async fn run(mut self) -> io::Result<()> {
        let mut turn = Turn::Done;
        loop {
            if turn == Turn::More {
                // Whoever floods a socket keeps neither the other tasks of this thread nor what is asked from running.
                tokio::task::yield_now().await;
                turn = self.engine.get_mut().turn();
            } else {
                tokio::select! {
                    biased;
                    ready = self.engine.readable_mut() => {
                        let mut ready = ready?;
                        // Before the turn: what comes during it makes it ready anew.
                        ready.clear_ready();
                        turn = ready.get_inner_mut().turn();
                    }
                    asked = self.asked.recv() => match asked {
                        Some(asked) => self.serve(asked),
                        None => break,
                    },
                }
            }
            for _ in 0..MOST_ASKED {
                let Ok(asked) = self.asked.try_recv() else { break };
                self.serve(asked);
            }
            self.publish();
        }
        for router in self.published.keys().copied().collect::<Vec<_>>() {
            self.remove(router);
        }
        Ok(())
    }

    fn serve(&mut self, asked: Asked) {
        let engine = self.engine.get_mut();
        match asked {
            Asked::Add(options, answer) => {
                let added = engine.add(*options).and_then(|router| {
                    let report =
                        engine.report(router).ok_or_else(|| io::Error::other("the router is gone"))?;
                    let (publish, standings) = watch::channel(report);
                    self.published.insert(router, publish);
                    Ok((router, standings))
                });
                if let Err(Ok((router, _))) = answer.send(added) {
                    // Nobody waited for it.
                    self.serve(Asked::Remove(router));
                }
            }
            Asked::Remove(router) => self.remove(router),
            Asked::Command(router, command) => engine.command(router, command),
            Asked::Report(router, answer) => {
                if let Some(report) = engine.report(router) {
                    // Whoever no longer waits does not want it.
                    answer.send(report).ok();
                }
            }
        }
    }

    /// Whoever watches learns that it has stopped before the channel is closed.
    fn remove(&mut self, router: RouterId) {
        let engine = self.engine.get_mut();
        engine.command(router, Command::Stop);
        if let (Some(publish), Some(report)) = (self.published.remove(&router), engine.report(router)) {
            publish.send_replace(report);
        }
        engine.remove(router);
    }

    fn publish(&mut self) {
        let engine = self.engine.get_mut();
        for router in engine.changed() {
            if let (Some(publish), Some(report)) = (self.published.get(&router), engine.report(router)) {
                publish.send_replace(report);
            }
        }
    }
}

/// Served between two turns.
const MOST_ASKED: usize = 32;

impl Remote {
    /// One virtual router more, which does not take part before [`Command::Start`].
    ///
    /// # Errors
    ///
    /// What will not come right by itself: [`AddError`].
    pub async fn add(&self, options: Options) -> Result<VirtualRouter, AddError> {
        let gone = |_: &dyn fmt::Debug| AddError::System(io::Error::other(Gone));
        let (answer, answered) = oneshot::channel();
        self.0.send(Asked::Add(Box::new(options), answer)).map_err(|error| gone(&error))?;
        let (id, standings) = answered.await.map_err(|error| gone(&error))??;
        Ok(VirtualRouter { id, remote: self.clone(), standings })
    }
}

impl VirtualRouter {
    /// Asks something of it. What follows from it is seen in [`VirtualRouter::standings`].
    ///
    /// # Errors
    ///
    /// [`Gone`].
    pub fn command(&self, command: Command) -> Result<(), Gone> {
        self.remote.0.send(Asked::Command(self.id, command)).map_err(|_| Gone)
    }

    /// Stops it, with a release if it is Active, and takes it out.
    pub fn remove(self) {
        // If the driver has ended, it has done so.
        self.remote.0.send(Asked::Remove(self.id)).ok();
    }

    /// What is known of it, whenever it changes.
    pub fn standings(&self) -> Standings {
        self.standings.clone()
    }

    /// What is known of it now, counters included.
    ///
    /// # Errors
    ///
    /// [`Gone`].
    pub async fn report(&self) -> Result<Report, Gone> {
        let (answer, answered) = oneshot::channel();
        self.remote.0.send(Asked::Report(self.id, answer)).map_err(|_| Gone)?;
        answered.await.map_err(|_| Gone)
    }
}
