//! The charts of a report's page, as SVG.

use plotters::backend::SVGBackend;
use plotters::chart::ChartBuilder;
use plotters::coord::Shift;
use plotters::coord::combinators::IntoLogRange;
use plotters::coord::ranged1d::SegmentValue;
use plotters::drawing::{DrawingArea, IntoDrawingArea};
use plotters::element::{Circle, PathElement, Rectangle};
use plotters::prelude::IntoSegmentedCoord;
use plotters::style::{RGBAColor, ShapeStyle};

use crate::wire::Span;
use crate::wire::report::{Report, ServiceReport, Sums};
use crate::wire::tables::short;
use crate::wire::tables::taken;

/// A drawn chart.
pub(super) struct Chart {
    pub title: &'static str,
    pub svg: String,
    /// Whether it shows the parts of the time, whose colours have to be told.
    pub has_key: bool,
}

type Rgb = (u8, u8, u8);

/// The parts of the time, as [`Sums::parts`] has them, and their colours, which people tell apart who see few of them (Okabe, Ito).
pub(super) const KEY: [(&str, Rgb); 7] = [
    ("ok", (0, 158, 115)),
    ("warning", (230, 159, 0)),
    ("followed", (240, 228, 66)),
    ("critical", (213, 94, 0)),
    ("unknown", (204, 121, 167)),
    ("planned", (86, 180, 233)),
    ("not recorded", (153, 153, 153)),
];
const LINE: Rgb = (0, 114, 178);

/// Width of all charts, and what of it the names take, in pixels.
const WIDTH: u32 = 860;
const NAMES: u32 = 250;
/// Characters of a name that fit there.
const LONGEST: usize = 30;
/// Room at the right for half of the last label, and the letters of labels.
const EDGE: u32 = 30;
const LETTERS: (&str, u32) = ("sans-serif", 16);
/// The height of a bar with its gap, and of what stands around the bars.
const BAR: u32 = 34;
const AROUND: u32 = 50;
/// The height of one service's line of days.
const STRIP: u32 = 110;
/// The least time that is drawn, in minutes.
const SHORTEST: f64 = 1.0;

/// All charts that there is something to draw for.
pub(super) fn charts(report: &Report) -> Result<Vec<Chart>, String> {
    let bars = bars(report);
    let mut out = Vec::new();
    if !bars.is_empty() {
        let svg = drawn(BAR * count(bars.len()) + AROUND, |area| spent(area, &bars))?;
        let title = "How the time was spent, round the clock";
        out.push(Chart { title, svg, has_key: true });
    }
    let with_days = |s: &&ServiceReport| s.days.iter().any(|day| day.availability.is_some());
    let daily: Vec<&ServiceReport> = report.services.iter().filter(with_days).collect();
    if !daily.is_empty() {
        let svg = drawn(STRIP * count(daily.len()), |area| days(area, &daily))?;
        let title = "Availability day by day; a gap is a day of which nothing is known";
        out.push(Chart { title, svg, has_key: false });
    }
    let resolved: Vec<Resolved<'_>> = report.services.iter().filter_map(Resolved::of).collect();
    if !resolved.is_empty() {
        let svg = drawn(BAR * count(resolved.len()) + AROUND, |area| times(area, &resolved))?;
        let title = "Time until well again: the median (full) and the 90th centile (hollow)";
        out.push(Chart { title, svg, has_key: false });
    }
    Ok(out)
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn = Result<(), Box<dyn std::error::Error>>;

fn drawn(height: u32, draw: impl FnOnce(&Area<'_>) -> Drawn) -> Result<String, String> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
        draw(&area).and_then(|()| Ok(area.present()?)).map_err(|e| format!("a chart: {e}"))?;
    }
    Ok(svg)
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

fn style((r, g, b): Rgb, filled: bool, stroke_width: u32) -> ShapeStyle {
    ShapeStyle { color: RGBAColor(r, g, b, 1.0), filled, stroke_width }
}

/// A percentage for drawing alone.
#[expect(clippy::cast_precision_loss, reason = "a place on paper")]
fn percent(part: u64, of: u64) -> f64 {
    if of == 0 { 0.0 } else { 100.0 * part as f64 / of as f64 }
}

fn bars(report: &Report) -> Vec<(String, Sums)> {
    let mut out = Vec::new();
    for service in &report.services {
        let label = service.label.as_str();
        if service.takers > 0 {
            out.push((short(label, LONGEST), service.schools.round_the_clock.seconds));
        }
        if let Some(estate) = &service.estate {
            let name = format!("{label}, estate");
            out.push((short(&name, LONGEST), estate.round_the_clock.seconds));
        }
    }
    out.retain(|(_, sums)| taken(sums) > 0);
    out
}

/// A bar for each service, in parts.
fn spent(area: &Area<'_>, bars: &[(String, Sums)]) -> Drawn {
    let rows = (0..last(bars)).into_segmented();
    let mut chart = ChartBuilder::on(area)
        .margin(10)
        .margin_right(EDGE)
        .x_label_area_size(30)
        .y_label_area_size(NAMES)
        .build_cartesian_2d(0.0..100.0, rows)?;
    let name = |at: &SegmentValue<usize>| match at {
        SegmentValue::CenterOf(n) => row(bars, *n).map_or(String::new(), |(name, _)| name.clone()),
        SegmentValue::Exact(_) | SegmentValue::Last => String::new(),
    };
    chart
        .configure_mesh()
        .disable_mesh()
        .label_style(LETTERS)
        .y_labels(bars.len())
        .y_label_formatter(&name)
        .x_label_formatter(&|x| format!("{x:.0} %"))
        .draw()?;
    for n in 0..bars.len() {
        let Some((_, sums)) = row(bars, n) else { continue };
        let mut so_far = 0;
        for (seconds, (_, colour)) in sums.parts().into_iter().zip(KEY) {
            let ends = [so_far, so_far + seconds].map(|x| percent(x, taken(sums)));
            so_far += seconds;
            if seconds == 0 {
                continue;
            }
            let corners =
                [(ends[0], SegmentValue::Exact(n)), (ends[1], SegmentValue::Exact(n + 1))];
            let mut bar = Rectangle::new(corners, style(colour, true, 0));
            bar.set_margin(4, 4, 0, 0);
            chart.draw_series(std::iter::once(bar))?;
        }
    }
    Ok(())
}

/// The last place of an axis that names these: one alone is drawn below an empty place.
fn last<T>(all: &[T]) -> usize {
    all.len().saturating_sub(1).max(1)
}

/// The first is drawn on top.
fn row<T>(all: &[T], n: usize) -> Option<&T> {
    all.len().checked_sub(n + 1).and_then(|n| all.get(n))
}

/// A line of days for each service, all with the same scale.
fn days(area: &Area<'_>, services: &[&ServiceReport]) -> Drawn {
    let all = services.iter().flat_map(|s| &s.days).filter_map(|day| day.availability);
    let least = all.fold(0.99_f64, f64::min);
    let least = (least * 20.0).floor() * 5.0;
    for (area, service) in area.split_evenly((services.len(), 1)).iter().zip(services) {
        let last = count(service.days.len().max(2)) - 1;
        let mut chart = ChartBuilder::on(area)
            .margin(8)
            .margin_right(EDGE)
            .caption(short(service.label.as_str(), LONGEST), ("sans-serif", 18))
            .x_label_area_size(22)
            .y_label_area_size(60)
            .build_cartesian_2d(0_u32..last, least..100.0)?;
        let date = |n: &u32| {
            let day = usize::try_from(*n).ok().and_then(|n| service.days.get(n));
            day.map_or(String::new(), |day| day.date.strftime("%-d %b").to_string())
        };
        chart
            .configure_mesh()
            .disable_mesh()
            .label_style(LETTERS)
            .x_labels(8)
            .y_labels(3)
            .x_label_formatter(&date)
            .y_label_formatter(&|y| format!("{y:.0} %"))
            .draw()?;
        let known: Vec<(u32, f64)> = (0..)
            .zip(&service.days)
            .filter_map(|(n, day)| Some((n, day.availability? * 100.0)))
            .collect();
        for stretch in known.chunk_by(|one, next| next.0 == one.0 + 1) {
            let line = PathElement::new(stretch.to_vec(), style(LINE, false, 2));
            chart.draw_series(std::iter::once(line))?;
        }
        let dots = known.iter().map(|at| Circle::new(*at, 2, style(LINE, true, 0)));
        chart.draw_series(dots)?;
    }
    Ok(())
}

/// How long a service's incidents took to be well again, in minutes.
struct Resolved<'a> {
    name: &'a str,
    median: f64,
    p90: f64,
}

impl<'a> Resolved<'a> {
    #[expect(clippy::cast_precision_loss, reason = "a place on paper")]
    fn of(service: &'a ServiceReport) -> Option<Self> {
        let minutes = |seconds: u64| (seconds as f64 / 60.0).max(SHORTEST);
        let spread = &service.times.resolve;
        let (median, p90) = (minutes(spread.median?), minutes(spread.p90?));
        Some(Self { name: service.label.as_str(), median, p90 })
    }
}

fn times(area: &Area<'_>, resolved: &[Resolved<'_>]) -> Drawn {
    let longest = resolved.iter().map(|r| r.p90).fold(60.0, f64::max) * 1.5;
    let rows = (0..last(resolved)).into_segmented();
    let mut chart = ChartBuilder::on(area)
        .margin(10)
        .margin_right(EDGE)
        .x_label_area_size(30)
        .y_label_area_size(NAMES)
        .build_cartesian_2d((SHORTEST..longest).log_scale(), rows)?;
    let name = |at: &SegmentValue<usize>| match at {
        SegmentValue::CenterOf(n) => {
            row(resolved, *n).map_or(String::new(), |r| short(r.name, LONGEST))
        }
        SegmentValue::Exact(_) | SegmentValue::Last => String::new(),
    };
    chart
        .configure_mesh()
        .disable_mesh()
        .label_style(LETTERS)
        .y_labels(resolved.len())
        .y_label_formatter(&name)
        .x_label_formatter(&|minutes| in_words(*minutes))
        .draw()?;
    for n in 0..resolved.len() {
        let Some(r) = row(resolved, n) else { continue };
        let at = |minutes: f64| (minutes, SegmentValue::CenterOf(n));
        let reach = PathElement::new(vec![at(r.median), at(r.p90)], style(LINE, false, 3));
        chart.draw_series(std::iter::once(reach))?;
        let ends = [(r.median, true), (r.p90, false)];
        let dot = |(minutes, filled)| Circle::new(at(minutes), 6, style(LINE, filled, 2));
        chart.draw_series(ends.map(dot))?;
    }
    Ok(())
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a label of an axis that begins at one minute"
)]
fn in_words(minutes: f64) -> String {
    Span::from_mins(minutes.max(0.0) as u64).short()
}
