//! Makes pictures smaller: consecutive rectangles of one colour become one path. A map of a
//! thousand cells is then a few kilobytes instead of a hundred.

use std::fmt::Write as _;

/// The same picture with fewer elements. Works on the lines that plotters writes, one per element,
/// and leaves alone what does not look like them.
pub(super) fn compact(svg: &str) -> String {
    let mut compacted = String::with_capacity(svg.len());
    let mut run = Run::default();
    for line in svg.lines() {
        match Rect::parse(line) {
            Some(rect) => {
                if run.fill != rect.fill {
                    run.finish(&mut compacted);
                    run.fill = rect.fill;
                }
                run.add(&rect, line);
            }
            None => {
                run.finish(&mut compacted);
                push_line(&mut compacted, line);
            }
        }
    }
    run.finish(&mut compacted);
    compacted
}

/// Rectangles of one colour that follow each other.
#[derive(Default)]
struct Run<'a> {
    fill: &'a str,
    first: &'a str,
    count: usize,
    path: String,
}

impl<'a> Run<'a> {
    fn add(&mut self, rect: &Rect<'a>, line: &'a str) {
        if self.count == 0 {
            self.first = line;
        }
        self.count += 1;
        let Rect {
            x,
            y,
            width,
            height,
            ..
        } = rect;
        write!(self.path, "M{x} {y}h{width}v{height}h-{width}z")
            .expect("writing to a String cannot fail");
    }

    fn finish(&mut self, svg: &mut String) {
        match self.count {
            0 => {}
            1 => push_line(svg, self.first),
            _ => push_line(
                svg,
                &format!("<path fill=\"{}\" d=\"{}\"/>", self.fill, self.path),
            ),
        }
        *self = Run::default();
    }
}

/// A filled rectangle without an outline.
struct Rect<'a> {
    x: &'a str,
    y: &'a str,
    width: &'a str,
    height: &'a str,
    fill: &'a str,
}

impl<'a> Rect<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let rest = line.strip_prefix("<rect x=\"")?;
        let (x, rest) = rest.split_once("\" y=\"")?;
        let (y, rest) = rest.split_once("\" width=\"")?;
        let (width, rest) = rest.split_once("\" height=\"")?;
        let (height, rest) = rest.split_once("\" opacity=\"1\" fill=\"")?;
        let fill = rest.strip_suffix("\" stroke=\"none\"/>")?;
        Some(Rect {
            x,
            y,
            width,
            height,
            fill,
        })
    }
}

fn push_line(svg: &mut String, line: &str) {
    svg.push_str(line);
    svg.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rect(x: u32, fill: &str) -> String {
        format!(
            "<rect x=\"{x}\" y=\"2\" width=\"3\" height=\"4\" opacity=\"1\" fill=\"{fill}\" stroke=\"none\"/>\n"
        )
    }

    #[test]
    fn neighbours_of_one_colour_become_one_path_and_nothing_else_changes() {
        let (a, b) = ("#112233", "#445566");
        let svg = format!("<svg>\n{}{}{}</svg>\n", rect(1, a), rect(5, a), rect(9, b));
        let path = format!("<path fill=\"{a}\" d=\"M1 2h3v4h-3zM5 2h3v4h-3z\"/>\n");
        assert_eq!(
            compact(&svg),
            format!("<svg>\n{path}{}</svg>\n", rect(9, b))
        );
    }
}
