//! The command line as its users meet it: messages, exit statuses, and what is left on disk.

#[path = "cli/backwater.rs"]
mod backwater;
#[path = "cli/bad_input.rs"]
mod bad_input;
#[path = "cli/comparisons.rs"]
mod comparisons;
#[path = "cli/endings.rs"]
mod endings;
#[path = "cli/loads.rs"]
mod loads;
#[path = "cli/objectives.rs"]
mod objectives;
#[path = "cli/records.rs"]
mod records;
#[path = "cli/scenario_text.rs"]
mod scenario_text;
#[path = "cli/selftest.rs"]
mod selftest;
#[path = "cli/variants.rs"]
mod variants;
