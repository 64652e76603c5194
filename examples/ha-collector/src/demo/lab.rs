//! The switch and its cables, by the `ip` program: n1 10.0.0.11, n2 10.0.0.12, the client 10.0.0.20.

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::host::Host;
use super::{Error, namespace};

/// The address that moves.
pub(super) const VIP: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 10));

/// The machines. Their networks end with the process.
#[derive(Debug)]
pub(super) struct Lab {
    ip: PathBuf,
    /// n1, which is preferred, and n2.
    pub(super) nodes: [Host; 2],
    pub(super) client: Host,
}

/// Last numbers of the nodes' own addresses.
pub(super) const NODES: [u8; 2] = [11, 12];
const CLIENT: u8 = 20;

impl Lab {
    pub(super) fn new() -> Result<Self, Error> {
        let ip = program("ip").ok_or(Error::Missing { program: "ip", cure: "apt install iproute2" })?;
        command(&ip, "link set lo up").map_err(|error| match (error, namespace::without_power()) {
            (Error::Network { command, said }, Some(why)) => {
                Error::Network { command, said: format!("{said}\n  {why}") }
            }
            (error, _) => error,
        })?;
        command(&ip, "link add br0 type bridge")?;
        command(&ip, "link set br0 up")?;
        let lab = Self { ip, nodes: [Host::new("n1")?, Host::new("n2")?], client: Host::new("client")? };
        for (host, number) in lab.nodes.iter().zip(NODES).chain([(&lab.client, CLIENT)]) {
            lab.on(host, "link set lo up")?;
            command(
                &lab.ip,
                &format!("link add p-{} type veth peer name eth0 netns {}", host.name, host.thread),
            )?;
            command(&lab.ip, &format!("link set p-{} master br0 up", host.name))?;
            lab.on(host, &format!("address add 10.0.0.{number}/24 dev eth0"))?;
            lab.on(host, "link set eth0 up")?;
        }
        Ok(lab)
    }

    fn on(&self, host: &Host, arguments: &str) -> Result<(), Error> {
        let (ip, arguments) = (self.ip.clone(), arguments.to_owned());
        host.run(move || command(&ip, &arguments))?
    }

    /// Pulls a machine's cable.
    pub(super) fn cut(&self, host: &Host) -> Result<(), Error> {
        command(&self.ip, &format!("link set p-{} down", host.name))
    }

    /// Plugs it in again, on a machine that has rebooted: it has only its own address.
    pub(super) fn reboot(&self, host: &Host, number: u8) -> Result<(), Error> {
        self.on(host, "address flush dev eth0")?;
        self.on(host, &format!("address add 10.0.0.{number}/24 dev eth0"))?;
        command(&self.ip, &format!("link set p-{} up", host.name))
    }

    /// As new for the next ones.
    pub(super) fn clean(&self) -> Result<(), Error> {
        for (host, number) in self.nodes.iter().zip(NODES) {
            self.reboot(host, number)?;
        }
        Ok(())
    }
}

/// `ip` in the namespace of this thread.
fn command(ip: &Path, arguments: &str) -> Result<(), Error> {
    let output = Command::new(ip).args(arguments.split_whitespace()).stdin(Stdio::null()).output();
    let output = output.map_err(|source| Error::Start { program: "ip".to_owned(), source })?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(Error::Network { command: format!("ip {arguments}"), said })
}

/// Where a program is; administrators' directories are often not on an ordinary user's path.
pub(super) fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let more = ["/usr/sbin", "/sbin", "/usr/local/sbin"].map(PathBuf::from);
    std::env::split_paths(&path).chain(more).map(|dir| dir.join(name)).find(|file| file.is_file())
}
