//! Colours, sizes and lengths of every chart. The palette is Okabe and Ito's, which people with
//! the common kinds of colour blindness can tell apart; lines also differ in width and carry their
//! names, so that the charts survive a black-and-white printer.

use plotters::style::RGBColor;

/// Width of every chart, pixels.
pub(super) const WIDTH: i32 = 960;
/// Space left of the plot for the axis' labels.
pub(super) const LEFT: i32 = 76;
/// Space right of the plot for the names of the lines.
pub(super) const RIGHT: i32 = 96;
/// Space above the plot: title, subtitle, strip of marks.
pub(super) const TOP: i32 = 74;
/// Space below the plot: labels and title of the time axis.
pub(super) const BOTTOM: i32 = 48;
/// Height of a plot of lines.
pub(super) const PLOT_HEIGHT: i32 = 230;
/// Height of the strip that names warm-up and faults, directly above the plot.
pub(super) const STRIP_HEIGHT: i32 = 16;

pub(super) const BACKGROUND: RGBColor = RGBColor(255, 255, 255);
pub(super) const INK: RGBColor = RGBColor(34, 34, 34);
pub(super) const FAINT_INK: RGBColor = RGBColor(102, 102, 102);
pub(super) const GRID: RGBColor = RGBColor(226, 226, 226);
pub(super) const FRAME: RGBColor = RGBColor(150, 150, 150);
/// Time before the measured phase.
pub(super) const WARM_UP: RGBColor = RGBColor(241, 241, 241);
/// Time of an injected fault.
pub(super) const FAULT: RGBColor = RGBColor(247, 226, 238);
pub(super) const FAULT_INK: RGBColor = RGBColor(140, 50, 100);

pub(super) const BLUE: RGBColor = RGBColor(0, 114, 178);
pub(super) const SKY: RGBColor = RGBColor(86, 180, 233);
pub(super) const GREEN: RGBColor = RGBColor(0, 158, 115);
pub(super) const ORANGE: RGBColor = RGBColor(230, 159, 0);
pub(super) const VERMILLION: RGBColor = RGBColor(213, 94, 0);
pub(super) const PURPLE: RGBColor = RGBColor(204, 121, 167);
pub(super) const PALE: RGBColor = RGBColor(186, 186, 186);
/// Nothing to do: light, so that what hurts stands out.
pub(super) const IDLE: RGBColor = RGBColor(208, 208, 208);

/// Colours for lines whose number is not known beforehand.
pub(super) const LINES: [RGBColor; 7] = [BLUE, VERMILLION, GREEN, ORANGE, SKY, PURPLE, INK];

/// Text sizes, pixels.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum TextSize {
    Title,
    Normal,
    Small,
}

impl TextSize {
    pub(super) fn pixels(self) -> i32 {
        match self {
            TextSize::Title => 15,
            TextSize::Normal => 12,
            TextSize::Small => 11,
        }
    }

    /// Width that a text takes at most in common sans-serif fonts; the page's font is not known.
    pub(super) fn width_of(self, text: &str) -> i32 {
        (text.chars().count() as f64 * self.character_width()).ceil() as i32
    }

    /// How many characters surely fit into this width.
    pub(super) fn characters_in(self, width: i32) -> usize {
        (f64::from(width) / self.character_width()) as usize
    }

    fn character_width(self) -> f64 {
        f64::from(self.pixels()) * 0.58
    }
}

/// Colours that are drawn in tints.
pub(super) const TINTED: [RGBColor; 4] = [SKY, VERMILLION, IDLE, BLUE];
/// Tints come in this many steps, so that equal neighbours become one shape and the dark theme
/// knows every colour there can be.
pub(super) const TINTS: u32 = 20;

/// `share` of the way from the background to `color`, in [`TINTS`] steps.
pub(super) fn tint(color: RGBColor, share: f64) -> RGBColor {
    let step = (share * f64::from(TINTS))
        .round()
        .clamp(0.0, f64::from(TINTS));
    mixed(BACKGROUND, color, step / f64::from(TINTS))
}

/// `share` of the way from one colour to the other.
pub(super) fn mixed(from: RGBColor, to: RGBColor, share: f64) -> RGBColor {
    let mix = |from: u8, to: u8| {
        (f64::from(from) + (f64::from(to) - f64::from(from)) * share).round() as u8
    };
    RGBColor(mix(from.0, to.0), mix(from.1, to.1), mix(from.2, to.2))
}
