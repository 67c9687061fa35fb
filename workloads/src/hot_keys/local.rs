//! Aggregation before the exchange: the remedy for hot keys.

use engine::{
    Batch, Operator, OperatorContext, OperatorError, Restored, Row, Rows, Signal, Snapshot,
};
use rustc_hash::FxHashMap;

use super::sums::{Partial, Sums};
use crate::slow_operator::Record;

/// Adds up the records of each key over a batch of records, and sends one row per key when the batch is full or the
/// input ends. It holds at most one batch.
///
/// A row's tag is the maximum of its records' tags: its latency is that of the last one, and does not show how long
/// the first one waited for the batch to fill.
///
/// What is open is part of every checkpoint.
#[derive(Debug)]
pub struct LocalAggregation {
    batch: u32,
    taken: u32,
    /// Where in `open` each key is.
    places: FxHashMap<u32, usize>,
    /// In the order in which the keys came, so that the order of what is sent is that of what came in.
    open: Vec<Row<Partial>>,
}

/// What a checkpoint keeps: how many records are open, and the rows that they make.
type Saved = (u32, Vec<(u64, Partial)>);

impl LocalAggregation {
    /// Batches of `batch` records, at least 1.
    pub fn new(batch: u32) -> LocalAggregation {
        LocalAggregation {
            batch: batch.max(1),
            taken: 0,
            places: FxHashMap::default(),
            open: Vec::new(),
        }
    }

    #[inline]
    fn take(&mut self, Row { tag, value: record }: Row<Record>) {
        let place = *self.places.entry(record.key).or_insert_with(|| {
            let empty = Partial {
                key: record.key,
                first: record.id,
                sums: Sums::default(),
            };
            self.open.push(Row { tag, value: empty });
            self.open.len() - 1
        });
        let row = &mut self.open[place];
        row.tag = row.tag.max(tag);
        row.value.sums.add(&Sums::of(&record));
        self.taken += 1;
    }

    /// What is open, and how many records that is.
    fn saved(&self) -> Saved {
        let open = self.open.iter().map(|row| (row.tag, row.value));
        (self.taken, open.collect())
    }

    /// Takes in what another one had open: there may then be more than a batch until the next record comes.
    fn take_over(&mut self, (taken, open): Saved) {
        self.taken = self.taken.saturating_add(taken);
        for (tag, value) in open {
            match self.places.get(&value.key) {
                Some(&place) => {
                    let row = &mut self.open[place];
                    row.tag = row.tag.max(tag);
                    row.value.sums.add(&value.sums);
                }
                None => {
                    self.places.insert(value.key, self.open.len());
                    self.open.push(Row { tag, value });
                }
            }
        }
    }

    fn flush(&mut self, out: &mut Batch<Partial>) {
        out.extend(self.open.drain(..));
        self.places.clear();
        self.taken = 0;
    }
}

impl Operator<Record, Partial> for LocalAggregation {
    fn process(
        &mut self,
        rows: Rows<'_, Record>,
        out: &mut Batch<Partial>,
        _context: &mut OperatorContext<'_, '_>,
    ) -> Result<(), OperatorError> {
        for row in rows {
            self.take(row);
            if self.taken >= self.batch {
                self.flush(out);
            }
        }
        Ok(())
    }

    /// Nothing may stay behind the watermark that it came before.
    fn watermark(
        &mut self,
        watermark_ms: i64,
        out: &mut Batch<Partial>,
        _context: &mut OperatorContext<'_, '_>,
    ) -> Result<(), OperatorError> {
        self.flush(out);
        out.signal(Signal::Watermark(watermark_ms));
        Ok(())
    }

    fn finish(
        &mut self,
        out: &mut Batch<Partial>,
        _context: &mut OperatorContext<'_, '_>,
    ) -> Result<(), OperatorError> {
        self.flush(out);
        Ok(())
    }

    fn snapshot(&mut self, into: &mut Snapshot<'_>) -> Result<(), OperatorError> {
        into.put_value("open", &self.saved());
        Ok(())
    }

    fn restore(&mut self, from: &Restored<'_>) -> Result<(), OperatorError> {
        for open in from.own_values("open")? {
            self.take_over(open);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_batch_keeps_its_sums_per_key_and_the_latest_tag(
            records in prop::collection::vec((0u32..5, any::<u32>(), any::<u64>()), 0..60),
        ) {
            let mut local = LocalAggregation::new(1_000);
            for (id, &(key, value, tag)) in (0..).zip(&records) {
                local.take(Row { tag, value: Record { id, key, value } });
            }
            let mut rows = Batch::default();
            local.flush(&mut rows);
            let rows = rows.to_rows();
            prop_assert!(local.open.is_empty() && local.places.is_empty() && local.taken == 0);
            for key in 0..5 {
                let of_key = || (0u64..).zip(&records).filter(|(_, record)| record.0 == key);
                let mut sums = Sums::default();
                of_key().for_each(|(id, &(key, value, _))| sums.add(&Sums::of(&Record { id, key, value })));
                let mut found = rows.iter().filter(|row| row.value.key == key);
                let row = found.next();
                prop_assert_eq!(row.map(|row| row.value.sums).unwrap_or_default(), sums);
                prop_assert_eq!(row.map(|row| row.tag), of_key().map(|(_, record)| record.2).max());
                prop_assert_eq!(row.map(|row| row.value.first), of_key().next().map(|(id, _)| id));
                prop_assert!(found.next().is_none(), "one row per key");
            }
        }
    }
}
