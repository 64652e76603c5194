//! `virtual_ipaddress`: addresses with what `ip address add` would be told of them.

use std::net::IpAddr;

use super::Translator;
use crate::import::keepalived::model::Address;
use crate::import::keepalived::tree::Statement;
use crate::import::report::Reported as _;

impl Translator<'_> {
    /// The addresses of a block, one a line.
    pub(super) fn addresses(&mut self, block: &Statement, addresses: &mut Vec<Address>) {
        self.report.translated(block);
        for statement in block.statements() {
            let Some((address, prefix)) = prefixed(statement.keyword()) else {
                self.wrong(statement, "no address");
                continue;
            };
            if addresses.iter().any(|other| other.address == address) {
                self.wrong(statement, "stands here twice");
                continue;
            }
            let place = statement.place();
            let mut found = Address { address, prefix, device: None, label: None, scope: None, place };
            if self.options(statement, &mut found) {
                self.report.translated(statement);
            }
            addresses.push(found);
        }
    }

    /// What follows an address; whether all of it could be said.
    fn options(&mut self, statement: &Statement, address: &mut Address) -> bool {
        let mut lost: Vec<String> = Vec::new();
        let mut words = statement.arguments.iter().map(|word| word.text.as_str());
        let mut missing = None;
        let mut text = |word: Option<&str>, of: &'static str| {
            missing = missing.or_else(|| word.is_none().then_some(of));
            word.map(str::to_owned)
        };
        while let Some(word) = words.next() {
            match word {
                "dev" => address.device = text(words.next(), "dev"),
                "label" => address.label = text(words.next(), "label"),
                "scope" => match words.next() {
                    Some("global" | "0") => address.scope = None,
                    Some("site" | "200") => address.scope = Some("site"),
                    Some("link" | "253") => address.scope = Some("link"),
                    Some("host" | "254") => address.scope = Some("host"),
                    other => lost.push(format!("scope {}", other.unwrap_or_default())),
                },
                // An address that an election has given is never in doubt, and used at once.
                "nodad" | "-nodad" => {}
                "brd" | "broadcast" | "peer" | "preferred_lft" | "track_group" => {
                    lost.push(format!("{word} {}", words.next().unwrap_or_default()));
                }
                "home" | "mngtmpaddr" | "noprefixroute" | "autojoin" | "no_track" | "use_vmac" | "-home"
                | "-mngtmpaddr" | "-noprefixroute" | "-autojoin" => lost.push(word.to_owned()),
                other => {
                    self.wrong(statement, format!("`{other}` is no word of an address"));
                }
            }
        }
        if let Some(word) = missing {
            self.wrong(statement, format!("nothing follows `{word}`"));
        }
        if !lost.is_empty() {
            let why = format!("the address is held without `{}`", lost.join("`, `"));
            self.report.changed(statement, why);
        }
        lost.is_empty()
    }
}

/// An address, a host's (/32, /128) where it has no prefix.
fn prefixed(text: &str) -> Option<(IpAddr, u8)> {
    let (address, prefix) =
        text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
    let address: IpAddr = address.parse().ok()?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let prefix = prefix.map_or(Some(most), |prefix| prefix.parse().ok())?;
    (prefix <= most).then_some((address, prefix))
}
