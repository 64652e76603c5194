//! Ports that are free, and stay so until somebody of this test binds them.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr as UnixAddr, UnixDatagram};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU16, Ordering};

/// A port of the loopback for TCP and for UDP that nobody has and no other test is given, in whatever process it runs. Below
/// the ports that the kernel gives to connections, which would take one between the question and the bind.
pub(crate) fn port() -> SocketAddr {
    /// A name for each port that is ours, until this process ends: another process asks for others.
    static OURS: Mutex<Vec<UnixDatagram>> = Mutex::new(Vec::new());
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = (std::process::id() % 150) as u16 * 100;
    loop {
        let port = 15_000 + (first + NEXT.fetch_add(1, Ordering::Relaxed)) % 15_000;
        let name = UnixAddr::from_abstract_name(format!("ha-collector-test-port-{port}")).unwrap();
        let Ok(name) = UnixDatagram::bind_addr(&name) else { continue };
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        if TcpListener::bind(address).is_ok() && UdpSocket::bind(address).is_ok() {
            OURS.lock().unwrap().push(name);
            return address;
        }
    }
}
