//! A drawn frame as an SVG picture, for documents.

use std::fmt::Write as _;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::Modifier;

use super::colour::{Rgb, seen};

/// Width and height of a character in the picture, in pixels.
const CELL: (f32, f32) = (8.4, 18.0);
/// What stands for the terminal's own colours.
const PAPER: (Rgb, Rgb) = (Rgb(0xd0, 0xd4, 0xd8), Rgb(0x16, 0x18, 0x1c));

/// The frame as SVG: one text per run of one style, grounds as rectangles.
#[must_use]
pub fn draw(frame: &Buffer) -> String {
    let area = frame.area();
    let (w, h) = (f32::from(area.width) * CELL.0 + 16.0, f32::from(area.height) * CELL.1 + 16.0);
    let ground = frame.content().first().map_or(PAPER.1, |c| colours(c).1);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {w:.0} {h:.0}\" \
         font-family=\"ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace\" \
         font-size=\"14\">\n<rect width=\"100%\" height=\"100%\" rx=\"6\" fill=\"{}\"/>\n",
        hex(ground)
    );
    for y in area.top()..area.bottom() {
        let mut x = area.left();
        while x < area.right() {
            let Some(first) = frame.cell((x, y)) else { break };
            let mut text = String::new();
            let from = x;
            while let Some(cell) = frame.cell((x, y)).filter(|c| x < area.right() && same(c, first))
            {
                text.push_str(cell.symbol());
                x += 1;
            }
            run(&mut out, first, &text, (from, y, x - from), ground);
        }
    }
    out.push_str("</svg>\n");
    out
}

fn same(a: &Cell, b: &Cell) -> bool {
    a.fg == b.fg && a.bg == b.bg && a.modifier == b.modifier
}

/// Letters and ground of a cell, as seen.
fn colours(cell: &Cell) -> (Rgb, Rgb) {
    let pair = (seen(cell.fg).unwrap_or(PAPER.0), seen(cell.bg).unwrap_or(PAPER.1));
    if cell.modifier.contains(Modifier::REVERSED) { (pair.1, pair.0) } else { pair }
}

fn run(out: &mut String, cell: &Cell, text: &str, at: (u16, u16, u16), paper: Rgb) {
    let (fg, bg) = colours(cell);
    let (x, y) = (f32::from(at.0) * CELL.0 + 8.0, f32::from(at.1) * CELL.1 + 8.0);
    let width = f32::from(at.2) * CELL.0;
    let mut push = |piece: std::fmt::Arguments<'_>| out.write_fmt(piece).unwrap_or_default();
    if bg != paper {
        let height = CELL.1;
        push(format_args!(
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height}\" fill=\"{}\"/>\n",
            hex(bg)
        ));
    }
    if text.trim().is_empty() {
        return;
    }
    let bold = if cell.modifier.contains(Modifier::BOLD) { " font-weight=\"bold\"" } else { "" };
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    push(format_args!(
        "<text x=\"{x:.1}\" y=\"{:.1}\" textLength=\"{width:.1}\" xml:space=\"preserve\" \
         fill=\"{}\"{bold}>{escaped}</text>\n",
        y + 13.5,
        hex(fg)
    ));
}

fn hex(Rgb(r, g, b): Rgb) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}
