//! What happens in which order: two nodes come up, one is sent to and broken, the other serves, the first comes back.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::count::{Figures, Found, Moments, count};
use super::lab::{Lab, NODES};
use super::load::{Load, Microseconds, now};
use super::node::{Node, Progress, System};
use super::view::{Holding, Seen, View};
use super::{Error, Fault, Settings};

/// How long anything may take that must come.
const PATIENCE: Duration = Duration::from_secs(12);
/// Where the node is helped by its own keeper, the other need not take over if that is faster.
const PATIENCE_WITH_A_KEEPER: Duration = Duration::from_secs(5);
/// What follows upon a change is seen in this time.
const OBSERVE: Duration = Duration::from_secs(1);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(20);

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Whatever is waited for, it is not waited for any longer.
pub(super) fn interrupt() {
    INTERRUPTED.store(true, Ordering::Relaxed);
}

/// Plays it with one system, and counts.
pub(super) fn play(
    lab: &Lab,
    system: &System,
    settings: &Settings,
    dir: &Path,
    view: &mut View,
) -> Result<Figures, Error> {
    lab.clean()?;
    view.begin(format!("{}, fault: {}", system.name(), settings.fault.name()));
    let [first, second] = &lab.nodes;
    let node = |host, place| Node::new(host, system, place, settings.interval, dir);
    let mut stage = Stage { lab, system, nodes: [node(first, 0)?, node(second, 1)?], load: None, view };
    stage.come_up()?;
    stage.load = Some(Load::start(&lab.client, settings.rate)?);
    stage.watch(settings.warm_up.max(Duration::from_millis(100)))?;
    let moments = stage.break_and_mend(settings.fault)?;
    stage.watch(OBSERVE)?;
    stage.end(&moments)
}

/// What is on it.
struct Stage<'a> {
    lab: &'a Lab,
    system: &'a System,
    /// The first is preferred, and is broken.
    nodes: [Node<'a>; 2],
    load: Option<Load>,
    view: &'a mut View,
}

/// Whether what was waited for came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Came {
    InTime,
    Not,
}

impl<'a> Stage<'a> {
    fn broken(&mut self) -> &mut Node<'a> {
        &mut self.nodes[0]
    }

    /// The preferred one first, so that nothing moves before it is to.
    fn come_up(&mut self) -> Result<(), Error> {
        self.nodes[0].start()?;
        self.must("n1 holds the address", |[n1, _]| n1.holds())?;
        self.nodes[1].start()?;
        self.must("n2 is Backup", |[n1, n2]| Ok(n2.state().word == "backup" && n1.holds()? && !n2.holds()?))
    }

    /// From the fault until the broken node serves again.
    fn break_and_mend(&mut self, fault: Fault) -> Result<Moments, Error> {
        let stored = self.nodes[1].stored();
        let pids = self.nodes[0].pids();
        let before = now();
        match fault {
            Fault::Service => {
                self.nodes[0].kill_service(&pids);
                self.view.event("n1: KILL for the collector");
            }
            Fault::Node => {
                self.lab.cut(self.nodes[0].host)?;
                self.nodes[0].kill_all(&pids);
                self.view.event("n1: cable pulled, KILL for everything");
            }
            Fault::Stop => {
                self.nodes[0].stop();
                self.view.event("n1: TERM");
            }
        }
        let by_its_keeper = fault == Fault::Service && *self.system == System::HaCollector;
        let patience = if by_its_keeper { PATIENCE_WITH_A_KEEPER } else { PATIENCE };
        let served = self.wait(patience, |[_, n2]| Ok(n2.stored() > stored))?;
        self.view.event(if served == Came::InTime { "n2 serves" } else { "n2 never served" });
        if fault == Fault::Stop {
            self.wait_until_stopped(0)?;
            self.view.event("n1 has stopped");
        }
        let mut moments = Moments { fault: before, helped: None };
        if !by_its_keeper {
            self.watch(OBSERVE)?;
            moments.helped = Some(self.help(fault)?);
        }
        let stored = self.nodes[0].stored();
        let back =
            self.wait(PATIENCE, |[n1, n2]| Ok(n1.stored() > stored && n1.holds()? && !n2.holds()?))?;
        self.view.event(if back == Came::InTime { "n1 serves again" } else { "n1 never served again" });
        Ok(moments)
    }

    /// What somebody does who finds the broken node; gives when.
    fn help(&mut self, fault: Fault) -> Result<Microseconds, Error> {
        let at = now();
        match fault {
            Fault::Service => {
                self.view.event("n1: the collector is started again");
                self.broken().start_service()?;
            }
            Fault::Node => {
                self.view.event("n1: rebooted, cable plugged in");
                self.lab.reboot(self.nodes[0].host, NODES[0])?;
                self.broken().start()?;
            }
            Fault::Stop => {
                self.view.event("n1: started again");
                self.broken().start()?;
            }
        }
        Ok(at)
    }

    /// Everything stops; what was written is counted.
    fn end(&mut self, moments: &Moments) -> Result<Figures, Error> {
        let Some(load) = self.load.take() else { return Err(Error::Interrupted) };
        let sent = load.stop();
        self.view.event("everything stops, and what both wrote is counted");
        // The one without the address first, so that it does not take over for a moment.
        self.wait_until_stopped(1)?;
        self.wait_until_stopped(0)?;
        let [n1, n2] = &self.nodes;
        let read = |node: &Node<'_>| Found::read(&node.files()).map_err(|source| Error::Read { source });
        Ok(count(&sent, &[read(n1)?, read(n2)?], moments))
    }

    fn wait_until_stopped(&mut self, place: usize) -> Result<(), Error> {
        while self.nodes.get_mut(place).is_some_and(|node| node.stop() == Progress::Ending) {
            if self.load.is_some() {
                self.look()?;
            }
            thread::sleep(LOOK);
        }
        Ok(())
    }

    fn must(
        &mut self,
        what: &str,
        so: impl FnMut(&[Node<'_>; 2]) -> Result<bool, Error>,
    ) -> Result<(), Error> {
        if self.wait(PATIENCE, so)? == Came::InTime {
            return Ok(());
        }
        let said = self.nodes.iter().map(|node| format!("---- {}\n{}", node.host.name, node.log())).collect();
        Err(Error::Late { what: what.to_owned(), patience: PATIENCE, said })
    }

    /// Looks again and again.
    fn wait(
        &mut self,
        patience: Duration,
        mut so: impl FnMut(&[Node<'_>; 2]) -> Result<bool, Error>,
    ) -> Result<Came, Error> {
        let begun = Instant::now();
        loop {
            self.look()?;
            if so(&self.nodes)? {
                return Ok(Came::InTime);
            }
            if begun.elapsed() > patience {
                return Ok(Came::Not);
            }
            thread::sleep(LOOK);
        }
    }

    /// Shows what happens for so long.
    fn watch(&mut self, how_long: Duration) -> Result<(), Error> {
        self.wait(how_long, |_| Ok(false)).map(|_| ())
    }

    fn look(&mut self) -> Result<(), Error> {
        if INTERRUPTED.load(Ordering::Relaxed) {
            return Err(Error::Interrupted);
        }
        let mut seen = Vec::new();
        for node in &self.nodes {
            let holding = if node.holds()? { Holding::Has } else { Holding::HasNot };
            seen.push(Seen { name: node.host.name, state: node.state(), holding });
        }
        let (datagrams, lines) = self.load.as_ref().map_or((0, 0), |load| load.shared().so_far());
        self.view.show(seen, datagrams, lines);
        Ok(())
    }
}
