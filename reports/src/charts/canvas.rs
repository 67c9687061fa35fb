//! An SVG picture with whole-pixel coordinates, drawn through plotters. Charts place everything
//! themselves: plotters' own axes do not let ticks fall on minutes or on 1-2-5 steps of a
//! logarithmic axis.

use plotters::backend::SVGBackend;
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, IntoDrawingArea};
use plotters::element::{Circle, PathElement, Polygon, Rectangle};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontStyle, IntoFont, RGBColor, ShapeStyle, TextStyle};

use super::style::{BACKGROUND, TextSize};
use super::{compact, theme};

/// Which part of the text its position names, horizontally; vertically it is the middle.
#[derive(Clone, Copy)]
pub(super) enum Align {
    Left,
    Center,
    Right,
}

/// Drawing into a string fails only where formatting does, that is never.
const INFALLIBLE: &str = "drawing into a string cannot fail";

pub(super) struct Canvas<'a> {
    area: DrawingArea<SVGBackend<'a>, Shift>,
}

/// The SVG of what `draw` draws. `about` is read aloud by screen readers.
pub(super) fn picture(size: (i32, i32), about: &str, draw: impl FnOnce(&Canvas<'_>)) -> String {
    let mut svg = String::new();
    {
        let (width, height) = (size.0.max(1).unsigned_abs(), size.1.max(1).unsigned_abs());
        let area = SVGBackend::with_string(&mut svg, (width, height)).into_drawing_area();
        area.fill(&BACKGROUND).expect(INFALLIBLE);
        let canvas = Canvas { area };
        draw(&canvas);
        canvas.area.present().expect(INFALLIBLE);
    }
    let label = format!("<svg role=\"img\" aria-label=\"{}\" ", escaped(about));
    theme::with_dark_colors(&compact::compact(&svg.replacen("<svg ", &label, 1)))
}

impl Canvas<'_> {
    pub(super) fn line(&self, points: Vec<(i32, i32)>, color: RGBColor, width: u32) {
        self.area
            .draw(&PathElement::new(points, color.stroke_width(width)))
            .expect(INFALLIBLE);
    }

    /// Filled, from the upper left to (not including) the lower right corner.
    pub(super) fn fill(&self, from: (i32, i32), to: (i32, i32), color: RGBColor) {
        if to.0 > from.0 && to.1 > from.1 {
            self.area
                .draw(&Rectangle::new([from, to], color.filled()))
                .expect(INFALLIBLE);
        }
    }

    /// A filled polygon.
    pub(super) fn area(&self, points: Vec<(i32, i32)>, color: RGBColor) {
        self.area
            .draw(&Polygon::new(points, color))
            .expect(INFALLIBLE);
    }

    /// The same, with what is below it shining through.
    pub(super) fn veil(&self, points: Vec<(i32, i32)>, color: RGBColor) {
        /// Two of them over each other can be told from one.
        const OPACITY: f64 = 0.18;
        self.area
            .draw(&Polygon::new(points, color.mix(OPACITY)))
            .expect(INFALLIBLE);
    }

    pub(super) fn outline(&self, from: (i32, i32), to: (i32, i32), color: RGBColor) {
        self.area
            .draw(&Rectangle::new([from, to], ShapeStyle::from(&color)))
            .expect(INFALLIBLE);
    }

    pub(super) fn dot(&self, at: (i32, i32), color: RGBColor) {
        self.area
            .draw(&Circle::new(at, 2, color.filled()))
            .expect(INFALLIBLE);
    }

    pub(super) fn ring(&self, middle: (i32, i32), radius: i32, color: RGBColor) {
        self.area
            .draw(&Circle::new(middle, radius, color.stroke_width(2)))
            .expect(INFALLIBLE);
    }

    pub(super) fn text(
        &self,
        text: &str,
        at: (i32, i32),
        size: TextSize,
        align: Align,
        color: RGBColor,
    ) {
        let horizontal = match align {
            Align::Left => HPos::Left,
            Align::Center => HPos::Center,
            Align::Right => HPos::Right,
        };
        // plotters divides sizes by 1.24 for SVG.
        let font = ("sans-serif", f64::from(size.pixels()) * 1.24).into_font();
        let font = if size == TextSize::Title {
            font.style(FontStyle::Bold)
        } else {
            font
        };
        let style = TextStyle::from(font)
            .color(&color)
            .pos(Pos::new(horizontal, VPos::Center));
        self.area
            .draw_text(&printable(text), &style, at)
            .expect(INFALLIBLE);
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// XML has no place for control characters, not even escaped.
fn printable(text: &str) -> String {
    text.replace(char::is_control, "\u{fffd}")
}
