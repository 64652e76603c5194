//! `announce INTERFACE ADDRESS...`: tells the neighbours that the addresses are here, until the burst is over.

use garp::{Interface, Schedule, Sender, Settings};
use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let interface = Interface::by_name(&arguments.next().ok_or("which interface?")?)?;
    let mut sender = Sender::open(interface)?;
    let mut schedule = Schedule::new(Settings::default(), std::process::id().into());
    for address in arguments {
        schedule.hold(address.parse()?, Instant::now());
    }
    while let Some(wait) = schedule.wait(Instant::now()) {
        std::thread::sleep(wait);
        if let Err(error) = sender.send_due(&mut schedule, Instant::now()) {
            eprintln!("{error}: {}", error.reason); // what was not sent is due again
        }
    }
    Ok(())
}
