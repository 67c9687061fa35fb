//! The records of `hot-keys`: the lines of `slow-operator`, with other keys.

use super::keys::KeyModel;
use crate::draw::{Draw, Purpose, mix};
use crate::load::Events;
use crate::slow_operator::{Line, Record};

/// Record k has uniform bits b = draw k of the seed's events; its key follows from b and from the phase that k and
/// its intended time lie in, its value is the lower half of mix(b).
#[derive(Debug, Clone)]
pub struct HotKeyEvents {
    draw: Draw,
    keys: KeyModel,
}

impl HotKeyEvents {
    /// The lines of a seed.
    pub fn new(seed: u64, keys: KeyModel) -> HotKeyEvents {
        HotKeyEvents {
            draw: Draw::new(seed, Purpose::Event),
            keys,
        }
    }

    /// Record k, due at `intended_ns`, as it will be parsed.
    #[inline]
    pub fn record(&self, id: u64, intended_ns: u64) -> Record {
        let bits = self.draw.bits(id);
        Record {
            id,
            key: self.keys.key(self.keys.phase(id, intended_ns), bits),
            value: mix(bits) as u32,
        }
    }

    /// Which keys occur how often.
    pub fn keys(&self) -> &KeyModel {
        &self.keys
    }
}

impl Events for HotKeyEvents {
    type Out = Line;

    #[inline]
    fn event(&self, record: u64) -> Line {
        self.event_at(record, 0)
    }

    #[inline]
    fn event_at(&self, record: u64, intended_ns: u64) -> Line {
        Line::of(self.record(record, intended_ns))
    }
}
