//! The names of senders: what is known is looked up while a message waits, what is not is found out by others.
//!
//! The receive path asks a table and never waits. A miss goes to a few threads through a short queue; until they have an
//! answer, the address stands.

mod hosts;
mod sys;

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::thread::Builder;
use std::time::{Duration, Instant};

use tracing::warn;

use self::hosts::Hosts;
use crate::config::{DnsCache, Naming};

/// Addresses whose names are waited for; more are asked for another time.
const WAITING: usize = 1_000;
/// A name server that does not answer holds one of them up for seconds.
const THREADS: usize = 4;
const HOSTS: &str = "/etc/hosts";
/// How often the hosts file is looked at.
const LOOK: Duration = Duration::from_secs(5);
/// RFC 1035 §2.3.4.
const LONGEST_NAME: usize = 255;

/// What is known.
#[derive(Debug)]
pub(crate) struct Names {
    cache: Mutex<Cache>,
    hosts: RwLock<Hosts>,
    ask: SyncSender<IpAddr>,
}

impl Names {
    /// Begins to find names out. The threads end when nobody asks any more.
    pub(crate) fn start(limits: DnsCache) -> Arc<Self> {
        Self::start_with(limits, Path::new(HOSTS), sys::name_of)
    }

    fn start_with(limits: DnsCache, hosts: &Path, resolve: fn(IpAddr) -> Option<String>) -> Arc<Self> {
        let (ask, asked) = sync_channel(WAITING);
        let cache = Mutex::new(Cache { limits, entries: HashMap::new() });
        let this = Arc::new(Self { cache, hosts: RwLock::new(Hosts::read(hosts)), ask });
        let asked = Arc::new(Mutex::new(asked));
        for _ in 0..THREADS {
            let (names, asked) = (Arc::downgrade(&this), Arc::clone(&asked));
            let thread = Builder::new().name("names".to_owned()).spawn(move || {
                super::privileges::renounce();
                while let Some(address) = next(&asked) {
                    let name = resolve(address).filter(|name| is_name(name));
                    let Some(names) = names.upgrade() else { return };
                    names.cache().learn(address, name, Instant::now());
                }
            });
            if let Err(error) = thread {
                warn!("cannot look names up: {error}");
            }
        }
        let names = Arc::downgrade(&this);
        let hosts = hosts.to_path_buf();
        let watch = Builder::new().name("hosts".to_owned()).spawn(move || {
            super::privileges::renounce();
            loop {
                std::thread::sleep(LOOK);
                let Some(names) = names.upgrade() else { return };
                let changed = names.hosts.read().unwrap_or_else(PoisonError::into_inner).changed(&hosts);
                if changed {
                    *names.hosts.write().unwrap_or_else(PoisonError::into_inner) = Hosts::read(&hosts);
                }
            }
        });
        if let Err(error) = watch {
            warn!("changes of {HOSTS} will not be seen: {error}");
        }
        this
    }

    /// The whole name of an address, if it is known now.
    pub(crate) fn look_up(&self, naming: Naming, address: IpAddr) -> Option<Arc<str>> {
        let address = address.to_canonical();
        match naming {
            Naming::Addresses => None,
            Naming::HostsFile => self.hosts.read().unwrap_or_else(PoisonError::into_inner).name_of(address),
            Naming::Dns => {
                let mut cache = self.cache();
                let (name, due) = cache.look_up(address, Instant::now());
                // Without a place in the queue it is forgotten that it was asked for.
                if due == Due::Yes && self.ask.try_send(address).is_err() {
                    cache.not_asked(address);
                }
                name
            }
        }
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn next(asked: &Mutex<Receiver<IpAddr>>) -> Option<IpAddr> {
    asked.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

/// Whoever owns an address block says what its addresses are called: what is no host name is none.
fn is_name(name: &str) -> bool {
    let letters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    (1..=LONGEST_NAME).contains(&name.len()) && name.chars().all(letters) && !name.starts_with(['.', '-'])
}

/// The name of this machine, with its domain if the hosts file knows that.
pub(crate) fn this_machine() -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    if name.contains('.') { name } else { Hosts::read(Path::new(HOSTS)).full(&name).unwrap_or(name) }
}

#[derive(Debug)]
struct Cache {
    limits: DnsCache,
    entries: HashMap<IpAddr, Entry>,
}

#[derive(Debug)]
struct Entry {
    /// `None`: it has none, or that is not known yet.
    name: Option<Arc<str>>,
    /// Then it is asked for again. What was known stands until the answer is there.
    until: Option<Instant>,
}

/// Whether somebody should find out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    Yes,
    No,
}

impl Cache {
    fn look_up(&mut self, address: IpAddr, now: Instant) -> (Option<Arc<str>>, Due) {
        if let Some(entry) = self.entries.get_mut(&address) {
            let due = if entry.until.is_some_and(|until| until <= now) { Due::Yes } else { Due::No };
            if due == Due::Yes {
                // Asked for once.
                entry.until = None;
            }
            return (entry.name.clone(), due);
        }
        if self.entries.len() >= self.limits.size {
            // Any other: whoever still sends is asked for again.
            let other = self.entries.iter().find(|(_, entry)| entry.until.is_some()).map(|(other, _)| *other);
            match other {
                Some(other) => self.entries.remove(&other),
                None => return (None, Due::No),
            };
        }
        self.entries.insert(address, Entry { name: None, until: None });
        (None, Due::Yes)
    }

    fn not_asked(&mut self, address: IpAddr) {
        if let Some(entry) = self.entries.get_mut(&address) {
            entry.until = Some(Instant::now());
        }
    }

    fn learn(&mut self, address: IpAddr, name: Option<String>, now: Instant) {
        if let Some(entry) = self.entries.get_mut(&address) {
            let span = if name.is_some() { self.limits.expire } else { self.limits.expire_failed };
            *entry = Entry { name: name.map(Arc::from), until: Some(now + span) };
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    fn ip(n: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, n])
    }

    fn cache(size: usize) -> Cache {
        let limits = DnsCache { size, ..DnsCache::default() };
        Cache { limits, entries: HashMap::new() }
    }

    #[test]
    fn an_address_is_asked_for_once_and_again_when_what_is_known_has_expired() {
        let t0 = Instant::now();
        let mut cache = cache(10);
        assert_eq!(cache.look_up(ip(1), t0), (None, Due::Yes));
        assert_eq!(cache.look_up(ip(1), t0), (None, Due::No), "its answer is on the way");
        cache.learn(ip(1), Some("a.example".to_owned()), t0);
        assert_eq!(cache.look_up(ip(1), t0), (Some("a.example".into()), Due::No));
        let later = t0 + Duration::from_secs(3600);
        assert_eq!(cache.look_up(ip(1), later), (Some("a.example".into()), Due::Yes), "the old name stands");
        assert_eq!(cache.look_up(ip(1), later), (Some("a.example".into()), Due::No));
        cache.learn(ip(1), None, later);
        assert_eq!(cache.look_up(ip(1), later + Duration::from_secs(59)), (None, Due::No));
        assert_eq!(cache.look_up(ip(1), later + Duration::from_secs(60)), (None, Due::Yes));
    }

    #[test]
    fn no_more_is_remembered_than_there_is_room_for() {
        let t0 = Instant::now();
        let mut cache = cache(3);
        for n in 0..200 {
            cache.look_up(ip(n), t0);
            if n % 2 == 0 {
                cache.learn(ip(n), None, t0);
            }
            assert!(cache.entries.len() <= 3);
        }
    }

    #[test]
    fn what_is_no_host_name_is_not_believed() {
        for wrong in ["", "../x", "a b", "a/b", ".a", "-a", "é", "a\n", &"x".repeat(256)] {
            assert!(!is_name(wrong), "{wrong:?}");
        }
        assert!(is_name("db_7.Example.org"));
    }

    #[test]
    fn a_name_is_there_soon_after_it_was_asked_for() {
        let names =
            Names::start_with(DnsCache::default(), Path::new("/nowhere"), |ip| Some(format!("{ip}.example")));
        let until = Instant::now() + Duration::from_secs(60);
        while names.look_up(Naming::Dns, ip(7)).as_deref() != Some("192.0.2.7.example") {
            assert!(Instant::now() < until);
            std::thread::yield_now();
        }
        assert_eq!(
            names.look_up(Naming::Dns, "::ffff:192.0.2.7".parse().unwrap()).as_deref(),
            Some("192.0.2.7.example")
        );
    }

    #[test]
    fn a_name_server_that_does_not_answer_is_not_waited_for() {
        static ASKED: AtomicU32 = AtomicU32::new(0);
        let names = Names::start_with(DnsCache::default(), Path::new("/nowhere"), |_| {
            ASKED.fetch_add(1, Ordering::SeqCst);
            std::thread::park();
            None
        });
        for _ in 0..3 {
            for n in 0..200 {
                assert_eq!(names.look_up(Naming::Dns, ip(n)), None);
            }
        }
        while ASKED.load(Ordering::SeqCst) < u32::try_from(THREADS).unwrap() {
            std::thread::yield_now();
        }
    }
}
