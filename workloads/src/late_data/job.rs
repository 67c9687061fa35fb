//! The job of `late-data`.

use engine::{
    Batch, JobGraph, Operator, OperatorContext, OperatorError, Rows, SlicedWindows,
    SplitWatermarkOptions, Stream, SubtaskContext, TriggeredWindows, TumblingWindows,
    WindowContents, WindowCore,
};

use super::event::LateEvents;
use super::results::{ResultTally, WindowResult};
use super::sinks::{LateSink, Pieces, ResultSink};
use super::spec::{Contents, LateDataSpec, LateOutput, WatermarkSpec};
use super::verify::WindowVerifier;
use super::windows::{Shape, kept_records, kept_sums, ms};
use super::witness::{Testimony, Witnessed};
use crate::jobs::{Built, Wiring};
use crate::load::{SourceWatermarks, WatermarkEmission};
use crate::slow_operator::{CostKind, SerialCost};
use crate::stamped::{ParseStamped, StampedRecord};
use crate::verify::Left;

/// Names of the operators; `deliver` is there only if a result costs something, `late-sink` only with a side output.
pub const OPERATORS: &[&str] = &["source", "parse", "window", "deliver", "sink", "late-sink"];

/// What the job leaves behind for the verifier.
#[derive(Clone, Default)]
pub(super) struct Outcome {
    pub(super) results: Left<ResultTally>,
    pub(super) late: Left<Pieces>,
    pub(super) heard: Left<Testimony>,
}

/// The job, with its sources and its verifier.
pub fn build(spec: &LateDataSpec, wiring: Wiring<LateEvents>) -> Built {
    build_with(spec, wiring, |records| records)
}

/// As [`build`], with further operators behind `parse`. Whatever they do, the verifier expects that they hand every
/// record on once and in order: so a test can show that it notices one which does not.
pub fn build_with(
    spec: &LateDataSpec,
    wiring: Wiring<LateEvents>,
    between: impl FnOnce(Stream<StampedRecord>) -> Stream<StampedRecord>,
) -> Built {
    let graph = JobGraph::new("late-data");
    let wiring = wiring.with_watermarks(watermarks(&spec.watermark));
    // As many subtasks as the source: an exchange between the two would mix the records' order up.
    let parsed = wiring
        .source(&graph)
        .operator("parse", |_| ParseStamped)
        .parallelism(wiring.parallelism());
    let outcome = Outcome::default();
    let job = Job {
        spec,
        wiring: &wiring,
        outcome: &outcome,
    };
    let parsed = between(parsed);
    match spec.contents {
        Contents::Aggregate => job.window(parsed, kept_sums),
        Contents::AllElements => job.window(parsed, kept_records),
    }
    let (progress, alone) = (wiring.progress(), wiring.alone());
    Built {
        graph,
        progress,
        verifier: Box::new(WindowVerifier::new(spec.clone(), wiring, outcome)),
        alone,
    }
}

fn watermarks(spec: &WatermarkSpec) -> SourceWatermarks {
    let span_ms = |span| ms(span).unsigned_abs();
    SourceWatermarks {
        splits: SplitWatermarkOptions {
            delay_ms: span_ms(spec.delay),
            idle_timeout_ms: spec.idle_timeout.map(span_ms),
            max_drift_ms: spec.max_drift.map(span_ms),
        },
        emission: if spec.every_record {
            WatermarkEmission::PerRecord
        } else {
            WatermarkEmission::PerPoll
        },
    }
}

struct Job<'a> {
    spec: &'a LateDataSpec,
    wiring: &'a Wiring<LateEvents>,
    outcome: &'a Outcome,
}

impl Job<'_> {
    /// Adds everything behind the exchange: the windows in the form that fits.
    fn window<C>(&self, records: Stream<StampedRecord>, contents: fn() -> C)
    where
        C: WindowContents<u32, StampedRecord, Out = WindowResult> + 'static,
    {
        let lateness_ms = ms(self.spec.allowed_lateness).unsigned_abs();
        let shape = Shape::new(self.spec)
            .expect("the parameters allow positive spans only, and a slide of the size at most");
        match shape {
            Shape::Tumbling(windows) => self.core(records, move || {
                TumblingWindows::new(windows, contents(), lateness_ms)
            }),
            Shape::Sliced(windows) => self.core(records, move || {
                SlicedWindows::new(windows, contents(), lateness_ms)
            }),
            Shape::Triggered(windows, trigger) => self.core(records, move || {
                TriggeredWindows::new(windows, trigger, contents(), lateness_ms)
            }),
            Shape::Sessions(windows, trigger) => self.core(records, move || {
                TriggeredWindows::new(windows, trigger, contents(), lateness_ms)
            }),
        }
    }

    fn core<W>(&self, records: Stream<StampedRecord>, core: impl Fn() -> W + Send + Sync + 'static)
    where
        W: WindowCore<u32, StampedRecord, Out = WindowResult> + 'static,
    {
        let (layout, lateness_ms) = (self.spec.layout(), ms(self.spec.allowed_lateness));
        let heard = self.outcome.heard.clone();
        let make = move |context: &SubtaskContext| {
            Witnessed::new(core(), layout, lateness_ms, heard.of(context.index))
        };
        let keyed = records.key_by(|stamped: &StampedRecord| stamped.record.key);
        let event_time_ms = |stamped: &StampedRecord| stamped.event_time_ms;
        match self.spec.late {
            LateOutput::Drop => self.results(keyed.window("window", event_time_ms, make)),
            LateOutput::SideOutput => {
                let (results, late) = keyed.window_with_late("window", event_time_ms, make);
                self.results(results);
                let (spec, leave) = (self.spec.clone(), self.outcome.late.clone());
                self.wiring.sink(late, "late-sink", move |context| {
                    let spec = spec.clone();
                    let piece = move |event_time_ms| spec.piece_ms(event_time_ms);
                    LateSink::new(piece, leave.of(context.index))
                });
            }
        }
    }

    /// Adds what comes of results.
    fn results(&self, results: Stream<WindowResult>) {
        let delivered = if self.spec.result_cost.mean.is_zero() {
            results
        } else {
            self.deliver(results)
        };
        let (probes, leave) = (self.wiring.probes(), self.outcome.results.clone());
        self.wiring.sink(delivered, "sink", move |context| {
            ResultSink::new(probes.sink(context.index), leave.of(context.index))
        });
    }

    fn deliver(&self, results: Stream<WindowResult>) -> Stream<WindowResult> {
        let (cost, seed) = (self.spec.result_cost.clone(), self.wiring.seed());
        let blocking = cost.kind == CostKind::Blocking;
        let deliver = move |_: &_| Deliver(SerialCost::new(&cost, seed));
        let delivered = results.operator("deliver", deliver);
        if blocking {
            delivered.blocking()
        } else {
            delivered
        }
    }
}

/// The operator `deliver`: hands results on, at a cost for each.
struct Deliver(SerialCost);

impl Operator<WindowResult, WindowResult> for Deliver {
    fn process(
        &mut self,
        rows: Rows<'_, WindowResult>,
        out: &mut Batch<WindowResult>,
        context: &mut OperatorContext<'_, '_>,
    ) -> Result<(), OperatorError> {
        for row in rows {
            self.0.charge(row.value.sums.fingerprint, context);
            out.push(row);
        }
        Ok(())
    }
}
