//! What a world drives.

use crate::{Actions, Config, ConfigError, Event, Instant, Router, Standing};

/// A router, or something that stands in its place: to see that a check notices what is wrong with it.
pub trait Machine: Sized {
    /// A fresh one.
    ///
    /// # Errors
    ///
    /// When the configuration contradicts itself.
    fn new(config: Config) -> Result<Self, ConfigError>;

    /// As [`Router::handle`].
    fn handle(&mut self, event: Event<'_>, now: Instant) -> Actions;

    /// As [`Router::deadline`].
    fn deadline(&self) -> Option<Instant>;

    /// As [`Router::standing`].
    fn standing(&self) -> Standing;
}

impl Machine for Router {
    fn new(config: Config) -> Result<Self, ConfigError> {
        Self::new(config)
    }

    fn handle(&mut self, event: Event<'_>, now: Instant) -> Actions {
        self.handle(event, now)
    }

    fn deadline(&self) -> Option<Instant> {
        self.deadline()
    }

    fn standing(&self) -> Standing {
        self.standing()
    }
}
