//! One virtual router, and what becomes of it.

use std::net::Ipv4Addr;

use vrrp_net::{Command, Driver, RouterOptions};
use vrrp_proto::{Config, Priority, Versions, VirtualRouterId};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (remote, driver) = Driver::new()?;
    let driving = tokio::spawn(driver.run());

    let vrid = VirtualRouterId::new(51).ok_or("1 to 255")?;
    let any = Ipv4Addr::UNSPECIFIED.into(); // the interface's own address
    let election = Config::new(vrid, Versions::V3, any, Priority::new(150));
    let addresses = vec![Ipv4Addr::new(10, 9, 0, 100).into()];
    let router = remote.add(RouterOptions::new("eth0", addresses, election)).await?;
    router.command(Command::Start)?;

    let mut standings = router.standings();
    let stop = tokio::signal::ctrl_c();
    tokio::pin!(stop);
    loop {
        let standing = standings.borrow_and_update().status.standing;
        // Here the addresses are put on the interface and announced, or taken off.
        eprintln!("{standing} (holds the addresses: {})", standing.holds_addresses());
        tokio::select! {
            changed = standings.changed() => changed?,
            _ = &mut stop => break,
        }
    }
    // An Active Router says that it goes, and the next one takes over at once.
    router.remove();
    drop(remote);
    driving.await??;
    Ok(())
}
