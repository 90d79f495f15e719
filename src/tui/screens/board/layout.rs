//! Where the parts of the board go, for every size. Under 24 rows the peek goes first, then line 2;
//! under 60 columns there is no peek, under 50 one cell per school.

use std::ops::Range;

use ratatui::layout::Rect;

/// Columns of the last days.
const DAYS: u16 = 14;
/// Lines of a peek below its heading.
const PEEK: u16 = 6;
/// Lines of incidents, and of what runs out, each with its heading, below the list of a tall board.
const INCIDENTS: u16 = 7;
const ENDINGS: u16 = 5;

/// The parts, from the top.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Parts {
    pub(super) columns: u16,
    /// Line of the totals.
    pub(super) totals: Option<u16>,
    /// Line of the column heads; the estate's row follows it.
    pub(super) heads: u16,
    /// The list of schools.
    pub(super) list: Rect,
    /// The peek with its heading.
    pub(super) peek: Option<Rect>,
    /// The page of the row under the cursor, on the right.
    pub(super) side: Option<Rect>,
    /// What is broken and what runs out, under the list.
    pub(super) foot: Option<(Rect, Rect)>,
    /// Line of messages and marks.
    pub(super) message: Option<u16>,
    /// First hint line and how many.
    pub(super) hints: (u16, u16),
}

impl Parts {
    pub(super) fn of((columns, rows): (u16, u16)) -> Self {
        let hint_rows = match rows {
            ..8 => 0,
            8..20 => 1,
            20.. => 2,
        };
        let totals = (rows >= 10).then_some(1);
        let heads = if totals.is_some() { 2 } else { 1 };
        let message = (rows >= 10).then(|| rows - hint_rows - 1);
        let has_side = columns >= 160 && rows >= 20;
        let list_top = heads + 2;
        let bottom = rows.saturating_sub(hint_rows).saturating_sub(u16::from(message.is_some()));
        let has_peek = rows >= 24 && columns >= 60 && !has_side;
        // A blank line, a heading, the lines, a blank line; more where there is room.
        let peek_rows = if has_peek { PEEK + 3 + rows.saturating_sub(36).min(6) } else { 0 };
        let has_foot = has_side && rows >= 40;
        let foot_rows = if has_foot { INCIDENTS + ENDINGS + 2 } else { 0 };
        let list_bottom = bottom.saturating_sub(peek_rows + foot_rows).max(list_top);
        let width = if has_side { columns / 2 } else { columns };
        Self {
            columns: width,
            totals,
            heads,
            list: Rect::new(0, list_top, width, list_bottom.saturating_sub(list_top)),
            peek: has_peek
                .then(|| Rect::new(0, list_bottom + 1, width, peek_rows.saturating_sub(2))),
            side: has_side
                .then(|| Rect::new(width + 1, 2, columns - width - 1, bottom.saturating_sub(2))),
            foot: has_foot.then(|| {
                let y = list_bottom + 1;
                let endings = Rect::new(0, y + INCIDENTS + 1, width, ENDINGS);
                (Rect::new(0, y, width, INCIDENTS), endings)
            }),
            message,
            hints: (rows.saturating_sub(hint_rows), hint_rows),
        }
    }

    pub(super) fn list_rows(&self) -> usize {
        usize::from(self.list.height)
    }
}

/// The columns of a row, for a width.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Widths {
    pub(super) name: u16,
    /// Columns of a cell with the gap after it; 0 for one cell per school.
    pub(super) cell: u16,
    /// How many services are shown.
    pub(super) services: u16,
    /// The last 14 days, with a gap after them.
    pub(super) days: u16,
    /// Who has it.
    pub(super) has: u16,
    pub(super) pupils: u16,
    pub(super) town: u16,
    pub(super) phase: u16,
    pub(super) laestab: u16,
}

impl Widths {
    pub(super) fn of(columns: u16, services: u16) -> Self {
        let mut out = Self {
            name: columns.saturating_sub(13),
            cell: 0,
            services,
            days: 0,
            has: 0,
            pupils: 0,
            town: 0,
            phase: 0,
            laestab: 0,
        };
        if columns < 50 {
            return out;
        }
        out.cell = if columns >= 60 { 6 } else { 5 };
        let most = columns.saturating_sub(3 + 12) / out.cell;
        out.services = services.min(most);
        let mut left = columns.saturating_sub(3 + out.services * out.cell);
        let mut take = |room: u16, wanted: u16, from: u16| {
            if columns >= from && left >= wanted + room {
                left -= wanted;
                wanted
            } else {
                0
            }
        };
        out.has = take(18, 10, 76);
        out.days = take(18, DAYS + 2, 100);
        out.pupils = take(22, 7, 100);
        out.town = take(22, 14, 100);
        out.laestab = take(24, 10, 132);
        out.phase = take(24, 12, 132);
        out.name = left.min(36);
        out
    }

    /// Which services are shown so that the one at the cursor is among them.
    pub(super) fn shown(&self, at_cursor: usize) -> Range<usize> {
        let room = usize::from(self.services);
        let first = (at_cursor + 1).saturating_sub(room);
        first..first + room
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_never_overlap_and_never_leave_the_screen() {
        for columns in [1, 20, 40, 49, 59, 80, 100, 159, 160, 200, 400] {
            for rows in 1..80 {
                let p = Parts::of((columns, rows));
                let below = p.peek.or(p.foot.map(|(_, endings)| endings));
                let bottom = below.map_or(p.list.bottom(), |r| r.bottom());
                if rows >= 5 {
                    assert!(bottom <= p.message.unwrap_or(p.hints.0), "{columns}x{rows} {p:?}");
                    assert!(p.hints.0 + p.hints.1 <= rows);
                }
                if rows >= 12 {
                    assert!(p.list_rows() >= 4, "{columns}x{rows} {p:?}");
                }
                let w = Widths::of(columns, 7);
                let sum = 3 + w.name + w.cell * w.services + w.days + w.has + w.pupils + w.town;
                assert!(columns < 50 || sum + w.phase + w.laestab <= columns, "{columns} {w:?}");
            }
        }
        assert_eq!(Parts::of((80, 24)).list_rows(), 8);
        assert!(Parts::of((80, 23)).peek.is_none() && Parts::of((59, 24)).peek.is_none());
        assert!(Parts::of((160, 39)).foot.is_none() && Parts::of((159, 50)).foot.is_none());
        assert_eq!(Parts::of((200, 50)).list_rows(), 29);
        assert_eq!(Widths::of(49, 7).cell, 0);
        assert_eq!(Widths::of(80, 7).services, 7);
        assert_eq!((Widths::of(80, 12).shown(9), Widths::of(80, 12).shown(10)), (0..10, 1..11));
        assert_eq!((Widths::of(99, 7).days, Widths::of(100, 7).days), (0, 16));
    }
}
