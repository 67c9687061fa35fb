//! What any right results have in common, whoever was faster: checked where they are not exactly known.
//!
//! | windows | what they say at last |
//! |---|---|
//! | tumbling, sliding | all records in them but those that their witness saw coming when they were over |
//! | global | all records |
//! | sessions | of a key together: all that did not go to the side output; where one ends depends on what was late |
//!
//! Records are compared by number, sum and fingerprint. A window that fires at every so manieth record may keep fewer
//! back than that; one that fires by processing time may keep any number back. Where sessions were refined, it is not
//! known which of two that overlap were one: then their records lie between those of the widest and those of all. And
//! everywhere accepted and late records are all that were admitted.

use std::collections::BTreeMap;

use super::layout::Layout;
use super::results::{ResultTally, Said};
use super::sinks::Pieces;
use super::spec::{LateDataSpec, LateOutput, TriggerSpec, WindowSpec};
use super::witness::Testimony;
use crate::hot_keys::Sums;

/// What a run left behind.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) results: ResultTally,
    /// What reached the sink of late records.
    pub(super) late: Pieces,
    pub(super) testimony: Testimony,
}

/// What is wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Findings {
    pub(super) missing: u64,
    pub(super) duplicated: u64,
    pub(super) wrong: u64,
}

impl Findings {
    /// Compares numbers of records; what is the same number must be the same records.
    pub(super) fn compare(&mut self, expected: &Sums, found: &Sums) {
        self.count(expected.count, found.count);
        self.wrong += u64::from(expected.count == found.count && expected != found);
    }

    pub(super) fn compare_pieces(&mut self, expected: &Pieces, found: &Pieces) {
        let none = Sums::default();
        for (piece, expected) in expected {
            self.compare(expected, found.get(piece).unwrap_or(&none));
        }
        let unknown = found
            .iter()
            .filter(|(piece, _)| !expected.contains_key(*piece));
        unknown.for_each(|(_, found)| self.compare(&none, found));
    }

    pub(super) fn count(&mut self, expected: u64, found: u64) {
        self.missing += expected.saturating_sub(found);
        self.duplicated += found.saturating_sub(expected);
    }

    /// Numbers that say at least this much of all records; some of it may have been found in detail.
    fn at_least(&mut self, expected: u64, found: u64) {
        self.missing = self.missing.max(expected.saturating_sub(found));
        self.duplicated = self.duplicated.max(found.saturating_sub(expected));
    }
}

/// Records in all pieces together.
pub(super) fn count(pieces: &Pieces) -> u64 {
    pieces.values().map(|sums| sums.count).sum()
}

/// Checks what a run left behind against all records that it admitted.
pub(super) fn check(spec: &LateDataSpec, admitted: &Pieces, found: &Found) -> Findings {
    let mut check = Check {
        spec,
        findings: Findings::default(),
    };
    match (spec.layout(), spec.window) {
        (Some(layout), _) => check.laid_out(layout, admitted, found),
        (None, WindowSpec::Session { .. }) => check.sessions(admitted, found),
        (None, _) => check.global(admitted, found),
    }
    let mut findings = check.findings;
    let counted = found.testimony.counted;
    let late = counted.late_dropped + counted.late_side_output;
    findings.at_least(count(admitted), counted.accepted + late);
    findings.at_least(counted.late_side_output, count(&found.late));
    findings
}

struct Check<'a> {
    spec: &'a LateDataSpec,
    findings: Findings,
}

impl Check<'_> {
    /// How many records a window may keep back for ever; `None`: any number.
    fn may_keep_back(&self) -> Option<u64> {
        match self.spec.trigger {
            TriggerSpec::EventTime {}
            | TriggerSpec::EarlyInterval { .. }
            | TriggerSpec::ContinuousEventTime { .. } => Some(0),
            TriggerSpec::Count { count } => Some(count.get() - 1),
            TriggerSpec::ProcessingTime {} => None,
        }
    }

    /// Compares what one window took with what it said.
    fn compare(&mut self, taken: &Sums, said: &Sums) {
        let back = taken.count.saturating_sub(said.count);
        if back == 0 || self.may_keep_back().is_some_and(|most| back > most) {
            self.findings.compare(taken, said);
        }
    }

    fn laid_out(&mut self, layout: Layout, admitted: &Pieces, found: &Found) {
        let running = RunningSums::new(admitted);
        let none = Sums::default();
        let taken = |key, start_ms, end_ms| {
            let missed = found.testimony.missed.get(&(key, start_ms));
            let all: Sums = running.between(key, start_ms, end_ms);
            all.without(missed.unwrap_or(&none))
        };
        for (&(key, start_ms, end_ms), said) in &found.results.said {
            let said = said.sums(self.spec.purging);
            self.compare(&taken(key, start_ms, end_ms), &said);
        }
        for (key, start_ms, end_ms) in running.windows(layout) {
            if !found.results.said.contains_key(&(key, start_ms, end_ms)) {
                self.compare(&taken(key, start_ms, end_ms), &none);
            }
        }
        if self.spec.late == LateOutput::SideOutput {
            let late = &found.testimony.late;
            self.findings.compare_pieces(late, &found.late);
        } else {
            let dropped = found.testimony.counted.late_dropped;
            self.findings.count(count(&found.testimony.late), dropped);
        }
    }

    fn global(&mut self, admitted: &Pieces, found: &Found) {
        let said = of_keys(&found.results, |said| Some(said.sums(self.spec.purging)));
        let none = Sums::default();
        for (piece, all) in admitted {
            self.compare(all, said.get(piece).unwrap_or(&none));
        }
        self.findings.duplicated += unknown(admitted, &said);
        self.findings.duplicated += count(&found.late);
    }

    fn sessions(&mut self, admitted: &Pieces, found: &Found) {
        // Each said at least this together, and at most that.
        let (least, most) = self.said_by_sessions(&found.results);
        let (none, mut dropped) = (Sums::default(), 0);
        for (piece, all) in admitted {
            let taken = all.without(found.late.get(piece).unwrap_or(&none));
            let least = least.get(piece).unwrap_or(&none);
            let most = most.get(piece).unwrap_or(&none);
            self.findings.duplicated += least.count.saturating_sub(taken.count);
            let back = taken.count.saturating_sub(most.count);
            if self.may_keep_back() != Some(0) {
                // How many sessions there were is not known, nor how much each kept back.
            } else if self.spec.late == LateOutput::Drop {
                dropped += back;
            } else if least == most {
                self.findings.compare(&taken, most);
            } else {
                self.findings.missing += back;
            }
        }
        self.findings.duplicated += unknown(admitted, &least);
        let counted = found.testimony.counted.late_dropped;
        self.findings.missing += dropped.saturating_sub(counted);
    }

    fn said_by_sessions(&self, results: &ResultTally) -> (Pieces, Pieces) {
        let says_all = self.may_keep_back() == Some(0);
        let exact = if self.spec.purging {
            of_keys(results, |said| Some(said.total))
        } else if self.spec.allowed_lateness.is_zero() && says_all {
            // What has been complete is forgotten: it became no part of another.
            of_keys(results, |said| (said.on_time > 0).then_some(said.last))
        } else {
            let mut widest = Pieces::default();
            for (key, sums) in results.widest_sessions() {
                widest.entry((key, i64::MIN)).or_default().add(&sums);
            }
            return (widest, of_keys(results, |said| Some(said.last)));
        };
        (exact.clone(), exact)
    }
}

/// What was said of each key in all windows together.
fn of_keys(results: &ResultTally, of: impl Fn(&Said) -> Option<Sums>) -> Pieces {
    let mut pieces = Pieces::default();
    for (&(key, ..), said) in &results.said {
        if let Some(sums) = of(said) {
            pieces.entry((key, i64::MIN)).or_default().add(&sums);
        }
    }
    pieces
}

/// Records said to be there in pieces where there are none.
fn unknown(admitted: &Pieces, said: &Pieces) -> u64 {
    let unknown = said
        .iter()
        .filter(|(piece, _)| !admitted.contains_key(*piece));
    unknown.map(|(_, sums)| sums.count).sum()
}

/// Sums over any time of a key, without adding its pieces up again.
struct RunningSums {
    /// By key and start of a piece: the sums of the key's pieces before it.
    before: BTreeMap<(u32, i64), Sums>,
    /// By key: the sums of all pieces.
    all: BTreeMap<u32, Sums>,
}

impl RunningSums {
    fn new(pieces: &Pieces) -> RunningSums {
        let sorted: BTreeMap<_, _> = pieces.iter().collect();
        let (mut before, mut all) = (BTreeMap::new(), BTreeMap::<u32, Sums>::new());
        for (&(key, start_ms), sums) in sorted {
            let so_far = all.entry(key).or_default();
            before.insert((key, start_ms), *so_far);
            so_far.add(sums);
        }
        RunningSums { before, all }
    }

    fn between(&self, key: u32, from_ms: i64, until_ms: i64) -> Sums {
        self.before(key, until_ms)
            .without(&self.before(key, from_ms))
    }

    /// The sums of the pieces of a key that start before a time.
    fn before(&self, key: u32, at_ms: i64) -> Sums {
        let next = self.before.range((key, at_ms)..=(key, i64::MAX)).next();
        next.map_or_else(
            || self.all.get(&key).copied().unwrap_or_default(),
            |(_, sums)| *sums,
        )
    }

    /// All windows with records: key, start, end.
    fn windows(&self, layout: Layout) -> impl Iterator<Item = (u32, i64, i64)> {
        let mut last = None;
        self.before.keys().flat_map(move |&(key, piece_ms)| {
            let seen = last.replace((key, piece_ms));
            let seen_ms = seen
                .filter(|&(of, _)| of == key)
                .map(|(_, before_ms)| before_ms);
            // Windows of a later piece that an earlier one is in, too, have been given with that.
            let windows = layout.windows(piece_ms);
            let new = windows.filter(move |&(start_ms, _)| seen_ms.is_none_or(|ms| start_ms > ms));
            new.map(move |(start_ms, end_ms)| (key, start_ms, end_ms))
        })
    }
}
