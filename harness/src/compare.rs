//! Runs the variants of a scenario against each other: in blocks, in each of which every variant runs once, in an order
//! drawn for the block, each as a process of its own. So whatever changes on the machine meanwhile meets all variants
//! alike (Abedi and Brecht, ICPE 2017).
//!
//! What is known is written down after every run, so that a comparison can be ended at any time and gone on with later.
//! How many blocks there are, and what they say, is decided by `reports`.

use std::fs;
use std::path::{Path, PathBuf};

use reports::compared::{Compared, ComparedBlock, ComparedRun, publish};
use reports::comparison::Next;
use thiserror::Error;

use crate::child::{self, Ended, Order};
use crate::interrupt::Interrupt;

/// Where the scenarios of variants are, in the directory of a comparison.
const VARIANTS: &str = "variants";
/// Where runs are.
const RUNS: &str = "runs";
/// A variant of which so many runs one behind the other cannot be used will have none that can.
const USELESS_RUNS: usize = 3;

/// Why a comparison came to no end.
#[derive(Debug, Error)]
pub enum CompareError {
    /// A file cannot be written or read.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// What was found cannot be written down.
    #[error("{0}")]
    Record(String),
}

/// What somebody who waits is told.
pub trait Watch {
    /// A run is under way for so many nanoseconds.
    fn runs(&mut self, at: &At<'_>, for_ns: u64);

    /// A run has ended.
    fn ran(&mut self, at: &At<'_>, run: &ComparedRun);

    /// A block is complete, and this is known now.
    fn looked(&mut self, compared: &Compared);
}

/// Which run it is.
#[derive(Clone, Copy, Debug)]
pub struct At<'a> {
    /// The variant's name.
    pub variant: &'a str,
    /// Block, from 0.
    pub block: usize,
    /// Blocks that are planned at the moment.
    pub blocks: usize,
    /// Runs of this comparison before this one, in this process or an earlier one.
    pub runs_before: usize,
    /// All that are planned at the moment.
    pub runs: usize,
}

/// A comparison in its directory.
pub struct Comparing<'a> {
    directory: &'a Path,
    compared: Compared,
    /// Of each variant.
    scenarios: &'a [String],
}

impl<'a> Comparing<'a> {
    /// Begins in an empty directory, with the effective scenario of each variant.
    pub fn begin(
        directory: &'a Path,
        compared: Compared,
        scenarios: &'a [String],
    ) -> Result<Self, CompareError> {
        let folder = directory.join(VARIANTS);
        fs::create_dir_all(&folder).map_err(io(&folder))?;
        let runs = directory.join(RUNS);
        fs::create_dir_all(&runs).map_err(io(&runs))?;
        for (variant, scenario) in compared.variants.iter().zip(scenarios) {
            let path = Self::scenario_of(directory, &variant.name);
            fs::write(&path, scenario).map_err(io(&path))?;
        }
        let comparing = Comparing {
            directory,
            compared,
            scenarios,
        };
        comparing.publish()?;
        Ok(comparing)
    }

    /// Goes on with what an earlier process has left. A run that it did not finish is done again.
    pub fn go_on(directory: &'a Path, earlier: Compared, scenarios: &'a [String]) -> Self {
        let compared = Compared {
            failure: None,
            ..earlier
        };
        Comparing {
            directory,
            compared,
            scenarios,
        }
    }

    /// Where the effective scenario of a variant is.
    pub fn scenario_of(directory: &Path, variant: &str) -> PathBuf {
        directory.join(VARIANTS).join(format!("{variant}.toml"))
    }

    /// Runs blocks until what they are to decide is decided, the user ends it, or a variant is of no use: then
    /// the record says why.
    pub fn run(
        mut self,
        interrupt: &Interrupt,
        watch: &mut dyn Watch,
    ) -> Result<Compared, CompareError> {
        while !interrupt.asked() && self.compared.failure.is_none() {
            let Some(block) = self.next_block() else {
                self.compared.finished = true;
                break;
            };
            self.run_block(block, interrupt, watch)?;
            if self.is_complete(block) {
                if self.next_block().is_some() {
                    self.compared.failure = self.compared.useless(USELESS_RUNS);
                }
                self.compared.conclude();
                self.publish()?;
                watch.looked(&self.compared);
            }
        }
        self.compared.conclude();
        self.publish()?;
        Ok(self.compared)
    }

    /// The block to be run or completed next.
    fn next_block(&self) -> Option<usize> {
        let blocks = self.compared.blocks.len();
        match (0..blocks).find(|block| !self.is_complete(*block)) {
            Some(unfinished) => Some(unfinished),
            None => (self.compared.next() != Next::Stop).then_some(blocks),
        }
    }

    fn is_complete(&self, block: usize) -> bool {
        self.compared.blocks[block].runs.iter().all(Option::is_some)
    }

    fn run_block(
        &mut self,
        block: usize,
        interrupt: &Interrupt,
        watch: &mut dyn Watch,
    ) -> Result<(), CompareError> {
        let variants = self.compared.variants.len();
        if block == self.compared.blocks.len() {
            let number = u32::try_from(block).unwrap_or(u32::MAX);
            self.compared.blocks.push(ComparedBlock {
                order: self.compared.plan.order(number, variants),
                runs: vec![None; variants],
            });
        }
        for variant in self.compared.blocks[block].order.clone() {
            if self.compared.blocks[block].runs[variant].is_some() {
                continue;
            }
            if interrupt.asked() || self.compared.failure.is_some() {
                return Ok(());
            }
            self.run_one(block, variant, interrupt, watch)?;
        }
        Ok(())
    }

    fn run_one(
        &mut self,
        block: usize,
        variant: usize,
        interrupt: &Interrupt,
        watch: &mut dyn Watch,
    ) -> Result<(), CompareError> {
        let (name, target) = {
            let variant = &self.compared.variants[variant];
            (variant.name.clone(), variant.target.clone())
        };
        let relative = format!("{RUNS}/{block:03}-{name}");
        let out = self.directory.join(&relative);
        let at = self.at(block, &name);
        let order = Order {
            scenario: &self.scenarios[variant],
            target: &target,
            out: &out,
        };
        let mut run = || {
            let ended = child::run(&order, interrupt, |for_ns| watch.runs(&at, for_ns));
            ended.map_err(io(&out))
        };
        // A failure may come of the machine.
        let ended = match run()? {
            Ended::Without { .. } => run()?,
            ended => ended,
        };
        match ended {
            Ended::Recorded(_) => {
                let run = ComparedRun::of(self.directory, &relative);
                watch.ran(&at, &run);
                self.compared.blocks[block].runs[variant] = Some(run);
                self.publish()
            }
            Ended::Interrupted => Ok(()),
            Ended::Without { message } => {
                let failure = format!("variant {name} cannot be run: {message}");
                self.compared.failure = Some(failure);
                Ok(())
            }
        }
    }

    fn at<'n>(&self, block: usize, variant: &'n str) -> At<'n> {
        let variants = self.compared.variants.len();
        let more = match self.compared.next() {
            Next::Stop => 0,
            Next::MoreBlocks(more) => more as usize,
        };
        let complete = (0..self.compared.blocks.len()).filter(|at| self.is_complete(*at));
        let blocks = (complete.count() + more).max(block + 1);
        let runs = self.compared.blocks.iter();
        let before = runs.map(|block| block.runs.iter().flatten().count());
        At {
            variant,
            block,
            blocks,
            runs_before: before.sum(),
            runs: blocks * variants,
        }
    }

    fn publish(&self) -> Result<(), CompareError> {
        let published = publish(self.directory, &self.compared);
        published.map_err(|error| CompareError::Record(error.to_string()))
    }
}

fn io(path: &Path) -> impl FnOnce(std::io::Error) -> CompareError {
    let path = path.to_owned();
    move |source| CompareError::Io { path, source }
}
