//! Which file a message belongs into: its path beneath the root, every component of it harmless already.

use syslog_parse::Civil;

use crate::collector::destinations::Render;
use crate::collector::event::Event;
use crate::collector::template::component;

/// Days since 1970-01-01.
pub(super) type Day = i64;

/// How the path of a message's file is found.
#[derive(Debug)]
pub(crate) enum Naming {
    /// `<host>/<YYYY-MM-DD>.log`.
    HostAndDay(HostAndDay),
    /// The same for every message.
    Fixed(Box<[u8]>),
    /// As a template says, whose fields are encoded as [`component`] does.
    Template { template: Box<dyn Render>, path: Vec<u8> },
}

impl Naming {
    /// The path of a message of that host and local day.
    pub(super) fn path(&mut self, event: &Event<'_>, host: &[u8], day: Day) -> &[u8] {
        match self {
            Self::HostAndDay(naming) => naming.path(host, day),
            Self::Fixed(path) => path,
            Self::Template { template, path } => {
                path.clear();
                template.render(event, path);
                path
            }
        }
    }
}

/// The paths of everybody, without a template. Devices send in bursts: the path of the message before is often right.
#[derive(Debug, Default)]
pub(crate) struct HostAndDay {
    host: Vec<u8>,
    day: Option<Day>,
    /// `/<YYYY-MM-DD>.log` of `day`.
    name: Vec<u8>,
    path: Vec<u8>,
}

impl HostAndDay {
    fn path(&mut self, host: &[u8], day: Day) -> &[u8] {
        let same_day = self.day == Some(day);
        if same_day && self.host == host {
            return &self.path;
        }
        if !same_day {
            self.day = Some(day);
            self.name.clear();
            self.name.push(b'/');
            self.name.extend_from_slice(date(day).as_bytes());
            self.name.extend_from_slice(b".log");
        }
        self.host.clear();
        self.host.extend_from_slice(host);
        self.path.clear();
        component::encode(host, &mut self.path);
        self.path.extend_from_slice(&self.name);
        &self.path
    }
}

/// `YYYY-MM-DD`.
pub(super) fn date(day: Day) -> String {
    let date = Civil::from_local_seconds(day.saturating_mul(86_400));
    format!("{:04}-{:02}-{:02}", date.year, date.month, date.day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_that_of_its_host_and_day_whatever_came_before() {
        let mut naming = HostAndDay::default();
        let days = [0, 20_000];
        let hosts = [&b"a"[..], b"../b", b""];
        for _ in 0..2 {
            for (day, date) in days.iter().zip(["1970-01-01", "2024-10-04"]) {
                for (host, dir) in hosts.iter().zip(["a", "%2E.%2Fb", "%_"]) {
                    for _ in 0..2 {
                        assert_eq!(naming.path(host, *day), format!("{dir}/{date}.log").as_bytes());
                    }
                }
            }
        }
    }
}
