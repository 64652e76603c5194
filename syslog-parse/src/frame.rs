//! Messages out of a stream: LF framing and octet counting (RFC 6587 §3.4).
//!
//! The caller reads the stream and owns the buffer. What a count looks like is told in `count`.

mod count;

use count::{Count, Shape};
use std::fmt;

/// How messages are told apart in a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Framing {
    /// Decided frame by frame: octet counting where the whole `LEN SP '<' digits '>'` stands, else LF framing.
    #[default]
    Auto,
    /// Every message ends with LF, CR LF or NUL.
    Lf,
    /// Every message has its length before it.
    OctetCounting,
}

/// Finds messages in a stream. It keeps its place between calls, and nothing else: the caller owns the buffer.
///
/// ```
/// use syslog_parse::{Framer, Framing, Step};
///
/// let mut framer = Framer::new(Framing::Auto, 64 * 1024);
/// let mut buffer = b"<13>one\n<13>two\n<13>thr".to_vec();
/// let mut messages = Vec::new();
/// while let Step::Complete { frame, consumed } = framer.next(&buffer) {
///     messages.push(frame.bytes.to_vec());
///     buffer.drain(..consumed);
/// }
/// assert_eq!(messages, [b"<13>one", b"<13>two"]);
/// assert_eq!(buffer, b"<13>thr"); // read on, and call again with more
/// ```
///
/// Frames do not depend on how the stream was cut into reads. Nothing is looked at twice: a slow sender costs no more
/// than a fast one. Empty frames are skipped.
#[derive(Clone, Debug)]
pub struct Framer {
    framing: Framing,
    max_len: usize,
    place: Place,
    /// How much of the current text was looked through for its end.
    scanned: usize,
    /// What was seen on the way to the next frame.
    pending: FrameFlags,
    /// What came before, for a count that was wrong.
    last: Last,
    discarded: u64,
}

impl Framer {
    /// A framer at the start of a stream. Longer messages than `max_len` are cut to that; zero counts as one.
    pub const fn new(framing: Framing, max_len: usize) -> Self {
        Self {
            framing,
            max_len: if max_len == 0 { 1 } else { max_len },
            place: Place::Start,
            scanned: 0,
            pending: FrameFlags::NONE,
            last: Last::Text,
            discarded: 0,
        }
    }

    /// The next message of `buf`, which is everything received and not yet consumed.
    ///
    /// After [`Step::Partial`] the buffer needs more octets; one of [`buffer_len`](Self::buffer_len) always has room
    /// for them once what is consumed is gone.
    #[inline]
    pub fn next<'b>(&mut self, buf: &'b [u8]) -> Step<'b> {
        self.step(buf, Stream::Open)
    }

    /// The stream has ended: what is left is a frame too. To be called until it answers [`Step::Partial`].
    pub fn finish<'b>(&mut self, buf: &'b [u8]) -> Step<'b> {
        self.step(buf, Stream::Ended)
    }

    /// How much room a buffer needs so that the framer never waits for octets that do not fit in.
    pub const fn buffer_len(&self) -> usize {
        let longest = if self.max_len < SHORTEST_WITH_STAMP { SHORTEST_WITH_STAMP } else { self.max_len };
        longest.saturating_add(count::MAX_LEN + 2)
    }

    /// How many octets were skipped so far because their frames were too long.
    pub const fn discarded(&self) -> u64 {
        self.discarded
    }

    fn step<'b>(&mut self, buf: &'b [u8], stream: Stream) -> Step<'b> {
        let mut from = 0;
        loop {
            let rest = buf.get(from..).unwrap_or_default();
            match self.place {
                Place::Start => {
                    let delimiters = rest.iter().take_while(|&&octet| self.is_between(octet)).count();
                    if delimiters > 0 {
                        self.last = match self.last {
                            Last::Text => Last::Text,
                            _ => Last::CountedAndDelimited,
                        };
                        from += delimiters;
                    } else if rest.is_empty() {
                        return Step::Partial { consumed: from };
                    } else if let Some(end) = self.begin(rest, stream) {
                        match end {
                            Begun::Frame(frame, len) => {
                                return Step::Complete { frame, consumed: from + len };
                            }
                            Begun::Waiting => return Step::Partial { consumed: from },
                            Begun::Skipped(len) => from += len,
                        }
                    }
                }
                Place::Text(hunt) => match self.text(rest, hunt, stream) {
                    Begun::Frame(frame, len) => return Step::Complete { frame, consumed: from + len },
                    Begun::Waiting => return Step::Partial { consumed: from },
                    Begun::Skipped(len) => from += len,
                },
                Place::SkipText(hunt) => {
                    let (len, found) = skippable(rest, hunt, stream);
                    self.discarded = self.discarded.saturating_add(len as u64);
                    from += len;
                    if found == Found::Nothing {
                        return Step::Partial { consumed: from };
                    }
                    self.place = Place::Start;
                }
                Place::SkipCounted(left) => {
                    let len = left.min(rest.len());
                    self.discarded = self.discarded.saturating_add(len as u64);
                    from += len;
                    if len < left {
                        self.place = Place::SkipCounted(left - len);
                        return Step::Partial { consumed: from };
                    }
                    self.place = Place::Start;
                }
            }
        }
    }

    /// Whether an octet before a frame is none of its octets.
    #[inline]
    fn is_between(&self, octet: u8) -> bool {
        match octet {
            b'\n' | 0 => true,
            b'\r' => !matches!(self.last, Last::Text),
            _ => false,
        }
    }

    /// At the first octet of a frame: decides which kind it is. `None`: it is text, and `place` says so.
    #[inline]
    fn begin<'b>(&mut self, rest: &'b [u8], stream: Stream) -> Option<Begun<'b>> {
        let shape = match self.framing {
            Framing::Lf => None,
            Framing::Auto => Some(Shape::WithPri),
            Framing::OctetCounting => Some(Shape::Any),
        };
        match shape.map_or(Count::None, |shape| count::at_start(rest, shape)) {
            Count::Undecided if stream == Stream::Open => Some(Begun::Waiting),
            Count::Of { header, len, digits } => Some(self.counted(rest, header, len, digits, stream)),
            Count::Unbelievable { header } => {
                self.pending = self.pending.union(FrameFlags::BAD_COUNT);
                Some(Begun::Skipped(header))
            }
            Count::None | Count::Undecided => {
                let lost = match self.framing {
                    Framing::Lf => false,
                    Framing::Auto => {
                        matches!(self.last, Last::Counted | Last::CountedWithDigit(_))
                            && rest.first() != Some(&b'<')
                    }
                    Framing::OctetCounting => true,
                };
                self.scanned = 0;
                self.place = Place::Text(if lost { Hunt::DelimiterOrCount } else { Hunt::Delimiter });
                None
            }
        }
    }

    /// A frame of `len` octets behind a count of `header`.
    fn counted<'b>(
        &mut self,
        rest: &'b [u8],
        header: usize,
        len: usize,
        digits: u32,
        stream: Stream,
    ) -> Begun<'b> {
        let mut len = len;
        let mut flags = self.pending.union(FrameFlags::COUNTED);
        if let Last::CountedWithDigit(digit) = self.last
            && len < SHORTEST_WITH_STAMP
        {
            // Too short for a header, behind a frame that ends with a digit: that frame's count may have been too
            // large by one and have swallowed the first digit of this one. What follows tells.
            match rest.get(header + len) {
                None if stream == Stream::Open => return Begun::Waiting,
                None | Some(b'\n' | b'\r' | 0 | b'<' | b'0'..=b'9') => {}
                Some(_) => {
                    len += usize::from(digit) * 10_usize.saturating_pow(digits);
                    flags = flags.union(FrameFlags::RESYNCHRONISED);
                }
            }
        }
        let wanted = len.min(self.max_len);
        let Some(bytes) = rest.get(header..header + wanted) else {
            let bytes = rest.get(header..).unwrap_or_default();
            return match stream {
                Stream::Open => Begun::Waiting,
                Stream::Ended if bytes.is_empty() => Begun::Skipped(rest.len()),
                Stream::Ended => {
                    self.pending = FrameFlags::NONE;
                    Begun::Frame(Frame { bytes, flags: flags.union(FrameFlags::UNFINISHED) }, rest.len())
                }
            };
        };
        self.pending = FrameFlags::NONE;
        self.last = match bytes.last() {
            Some(octet @ b'0'..=b'9') => Last::CountedWithDigit(octet - b'0'),
            _ => Last::Counted,
        };
        if wanted < len {
            self.last = Last::Counted;
            self.place = Place::SkipCounted(len - wanted);
            flags = flags.union(FrameFlags::TRUNCATED);
        }
        Begun::Frame(Frame { bytes, flags }, header + wanted)
    }

    /// Text up to a delimiter. Where reading lost its way, up to the next count too.
    #[inline]
    fn text<'b>(&mut self, rest: &'b [u8], hunt: Hunt, stream: Stream) -> Begun<'b> {
        // A text of the greatest length may have CR LF behind it.
        let window = rest.get(..self.max_len + 2).unwrap_or(rest);
        let fresh = window.get(self.scanned..).unwrap_or_default();
        let delimiter = memchr::memchr2(b'\n', 0, fresh).map(|at| self.scanned + at);
        let searched = delimiter.unwrap_or(window.len());
        if hunt == Hunt::DelimiterOrCount {
            // Beyond that the text is too long, whatever comes.
            match count::inside(rest, self.scanned, searched.min(self.max_len + 1), 1) {
                Count::Of { header: start, .. } if start <= self.max_len => {
                    let bytes = rest.get(..start).unwrap_or_default();
                    return self.end_of_text(bytes, start, FrameFlags::RESYNCHRONISED);
                }
                Count::Undecided if stream == Stream::Open => {
                    // The `<` has to be seen again, with what is behind it.
                    self.scanned = memchr::memrchr(b'<', rest).unwrap_or(0).max(self.scanned);
                    return Begun::Waiting;
                }
                _ => {}
            }
        }
        let resynchronised = match hunt {
            Hunt::Delimiter => FrameFlags::NONE,
            Hunt::DelimiterOrCount => FrameFlags::RESYNCHRONISED,
        };
        if let Some(at) = delimiter {
            let line = window.get(..at).unwrap_or_default();
            let bytes = if window.get(at) == Some(&b'\n') { without_cr(line) } else { line };
            if bytes.len() <= self.max_len {
                return self.end_of_text(bytes, at + 1, resynchronised);
            }
            return self.cut(window, hunt, resynchronised);
        }
        let undecided =
            rest.len() <= self.max_len || (window.len() == self.max_len + 1 && window.ends_with(b"\r"));
        match stream {
            _ if !undecided => self.cut(window, hunt, resynchronised),
            Stream::Open => {
                self.scanned = searched;
                Begun::Waiting
            }
            Stream::Ended => {
                self.end_of_text(without_cr(window), rest.len(), resynchronised.union(FrameFlags::UNFINISHED))
            }
        }
    }

    /// A text that is longer than allowed: its beginning.
    fn cut<'b>(&mut self, window: &'b [u8], hunt: Hunt, flags: FrameFlags) -> Begun<'b> {
        let bytes = window.get(..self.max_len).unwrap_or(window);
        let frame = self.end_of_text(bytes, bytes.len(), flags.union(FrameFlags::TRUNCATED));
        self.place = Place::SkipText(hunt);
        frame
    }

    #[inline]
    fn end_of_text<'b>(&mut self, bytes: &'b [u8], consumed: usize, flags: FrameFlags) -> Begun<'b> {
        self.place = Place::Start;
        self.scanned = 0;
        self.last = Last::Text;
        if bytes.is_empty() {
            return Begun::Skipped(consumed);
        }
        let flags = flags.union(std::mem::take(&mut self.pending));
        Begun::Frame(Frame { bytes, flags }, consumed)
    }
}

/// What a framer found at the start of the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'b> {
    /// A message.
    Complete {
        /// It.
        frame: Frame<'b>,
        /// So many octets of the buffer are done with.
        consumed: usize,
    },
    /// More octets are needed.
    Partial {
        /// So many octets of the buffer are done with all the same.
        consumed: usize,
    },
}

/// One message of a stream, without what delimits it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'b> {
    /// The message.
    pub bytes: &'b [u8],
    /// How it came.
    pub flags: FrameFlags,
}

/// How a frame came out of the stream.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct FrameFlags(u8);

impl FrameFlags {
    /// Nothing to remark: delimited by LF or NUL.
    pub const NONE: Self = Self(0);
    /// It had its length before it.
    pub const COUNTED: Self = Self(1);
    /// It was longer than the limit; the rest is skipped as it comes.
    pub const TRUNCATED: Self = Self(1 << 1);
    /// It has no delimiter, or fewer octets than its count says, because the stream ended.
    pub const UNFINISHED: Self = Self(1 << 2);
    /// A count stood before it that cannot be believed: zero, or too many digits.
    pub const BAD_COUNT: Self = Self(1 << 3);
    /// The count before was wrong; here reading was taken up again. Such a frame may be a fragment.
    pub const RESYNCHRONISED: Self = Self(1 << 4);

    /// Whether all of `flags` are set.
    pub const fn contains(self, flags: Self) -> bool {
        self.0 & flags.0 == flags.0
    }

    /// Both together.
    #[must_use]
    pub const fn union(self, flags: Self) -> Self {
        Self(self.0 | flags.0)
    }

    /// The bits, for counters.
    pub const fn bits(self) -> u8 {
        self.0
    }
}

impl fmt::Debug for FrameFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [
            (Self::COUNTED, "counted"),
            (Self::TRUNCATED, "truncated"),
            (Self::UNFINISHED, "unfinished"),
            (Self::BAD_COUNT, "bad_count"),
            (Self::RESYNCHRONISED, "resynchronised"),
        ];
        f.debug_set()
            .entries(names.iter().filter(|(flag, _)| self.contains(*flag)).map(|(_, name)| name))
            .finish()
    }
}

/// Where in the stream the framer is.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// Before a frame.
    Start,
    /// In a frame without a count.
    Text(Hunt),
    /// In the rest of a text that was too long.
    SkipText(Hunt),
    /// In the rest of a counted frame that was too long: so many octets are left.
    SkipCounted(usize),
}

/// What ends a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hunt {
    /// LF or NUL.
    Delimiter,
    /// Those, or the count of the next frame: the count before this text was wrong.
    DelimiterOrCount,
}

/// The frame before this place.
#[derive(Clone, Copy, Debug)]
enum Last {
    /// None, or a text.
    Text,
    /// A counted frame with a delimiter behind it, as if it were a text.
    CountedAndDelimited,
    /// A counted frame.
    Counted,
    /// A counted frame whose last octet is this digit.
    CountedWithDigit(u8),
}

/// What came of a look at the rest of the buffer.
enum Begun<'b> {
    /// A frame, and how much of the rest is done with.
    Frame(Frame<'b>, usize),
    /// More octets are needed.
    Waiting,
    /// Nothing yet, but so much of the rest is done with.
    Skipped(usize),
}

/// Whether more octets may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stream {
    Open,
    Ended,
}

/// How much of the rest of a text can be skipped, and whether its end is there.
fn skippable(rest: &[u8], hunt: Hunt, stream: Stream) -> (usize, Found) {
    let delimiter = memchr::memchr2(b'\n', 0, rest);
    let searched = delimiter.unwrap_or(rest.len());
    if hunt == Hunt::DelimiterOrCount
        && let Count::Of { header: start, .. } = count::inside(rest, 0, searched, 0)
    {
        return (start, Found::End);
    }
    match (delimiter, hunt, stream) {
        (Some(at), ..) => (at, Found::End),
        // The beginning of a count may be at the end.
        (None, Hunt::DelimiterOrCount, Stream::Open) => {
            (rest.len().saturating_sub(count::MAX_LEN), Found::Nothing)
        }
        (None, ..) => (rest.len(), Found::Nothing),
    }
}

/// Whether the end of a text is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    End,
    Nothing,
}

/// Without one CR at the end.
#[inline]
fn without_cr(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// `<0>Oct 11 22:14:15`: nobody counts less than that for a message with a header.
const SHORTEST_WITH_STAMP: usize = 18;

#[cfg(test)]
mod tests;
