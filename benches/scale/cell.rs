//! One measurement: what it is of, and how it reaches a process of its own and comes back.

use std::fmt;
use std::process::Command;

use crate::{flow, memory, sampling};

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell {
    /// Records through `pipelines` pipelines of two tasks.
    Flow {
        /// Number of pipelines side by side.
        pipelines: usize,
        /// Subtasks of each task.
        parallelism: usize,
    },
    /// Resident memory of a job.
    Memory {
        /// How its subtasks are joined.
        layout: Layout,
        /// Subtasks of each task.
        parallelism: usize,
        /// Whether every channel has carried batches.
        used: bool,
    },
    /// A measured run of the harness, sampled every 100 ms.
    Sampling {
        /// Number of pipelines side by side.
        pipelines: usize,
        /// Subtasks of each task.
        parallelism: usize,
    },
}

/// How the subtasks of a job are joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// One task: no channels.
    Alone,
    /// Two tasks, subtask i to subtask i.
    Forward,
    /// Two tasks, every subtask to every subtask.
    AllToAll,
}

/// What came of a measurement. What a kind of cell does not measure is absent.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Measured {
    /// Subtasks of the job.
    pub subtasks: usize,
    /// Channels of the job.
    pub channels: usize,
    /// CPU time of the process per record, nanoseconds.
    pub cpu_ns_per_record: Option<f64>,
    /// Wall time per record, nanoseconds.
    pub wall_ns_per_record: Option<f64>,
    /// Records per batch on the exchange.
    pub records_per_batch: Option<f64>,
    /// Resident memory of the process, bytes.
    pub resident_bytes: Option<f64>,
    /// CPU time of sampler, writer and control over that of the process.
    pub sampling_share: Option<f64>,
    /// CPU time of sampler, writer and control per sample, milliseconds.
    pub sampling_ms: Option<f64>,
}

/// The widths of one pipeline; a pipeline of parallelism p has p * p channels.
const WIDTHS: [usize; 5] = [1, 5, 20, 100, 500];
/// Numbers of pipelines of parallelism 1 side by side: 2 to 10,000 subtasks.
const PIPELINES: [usize; 4] = [5, 50, 500, 5_000];

impl Cell {
    /// Everything that is measured.
    pub fn all() -> Vec<Cell> {
        let flow = |pipelines, parallelism| Cell::Flow {
            pipelines,
            parallelism,
        };
        let memory = |layout, parallelism, used| Cell::Memory {
            layout,
            parallelism,
            used,
        };
        let sampling = |pipelines| Cell::Sampling {
            pipelines,
            parallelism: 10,
        };
        let wide = WIDTHS.map(|parallelism| flow(1, parallelism));
        let side_by_side = PIPELINES.map(|pipelines| flow(pipelines, 1));
        let resident = [
            memory(Layout::Alone, 1_000, false),
            memory(Layout::Alone, 10_000, false),
            memory(Layout::Forward, 300, false),
            memory(Layout::AllToAll, 300, false),
            memory(Layout::Forward, 100, true),
            memory(Layout::AllToAll, 100, true),
        ];
        let sampled = [sampling(5), sampling(500)];
        wide.into_iter()
            .chain(side_by_side)
            .chain(resident)
            .chain(sampled)
            .collect()
    }

    /// Reads what [`Cell::to_arguments`] has written.
    pub fn parse(arguments: &[&str]) -> Option<Cell> {
        let number = |text: &str| text.parse::<usize>().ok();
        match *arguments {
            ["flow", pipelines, parallelism] => Some(Cell::Flow {
                pipelines: number(pipelines)?,
                parallelism: number(parallelism)?,
            }),
            ["sampling", pipelines, parallelism] => Some(Cell::Sampling {
                pipelines: number(pipelines)?,
                parallelism: number(parallelism)?,
            }),
            ["memory", layout, parallelism, used] => Some(Cell::Memory {
                layout: Layout::parse(layout)?,
                parallelism: number(parallelism)?,
                used: used.parse().ok()?,
            }),
            _ => None,
        }
    }

    fn to_arguments(self) -> Vec<String> {
        self.to_string().split(' ').map(str::to_owned).collect()
    }

    /// Measures in this process.
    pub fn measure(self) -> Measured {
        match self {
            Cell::Flow {
                pipelines,
                parallelism,
            } => flow::measure(pipelines, parallelism),
            Cell::Memory {
                layout,
                parallelism,
                used,
            } => memory::measure(layout, parallelism, used),
            Cell::Sampling {
                pipelines,
                parallelism,
            } => sampling::measure(pipelines, parallelism),
        }
    }

    /// Measures in a process of its own.
    pub fn measure_apart(self) -> Result<Measured, String> {
        let program = std::env::current_exe().map_err(|error| error.to_string())?;
        let output = Command::new(program)
            .arg("cell")
            .args(self.to_arguments())
            .output()
            .map_err(|error| error.to_string())?;
        let measured = Measured::parse(&String::from_utf8_lossy(&output.stdout));
        measured
            .filter(|_| output.status.success())
            .ok_or_else(|| format!("{self}: {}", String::from_utf8_lossy(&output.stderr)))
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cell::Flow {
                pipelines,
                parallelism,
            } => write!(f, "flow {pipelines} {parallelism}"),
            Cell::Memory {
                layout,
                parallelism,
                used,
            } => write!(f, "memory {layout} {parallelism} {used}"),
            Cell::Sampling {
                pipelines,
                parallelism,
            } => write!(f, "sampling {pipelines} {parallelism}"),
        }
    }
}

impl Layout {
    const ALL: [Layout; 3] = [Layout::Alone, Layout::Forward, Layout::AllToAll];

    fn parse(name: &str) -> Option<Layout> {
        Layout::ALL
            .into_iter()
            .find(|layout| layout.to_string() == name)
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Layout::Alone => "alone",
            Layout::Forward => "forward",
            Layout::AllToAll => "all-to-all",
        })
    }
}

impl Measured {
    /// Names of the columns.
    pub const COLUMNS: &str = "subtasks,channels,cpu_ns_per_record,wall_ns_per_record,\
        records_per_batch,resident_bytes,sampling_share,sampling_ms";

    /// Prints it for the process that asked.
    pub fn print(&self) {
        println!("{}", self.csv());
    }

    /// One row of [`Measured::COLUMNS`]; empty is "not measured".
    pub fn csv(&self) -> String {
        let measured = [
            self.cpu_ns_per_record,
            self.wall_ns_per_record,
            self.records_per_batch,
            self.resident_bytes,
            self.sampling_share,
            self.sampling_ms,
        ];
        let cell = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
        let cells = measured.map(cell).join(",");
        format!("{},{},{cells}", self.subtasks, self.channels)
    }

    fn parse(row: &str) -> Option<Measured> {
        let cells: Vec<&str> = row.trim_end().split(',').collect();
        let &[subtasks, channels, cpu, wall, batch, resident, share, ms] = cells.as_slice() else {
            return None;
        };
        let number = |cell: &str| cell.parse::<f64>().ok();
        Some(Measured {
            subtasks: subtasks.parse().ok()?,
            channels: channels.parse().ok()?,
            cpu_ns_per_record: number(cpu),
            wall_ns_per_record: number(wall),
            records_per_batch: number(batch),
            resident_bytes: number(resident),
            sampling_share: number(share),
            sampling_ms: number(ms),
        })
    }
}
