//! Dark colours. A chart is drawn in the light colours of the style, which are what viewers show
//! that know no stylesheets; a stylesheet inside the SVG replaces each of them where the reader
//! prefers dark pages. This is the one place that knows the dark colours.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use plotters::style::RGBColor;

use super::style::{
    BACKGROUND, BLUE, FAINT_INK, FAULT, FAULT_INK, FRAME, GREEN, GRID, IDLE, INK, ORANGE, PALE,
    PURPLE, SKY, TINTED, TINTS, VERMILLION, WARM_UP, mixed, tint,
};

/// Light and dark: the same hues, lighter where they are thin lines, so that both have contrast.
const PAIRS: [(RGBColor, RGBColor); 16] = [
    (BACKGROUND, RGBColor(22, 24, 29)),
    (INK, RGBColor(230, 230, 230)),
    (FAINT_INK, RGBColor(166, 171, 180)),
    (GRID, RGBColor(48, 52, 60)),
    (FRAME, RGBColor(112, 118, 128)),
    (WARM_UP, RGBColor(32, 35, 42)),
    (FAULT, RGBColor(66, 36, 55)),
    (FAULT_INK, RGBColor(233, 158, 201)),
    (BLUE, RGBColor(64, 156, 226)),
    (SKY, RGBColor(112, 196, 242)),
    (GREEN, RGBColor(38, 186, 143)),
    (ORANGE, RGBColor(240, 180, 60)),
    (VERMILLION, RGBColor(255, 122, 46)),
    (PURPLE, RGBColor(222, 148, 190)),
    (PALE, RGBColor(98, 104, 114)),
    (IDLE, RGBColor(74, 79, 88)),
];

/// A colour of the style as a light and as a dark page shows it.
pub(super) fn both(color: RGBColor) -> [String; 2] {
    let light = hex(color);
    let dark = dark(&light).unwrap_or_else(|| light.clone());
    [light, dark]
}

/// The picture with a stylesheet for dark pages behind its first tag.
pub(super) fn with_dark_colors(svg: &str) -> String {
    let mut rules = String::new();
    for color in used_colors(svg) {
        if let Some(dark) = dark(&color) {
            write!(
                rules,
                "[fill=\"{color}\"]{{fill:{dark}}}[stroke=\"{color}\"]{{stroke:{dark}}}"
            )
            .expect("writing to a String cannot fail");
        }
    }
    let style =
        format!("<style>@media screen and (prefers-color-scheme:dark){{{rules}}}</style>\n");
    match svg.find(">\n") {
        Some(at) => format!("{}{style}{}", &svg[..at + 2], &svg[at + 2..]),
        None => svg.to_owned(),
    }
}

/// Colours as they stand in attributes. Text cannot look like one: its quotes are escaped.
fn used_colors(svg: &str) -> BTreeSet<String> {
    let starts = svg.match_indices("=\"#").map(|(at, _)| at + 2);
    starts
        .filter_map(|at| svg.get(at..at + 7))
        .map(str::to_owned)
        .collect()
}

fn dark(color: &str) -> Option<String> {
    let plain = PAIRS.into_iter();
    let background = PAIRS[0].1;
    let tints = PAIRS
        .into_iter()
        .filter(|(light, _)| TINTED.contains(light))
        .flat_map(|(light, dark)| {
            (1..TINTS).map(move |step| {
                let share = f64::from(step) / f64::from(TINTS);
                (tint(light, share), mixed(background, dark, share))
            })
        });
    let found = plain.chain(tints).find(|(light, _)| hex(*light) == color);
    found.map(|(_, dark)| hex(dark))
}

/// As plotters writes it.
fn hex(color: RGBColor) -> String {
    format!("#{:02X}{:02X}{:02X}", color.0, color.1, color.2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_colour_of_the_style_has_one_dark_counterpart() {
        let lights: BTreeSet<String> = PAIRS.iter().map(|(light, _)| hex(*light)).collect();
        assert_eq!(lights.len(), PAIRS.len());
        for color in TINTED {
            for step in 0..=TINTS {
                let tint = tint(color, f64::from(step) / f64::from(TINTS));
                assert!(dark(&hex(tint)).is_some(), "{}", hex(tint));
            }
        }
    }
}
