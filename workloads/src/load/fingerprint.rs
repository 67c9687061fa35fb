//! Fingerprints of events and schedules: how another implementation, in another language, shows that it makes the
//! same ones. Both are SHA-256 in lower-case hexadecimal, of plain little-endian bytes.

use sha2::{Digest, Sha256};

use super::clock::{SplitClock, SplitState};
use super::events::Events;
use super::schedule::Schedule;

/// Fingerprint of records 0, 1, .. of a stream: of their encodings one after another. An encoding is the record's
/// fields in the order of their declaration; integers little-endian, byte arrays as they are, no padding, no lengths.
pub fn event_fingerprint<E: Events>(events: &E, records: u64) -> String {
    let mut hash = Sha256::new();
    let mut bytes = Vec::new();
    for record in 0..records {
        bytes.clear();
        borsh::to_writer(&mut bytes, &events.event(record)).expect("writing to memory cannot fail");
        hash.update(&bytes);
    }
    crate::hexadecimal(&hash.finalize())
}

/// Fingerprint of the intended times of records 0, 1, .. of a stream (record k is number k / splits of split
/// k % splits): each as 8 bytes, all ones for a record that is never due.
pub fn schedule_fingerprint(schedule: &Schedule, records: u64) -> String {
    let clock = |split| schedule.clock(split, SplitState::default());
    let mut clocks: Vec<SplitClock> = (0..schedule.splits()).map(clock).collect();
    let mut hash = Sha256::new();
    for record in 0..records {
        let clock = &mut clocks[(record % u64::from(schedule.splits())) as usize];
        hash.update(clock.peek().unwrap_or(u64::MAX).to_le_bytes());
        clock.advance(schedule);
    }
    crate::hexadecimal(&hash.finalize())
}
