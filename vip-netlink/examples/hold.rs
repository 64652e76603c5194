//! Holds 192.0.2.100 on an interface, and watches over it: `hold [interface] [rounds]`.
use vip_netlink::{Address, Handle, Hold, Lease, Monitor, Tag, Watch};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let name = args.next().unwrap_or_else(|| "lo".into());
    let rounds = args.next().map_or(Ok(3), |rounds| rounds.parse())?;
    let mut handle = Handle::open()?;
    for leftover in handle.sweep(Tag::VIP, &[])? {
        eprintln!("{}: left behind, swept", leftover.address);
    }
    let lease = Lease::from_secs(2); // if we die or hang, the kernel takes the address away
    let vip = Address::new(handle.link_named(&name)?.index, "192.0.2.100".parse()?).with_lease(lease);
    let mut monitor = Monitor::open(Watch::only([name]).ours(&handle))?;
    let mut hold = Hold::new(handle, vec![vip]); // dropped, at a panic too: removed
    for _ in 0..rounds {
        eprintln!("{vip}: {:?}", hold.ensure().remove(0)?);
        if let Some(event) = monitor.wait(Some(lease.renew_after()))? {
            eprintln!("{event:?}");
        }
    }
    Ok(())
}
