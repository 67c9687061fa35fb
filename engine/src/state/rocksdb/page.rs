//! A part of a scan, copied out of the database: whoever goes through it may use the same store
//! meanwhile.

/// Entries of a scan's first page: many want to see no more than a few.
const FIRST: usize = 16;
/// Entries of a page at most.
const MOST: usize = 1_024;
/// Bytes of a page at most, but for its last entry.
const BYTES: usize = 256 << 10;

/// Entries in order: what follows the scan's prefix, and the value.
#[derive(Debug)]
pub(crate) struct Page {
    bytes: Vec<u8>,
    /// Where suffix and value of an entry end; the suffix begins where the entry before ends.
    ends: Vec<(usize, usize)>,
    limit: usize,
    last: bool,
}

impl Page {
    pub(crate) fn first() -> Self {
        Page {
            bytes: Vec::new(),
            ends: Vec::new(),
            limit: FIRST,
            last: false,
        }
    }

    /// Empties it for the entries that follow its last, whose key `key` is, and makes that the first
    /// key that can. There is room for more of them.
    pub(crate) fn turn(&mut self, key: &mut Vec<u8>) {
        key.push(0);
        self.bytes.clear();
        self.ends.clear();
        self.limit = (self.limit * 4).min(MOST);
    }

    pub(crate) fn is_full(&self) -> bool {
        self.ends.len() == self.limit || self.bytes.len() >= BYTES
    }

    pub(crate) fn push(&mut self, suffix: &[u8], value: &[u8]) {
        self.bytes.extend_from_slice(suffix);
        let suffix_end = self.bytes.len();
        self.bytes.extend_from_slice(value);
        self.ends.push((suffix_end, self.bytes.len()));
    }

    /// Nothing follows this page.
    pub(crate) fn set_last(&mut self) {
        self.last = true;
    }

    pub(crate) fn is_last(&self) -> bool {
        self.last
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let begins = std::iter::once(0).chain(self.ends.iter().map(|&(_, end)| end));
        let entries = begins.zip(&self.ends);
        entries
            .map(|(begin, &(middle, end))| (&self.bytes[begin..middle], &self.bytes[middle..end]))
    }
}
