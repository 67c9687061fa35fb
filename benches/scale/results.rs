//! What came of all cells: as a CSV for programs, and as tables for people.

use std::fmt::Write;

use crate::cell::{Cell, Layout, Measured};

/// Every cell with what was measured, in the order of measuring.
#[derive(Debug, Default)]
pub struct Results {
    rows: Vec<(Cell, Measured)>,
}

impl Results {
    /// Takes one in.
    pub fn add(&mut self, cell: Cell, measured: Measured) {
        self.rows.push((cell, measured));
    }

    /// One row per cell.
    pub fn csv(&self) -> String {
        let mut csv = format!("cell,{}\n", Measured::COLUMNS);
        for (cell, measured) in &self.rows {
            let _ = writeln!(csv, "{cell},{}", measured.csv());
        }
        csv
    }

    /// One pipeline, ever wider, by subtasks.
    pub fn wide(&self) -> Vec<Measured> {
        self.flow(|pipelines, _| pipelines == 1)
    }

    /// Ever more pipelines of parallelism 1, by subtasks.
    pub fn side_by_side(&self) -> Vec<Measured> {
        self.flow(|_, parallelism| parallelism == 1)
    }

    fn flow(&self, belongs: fn(usize, usize) -> bool) -> Vec<Measured> {
        let rows = self.rows.iter().filter_map(|(cell, measured)| match *cell {
            Cell::Flow {
                pipelines,
                parallelism,
            } => belongs(pipelines, parallelism).then_some(*measured),
            Cell::Memory { .. } | Cell::Sampling { .. } => None,
        });
        rows.collect()
    }

    fn memory(&self, layout: Layout, used: bool) -> impl Iterator<Item = &Measured> {
        let rows = self.rows.iter();
        rows.filter_map(move |(cell, measured)| match *cell {
            Cell::Memory {
                layout: its,
                used: was,
                ..
            } => (its == layout && was == used).then_some(measured),
            Cell::Flow { .. } | Cell::Sampling { .. } => None,
        })
    }

    /// Bytes per subtask, from two jobs that differ in nothing else.
    fn bytes_per_subtask(&self) -> Option<f64> {
        let mut alone = self.memory(Layout::Alone, false);
        let (few, many) = (alone.next()?, alone.next()?);
        let bytes = many.resident_bytes? - few.resident_bytes?;
        Some(bytes / (many.subtasks - few.subtasks) as f64)
    }

    /// Bytes per channel, from two jobs that differ in nothing else.
    fn bytes_per_channel(&self, used: bool) -> Option<f64> {
        let few = self.memory(Layout::Forward, used).next()?;
        let many = self.memory(Layout::AllToAll, used).next()?;
        let bytes = many.resident_bytes? - few.resident_bytes?;
        Some(bytes / (many.channels - few.channels) as f64)
    }

    /// Everything as tables in Markdown.
    pub fn tables(&self) -> String {
        let mut text = String::from(
            "| job | subtasks | channels | CPU ns per record | wall ns per record | records per batch |\n|---|---|---|---|---|---|\n",
        );
        let wide = self.wide().into_iter().map(|row| ("one pipeline", row));
        let side = self.side_by_side().into_iter();
        for (job, row) in wide.chain(side.map(|row| ("side by side", row))) {
            let _ = writeln!(
                text,
                "| {job} | {} | {} | {} | {} | {} |",
                row.subtasks,
                row.channels,
                number(row.cpu_ns_per_record, 1),
                number(row.wall_ns_per_record, 1),
                number(row.records_per_batch, 0),
            );
        }
        let kib = |bytes: Option<f64>| number(bytes.map(|bytes| bytes / 1024.0), 2);
        let _ = write!(
            text,
            "\n| memory | KiB |\n|---|---|\n| per idle subtask | {} |\n| per channel that was never used | {} |\n| per channel that was | {} |\n",
            kib(self.bytes_per_subtask()),
            kib(self.bytes_per_channel(false)),
            kib(self.bytes_per_channel(true)),
        );
        text.push_str("\n| sampled every 100 ms | CPU ms per sample | share of the process's CPU time |\n|---|---|---|\n");
        for (cell, row) in &self.rows {
            if let Cell::Sampling { .. } = cell {
                let percent = row.sampling_share.map(|share| share * 100.0);
                let _ = writeln!(
                    text,
                    "| {} subtasks, {} channels | {} | {} % |",
                    row.subtasks,
                    row.channels,
                    number(row.sampling_ms, 2),
                    number(percent, 2),
                );
            }
        }
        text.truncate(text.trim_end().len());
        text
    }
}

fn number(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "n/a".to_owned(), |value| format!("{value:.digits$}"))
}
