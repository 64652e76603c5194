//! The bytes of one file in shared pages, so that a picture of a whole disk costs next to nothing.

use std::sync::Arc;

use crate::format::PAGE_LEN;

type Page = [u8; PAGE_LEN];

/// Bytes; a page never written is zero.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pages {
    len: u64,
    pages: Vec<Option<Arc<Page>>>,
}

impl Pages {
    pub(crate) const fn len(&self) -> u64 {
        self.len
    }

    pub(crate) fn set_len(&mut self, len: u64) {
        if len < self.len {
            // What comes back later must read as zero.
            let (whole, rest) = split(len);
            self.pages.truncate(whole + usize::from(rest > 0));
            if let Some(Some(page)) = self.pages.get_mut(whole) {
                Arc::make_mut(page).get_mut(rest..).unwrap_or_default().fill(0);
            }
        }
        self.len = len;
    }

    /// Copies from `at` on: how many bytes there were.
    pub(crate) fn read(&self, buf: &mut [u8], at: u64) -> usize {
        let there = usize::try_from(self.len.saturating_sub(at)).unwrap_or(usize::MAX).min(buf.len());
        let buf = buf.get_mut(..there).unwrap_or_default();
        let mut done = 0;
        while done < there {
            let (number, from) = split(at + done as u64);
            let part = (PAGE_LEN - from).min(there - done);
            let Some(to) = buf.get_mut(done..done + part) else { break };
            match self.pages.get(number) {
                Some(Some(page)) => to.copy_from_slice(page.get(from..from + part).unwrap_or_default()),
                _ => to.fill(0),
            }
            done += part;
        }
        there
    }

    /// Overwrites from `at` on, and grows if need be.
    pub(crate) fn write(&mut self, bytes: &[u8], at: u64) {
        let mut done = 0;
        while done < bytes.len() {
            let (number, from) = split(at + done as u64);
            let part = (PAGE_LEN - from).min(bytes.len() - done);
            if self.pages.len() <= number {
                self.pages.resize(number + 1, None);
            }
            if let (Some(slot), Some(bytes)) = (self.pages.get_mut(number), bytes.get(done..done + part)) {
                let page = slot.get_or_insert_with(|| Arc::new([0; PAGE_LEN]));
                Arc::make_mut(page).get_mut(from..from + part).unwrap_or_default().copy_from_slice(bytes);
            }
            done += part;
        }
        self.len = self.len.max(at + bytes.len() as u64);
    }

    /// Makes the bytes from `at` on the same as in `other`.
    pub(crate) fn copy_from(&mut self, other: &Self, at: u64, len: usize) {
        let mut bytes = vec![0; len];
        let there = other.read(&mut bytes, at);
        self.write(bytes.get(..there).unwrap_or_default(), at);
    }
}

fn split(at: u64) -> (usize, usize) {
    let at = usize::try_from(at).unwrap_or(usize::MAX);
    (at / PAGE_LEN, at % PAGE_LEN)
}
