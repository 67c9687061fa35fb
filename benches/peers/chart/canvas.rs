//! An SVG picture in whole pixels, drawn through plotters in light colours; a stylesheet inside it
//! replaces them where the reader prefers dark pages.

use plotters::backend::SVGBackend;
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, IntoDrawingArea};
use plotters::element::{Circle, PathElement, Rectangle};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color as _, FontStyle, IntoFont, RGBColor, TextStyle};

/// Colours by what they are for. Those of data are Okabe and Ito's, which people with the common
/// kinds of colour blindness can tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Color {
    Background,
    Ink,
    Faint,
    Grid,
    Frame,
    Orange,
    Blue,
    Green,
    Purple,
}

impl Color {
    const ALL: [Color; 9] = [
        Color::Background,
        Color::Ink,
        Color::Faint,
        Color::Grid,
        Color::Frame,
        Color::Orange,
        Color::Blue,
        Color::Green,
        Color::Purple,
    ];

    /// On light and on dark pages.
    fn both(self) -> [RGBColor; 2] {
        match self {
            Color::Background => [RGBColor(255, 255, 255), RGBColor(22, 24, 29)],
            Color::Ink => [RGBColor(34, 34, 34), RGBColor(230, 230, 230)],
            Color::Faint => [RGBColor(102, 102, 102), RGBColor(166, 171, 180)],
            Color::Grid => [RGBColor(226, 226, 226), RGBColor(48, 52, 60)],
            Color::Frame => [RGBColor(150, 150, 150), RGBColor(112, 118, 128)],
            Color::Orange => [RGBColor(230, 159, 0), RGBColor(240, 180, 60)],
            Color::Blue => [RGBColor(0, 114, 178), RGBColor(64, 156, 226)],
            Color::Green => [RGBColor(0, 158, 115), RGBColor(38, 186, 143)],
            Color::Purple => [RGBColor(204, 121, 167), RGBColor(222, 148, 190)],
        }
    }

    fn light(self) -> RGBColor {
        self.both()[0]
    }
}

/// Which part of a text its position names, horizontally; vertically it is the middle.
#[derive(Debug, Clone, Copy)]
pub enum Align {
    Left,
    Center,
    Right,
}

/// Sizes of text, pixels.
const TITLE: f64 = 15.0;
const TEXT: f64 = 12.0;
/// Drawing into a string fails only where formatting does, that is never.
const INFALLIBLE: &str = "drawing into a string cannot fail";

/// Where things are drawn.
pub struct Canvas<'a> {
    area: DrawingArea<SVGBackend<'a>, Shift>,
}

/// The SVG of what `draw` draws. `about` is read aloud by screen readers.
pub fn picture(size: (i32, i32), about: &str, draw: impl FnOnce(&Canvas<'_>)) -> String {
    let mut svg = String::new();
    {
        let size = (size.0.unsigned_abs(), size.1.unsigned_abs());
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        area.fill(&Color::Background.light()).expect(INFALLIBLE);
        let canvas = Canvas { area };
        draw(&canvas);
        canvas.area.present().expect(INFALLIBLE);
    }
    let svg = svg.replacen(
        "<svg ",
        &format!("<svg role=\"img\" aria-label=\"{about}\" "),
        1,
    );
    svg.replacen(">\n", &format!(">\n{}\n", dark_stylesheet()), 1)
}

/// Width that a text of normal size takes at most in common sans-serif fonts, pixels.
pub fn width_of(text: &str) -> i32 {
    (text.chars().count() as f64 * TEXT * 0.58).ceil() as i32
}

impl Canvas<'_> {
    /// A straight line.
    pub fn line(&self, from: (i32, i32), to: (i32, i32), width: u32, color: Color) {
        let style = color.light().stroke_width(width);
        let path = PathElement::new(vec![from, to], style);
        self.area.draw(&path).expect(INFALLIBLE);
    }

    /// A mark whose shape, too, says to which series it belongs.
    pub fn dot(&self, at: (i32, i32), series: usize, color: Color) {
        let (x, y) = at;
        let style = color.light().filled();
        let drawn = match series % 2 {
            0 => self.area.draw(&Circle::new(at, 5, style)),
            _ => self
                .area
                .draw(&Rectangle::new([(x - 5, y - 5), (x + 5, y + 5)], style)),
        };
        drawn.expect(INFALLIBLE);
    }

    /// Text of normal size.
    pub fn text(&self, at: (i32, i32), text: &str, align: Align, color: Color) {
        // plotters divides sizes by 1.24 for SVG.
        let font = TextStyle::from(("sans-serif", TEXT * 1.24).into_font());
        self.write(at, text, font, align, color);
    }

    /// A heading.
    pub fn title(&self, at: (i32, i32), text: &str) {
        let font = ("sans-serif", TITLE * 1.24)
            .into_font()
            .style(FontStyle::Bold);
        self.write(at, text, TextStyle::from(font), Align::Left, Color::Ink);
    }

    fn write(&self, at: (i32, i32), text: &str, font: TextStyle<'_>, align: Align, color: Color) {
        let horizontal = match align {
            Align::Left => HPos::Left,
            Align::Center => HPos::Center,
            Align::Right => HPos::Right,
        };
        let light = color.light();
        let style = font.color(&light).pos(Pos::new(horizontal, VPos::Center));
        self.area.draw_text(text, &style, at).expect(INFALLIBLE);
    }
}

/// Replaces every colour by its dark counterpart on dark pages.
fn dark_stylesheet() -> String {
    let rules: String = Color::ALL
        .into_iter()
        .map(|color| {
            let [light, dark] = color.both().map(hex);
            format!("[fill=\"{light}\"]{{fill:{dark}}}[stroke=\"{light}\"]{{stroke:{dark}}}")
        })
        .collect();
    format!("<style>@media screen and (prefers-color-scheme:dark){{{rules}}}</style>")
}

/// As plotters writes it.
fn hex(color: RGBColor) -> String {
    format!("#{:02X}{:02X}{:02X}", color.0, color.1, color.2)
}
