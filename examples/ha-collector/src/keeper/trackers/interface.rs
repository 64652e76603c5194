//! Interfaces that must carry.

use std::collections::HashMap;
use std::time::Duration;

use tokio::sync::mpsc;
use tracing::{info, warn};
use vip_netlink::{AsyncMonitor, Error, Monitor, Watch};

use super::Found;
use crate::keeper::judge::Verdict;

/// Says which of these are up, and whenever that changes.
pub(super) async fn run(names: Vec<String>, found: mpsc::UnboundedSender<Found>) {
    let mut known: HashMap<String, Verdict> = HashMap::new();
    loop {
        if let Err(error) = follow(&names, &mut known, &found).await {
            warn!("cannot watch interfaces: {error}");
        }
        if found.is_closed() {
            return;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

async fn follow(
    names: &[String],
    known: &mut HashMap<String, Verdict>,
    found: &mpsc::UnboundedSender<Found>,
) -> Result<(), Error> {
    let mut monitor = AsyncMonitor::new(Monitor::open(Watch::only(names))?)?;
    loop {
        for name in names {
            let up = monitor.monitor().links().any(|link| link.name == *name && link.is_ready());
            let verdict = if up { Verdict::Up } else { Verdict::Down };
            if known.get(name) != Some(&verdict) {
                info!("interface {name}: {}", if up { "up" } else { "down" });
                known.insert(name.clone(), verdict.clone());
                if found.send(Found::Interface(name.clone(), verdict)).is_err() {
                    return Ok(());
                }
            }
        }
        monitor.next().await?;
    }
}
