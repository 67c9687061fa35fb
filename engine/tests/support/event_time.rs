//! A source that plays a script of elements and signals.

use engine::{Batch, Decode, Encode, Row, Signal, Source, SourceStatus};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Element {
    pub key: u8,
    pub time_ms: i64,
    pub id: u64,
}

impl Element {
    pub fn row(self) -> Row<Element> {
        Row {
            tag: (self.id * 7919) % 104_729,
            value: self,
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub enum Step {
    Element(Element),
    Watermark(i64),
    Idle,
}

/// Plays its steps in order, then ends, or lingers until it is stopped.
pub struct Script {
    steps: std::vec::IntoIter<Step>,
    lingers: bool,
}

impl Script {
    pub fn new(steps: Vec<Step>) -> Self {
        Script {
            steps: steps.into_iter(),
            lingers: false,
        }
    }

    pub fn lingering(mut self) -> Self {
        self.lingers = true;
        self
    }
}

impl Source for Script {
    type Out = Element;

    fn poll(&mut self, now_ns: u64, _: u64, max: usize, out: &mut Batch<Element>) -> SourceStatus {
        while out.len() < max {
            match self.steps.next() {
                Some(Step::Element(element)) => out.push(element.row()),
                Some(Step::Watermark(at_ms)) => out.signal(Signal::Watermark(at_ms)),
                Some(Step::Idle) => out.signal(Signal::Idle),
                None if self.lingers => return SourceStatus::WaitUntil(now_ns + 10_000_000),
                None => return SourceStatus::Finished,
            }
        }
        SourceStatus::Ready
    }
}
