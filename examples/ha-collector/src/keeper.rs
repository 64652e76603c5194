//! The keeper: it holds addresses while this host serves them. It never sees a log message.
//!
//! - [`election`]: VRRP, on a thread that waits for nothing else
//! - [`addresses`]: what the election decided, carried out: addresses, announcements, connections reset
//! - [`trackers`] look at what the routers depend on, [`judge`] makes priorities and faults of it
//! - [`child`]: the collector's process, its health
//! - [`events`]: what happened, in order

mod addresses;
mod child;
mod devices;
mod election;
mod events;
mod group;
mod judge;
mod notify;
mod status;
mod sys;
mod trackers;

use std::ffi::OsString;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime};

use tokio::runtime::Builder;
use tokio::sync::{mpsc, oneshot};
use tracing::{info, warn};
use vrrp_net::{Command, VirtualRouter};
use vrrp_proto::{Fault, Reason, State};

use self::addresses::Addresses;
pub(crate) use self::child::Collector;
use self::child::Health;
pub(crate) use self::events::{Entry, Journal};
use self::judge::Judge;
use self::trackers::Found;
pub(crate) use self::trackers::refuse_unsafe;
use crate::config;

/// Why the keeper did not start. No address was touched then.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error("virtual router `{id}`: {source}")]
    Router { id: String, source: vrrp_net::AddError },
    #[error("cannot hold addresses: {source}{}", .source.cure().map(|cure| format!("\n  {cure}")).unwrap_or_default())]
    Netlink { source: vip_netlink::Error },
    #[error("cannot hold addresses: {finding}")]
    Capability { finding: String },
    #[error("cannot run the script `{id}`: {source}")]
    Script { id: String, source: io::Error },
    #[error("cannot start a thread: {source}")]
    Thread { source: io::Error },
}

/// A running keeper.
#[derive(Debug)]
pub(crate) struct Keeper {
    config: config::Keeper,
    routers: Vec<VirtualRouter>,
    addresses: Option<Addresses>,
    collector: Option<Collector>,
    services: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
    judge: Arc<Mutex<Judge>>,
    health: Arc<Mutex<Health>>,
    journal: Journal,
    started: SystemTime,
}

/// Whether there is a collector to look after, and its arguments.
#[derive(Debug)]
pub(crate) enum Service {
    Collector(Vec<OsString>),
    /// Only what the trackers look at.
    Other,
}

impl Keeper {
    /// Starts everything, or nothing.
    pub(crate) fn start(config: &config::Keeper, service: Service) -> Result<Self, StartError> {
        for script in &config.scripts {
            if let Some(program) = script.command.first() {
                let refused = refuse_unsafe(program.as_ref());
                refused.map_err(|source| StartError::Script { id: script.id.clone(), source })?;
            }
        }
        if let Err(error) = sys::lock_memory() {
            warn!("memory is not locked: {error} (needs CAP_IPC_LOCK, or LimitMEMLOCK=infinity)");
        }
        let routers = election::start(config)?;
        let journal = Journal::new();
        let standings = routers.iter().map(VirtualRouter::standings).collect();
        let addresses = Addresses::start(config, standings, journal.clone())?;
        let (say, heard) = mpsc::unbounded_channel();
        let (collector, at_first) = match service {
            Service::Collector(arguments) => {
                (Some(Collector::start(arguments, config.heartbeat_timeout, say)?), Health::Starting)
            }
            Service::Other => (None, Health::Well),
        };
        let judge = Arc::new(Mutex::new(Judge::new(config, at_first.verdict())));
        let health = Arc::new(Mutex::new(at_first));
        let this = Self {
            config: config.clone(),
            routers,
            addresses: Some(addresses),
            collector,
            services: None,
            judge,
            health,
            journal,
            started: SystemTime::now(),
        };
        this.with_services(heard)
    }

    /// Starts what looks, judges and tells, on a thread of its own.
    fn with_services(mut self, heard: mpsc::UnboundedReceiver<Health>) -> Result<Self, StartError> {
        let failed = |source| StartError::Thread { source };
        let runtime = Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let (end, ended) = oneshot::channel();
        let bench = Bench {
            config: self.config.clone(),
            routers: self.routers.clone(),
            judge: Arc::clone(&self.judge),
            health: Arc::clone(&self.health),
            journal: self.journal.clone(),
        };
        let thread = thread::Builder::new()
            .name("services".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        () = bench.sit(heard) => {}
                        _ = ended => {}
                    }
                });
                // A script that hangs is not waited for.
                runtime.shutdown_background();
            })
            .map_err(failed)?;
        self.services = Some((end, thread));
        Ok(self)
    }

    /// What each router advertises, in the words of a log line.
    pub(crate) fn describe(&self) -> String {
        let routers = self.config.routers.iter().map(|router| {
            let addresses = router.addresses.iter().map(|address| address.address.address.to_string());
            format!(
                "{} on {} (vrid {})",
                addresses.collect::<Vec<_>>().join(" and "),
                router.interface,
                router.vrid.number()
            )
        });
        routers.collect::<Vec<_>>().join(", ")
    }

    /// Whether it does what this asks for.
    pub(crate) fn is_as(&self, config: Option<&config::Keeper>) -> bool {
        config == Some(&self.config)
    }

    /// What this host is called.
    pub(crate) fn router_id(&self) -> &str {
        &self.config.router_id
    }

    /// What has happened.
    pub(crate) fn journal(&self) -> Journal {
        self.journal.clone()
    }

    pub(crate) const fn collector(&self) -> Option<&Collector> {
        self.collector.as_ref()
    }

    /// Hands every address over to whoever takes it; the routers stay behind all others until [`Self::promote`].
    pub(crate) fn drain(&self) {
        self.tell_all(Command::Yield);
    }

    /// Contends again, and takes the addresses if nobody better has them.
    pub(crate) fn promote(&self) {
        self.tell_all(Command::Promote);
    }

    fn tell_all(&self, command: Command) {
        for router in &self.routers {
            // A driver that has ended is seen elsewhere.
            router.command(command).ok();
        }
    }

    /// Hands over, ends the collector when nobody sends to it any more, and lets go of everything. Gives how the
    /// collector ended.
    pub(crate) fn stop(&mut self) -> Option<std::process::ExitStatus> {
        let begun = Instant::now();
        self.drain();
        // Those that were seen to look for a successor: the answer of an earlier search does not count.
        let mut searching = vec![false; self.routers.len()];
        while begun.elapsed() < self.patience() {
            let mut hope = false;
            for (router, searching) in self.routers.iter().zip(&mut searching) {
                let standing = router.standings().borrow().status.standing;
                *searching |= matches!(standing.reason, Reason::Yielding | Reason::HandingOver { .. });
                let in_vain = *searching && matches!(standing.reason, Reason::NobodyElse);
                hope |= standing.state == State::Active && !in_vain;
            }
            if !hope {
                break;
            }
            thread::sleep(Duration::from_millis(5));
        }
        if self.routers.iter().any(still_active) {
            warn!(
                "nobody took over within {:.1?}: the addresses go down with this host's service",
                begun.elapsed()
            );
        } else {
            info!("handed over in {:.1?}", begun.elapsed());
        }
        self.tell_all(Command::Stop);
        if let Some((end, thread)) = self.services.take() {
            end.send(()).ok();
            thread.join().ok();
        }
        self.routers.clear();
        if let Some(addresses) = self.addresses.take() {
            addresses.join();
        }
        self.collector.as_mut().and_then(Collector::stop)
    }

    /// A successor has its own skew to wait, and as long again to be heard.
    fn patience(&self) -> Duration {
        let longest = self.config.routers.iter().map(|router| router.interval.to_duration()).max();
        longest.unwrap_or_default() * 2 + Duration::from_millis(500)
    }

    fn health(&self) -> Health {
        self.health.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn still_active(router: &VirtualRouter) -> bool {
    router.standings().borrow().status.standing.state == State::Active
}

/// The reason in words, with our own name for our own fault.
fn why(reason: Reason) -> String {
    let Reason::Faulty(faults) = reason else { return reason.to_string() };
    let named = [
        (Fault::LINK_DOWN, "the link is down"),
        (Fault::NO_ADDRESS, "the interface has no address to send from"),
        (Fault::CHECK, "a check failed"),
        (Fault::GROUP, "another one of its group is faulty"),
        (Fault::OPERATOR, "told to be"),
        (judge::UNHEALTHY, "the collector is not well"),
    ];
    let words = named.iter().filter(|(fault, _)| faults.contains(*fault)).map(|(_, words)| *words);
    words.collect::<Vec<_>>().join(", ")
}

/// Where trackers report and judgement is passed.
#[derive(Debug)]
struct Bench {
    config: config::Keeper,
    routers: Vec<VirtualRouter>,
    judge: Arc<Mutex<Judge>>,
    health: Arc<Mutex<Health>>,
    journal: Journal,
}

impl Bench {
    async fn sit(self, mut heard: mpsc::UnboundedReceiver<Health>) {
        let (find, mut found) = mpsc::unbounded_channel();
        let interfaces = self.judge().interfaces().map(str::to_owned).collect();
        trackers::start(&self.config, interfaces, &find);
        tokio::spawn(notify::run(self.config.clone(), self.journal.clone()));
        for (place, _) in self.config.groups.iter().enumerate() {
            tokio::spawn(group::together(self.config.clone(), place, self.routers.clone()));
        }
        // What speaks against a router from the beginning is said before it takes part.
        self.judge().tell(&self.routers);
        for router in &self.routers {
            router.command(Command::Start).ok();
        }
        loop {
            tokio::select! {
                Some(health) = heard.recv() => {
                    self.judge().health(health.verdict());
                    *self.health.lock().unwrap_or_else(PoisonError::into_inner) = health;
                }
                Some(found) = found.recv() => match found {
                    Found::Script(place, verdict) => self.judge().script(place, verdict),
                    Found::Process(place, verdict) => self.judge().process(place, verdict),
                    Found::File(place, verdict) => self.judge().file(place, verdict),
                    Found::Interface(name, verdict) => self.judge().interface(&name, &verdict),
                },
            }
            self.judge().tell(&self.routers);
        }
    }

    fn judge(&self) -> std::sync::MutexGuard<'_, Judge> {
        self.judge.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
