//! From the configuration to virtual routers of `vrrp-net`, driven by a thread that does nothing else. It never waits for
//! an address, a script, a disk or a line of log.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::mpsc;
use std::thread;

use tokio::runtime::Builder;
use tracing::{info, warn};
use vrrp_net::{Authentication, Driver, Reach, RouterOptions, VirtualRouter};
use vrrp_proto::{
    AcceptMode, ChecksumChoice, ChecksumForm, Config, Family, FirstWait, Password, Peer, Preempt, Version,
    Versions,
};

use super::{StartError, sys};
use crate::config;

/// What the macvlan of a router with a MAC of its own is called; at most 15 bytes.
pub(super) fn macvlan_name(router: &config::VirtualRouter) -> String {
    let family = match router.family {
        Family::V4 => "4",
        Family::V6 => "6",
    };
    format!("vrrp{family}.{}", router.vrid.number())
}

/// One virtual router for each of the configuration's, in its order. None takes part before it is told to.
pub(super) fn start(config: &config::Keeper) -> Result<Vec<VirtualRouter>, StartError> {
    let wanted: Vec<(String, RouterOptions)> =
        config.routers.iter().map(|router| (router.id.clone(), options(router, config))).collect();
    let priority = config.realtime_priority;
    let (tell, told) = mpsc::channel();
    let thread = thread::Builder::new().name("election".to_owned()).spawn(move || {
        if priority > 0 {
            match sys::real_time(priority) {
                Ok(()) => info!("advertises with real-time priority {priority}"),
                Err(error) => warn!("advertises as an ordinary thread: {error} (needs CAP_SYS_NICE, or LimitRTPRIO={priority})"),
            }
        }
        if let Err(error) = drive(wanted, &tell) {
            // Whoever waits hears it; whoever does not has what it wanted.
            tell.send(Err(error)).ok();
        }
    });
    thread.map_err(|source| StartError::Thread { source })?;
    told.recv()
        .unwrap_or_else(|_| Err(StartError::Thread { source: io::Error::other("the election thread died") }))
}

type Told = Result<Vec<VirtualRouter>, StartError>;

fn drive(wanted: Vec<(String, RouterOptions)>, tell: &mpsc::Sender<Told>) -> Result<(), StartError> {
    let failed = |source| StartError::Thread { source };
    let runtime = Builder::new_current_thread().enable_io().build().map_err(failed)?;
    runtime.block_on(async {
        let (remote, driver) = Driver::new().map_err(failed)?;
        let driving = tokio::spawn(driver.run());
        let mut routers = Vec::new();
        for (id, options) in wanted {
            let added = remote.add(options).await;
            routers.push(added.map_err(|source| StartError::Router { id, source })?);
        }
        drop(remote);
        tell.send(Ok(routers)).ok();
        driving.await.map_err(|died| failed(io::Error::other(died)))?.map_err(failed)
    })
}

fn options(router: &config::VirtualRouter, keeper: &config::Keeper) -> RouterOptions {
    let versions = match router.version {
        Version::V2 => Versions::V2,
        _ => Versions::V3,
    };
    let unspecified = match router.family {
        Family::V4 => IpAddr::from(Ipv4Addr::UNSPECIFIED),
        Family::V6 => IpAddr::from(Ipv6Addr::UNSPECIFIED),
    };
    let mut election = Config::new(router.vrid, versions, unspecified, router.priority);
    election.interval = router.interval;
    election.down_timer_adverts = router.down_adverts;
    election.start_delay = keeper.startup_delay;
    // A collector that did not accept what is sent to its address would be of little use.
    election.accept = AcceptMode::Accept;
    election.first = match router.initial {
        config::Initial::Active => FirstWait::Short,
        config::Initial::Backup => FirstWait::Full,
    };
    election.preempt = match router.preempt {
        config::Preempt::Never => Preempt::Never,
        config::Preempt::After(delay) if delay.is_zero() => Preempt::Always,
        config::Preempt::After(delay) => Preempt::After(delay),
    };
    let addresses = router.addresses.iter().map(|address| address.address.address).collect();
    let mut options = RouterOptions::new(router.interface.clone(), addresses, election);
    (options.reach, options.source) = match &router.reach {
        config::Reach::Multicast { group, source } => (Reach::Multicast(*group), *source),
        config::Reach::Unicast { source, peers, min_ttl } => {
            let peers = peers.iter().map(|peer| Peer { address: *peer, least_ttl: *min_ttl }).collect();
            (Reach::Unicast(peers), *source)
        }
    };
    options.authentication = match &router.authentication {
        config::Authentication::None => Authentication::None,
        config::Authentication::Pass(secret) => Authentication::Pass(Password::new(secret)),
        config::Authentication::Ah(secret) => Authentication::Ah(Password::new(secret)),
    };
    options.checksum = match router.checksum {
        config::Checksum::PseudoHeader => ChecksumChoice::Always(ChecksumForm::PseudoHeader),
        config::Checksum::MessageOnly => ChecksumChoice::Always(ChecksumForm::MessageOnly),
        config::Checksum::FollowPeer => ChecksumChoice::FollowPeer { at_first: ChecksumForm::PseudoHeader },
    };
    if router.link_layer == config::LinkLayer::Virtual {
        options.transmit_interface = Some(macvlan_name(router));
    }
    options
}
