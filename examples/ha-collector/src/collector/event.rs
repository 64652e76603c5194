//! A message on its way through steps and templates: a [`Record`] and what has been changed about it.
//!
//! Nothing is copied until something is changed, and what is changed lies in [`Changes`], which a thread keeps for the
//! next message: no allocation a message.

use std::net::IpAddr;
use std::ops::Range;

use super::record::{Record, Time};

/// The most fields with a name of their own, and the most tags, of one configuration.
pub(crate) const MOST_NAMES: usize = 1024;
const TAG_WORDS: usize = 4;
/// The most tags.
pub(crate) const MOST_TAGS: usize = TAG_WORDS * 64;

/// A field of a message, found once, when the configuration is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Field {
    Host,
    Program,
    Pid,
    Msgid,
    /// The text after the header.
    Message,
    /// The number of a name; see [`Names::field`].
    Named(u16),
}

impl Field {
    /// How many have a meaning of their own.
    const FIXED: usize = 5;

    /// The field that a message has from the start, by its name in a configuration.
    fn fixed(name: &str) -> Option<Self> {
        Some(match name {
            "HOST" => Self::Host,
            "PROGRAM" => Self::Program,
            "PID" => Self::Pid,
            "MSGID" => Self::Msgid,
            "MESSAGE" | "MSG" | "MSGONLY" => Self::Message,
            _ => return None,
        })
    }

    const fn index(self) -> usize {
        match self {
            Self::Host => 0,
            Self::Program => 1,
            Self::Pid => 2,
            Self::Msgid => 3,
            Self::Message => 4,
            Self::Named(n) => Self::FIXED + n as usize,
        }
    }
}

/// A tag, by its number; see [`Names::tag`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Tag(u16);

/// There are more names or tags in the configuration than there can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("more than {most} different {what} in one configuration")]
pub(crate) struct TooMany {
    what: &'static str,
    most: usize,
}

/// The names of a configuration, as numbers. The same name is the same number everywhere in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Names {
    fields: Vec<String>,
    tags: Vec<String>,
}

impl Names {
    /// The field of that name: `HOST`, `PROGRAM`, `PID`, `MSGID`, `MESSAGE`, or one of its own, made when it is new.
    pub(crate) fn field(&mut self, name: &str) -> Result<Field, TooMany> {
        if let Some(fixed) = Field::fixed(name) {
            return Ok(fixed);
        }
        intern(&mut self.fields, name, "fields", MOST_NAMES).map(Field::Named)
    }

    /// Whether something has asked for the field of that name before.
    pub(crate) fn has_field(&self, name: &str) -> bool {
        self.fields.iter().any(|known| known == name)
    }

    /// The tag of that name, made when it is new.
    pub(crate) fn tag(&mut self, name: &str) -> Result<Tag, TooMany> {
        intern(&mut self.tags, name, "tags", MOST_TAGS).map(Tag)
    }

    /// The name of a field that has one of its own, such as `.app.level`.
    pub(crate) fn field_name(&self, number: u16) -> Option<&str> {
        self.fields.get(usize::from(number)).map(String::as_str)
    }

    /// A tag's name.
    pub(crate) fn tag_name(&self, tag: Tag) -> &str {
        self.tags.get(usize::from(tag.0)).map_or("", String::as_str)
    }
}

fn intern(known: &mut Vec<String>, name: &str, what: &'static str, most: usize) -> Result<u16, TooMany> {
    let at = known.iter().position(|known| known == name).unwrap_or(known.len());
    let number = u16::try_from(at).ok().filter(|_| at < most).ok_or(TooMany { what, most })?;
    if at == known.len() {
        known.push(name.to_owned());
    }
    Ok(number)
}

/// What was changed about a message. Kept by a thread, emptied for each message.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    /// The values, one behind the other.
    bytes: Vec<u8>,
    /// By [`Field::index`].
    fields: Vec<Value>,
    tags: [u64; TAG_WORDS],
    priority: Option<u16>,
    time: Option<Time>,
    /// Names that parsers found at run time and no configuration mentions: name, then value, in `bytes`.
    found: Vec<(Range<usize>, Range<usize>)>,
}

#[derive(Clone, Debug, Default)]
enum Value {
    #[default]
    AsReceived,
    Absent,
    Is(Range<usize>),
}

impl Changes {
    fn clear(&mut self) {
        self.bytes.clear();
        self.fields.clear();
        self.tags = [0; TAG_WORDS];
        self.priority = None;
        self.time = None;
        self.found.clear();
    }
}

/// A message, with what was changed about it.
#[derive(Debug)]
pub(crate) struct Event<'r> {
    record: Record<'r>,
    changes: &'r mut Changes,
}

impl<'r> Event<'r> {
    /// A message as it was received.
    pub(crate) fn new(record: Record<'r>, changes: &'r mut Changes) -> Self {
        changes.clear();
        Self { record, changes }
    }

    /// The message as it was received.
    pub(crate) const fn record(&self) -> &Record<'r> {
        &self.record
    }

    /// Takes every change back.
    pub(crate) fn revert(&mut self) {
        self.changes.clear();
    }

    /// What stands in a field; `None`: it has none.
    pub(crate) fn get(&self, field: Field) -> Option<&[u8]> {
        match self.changes.fields.get(field.index()) {
            Some(Value::Is(range)) => self.changes.bytes.get(range.clone()),
            Some(Value::Absent) => None,
            Some(Value::AsReceived) | None => self.received(field),
        }
    }

    fn received(&self, field: Field) -> Option<&'r [u8]> {
        match field {
            Field::Host => self.record.host(),
            Field::Program => self.record.app(),
            Field::Pid => self.record.procid(),
            Field::Msgid => self.record.msgid(),
            Field::Message => Some(self.record.message()),
            Field::Named(_) => None,
        }
    }

    /// Puts `value` into a field.
    pub(crate) fn set(&mut self, field: Field, value: &[u8]) {
        let range = self.changes.store(value);
        *self.changes.at(field) = Value::Is(range);
    }

    /// Empties a field.
    pub(crate) fn unset(&mut self, field: Field) {
        *self.changes.at(field) = Value::Absent;
    }

    /// Keeps a field that no configuration names, found by a parser: it can be written by `format-json`.
    pub(crate) fn found(&mut self, name: &[u8], value: &[u8]) {
        let pair = (self.changes.store(name), self.changes.store(value));
        self.changes.found.push(pair);
    }

    /// The fields of [`Self::found`], in the order found.
    pub(crate) fn all_found(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let bytes = |range: &Range<usize>| self.changes.bytes.get(range.clone()).unwrap_or_default();
        self.changes.found.iter().map(move |(name, value)| (bytes(name), bytes(value)))
    }

    /// The fields of their own name that have a value, by number.
    pub(crate) fn all_named(&self) -> impl Iterator<Item = (u16, &[u8])> {
        let named = self.changes.fields.iter().skip(Field::FIXED).zip(0_u16..);
        named.filter_map(|(value, number)| match value {
            Value::Is(range) => self.changes.bytes.get(range.clone()).map(|bytes| (number, bytes)),
            Value::Absent | Value::AsReceived => None,
        })
    }

    pub(crate) fn has_tag(&self, tag: Tag) -> bool {
        let word = self.changes.tags.get(usize::from(tag.0) / 64).copied().unwrap_or_default();
        word & (1 << (tag.0 % 64)) != 0
    }

    pub(crate) fn set_tag(&mut self, tag: Tag) {
        if let Some(word) = self.changes.tags.get_mut(usize::from(tag.0) / 64) {
            *word |= 1 << (tag.0 % 64);
        }
    }

    pub(crate) fn clear_tag(&mut self, tag: Tag) {
        if let Some(word) = self.changes.tags.get_mut(usize::from(tag.0) / 64) {
            *word &= !(1 << (tag.0 % 64));
        }
    }

    /// The tags it has, in the order of their numbers.
    pub(crate) fn tags(&self) -> impl Iterator<Item = Tag> {
        let words = self.changes.tags;
        (0..u16::try_from(MOST_TAGS).unwrap_or(u16::MAX)).map(Tag).filter(move |tag| {
            words.get(usize::from(tag.0) / 64).is_some_and(|word| word & (1 << (tag.0 % 64)) != 0)
        })
    }

    /// Facility and severity as one number (RFC 5424 §6.2.1): as changed, as received, or the source's default.
    pub(crate) fn priority(&self) -> u16 {
        self.changes.priority.unwrap_or_else(|| self.record.priority())
    }

    pub(crate) fn set_priority(&mut self, priority: u16) {
        self.changes.priority = Some(priority);
    }

    /// When it was sent, as far as is known.
    pub(crate) fn time(&self) -> Time {
        self.changes.time.unwrap_or_else(|| self.record.time())
    }

    pub(crate) fn set_time(&mut self, time: Time) {
        self.changes.time = Some(time);
    }

    /// Who sent it, as the socket saw it.
    pub(crate) fn peer(&self) -> Option<IpAddr> {
        self.record.peer()
    }
}

impl Changes {
    fn store(&mut self, value: &[u8]) -> Range<usize> {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(value);
        start..self.bytes.len()
    }

    fn at(&mut self, field: Field) -> &mut Value {
        let index = field.index();
        if self.fields.len() <= index {
            self.fields.resize(index + 1, Value::AsReceived);
        }
        #[expect(clippy::indexing_slicing, reason = "just made long enough")]
        &mut self.fields[index]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::record::tests::record_of;

    #[test]
    fn a_field_is_as_received_until_it_is_changed_and_again_when_that_is_taken_back() {
        let bytes = record_of(b"<34>1 2003-10-11T22:14:15Z host su 77 ID47 - it failed");
        let mut changes = Changes::default();
        let mut event = Event::new(Record::read(&bytes).unwrap(), &mut changes);
        assert_eq!(event.get(Field::Host), Some(&b"host"[..]));
        event.set(Field::Host, b"a");
        event.set(Field::Host, b"other");
        event.unset(Field::Pid);
        assert_eq!((event.get(Field::Host), event.get(Field::Pid)), (Some(&b"other"[..]), None));
        event.revert();
        assert_eq!((event.get(Field::Host), event.get(Field::Pid)), (Some(&b"host"[..]), Some(&b"77"[..])));
    }

    #[test]
    fn names_are_numbers_and_the_same_name_is_the_same_number() {
        let mut names = Names::default();
        assert_eq!(names.field("HOST"), Ok(Field::Host));
        let level = names.field(".app.level").unwrap();
        assert_eq!(names.field(".app.level"), Ok(level));
        assert_ne!(names.field(".app.user"), Ok(level));
        for n in 0..MOST_TAGS {
            names.tag(&n.to_string()).unwrap();
        }
        assert_eq!(
            names.tag("one more").unwrap_err().to_string(),
            "more than 256 different tags in one configuration"
        );
    }

    #[test]
    fn tags_are_set_and_cleared_one_by_one() {
        let bytes = record_of(b"x");
        let mut names = Names::default();
        let tags: Vec<Tag> = (0..MOST_TAGS).map(|n| names.tag(&n.to_string()).unwrap()).collect();
        let mut changes = Changes::default();
        let mut event = Event::new(Record::read(&bytes).unwrap(), &mut changes);
        event.set_tag(tags[0]);
        event.set_tag(tags[63]);
        event.set_tag(tags[255]);
        event.clear_tag(tags[63]);
        assert_eq!(event.tags().collect::<Vec<_>>(), [tags[0], tags[255]]);
        assert!(event.has_tag(tags[255]) && !event.has_tag(tags[63]));
    }
}
