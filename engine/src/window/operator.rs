//! A core on a keyed stream: where its keys, timestamps, watermarks and clock come from, and where
//! its results and late elements go.

use crate::batch::{Batch, Rows, Signal};
use crate::checkpoint::parts::{Restored, Snapshot};
use crate::data::{Data, Key};
use crate::event_time::{job_time_ns, processing_ms};
use crate::operator::{Operator, OperatorContext, OperatorError};
use crate::side::Side;
use crate::top_keys::KeySketch;
use crate::window::{WindowCore, WindowOutput};

/// A core with what it needs to be fed by rows.
pub(crate) struct Windowed<K, F, G, W> {
    key: F,
    timestamp_ms: G,
    core: W,
    sketch: KeySketch<K>,
}

impl<K, F, G, W> Windowed<K, F, G, W> {
    pub(crate) fn new(key: F, timestamp_ms: G, core: W, sketch: KeySketch<K>) -> Self {
        Windowed {
            key,
            timestamp_ms,
            core,
            sketch,
        }
    }

    fn take<In>(
        &mut self,
        rows: Rows<'_, In>,
        out: &mut WindowOutput<'_, W::Out, In>,
        context: &mut OperatorContext<'_, '_>,
    ) where
        K: Key,
        F: FnMut(&In) -> K,
        G: FnMut(&In) -> i64,
        W: WindowCore<K, In>,
    {
        self.sketch.observe(rows.values(), &mut self.key);
        let (key, timestamp_ms) = (&mut self.key, &mut self.timestamp_ms);
        self.core
            .elements(rows, key, timestamp_ms, now_ms(context), out);
        context.slice.windows = Some(self.core.counters());
    }

    fn tell<In>(
        &mut self,
        out: &mut WindowOutput<'_, W::Out, In>,
        context: &mut OperatorContext<'_, '_>,
        tell: impl FnOnce(&mut W, i64, &mut WindowOutput<'_, W::Out, In>),
    ) where
        W: WindowCore<K, In>,
    {
        tell(&mut self.core, now_ms(context), out);
        context.slice.windows = Some(self.core.counters());
    }

    fn next_timer_ns<In>(&self) -> Option<u64>
    where
        W: WindowCore<K, In>,
    {
        let next_ms = self.core.next_processing_time_ms()?;
        Some(job_time_ns(next_ms))
    }

    fn snapshot<In>(&self, into: &mut Snapshot<'_>)
    where
        W: WindowCore<K, In>,
    {
        into.put(PART, |bytes| self.core.snapshot(bytes));
    }

    fn restore<In>(&mut self, from: &Restored<'_>) -> Result<(), OperatorError>
    where
        W: WindowCore<K, In>,
    {
        let parts: Vec<&[u8]> = from.all(PART).map(|(_, bytes)| bytes).collect();
        Ok(self.core.restore(&parts, &|key| from.owns_key(key))?)
    }
}

/// The name of what a core holds in a checkpoint.
const PART: &str = "windows";

fn now_ms(context: &OperatorContext<'_, '_>) -> i64 {
    processing_ms(context.now_ns())
}

/// Drops late elements.
pub(crate) struct LateDropped<K, F, G, W>(pub(crate) Windowed<K, F, G, W>);

impl<K, In, F, G, W> Operator<In, W::Out> for LateDropped<K, F, G, W>
where
    K: Key,
    In: Data,
    F: FnMut(&In) -> K + Send,
    G: FnMut(&In) -> i64 + Send,
    W: WindowCore<K, In>,
{
    fn process(
        &mut self,
        rows: Rows<'_, In>,
        results: &mut Batch<W::Out>,
        context: &mut OperatorContext<'_, '_>,
    ) -> Result<(), OperatorError> {
        let late = None;
        let mut out = WindowOutput { results, late };
        self.0.take(rows, &mut out, context);
        Ok(())
    }

    fn watermark(
        &mut self,
        watermark_ms: i64,
        results: &mut Batch<W::Out>,
        context: &mut OperatorContext<'_, '_>,
    ) -> Result<(), OperatorError> {
        let late = None;
        let mut out = WindowOutput { results, late };
        self.0.tell(&mut out, context, |core, now_ms, out| {
            core.watermark(watermark_ms, now_ms, out);
        });
        results.signal(Signal::Watermark(watermark_ms));
        Ok(())
    }

    fn next_timer_ns(&self) -> Option<u64> {
        self.0.next_timer_ns()
    }

    fn timer(
        &mut self,
        _now_ns: u64,
        results: &mut Batch<W::Out>,
        context: &mut OperatorContext<'_, '_>,
    ) -> Result<(), OperatorError> {
        let late = None;
        let mut out = WindowOutput { results, late };
        self.0.tell(&mut out, context, W::processing_time);
        Ok(())
    }

    fn snapshot(&mut self, into: &mut Snapshot<'_>) -> Result<(), OperatorError> {
        self.0.snapshot(into);
        Ok(())
    }

    fn restore(&mut self, from: &Restored<'_>) -> Result<(), OperatorError> {
        self.0.restore(from)
    }
}

/// Hands late elements on as the right side.
pub(crate) struct LateAside<K, In, F, G, W: WindowCore<K, In>> {
    windowed: Windowed<K, F, G, W>,
    results: Batch<W::Out>,
    late: Batch<In>,
}

impl<K, In, F, G, W: WindowCore<K, In>> LateAside<K, In, F, G, W> {
    pub(crate) fn new(windowed: Windowed<K, F, G, W>) -> Self {
        LateAside {
            windowed,
            results: Batch::default(),
            late: Batch::default(),
        }
    }

    /// Lets `work` make results and late elements, and appends both to `out`.
    fn make(
        &mut self,
        out: &mut Batch<Side<W::Out, In>>,
        work: impl FnOnce(&mut Windowed<K, F, G, W>, &mut WindowOutput<'_, W::Out, In>),
    ) {
        let mut made = WindowOutput {
            results: &mut self.results,
            late: Some(&mut self.late),
        };
        work(&mut self.windowed, &mut made);
        let results = self.results.drain(self.results.len());
        out.extend(results.map(|row| row.map(Side::Left)));
        let late = self.late.drain(self.late.len());
        out.extend(late.map(|row| row.map(Side::Right)));
    }
}

impl<K, In, F, G, W> Operator<In, Side<W::Out, In>> for LateAside<K, In, F, G, W>
where
    K: Key,
    In: Data,
    F: FnMut(&In) -> K + Send,
    G: FnMut(&In) -> i64 + Send,
    W: WindowCore<K, In>,
    W::Out: Send,
{
    fn process(
        &mut self,
        rows: Rows<'_, In>,
        out: &mut Batch<Side<W::Out, In>>,
        context: &mut OperatorContext<'_, '_>,
    ) -> Result<(), OperatorError> {
        self.make(out, |windowed, made| windowed.take(rows, made, context));
        Ok(())
    }

    fn watermark(
        &mut self,
        watermark_ms: i64,
        out: &mut Batch<Side<W::Out, In>>,
        context: &mut OperatorContext<'_, '_>,
    ) -> Result<(), OperatorError> {
        self.make(out, |windowed, made| {
            windowed.tell(made, context, |core, now_ms, made| {
                core.watermark(watermark_ms, now_ms, made);
            });
        });
        out.signal(Signal::Watermark(watermark_ms));
        Ok(())
    }

    fn next_timer_ns(&self) -> Option<u64> {
        self.windowed.next_timer_ns()
    }

    fn timer(
        &mut self,
        _now_ns: u64,
        out: &mut Batch<Side<W::Out, In>>,
        context: &mut OperatorContext<'_, '_>,
    ) -> Result<(), OperatorError> {
        self.make(out, |windowed, made| {
            windowed.tell(made, context, W::processing_time);
        });
        Ok(())
    }

    fn snapshot(&mut self, into: &mut Snapshot<'_>) -> Result<(), OperatorError> {
        self.windowed.snapshot(into);
        Ok(())
    }

    fn restore(&mut self, from: &Restored<'_>) -> Result<(), OperatorError> {
        self.windowed.restore(from)
    }
}
