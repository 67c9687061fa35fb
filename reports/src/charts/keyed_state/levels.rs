//! `levels.svg`: in which levels RocksDB's files are.

use crate::charts::Subject;
use crate::charts::live::Unit;
use crate::charts::over_time::{Bands, Panel, StackChart};
use crate::charts::plot::Line;
use crate::charts::style::LINES;

pub(super) const CHART: StackChart = StackChart {
    file_name: "levels.svg",
    title: "Files per level",
    sentence: "files in each level of RocksDB, all subtasks together; level 0 grows where compactions do not keep up, and \
               each of its files is one more place to look",
    bands: Bands::none,
    panels,
};

/// Levels that have never had a file are left out.
fn panels(subject: &Subject<'_>) -> Vec<Panel> {
    let levels = subject.state.level_files.iter().zip(LINES).enumerate();
    let used = levels.filter(|(_, (points, _))| {
        let mut files = points.iter().filter_map(|(_, files)| *files);
        files.any(|files| files > 0.0)
    });
    let lines: Vec<Line> = used
        .map(|(level, (points, color))| Line {
            name: format!("level {level}"),
            color,
            width: 2,
            points: points.clone(),
        })
        .collect();
    let panel = (!lines.is_empty()).then_some(Panel {
        name: "files",
        unit: Unit::Whole,
        height: 200,
        lines,
    });
    panel.into_iter().collect()
}
