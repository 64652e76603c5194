//! From what the trackers say to what the election is told: a priority, and faults. It has no clock, no socket and no
//! process.

use vrrp_net::{Command, VirtualRouter};
use vrrp_proto::{Fault, Priority};

use crate::config::{self, Sense, Tracked, Weight};

/// The collector is not there, or not well.
pub(super) const UNHEALTHY: Fault = match Fault::custom(8) {
    Some(fault) => fault,
    None => Fault::CHECK,
};

/// What a tracker says of one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Up,
    Down,
    /// Of a tracked file: the number in it.
    Number(i32),
}

/// Everything that is known, and what has been said of it.
#[derive(Debug)]
pub(super) struct Judge {
    routers: Vec<Judged>,
    scripts: Vec<Verdict>,
    processes: Vec<Verdict>,
    files: Vec<Verdict>,
    interfaces: Vec<(String, Verdict)>,
    health: Verdict,
}

#[derive(Debug)]
struct Judged {
    config: config::VirtualRouter,
    told: Told,
}

/// What the election was told last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) priority: u8,
    pub(super) check: Raised,
    pub(super) health: Raised,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Raised {
    Yes,
    No,
}

impl Judge {
    /// Everything as it is believed to be before anything was looked at. `health`: whether there is a collector to wait
    /// for.
    pub(super) fn new(keeper: &config::Keeper, health: Verdict) -> Self {
        let at_start = |script: &config::Script| match script.at_start {
            config::AtStart::Working => Verdict::Up,
            config::AtStart::Failed => Verdict::Down,
        };
        let mut interfaces: Vec<(String, Verdict)> = Vec::new();
        for track in keeper.routers.iter().flat_map(|router| &router.tracks) {
            if let Tracked::Interface(name) = &track.what
                && !interfaces.iter().any(|(other, _)| other == name)
            {
                interfaces.push((name.clone(), Verdict::Up));
            }
        }
        Self {
            routers: keeper
                .routers
                .iter()
                .map(|config| Judged { config: config.clone(), told: Told::at_start(config) })
                .collect(),
            scripts: keeper.scripts.iter().map(at_start).collect(),
            processes: keeper.processes.iter().map(|_| Verdict::Up).collect(),
            files: keeper.files.iter().map(|_| Verdict::Number(0)).collect(),
            interfaces,
            health,
        }
    }

    /// The interfaces that somebody tracks.
    pub(super) fn interfaces(&self) -> impl Iterator<Item = &str> {
        self.interfaces.iter().map(|(name, _)| name.as_str())
    }

    pub(super) fn script(&mut self, place: usize, verdict: Verdict) {
        set(self.scripts.get_mut(place), verdict);
    }

    pub(super) fn process(&mut self, place: usize, verdict: Verdict) {
        set(self.processes.get_mut(place), verdict);
    }

    pub(super) fn file(&mut self, place: usize, verdict: Verdict) {
        set(self.files.get_mut(place), verdict);
    }

    pub(super) fn interface(&mut self, name: &str, verdict: &Verdict) {
        for (_, known) in self.interfaces.iter_mut().filter(|(other, _)| other == name) {
            *known = verdict.clone();
        }
    }

    pub(super) fn health(&mut self, verdict: Verdict) {
        self.health = verdict;
    }

    /// Tells each router what is new for it.
    pub(super) fn tell(&mut self, routers: &[VirtualRouter]) {
        for (place, router) in routers.iter().enumerate() {
            for command in self.commands(place) {
                // Only a driver that has ended does not hear it, and then all ends.
                router.command(command).ok();
            }
        }
    }

    /// What is new for the router at this place.
    pub(super) fn commands(&mut self, place: usize) -> Vec<Command> {
        let Some(judged) = self.routers.get(place) else { return Vec::new() };
        let now = self.weigh(&judged.config);
        let before = judged.told;
        let mut commands = Vec::new();
        for (fault, before, now) in
            [(Fault::CHECK, before.check, now.check), (UNHEALTHY, before.health, now.health)]
        {
            match (before, now) {
                (Raised::No, Raised::Yes) => commands.push(Command::Raise(fault)),
                (Raised::Yes, Raised::No) => commands.push(Command::Clear(fault)),
                (Raised::No, Raised::No) | (Raised::Yes, Raised::Yes) => {}
            }
        }
        if before.priority != now.priority {
            commands.push(Command::Priority(Priority::new(now.priority)));
        }
        if let Some(judged) = self.routers.get_mut(place) {
            judged.told = now;
        }
        commands
    }

    /// What is tracked and speaks against this router now, in words.
    pub(super) fn against(&self, place: usize, keeper: &config::Keeper) -> Vec<String> {
        let Some(judged) = self.routers.get(place) else { return Vec::new() };
        let down = judged
            .config
            .tracks
            .iter()
            .filter(|track| !matches!(self.says(track), Verdict::Up | Verdict::Number(0)));
        let mut words: Vec<String> = down
            .map(|track| match &track.what {
                Tracked::Interface(name) => format!("interface {name}"),
                Tracked::Script(place) => {
                    format!("script {}", id(keeper.scripts.get(*place).map(|script| &script.id)))
                }
                Tracked::Process(place) => {
                    format!("process {}", id(keeper.processes.get(*place).map(|process| &process.id)))
                }
                Tracked::File(place) => format!("file {}", id(keeper.files.get(*place).map(|file| &file.id))),
            })
            .collect();
        if self.health == Verdict::Down && judged.config.health.is_some() {
            words.push("collector".to_owned());
        }
        words
    }

    /// The sense is already applied.
    fn says(&self, track: &config::Track) -> Verdict {
        let said = match &track.what {
            Tracked::Interface(name) => {
                self.interfaces.iter().find(|(other, _)| other == name).map(|(_, verdict)| verdict)
            }
            Tracked::Script(place) => self.scripts.get(*place),
            Tracked::Process(place) => self.processes.get(*place),
            Tracked::File(place) => self.files.get(*place),
        };
        match (said.cloned().unwrap_or(Verdict::Up), track.sense) {
            (Verdict::Up, Sense::Reverse) => Verdict::Down,
            (Verdict::Down, Sense::Reverse) => Verdict::Up,
            (Verdict::Number(number), Sense::Reverse) => Verdict::Number(-number),
            (said, _) => said,
        }
    }

    fn weigh(&self, router: &config::VirtualRouter) -> Told {
        let mut told = Told { health: Raised::No, ..Told::at_start(router) };
        let base = i32::from(router.priority.value());
        let mut sum = base;
        for track in &router.tracks {
            match (self.says(track), track.weight) {
                (Verdict::Up, Weight::Priority(weight)) if weight > 0 => sum += i32::from(weight),
                (Verdict::Down, Weight::Priority(weight)) if weight < 0 => sum += i32::from(weight),
                (Verdict::Up | Verdict::Down, Weight::Priority(_)) | (Verdict::Up, Weight::Fault) => {}
                (Verdict::Down, Weight::Fault) => told.check = Raised::Yes,
                // As keepalived has it: the number times the weight, and -254 or less is a fault.
                (Verdict::Number(number), weight) => {
                    let factor = match weight {
                        Weight::Fault => 1,
                        Weight::Priority(weight) => i32::from(weight),
                    };
                    let product = number.saturating_mul(factor);
                    if product <= -254 {
                        told.check = Raised::Yes;
                    } else {
                        sum = sum.saturating_add(product.min(254));
                    }
                }
            }
        }
        match (self.health.clone(), router.health) {
            (Verdict::Down, Some(Weight::Fault)) => told.health = Raised::Yes,
            (Verdict::Down, Some(Weight::Priority(weight))) if weight < 0 => sum += i32::from(weight),
            (Verdict::Up, Some(Weight::Priority(weight))) if weight > 0 => sum += i32::from(weight),
            _ => {}
        }
        // The owner's priority stays (RFC 9568 §5.2.4); all others stay between.
        let clamped = if base == 255 { 255 } else { sum.clamp(1, 254) };
        told.priority = u8::try_from(clamped).unwrap_or(u8::MAX);
        told
    }
}

impl Told {
    /// What the election believes by itself.
    const fn at_start(router: &config::VirtualRouter) -> Self {
        Self { priority: router.priority.value(), check: Raised::No, health: Raised::No }
    }
}

fn set(known: Option<&mut Verdict>, verdict: Verdict) {
    if let Some(known) = known {
        *known = verdict;
    }
}

fn id(id: Option<&String>) -> &str {
    id.map_or("", String::as_str)
}

#[cfg(test)]
mod tests;
