//! Says what is in a VRRP packet: whole IPv4 or IPv6 packet as hex in, one line of JSON out.
//!
//! ```text
//! decode [--auth pass:SECRET|ah:SECRET|hmac:ID:HEX] [--least-ttl N] [HEX]
//! ```
//!
//! Without HEX it is read from standard input; spaces, line ends and colons in it do not matter. What a router would
//! refuse is refused here: the reason is said on standard error, and the exit code is 1; 2 means that the question was
//! wrong. A packet with VRRPv2 authentication, or keepalived's HMAC, needs the secret. A packet to one router is taken
//! as a peer's; `--least-ttl` says from how far it may come (255: from the link).

use std::io::{Read, Write};
use std::process::ExitCode;

use vrrp_proto::{
    Accepted, Authentication, Datagram, Family, Ladder, Packet, Password, Peer, PeerMemory, Reach, Reject,
    Version, Versions,
};

fn main() -> ExitCode {
    let question = match Question::new(std::env::args().skip(1)) {
        Ok(question) => question,
        Err(fault) => return end(&format!("{fault}\nusage: {USAGE}"), 2),
    };
    match question.answer() {
        Ok(line) => match writeln!(std::io::stdout(), "{line}") {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => end(&error.to_string(), 2),
        },
        Err(reject) => end(&format!("refused: {reject} ({})", reject.label()), 1),
    }
}

/// Says it on standard error, where nobody may be listening any more.
fn end(text: &str, code: u8) -> ExitCode {
    let said = writeln!(std::io::stderr(), "{text}");
    ExitCode::from(if said.is_ok() { code } else { 2 })
}

const USAGE: &str = "decode [--auth pass:SECRET|ah:SECRET|hmac:ID:HEX] [--least-ttl N] [HEX]";

struct Question {
    packet: Vec<u8>,
    secret: Secret,
    least_ttl: u8,
}

enum Secret {
    None,
    Pass(Password),
    #[cfg(feature = "auth-ah")]
    Ah(Password),
    #[cfg(feature = "hmac-sha256")]
    Hmac(vrrp_proto::hmac::Key),
}

impl Question {
    fn new(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let (mut text, mut secret, mut least_ttl) = (String::new(), Secret::None, 255);
        let mut given = false;
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
            match &*argument {
                "--auth" => secret = Secret::new(&value()?)?,
                "--least-ttl" => {
                    least_ttl = value()?.parse().map_err(|error| format!("--least-ttl: {error}"))?
                }
                option if option.starts_with('-') => return Err(format!("unknown option {option}")),
                _ => {
                    text.push_str(&argument);
                    given = true;
                }
            }
        }
        if !given {
            std::io::stdin().read_to_string(&mut text).map_err(|error| format!("standard input: {error}"))?;
        }
        Ok(Self { packet: octets(&text)?, secret, least_ttl })
    }

    /// Lets the packet up a ladder that fits it as far as its sender may choose: VRID, version, interval, addresses.
    fn answer(&self) -> Result<String, Reject> {
        let datagram = Datagram::from_ip(&self.packet)?;
        let packet = Packet::parse(datagram.payload(), datagram.carrier())?;
        let mut ladder = Ladder::new(packet.vrid(), Family::from(datagram.source()));
        ladder.versions = Versions::Both;
        ladder.interval = packet.interval();
        let peers = [Peer { address: datagram.source(), least_ttl: self.least_ttl }];
        if !datagram.destination().is_multicast() {
            ladder.reach = Reach::Peers(&peers);
        }
        let mut memory = PeerMemory::new();
        #[cfg(feature = "hmac-sha256")]
        if let Secret::Hmac(key) = &self.secret {
            use vrrp_proto::hmac::{Checks, Missing, Replay};

            let (keys, replay) = (std::slice::from_ref(key), Replay::Monotonic);
            ladder.authentication = Authentication::Hmac(Checks { keys, missing: Missing::Refuse, replay });
            return ladder.check(&datagram, &mut memory).map(|accepted| json(&accepted));
        }
        ladder.authentication = match &self.secret {
            Secret::Pass(password) => Authentication::Pass(password),
            #[cfg(feature = "auth-ah")]
            Secret::Ah(password) => Authentication::Ah(password),
            _ => Authentication::None,
        };
        ladder.check(&datagram, &mut memory).map(|accepted| json(&accepted))
    }
}

impl Secret {
    fn new(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("pass", secret)) => Ok(Self::Pass(Password::new(secret.as_bytes()))),
            #[cfg(feature = "auth-ah")]
            Some(("ah", secret)) => Ok(Self::Ah(Password::new(secret.as_bytes()))),
            #[cfg(feature = "hmac-sha256")]
            Some(("hmac", key)) => {
                let (id, secret) = key.split_once(':').ok_or("hmac needs ID:HEX")?;
                let id = id.parse().map_err(|error| format!("hmac: {error}"))?;
                let key = vrrp_proto::hmac::Key::new(id, &octets(secret)?);
                key.map(Self::Hmac).map_err(|error| format!("hmac: {error}"))
            }
            _ => Err(format!("unknown authentication {text:?}; this program was built for{KINDS}")),
        }
    }
}

const KINDS: &str = match (cfg!(feature = "auth-ah"), cfg!(feature = "hmac-sha256")) {
    (true, true) => " pass:SECRET, ah:SECRET, hmac:ID:HEX",
    (true, false) => " pass:SECRET, ah:SECRET",
    (false, true) => " pass:SECRET, hmac:ID:HEX",
    (false, false) => " pass:SECRET",
};

/// One line; nothing in it needs escaping.
fn json(accepted: &Accepted<'_>) -> String {
    let (version, vrid, priority) =
        (accepted.version().number(), accepted.vrid().number(), accepted.priority().value());
    let interval = accepted.interval().to_duration().as_millis();
    let addresses: Vec<String> = accepted.addresses().map(|address| format!("\"{address}\"")).collect();
    // VRRPv3 has no field that says "none".
    let auth = match (accepted.version(), accepted.authenticated().as_str()) {
        (Version::V3, "none") => "null".to_owned(),
        (_, auth) => format!("\"{auth}\""),
    };
    let (addresses, checksum, ttl) = (addresses.join(", "), accepted.checksum().as_str(), accepted.ttl());
    format!(
        "{{\"version\": {version}, \"vrid\": {vrid}, \"priority\": {priority}, \"interval_ms\": {interval}, \
         \"addresses\": [{addresses}], \"auth\": {auth}, \"checksum\": \"{checksum}\", \"ttl\": {ttl}}}"
    )
}

fn octets(text: &str) -> Result<Vec<u8>, String> {
    let digits: Vec<char> =
        text.chars().filter(|character| !character.is_whitespace() && *character != ':').collect();
    if !digits.len().is_multiple_of(2) {
        return Err(format!("{} hex digits are no octets", digits.len()));
    }
    let digit =
        |character: &char| character.to_digit(16).ok_or_else(|| format!("{character:?} is no hex digit"));
    let mut octets = Vec::new();
    for pair in digits.chunks(2) {
        let mut octet = 0;
        for character in pair {
            octet = octet << 4 | digit(character)?;
        }
        octets.push(u8::try_from(octet).map_err(|error| error.to_string())?);
    }
    Ok(octets)
}
