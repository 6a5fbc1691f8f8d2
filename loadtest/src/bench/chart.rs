//! Draws the curves as SVG.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use super::metric::Point;
use super::report::Report;
use crate::Result;

const WIDTH: f64 = 460.0;
const HEIGHT: f64 = 300.0;

/// The edges of the drawing area of a panel.
const LEFT: f64 = 60.0;
const TOP: f64 = 56.0;
const RIGHT: f64 = WIDTH - 20.0;
const BOTTOM: f64 = HEIGHT - 52.0;

/// Milliseconds at which a line may be drawn; the scale is logarithmic.
const LINES: [f64; 16] = [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1e3, 2e3, 5e3, 10e3];

/// The value of a point that a curve shows.
type Value = fn(&Point) -> f64;

const P50: &str = "#2563eb";
const P99: &str = "#ea580c";

/// Draws order latency over load, and delivery latency over subscribers, as far as they were measured.
pub fn write(file: &Path, report: &Report) -> Result<()> {
    let panels = [
        ("Order latency over load", "connections, each with its next order at once", &report.orders),
        ("From order to dashboard, 200 orders/s", "open streams over 100 stores", &report.delivery),
    ];
    let panels: Vec<_> = panels.into_iter().filter(|(_, _, points)| !points.is_empty()).collect();
    let mut svg = String::new();
    for (index, (title, axis, points)) in panels.iter().enumerate() {
        writeln!(svg, r#"<g transform="translate({} 0)">"#, index as f64 * WIDTH)?;
        panel(&mut svg, title, axis, points)?;
        writeln!(svg, "</g>")?;
    }
    let width = WIDTH * panels.len() as f64;
    let svg = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {HEIGHT}" width="{width}" height="{HEIGHT}" font-family="system-ui, sans-serif" font-size="12" fill="#334155">
<rect width="100%" height="100%" fill="#ffffff"/>
{svg}</svg>
"##
    );
    Ok(fs::write(file, svg)?)
}

fn panel(svg: &mut String, title: &str, axis: &str, points: &[Point]) -> Result<()> {
    let of_all = |pick: fn(f64, f64) -> f64| points.iter().flat_map(|point| [point.p50_ms, point.p99_ms]).reduce(pick);
    let (lowest, highest) = (of_all(f64::min).unwrap_or(1.0), of_all(f64::max).unwrap_or(1.0));
    let first = LINES.iter().rposition(|line| *line < lowest * 0.8).unwrap_or(0);
    let last = LINES.iter().position(|line| *line > highest).unwrap_or(LINES.len() - 1);
    let lines = &LINES[first..=last];
    let (bottom, top) = (LINES[first].ln(), LINES[last].ln());
    let y = |ms: f64| BOTTOM - (BOTTOM - TOP) * (ms.ln() - bottom) / (top - bottom);
    let x = |index: usize| {
        let share = (index as f64 + 0.5) / points.len() as f64;
        LEFT + (RIGHT - LEFT) * share
    };

    writeln!(svg, r##"<text x="{LEFT}" y="22" font-size="15" font-weight="600" fill="#0f172a">{title}</text>"##)?;
    for (name, color, at) in [("median", P50, LEFT), ("99th percentile", P99, LEFT + 80.0)] {
        writeln!(
            svg,
            r#"<circle cx="{}" cy="38" r="4" fill="{color}"/><text x="{}" y="42">{name}</text>"#,
            at + 4.0,
            at + 14.0
        )?;
    }
    for line in lines {
        let at = y(*line);
        writeln!(svg, r##"<line x1="{LEFT}" x2="{RIGHT}" y1="{at:.1}" y2="{at:.1}" stroke="#e2e8f0"/>"##)?;
        writeln!(svg, r#"<text x="{}" y="{:.1}" text-anchor="end">{line} ms</text>"#, LEFT - 8.0, at + 4.0)?;
    }
    for (index, point) in points.iter().enumerate() {
        let at = x(index);
        writeln!(svg, r#"<text x="{at:.1}" y="{}" text-anchor="middle">{}</text>"#, BOTTOM + 18.0, point.at)?;
    }
    let middle = f64::midpoint(LEFT, RIGHT);
    writeln!(svg, r##"<text x="{middle}" y="{}" text-anchor="middle" fill="#64748b">{axis}</text>"##, BOTTOM + 38.0)?;
    // Labels are on the side of the point away from the other curve.
    let curves: [(&str, Value, f64); 2] = [(P50, |point| point.p50_ms, 16.0), (P99, |point| point.p99_ms, -8.0)];
    for (color, value, beside) in curves {
        let places: Vec<_> =
            points.iter().enumerate().map(|(index, point)| (x(index), y(value(point)), value(point))).collect();
        let path: Vec<_> = places.iter().map(|(x, y, _)| format!("{x:.1},{y:.1}")).collect();
        writeln!(svg, r#"<polyline points="{}" fill="none" stroke="{color}" stroke-width="2"/>"#, path.join(" "))?;
        for (x, y, ms) in places {
            writeln!(svg, r#"<circle cx="{x:.1}" cy="{y:.1}" r="3.5" fill="{color}"/>"#)?;
            writeln!(
                svg,
                r#"<text x="{x:.1}" y="{:.1}" text-anchor="middle" font-size="10" fill="{color}">{ms:.1}</text>"#,
                y + beside
            )?;
        }
    }
    Ok(())
}
