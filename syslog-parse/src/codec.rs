//! The framer as a decoder of tokio-util, for `FramedRead` and its kin.

use crate::{FrameFlags, Framer, Framing, Step};
use bytes::{Buf, BytesMut};
use std::io;
use tokio_util::codec::Decoder;

/// Decodes a stream into [frames](OwnedFrame) without copying them. It never fails by itself: what is wrong with a frame
/// is in its flags.
///
/// ```
/// use bytes::BytesMut;
/// use syslog_parse::{Codec, Framing};
/// use tokio_util::codec::Decoder;
///
/// let mut codec = Codec::new(Framing::Auto, 8192);
/// let mut buffer = BytesMut::from(&b"<13>one\n7 <13>two<13>thr"[..]);
/// assert_eq!(codec.decode(&mut buffer).unwrap().unwrap().bytes, &b"<13>one"[..]);
/// assert_eq!(codec.decode(&mut buffer).unwrap().unwrap().bytes, &b"<13>two"[..]);
/// assert!(codec.decode(&mut buffer).unwrap().is_none());
/// assert_eq!(codec.decode_eof(&mut buffer).unwrap().unwrap().bytes, &b"<13>thr"[..]);
/// ```
#[derive(Clone, Debug)]
pub struct Codec {
    framer: Framer,
}

impl Codec {
    /// As [`Framer::new`].
    pub const fn new(framing: Framing, max_len: usize) -> Self {
        Self { framer: Framer::new(framing, max_len) }
    }

    /// The framer, for its counters.
    pub const fn framer(&self) -> &Framer {
        &self.framer
    }
}

impl Decoder for Codec {
    type Item = OwnedFrame;
    type Error = io::Error;

    fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<OwnedFrame>, io::Error> {
        let step = self.framer.next(buffer);
        let found = Found::of(&step, buffer);
        let frame = found.take(buffer);
        if frame.is_none() {
            buffer.reserve(self.framer.buffer_len().saturating_sub(buffer.len()));
        }
        Ok(frame)
    }

    fn decode_eof(&mut self, buffer: &mut BytesMut) -> Result<Option<OwnedFrame>, io::Error> {
        let step = self.framer.finish(buffer);
        let found = Found::of(&step, buffer);
        Ok(found.take(buffer))
    }
}

/// One message of a stream, as [`Frame`](crate::Frame), with octets of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedFrame {
    /// The message. It shares memory with its neighbours.
    pub bytes: BytesMut,
    /// How it came.
    pub flags: FrameFlags,
}

/// What a step found, as offsets into the buffer.
struct Found {
    consumed: usize,
    frame: Option<(usize, usize, FrameFlags)>,
}

impl Found {
    fn of(step: &Step<'_>, buffer: &[u8]) -> Self {
        match *step {
            Step::Complete { frame, consumed } => {
                let start = frame.bytes.as_ptr().addr() - buffer.as_ptr().addr();
                Self { consumed, frame: Some((start, frame.bytes.len(), frame.flags)) }
            }
            Step::Partial { consumed } => Self { consumed, frame: None },
        }
    }

    fn take(self, buffer: &mut BytesMut) -> Option<OwnedFrame> {
        let Some((start, len, flags)) = self.frame else {
            buffer.advance(self.consumed);
            return None;
        };
        let mut bytes = buffer.split_to(self.consumed);
        bytes.advance(start);
        bytes.truncate(len);
        Some(OwnedFrame { bytes, flags })
    }
}
