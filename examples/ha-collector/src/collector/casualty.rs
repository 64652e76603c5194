//! Parts of the collector that ended though nobody told them to.

use super::stop::Stop;

/// Where their names come out.
pub(crate) type Casualty = tokio::sync::mpsc::UnboundedReceiver<String>;

/// Where their names go.
pub(crate) type Dead = tokio::sync::mpsc::UnboundedSender<String>;

/// Tells that a part has ended before it was told to: by a panic, since none returns on its own.
#[derive(Debug)]
pub(crate) struct Watch {
    name: String,
    dead: Dead,
    expected: Vec<Stop>,
}

impl Watch {
    pub(crate) fn new(name: String, dead: &Dead, expected: &Stop) -> Self {
        Self { name, dead: dead.clone(), expected: vec![expected.clone()] }
    }

    /// This word, too, lets it end.
    pub(crate) fn or_when(mut self, expected: &Stop) -> Self {
        self.expected.push(expected.clone());
        self
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if !self.expected.iter().any(Stop::said) || std::thread::panicking() {
            // Nobody listens any more when the collector is on its way out.
            drop(self.dead.send(std::mem::take(&mut self.name)));
        }
    }
}
