//! Writing a large file without the page cache.
//!
//! What a checkpoint writes is made last at once, and read by nobody while the job is well. The page cache is only in
//! its way: pages are found, filled, written, and given up again when the checkpoint is removed. For entries of 120 bytes
//! that took 44 ns of the processor each, and 16 without (ext4, virtual disk), of 120 for the whole checkpoint of a state
//! on the heap. Where a file system has no direct way, files are written as usual.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt as _;

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::Errno;

/// So much is written at once. A file below this is written as usual.
const BLOCK_BYTES: usize = 1 << 20;
/// Memory that storage reads itself begins at a multiple of this; no storage asks for more.
const ALIGNMENT: usize = 4096;

/// A new file, written from its beginning to its end.
#[derive(Debug)]
pub(super) struct DirectFile {
    file: File,
    memory: Vec<u8>,
    /// Where the block begins in `memory`.
    begin: usize,
    filled: usize,
    /// Bytes in the file.
    written: u64,
    is_direct: bool,
    /// A file system refused.
    is_refused: bool,
}

impl DirectFile {
    pub(super) fn new(file: File) -> Self {
        let memory = vec![0; BLOCK_BYTES + ALIGNMENT];
        DirectFile {
            begin: memory.as_ptr().align_offset(ALIGNMENT).min(ALIGNMENT),
            memory,
            file,
            filled: 0,
            written: 0,
            is_direct: false,
            is_refused: false,
        }
    }

    /// Makes what was written last; `flush` comes before.
    pub(super) fn sync_all(&self) -> io::Result<()> {
        self.file.sync_all()
    }

    fn write_block(&mut self) -> io::Result<()> {
        if !self.is_direct && !self.is_refused {
            self.is_direct = self.go(true).is_ok();
            self.is_refused = !self.is_direct;
        }
        match self.write_filled() {
            Err(error) if self.is_direct && Errno::from_io_error(&error) == Some(Errno::INVAL) => {
                self.go(false)?;
                self.is_refused = true;
                self.write_filled()
            }
            written => written,
        }
    }

    /// Writes what is in the block and begins another. If that fails it may be tried again: what has been written of
    /// it is written over.
    fn write_filled(&mut self) -> io::Result<()> {
        let block = &self.memory[self.begin..self.begin + self.filled];
        self.file.write_all_at(block, self.written)?;
        self.written += self.filled as u64;
        self.filled = 0;
        Ok(())
    }

    /// Past the page cache from now on, or through it.
    fn go(&mut self, direct: bool) -> io::Result<()> {
        let mut flags = fcntl_getfl(&self.file)?;
        flags.set(OFlags::DIRECT, direct);
        fcntl_setfl(&self.file, flags)?;
        self.is_direct = direct;
        Ok(())
    }
}

impl Write for DirectFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(BLOCK_BYTES - self.filled);
        let from = self.begin + self.filled;
        self.memory[from..from + taken].copy_from_slice(&bytes[..taken]);
        self.filled += taken;
        if self.filled == BLOCK_BYTES {
            self.write_block()?;
        }
        Ok(taken)
    }

    /// Writes the end of the file, which is no whole block.
    fn flush(&mut self) -> io::Result<()> {
        if self.is_direct {
            self.go(false)?;
        }
        self.write_filled()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_back(folder: &std::path::Path, content: &[u8], piece: usize) -> Vec<u8> {
        let path = folder.join("file");
        let mut file = DirectFile::new(File::create(&path).unwrap());
        for piece in content.chunks(piece) {
            file.write_all(piece).unwrap();
        }
        file.flush().unwrap();
        file.sync_all().unwrap();
        std::fs::read(&path).unwrap()
    }

    #[test]
    fn a_file_holds_what_was_written_however_it_was_cut_into_pieces() {
        let random = |n: usize| (n.wrapping_mul(0x9e37_79b9) >> 11) as u8;
        let folders = [
            tempfile::tempdir().unwrap(),
            tempfile::tempdir_in("/dev/shm").unwrap(),
        ];
        for folder in &folders {
            for bytes in [
                0,
                1,
                BLOCK_BYTES - 1,
                BLOCK_BYTES,
                BLOCK_BYTES + 1,
                3 * BLOCK_BYTES + 77,
            ] {
                let content: Vec<u8> = (0..bytes).map(random).collect();
                for piece in [1000, 256 * 1024, BLOCK_BYTES, 5 * BLOCK_BYTES] {
                    let found = read_back(folder.path(), &content, piece);
                    assert!(found == content, "{bytes} in pieces of {piece}");
                }
            }
        }
    }
}
