//! A whole frame.

use ratatui::buffer::Buffer;

use super::{Console, Work};
use crate::tui::screens::{Layer, View};
use crate::tui::theme::Role;
use crate::tui::times;
use crate::tui::widgets::{Pen, Place, line_one, wrap};

impl Console {
    /// Draws a whole frame.
    pub fn draw(&self, frame: &mut Buffer) -> Work {
        let facts = self.facts();
        let mut view = self.view(&facts);
        let area = *frame.area();
        view.size = (area.width, area.height);
        let mut pen = Pen::new(frame, &self.theme);
        pen.blank(area);
        let from = self.layers.iter().rposition(Layer::covers);
        let mut rows = 0;
        if from.is_none() {
            rows += self.board.draw(&mut pen, &view, self.message.as_deref());
            if self.rows.is_none() {
                self.draw_waiting(&mut pen, &view);
            }
        }
        for layer in self.layers.iter().skip(from.unwrap_or_default()) {
            rows += layer.draw(&mut pen, &view);
        }
        // The menu lies over the board's own line for messages.
        let covered = from.is_some() || matches!(self.layers.last(), Some(Layer::Menu(_)));
        if let (true, Some(text)) = (covered, &self.message) {
            let y = area.height.saturating_sub(1);
            pen.blank(ratatui::layout::Rect::new(0, y, area.width, 1));
            pen.text(1, y, area.width.saturating_sub(2), text, Role::Message);
        }
        line_one(&mut pen, area.width, &self.place(&view));
        Work { rows }
    }

    fn place(&self, view: &View<'_>) -> Place {
        let board = self.viewed().map_or("board".to_owned(), |name| format!("board: {name}"));
        let mut path = vec![board];
        path.extend(self.layers.iter().filter_map(|l| l.path(view)));
        // A page's evidence already names the page.
        if matches!(self.layers.last(), Some(Layer::Evidence(_))) && path.len() > 2 {
            path.remove(1);
        }
        let rows = self.rows.as_ref();
        Place {
            path: path.join(" > "),
            line: self.line,
            as_of: rows.filter(|r| !r.settled).and_then(|r| r.restored_from),
            past: self.past_moment(),
            replay: self.replay().map(|replay| (replay.playing, replay.speed)),
            demo: rows.is_some_and(|r| r.agent.demo),
            emergency: self.acts.emergency(self.now).map(|declared| {
                let until = times::moment(declared.until, self.now);
                format!(" EMERGENCY {} until {until}: {} ", declared.by, declared.why)
            }),
            who: self.acts.whose(),
            armed: self.acts.armed_until(self.now),
            only_watches: self.acts.only_watches().is_some(),
            now: self.now,
        }
    }

    fn draw_waiting(&self, pen: &mut Pen<'_>, view: &View<'_>) {
        let text = self.trouble.as_ref().map_or_else(
            || "waiting for the agent's board ...".to_owned(),
            |why| {
                format!(
                    "{why}. It is tried again; start one with `caretaker agent`, or look with \
                     `caretaker doctor`."
                )
            },
        );
        let room = view.size.0.saturating_sub(6);
        for (y, line) in (3..view.size.1).zip(wrap(&text, room)) {
            pen.text(3, y, room, &line, Role::Message);
        }
    }
}
