//! Losses of every kind that can be made to happen, and where `status --json` says that each message went.

use std::path::Path;
use std::time::Instant;

use serde_json::Value;

use crate::support::{PATIENCE, binary};

/// All accounts, as `status --json` gives them.
#[derive(Clone, Debug)]
pub(crate) struct Balance(Value);

impl Balance {
    /// Of the collector with its data there.
    pub(crate) fn of(data: &Path) -> Self {
        let output = binary().args(["status", "--json", "--data"]).arg(data).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Self(serde_json::from_slice(&output.stdout).unwrap())
    }

    /// Asks until it is as wanted.
    #[track_caller]
    pub(crate) fn when(data: &Path, wanted: impl Fn(&Self) -> bool) -> Self {
        let until = Instant::now() + PATIENCE;
        loop {
            let balance = Self::of(data);
            if wanted(&balance) {
                return balance;
            }
            assert!(Instant::now() < until, "never as wanted: {balance:#?}");
        }
    }

    fn account(&self, list: &str, id: &str) -> &Value {
        let accounts = self.0[list].as_array().unwrap();
        accounts.iter().find(|account| account["id"] == id).unwrap_or_else(|| panic!("no {id}: {self:#?}"))
    }

    pub(crate) fn source(&self, id: &str, key: &str) -> u64 {
        self.account("sources", id)[key].as_u64().unwrap()
    }

    fn path(&self, id: &str, key: &str) -> u64 {
        self.account("paths", id)[key].as_u64().unwrap()
    }

    pub(crate) fn destination(&self, id: &str, key: &str) -> u64 {
        self.account("destinations", id)[key].as_u64().unwrap()
    }

    pub(crate) fn dropped(&self, list: &str, id: &str, reason: &str) -> u64 {
        self.account(list, id)["dropped"][reason].as_u64().unwrap_or_default()
    }

    /// Whether every sum closes, reckoned from the numbers alone: nothing waits at a source, nothing is in flight.
    pub(crate) fn closes(&self) -> bool {
        let accounts = |list: &str| self.0[list].as_array().unwrap().clone();
        let of = |account: &Value, key: &str| account[key].as_u64().unwrap();
        let dropped = |account: &Value| -> u64 {
            account["dropped"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum()
        };
        let buffered = self.0["buffered"].as_u64().unwrap();
        let sources = accounts("sources");
        buffered == sources.iter().map(|source| of(source, "accepted")).sum::<u64>()
            && sources.iter().all(|source| {
                of(source, "waiting") == 0
                    && of(source, "received") == of(source, "accepted") + dropped(source)
            })
            && accounts("paths")
                .iter()
                .all(|path| of(path, "offered") == of(path, "taken") + of(path, "filtered"))
            && accounts("destinations").iter().all(|to| {
                of(to, "due") == of(to, "delivered") + of(to, "passed_by") + of(to, "queued") + dropped(to)
            })
    }

    pub(crate) fn queued(&self) -> u64 {
        let destinations = self.0["destinations"].as_array().unwrap();
        destinations.iter().map(|to| to["queued"].as_u64().unwrap()).sum()
    }
}
