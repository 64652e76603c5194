use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use vip_netlink::{By, Event, Handle, Lease, Monitor, Watch};

use crate::support::{example, expect, in_a_namespace, on, skip, sys, v4, v6, veth, watching};

/// What `examples/hold.rs` gives itself.
const LEASE: Duration = Duration::from_secs(2);

fn added(event: &Event) -> Option<()> {
    matches!(event, Event::AddressAdded { address, .. } if address.ip.to_string() == "192.0.2.100")
        .then_some(())
}

fn removed(event: &Event) -> Option<By> {
    match event {
        Event::AddressRemoved { by, .. } => Some(*by),
        _ => None,
    }
}

#[test]
fn the_readme_begins_with_the_program_that_is_run_here() {
    let program = include_str!("../../examples/hold.rs");
    assert!(include_str!("../../README.md").contains(&format!("```rust,no_run\n{program}```")));
    assert!(program.lines().count() < 25);
}

in_a_namespace! {
    fn the_address_of_a_killed_process_is_gone_within_its_lease_and_a_second() {
        let (mut handle, index) = veth();
        let mut monitor = watching(&handle);
        let mut holder = example("hold", ["v0", "1000"]);
        expect(&mut monitor, added);
        holder.0.kill().unwrap();
        holder.0.wait().unwrap();
        let killed = Instant::now();
        assert_eq!(expect(&mut monitor, removed), By::Kernel);
        assert!(killed.elapsed() < LEASE + Duration::from_secs(1), "{:?}", killed.elapsed());
        assert_eq!(on(&mut handle, index), Vec::<String>::new());
    }

    fn a_second_process_takes_over_at_once_from_a_killed_one() {
        let (mut handle, index) = veth();
        let mut monitor = watching(&handle);
        let mut holder = example("hold", ["v0", "1000"]);
        expect(&mut monitor, added);
        holder.0.kill().unwrap();
        holder.0.wait().unwrap();
        let _second = example("hold", ["v0", "1000"]);
        // Swept by the second, not run out.
        assert!(matches!(expect(&mut monitor, removed), By::Other(_)));
        expect(&mut monitor, added);
        assert_eq!(on(&mut handle, index), ["192.0.2.100/32"]);
    }

    fn the_address_of_a_hung_process_is_gone_too() {
        let (handle, _) = veth();
        let mut monitor = watching(&handle);
        let holder = example("hold", ["v0", "1000"]);
        expect(&mut monitor, added);
        sys::stop(holder.0.id());
        assert_eq!(expect(&mut monitor, removed), By::Kernel);
    }

    fn a_lease_that_is_renewed_does_not_run_out() {
        let (handle, _) = veth();
        let mut monitor = Monitor::open(Watch::all().ours(&handle)).unwrap();
        // Six rounds of a third of the lease each are two leases; at the end it removes the address itself.
        let mut holder = example("hold", ["v0", "8"]);
        expect(&mut monitor, added);
        assert!(matches!(expect(&mut monitor, removed), By::Other(_)));
        assert!(holder.0.wait().unwrap().success());
    }

    fn the_program_of_the_readme_runs_where_there_is_only_a_loopback() {
        let mut program = example("hold", ["lo", "2"]);
        assert!(program.0.wait().unwrap().success());
    }

    fn a_lease_on_an_ipv6_address_runs_out() {
        let (mut handle, index) = veth();
        let mut monitor = watching(&handle);
        assert!(handle.ensure(&[v6(index).with_lease(Lease::from_secs(1))])[0].is_ok());
        // For IPv6 the kernel does not say that it was itself.
        assert_eq!(expect(&mut monitor, removed), By::Unknown);
        assert_eq!(on(&mut handle, index), Vec::<String>::new());
    }

    fn an_address_on_a_tun_is_gone_at_once_with_the_process_that_has_it_open() {
        let tun = match sys::tun("vip0") {
            Ok(tun) => tun,
            Err(error) => return skip(&format!("no TUN device for this user: {error}")),
        };
        let mut handle = Handle::open().unwrap();
        let index = handle.link_named("vip0").unwrap().index;
        let mut monitor = watching(&handle);
        assert!(handle.ensure(&[v4(index)])[0].is_ok());
        assert_eq!(on(&mut handle, index).len(), 1);
        // The only one that has it open from here on.
        let mut holder = Command::new("sleep").arg("1000").stdin(Stdio::from(tun)).spawn().unwrap();
        holder.kill().unwrap();
        holder.wait().unwrap();
        expect(&mut monitor, |event| matches!(event, Event::LinkGone { name, .. } if name == "vip0").then_some(()));
        assert!(handle.link_named("vip0").is_err());
    }
}
