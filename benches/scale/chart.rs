//! CPU time per record over the number of subtasks, as a picture.

use std::error::Error;

use plotters::prelude::*;

use crate::cell::Measured;
use crate::results::Results;

/// Okabe and Ito's blue and vermillion: told apart by people with the common kinds of colour blindness.
const SIDE_BY_SIDE: RGBColor = RGBColor(0, 114, 178);
const WIDE: RGBColor = RGBColor(213, 94, 0);

/// The picture as SVG.
pub fn draw(results: &Results) -> Result<String, Box<dyn Error>> {
    let lines = [
        ("one pipeline, ever wider", WIDE, points(&results.wide())),
        (
            "pipelines side by side",
            SIDE_BY_SIDE,
            points(&results.side_by_side()),
        ),
    ];
    let highest = lines.iter().flat_map(|(_, _, points)| points);
    let highest = highest.fold(1.0, |highest: f64, &(_, cpu_ns)| highest.max(cpu_ns));
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, (800, 420)).into_drawing_area();
        root.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&root)
            .caption(
                "CPU time per record, by number of subtasks",
                ("sans-serif", 17),
            )
            .margin(16)
            .x_label_area_size(40)
            .y_label_area_size(60)
            .build_cartesian_2d((1.0..20_000.0).log_scale(), 0.0..highest * 1.1)?;
        chart
            .configure_mesh()
            .light_line_style(WHITE)
            .x_desc("subtasks")
            .y_desc("ns of CPU per record")
            .x_label_formatter(&|subtasks| format!("{subtasks:.0}"))
            .y_label_formatter(&|cpu_ns| format!("{cpu_ns:.0}"))
            .label_style(("sans-serif", 13))
            .draw()?;
        for (name, color, points) in &lines {
            let color = *color;
            chart
                .draw_series(LineSeries::new(
                    points.iter().copied(),
                    color.stroke_width(2),
                ))?
                .label(*name)
                .legend(move |(x, y)| {
                    PathElement::new([(x, y), (x + 20, y)], color.stroke_width(2))
                });
            let dots = points
                .iter()
                .map(|&point| Circle::new(point, 3, color.filled()));
            chart.draw_series(dots)?;
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperLeft)
            .background_style(WHITE)
            .border_style(BLACK.mix(0.3))
            .label_font(("sans-serif", 13))
            .draw()?;
        root.present()?;
    }
    Ok(svg)
}

fn points(rows: &[Measured]) -> Vec<(f64, f64)> {
    let point = |row: &Measured| Some((row.subtasks as f64, row.cpu_ns_per_record?));
    rows.iter().filter_map(point).collect()
}
