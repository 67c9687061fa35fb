//! The writer thread: from samples to the growing run directory.
//!
//! The format belongs to `reports::record`; this loop only decides the order and flushes after
//! every sample, so that what a reader sees is never older than one interval.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender};

use reports::record::{RecordError, Series, Writer};

use crate::process::{OwnCpu, OwnThread};
use crate::sampler::Sample;

/// Writes every sample that comes, until there will be no more; then brings the record to the disk.
/// Used samples go back through `used` for their buffers.
pub fn write_samples(
    mut writer: Writer,
    samples: &Receiver<Box<Sample>>,
    used: &SyncSender<Box<Sample>>,
    own_cpu: &Arc<OwnCpu>,
) -> Result<(), RecordError> {
    for sample in samples {
        append(&mut writer, &sample)?;
        writer.flush()?;
        own_cpu.publish(OwnThread::Writer);
        // A full return channel means that there are buffers enough.
        let _ = used.try_send(sample);
    }
    writer.close()
}

fn append(writer: &mut Writer, sample: &Sample) -> Result<(), RecordError> {
    for event in &sample.events {
        writer.append(event)?;
    }
    writer.append(&sample.timeline)?;
    for row in &sample.snapshot.subtasks {
        writer.append(row)?;
    }
    for row in &sample.snapshot.states {
        writer.append(row)?;
    }
    for row in &sample.snapshot.channels {
        writer.append(row)?;
    }
    for row in &sample.checkpoints.outcomes {
        writer.append(row)?;
    }
    for row in &sample.checkpoints.subtasks {
        writer.append(row)?;
    }
    for row in &sample.keys {
        writer.append(row)?;
    }
    for series in Series::ALL {
        let histogram = sample.latency.histograms.get(series);
        if !histogram.is_empty() {
            writer.append_latency(series, sample.from_ms, sample.timeline.t_ms, histogram)?;
        }
    }
    Ok(())
}
