//! The operator `profile`: one value per key, looked up and changed as the records say.
//!
//! It judges what it reads on the spot, as only it sees the bytes, and says of every record what it found. What the
//! keys have in the end it leaves as sums when the input has ended.

use borsh::{BorshDeserialize, BorshSerialize};
use engine::{
    Batch, KeyedProcess, KeyedState, OperatorContext, OperatorError, PrepareContext, Row, Rows,
    StateContext, StateError, ValueState,
};

use super::buckets::{Buckets, Found};
use super::event::Operation;
use super::outcome::Said;
use super::population::Population;
use super::preload::preload;
use super::profile::{Content, Profile, version_of};
use super::spec::TtlSpec;
use crate::slow_operator::Record;
use crate::verify::Place;

/// What a record found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Answer {
    /// Number of the record.
    pub id: u64,
    /// Version of the profile found.
    pub version: u64,
    /// Its counter; 0 if nothing was found, or the record did not look.
    pub updates: u32,
    /// The key.
    pub key: u32,
    /// Job time at which it was processed, in milliseconds; cut at 49 days.
    pub now_ms: u32,
    /// Whether the payload found was that of its key and version.
    pub is_sound: bool,
}

impl Answer {
    /// What was found.
    #[inline]
    pub fn found(&self) -> Option<Found> {
        let (version, updates) = (self.version, self.updates);
        (updates > 0).then_some(Found { version, updates })
    }
}

impl Said for Answer {
    #[inline]
    fn key(&self) -> u32 {
        self.key
    }

    #[inline]
    fn add_to(&self, buckets: &mut Buckets) {
        buckets.answer(self.key, self.id, self.found());
        if !self.is_sound {
            buckets.damage(self.key);
        }
    }
}

/// One subtask of the operator.
pub(super) struct Profiles {
    content: Content,
    population: Population,
    ttl: Option<TtlSpec>,
    state: Option<ValueState<u32, Profile>>,
    entries: Place<Buckets>,
}

impl Profiles {
    pub(super) fn new(
        content: Content,
        population: Population,
        ttl: Option<TtlSpec>,
        entries: Place<Buckets>,
    ) -> Profiles {
        Profiles {
            content,
            population,
            ttl,
            state: None,
            entries,
        }
    }

    /// Does what a record says.
    #[inline]
    fn answer(&mut self, record: &Record, now_ms: u32) -> Result<Answer, StateError> {
        let (content, key) = (&self.content, record.key);
        let state = self.state.as_mut().expect("opened before the first row");
        let version = version_of(record.id);
        let mut answer = Answer {
            id: record.id,
            version: 0,
            updates: 0,
            key,
            now_ms,
            is_sound: true,
        };
        let mut note = |profile: &Profile| {
            answer.version = profile.version;
            answer.updates = profile.updates;
            answer.is_sound = profile.updates > 0 && content.is_sound(key, profile);
        };
        match Operation::of(record) {
            Operation::Read => {
                if let Some(profile) = state.get(&key)? {
                    note(&profile);
                }
            }
            Operation::Update => state.update(&key, Profile::default, |profile| {
                // A counter of 0 is that of the profile just made.
                if profile.updates > 0 {
                    note(profile);
                }
                profile.version = version;
                profile.updates = profile.updates.saturating_add(1);
                content.fill(key, version, &mut profile.payload);
            })?,
            Operation::Write => state.put(&key, content.profile(key, version, 1))?,
            Operation::Delete => state.remove(&key)?,
        }
        Ok(answer)
    }
}

impl KeyedProcess<u32, Record, Answer> for Profiles {
    fn open(&mut self, state: &mut StateContext) {
        self.state = Some(match &self.ttl {
            None => state.value("profile"),
            Some(ttl) => state.value_with_ttl("profile", ttl.to_engine()),
        });
    }

    fn states(&mut self, visit: &mut dyn FnMut(&mut dyn KeyedState)) {
        self.state.iter_mut().for_each(|state| visit(state));
    }

    fn prepare(&mut self, context: &PrepareContext) -> Result<(), OperatorError> {
        let state = self.state.as_mut().expect("opened before it is filled");
        let content = &self.content;
        Ok(preload(&self.population, context, |key| {
            state.put(&key, content.profile(key, 0, 1))
        })?)
    }

    #[inline]
    fn process(
        &mut self,
        _key: &u32,
        row: Row<Record>,
        out: &mut Batch<Answer>,
        context: &mut OperatorContext<'_, '_>,
    ) -> Result<(), OperatorError> {
        let answer = self.answer(&row.value, job_ms(context.now_ns()))?;
        out.push(row.with(answer));
        Ok(())
    }

    fn process_run(
        &mut self,
        _key: &mut impl FnMut(&Record) -> u32,
        rows: Rows<'_, Record>,
        out: &mut Batch<Answer>,
        context: &mut OperatorContext<'_, '_>,
    ) -> Result<(), OperatorError> {
        let state = self.state.as_mut().expect("opened before the first row");
        let looks = |record: &&Record| Operation::of(record).looks();
        let looked_up = rows.values().iter().filter(looks);
        state.prefetch(looked_up.map(|record| record.key))?;
        let now_ms = job_ms(context.now_ns());
        for row in rows {
            let answer = self.answer(&row.value, now_ms)?;
            out.push(row.with(answer));
        }
        Ok(())
    }

    fn finish(
        &mut self,
        _out: &mut Batch<Answer>,
        _context: &mut OperatorContext<'_, '_>,
    ) -> Result<(), OperatorError> {
        let state = self.state.as_mut().expect("opened before the input ended");
        let mut entries = Buckets::default();
        let content = &self.content;
        state.for_each(|&key, profile| {
            let (version, updates) = (profile.version, profile.updates);
            entries.entry(key, Found { version, updates });
            if !content.is_sound(key, profile) {
                entries.damage(key);
            }
        })?;
        self.entries.leave(entries);
        Ok(())
    }
}

/// Job time in milliseconds, as states with a time to live count it.
pub(super) fn job_ms(now_ns: u64) -> u32 {
    u32::try_from(now_ns / 1_000_000).unwrap_or(u32::MAX)
}
