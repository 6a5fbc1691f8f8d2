//! Of many times, the middle and the end.

use std::time::Duration;

/// A median and a 99th percentile.
#[derive(Debug, Clone, Copy, Default)]
pub struct Quantiles {
    pub p50: Duration,
    pub p99: Duration,
}

impl Quantiles {
    pub fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let at = |share: f64| {
            let index = (times.len().saturating_sub(1) as f64 * share).round() as usize;
            times.get(index).copied().unwrap_or_default()
        };
        Self { p50: at(0.5), p99: at(0.99) }
    }

    /// The medians of several, each for itself.
    pub fn median(several: &[Self]) -> Self {
        let of = |part: fn(&Self) -> Duration| median(several.iter().map(|one| part(one).as_secs_f64()).collect());
        Self { p50: Duration::from_secs_f64(of(|one| one.p50)), p99: Duration::from_secs_f64(of(|one| one.p99)) }
    }
}

/// The middle one, or what is between the two in the middle.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len().is_multiple_of(2) { f64::midpoint(values[middle - 1], values[middle]) } else { values[middle] }
}

pub fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
