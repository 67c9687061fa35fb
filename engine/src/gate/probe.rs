//! What others may see of a gate while it is used, and at its end.

use std::sync::atomic::Ordering::Relaxed;

use super::{Gate, Transit};

/// What has passed over one channel, in batches.
pub(crate) struct ChannelCounters {
    /// Sending subtask.
    pub(crate) from: usize,
    pub(crate) enqueued: u64,
    /// Processed.
    pub(crate) dequeued: u64,
    /// Of a network.
    pub(crate) link: Option<LinkCounters>,
}

#[derive(Clone, Copy)]
pub(crate) struct LinkCounters {
    /// Bytes of all batches sent.
    pub(crate) bytes: u64,
    /// Batches sent that have not arrived.
    pub(crate) under_way: u64,
}

/// What the sampler and the closing count may ask of a gate, whatever it carries.
pub(crate) trait GateProbe: Send + Sync {
    /// Every channel.
    fn visit(&self, now_ns: u64, visit: &mut dyn FnMut(ChannelCounters));
    /// Batches that one channel may have under way, its part of the floating ones included.
    fn capacity(&self) -> f64;
    /// Rows that lie in the queue, untaken.
    fn queued_rows(&self) -> u64;
}

impl<T: Send> GateProbe for Gate<T> {
    fn visit(&self, now_ns: u64, visit: &mut dyn FnMut(ChannelCounters)) {
        for (index, channel) in self.channels.iter().enumerate() {
            // Dequeued first: a batch that passes in between shows as under way, never as negative.
            let dequeued = channel.dequeued.load(Relaxed);
            let enqueued = channel.enqueued.load(Relaxed).max(dequeued);
            let link = self.is_remote.then(|| {
                let shared = self.lock();
                let transit = shared.transit.as_ref();
                let under_way = transit.map_or(0, |it| it.on_link(index, now_ns) as u64);
                LinkCounters {
                    bytes: channel.bytes.load(Relaxed),
                    under_way: under_way.min(enqueued - dequeued),
                }
            });
            visit(ChannelCounters {
                from: channel.from,
                enqueued,
                dequeued,
                link,
            });
        }
    }

    fn capacity(&self) -> f64 {
        self.config.exclusive as f64 + self.config.floating as f64 / self.channels.len() as f64
    }

    fn queued_rows(&self) -> u64 {
        let shared = self.lock();
        let transit = shared.transit.iter().flat_map(Transit::parcels);
        let parcels = shared.queue.iter().chain(transit);
        parcels.map(|parcel| parcel.payload.rows()).sum()
    }
}
