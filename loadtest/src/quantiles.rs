//! Quantiles of many times.

use std::time::Duration;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Quantiles {
    pub p50: Duration,
    pub p95: Duration,
    pub p99: Duration,
    pub max: Duration,
}

impl Quantiles {
    pub fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let at = |share: f64| {
            let index = (times.len().saturating_sub(1) as f64 * share).round() as usize;
            times.get(index).copied().unwrap_or_default()
        };
        Self { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1.0) }
    }

    /// The medians of several, each quantile by itself.
    pub fn median(several: &[Self]) -> Self {
        let of = |part: fn(&Self) -> Duration| {
            Duration::from_secs_f64(median(several.iter().map(|one| part(one).as_secs_f64()).collect()))
        };
        Self { p50: of(|one| one.p50), p95: of(|one| one.p95), p99: of(|one| one.p99), max: of(|one| one.max) }
    }
}

/// The middle value, or the mean of the two in the middle.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len().is_multiple_of(2) { f64::midpoint(values[middle - 1], values[middle]) } else { values[middle] }
}

pub fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_that_were_measured() {
        let times = (1..=100).rev().map(Duration::from_millis).collect();
        let quantiles = Quantiles::of(times);
        assert_eq!(
            [quantiles.p50, quantiles.p95, quantiles.p99, quantiles.max].map(|time| time.as_millis()),
            [51, 95, 99, 100]
        );
        assert_eq!(Quantiles::of(Vec::new()), Quantiles::default());
    }
}
