//! The times at which requests are due, fixed before the load begins. A slow server does not change them, and latency is
//! counted from the due time, so a stall shows in the latency of every request that was due meanwhile.

use std::time::Duration;

use rand::RngExt;
use rand::rngs::StdRng;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Order,
    MenuRead,
}

/// A request and its due time, from the start of the load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    pub at: Duration,
    pub kind: Kind,
}

/// `rate` requests a second of each kind at random times, as guests send them, in the order of these times.
pub fn schedule(rng: &mut StdRng, duration: Duration, rates: &[(Kind, f64)]) -> Vec<Due> {
    let mut dues = Vec::new();
    for (kind, rate) in rates {
        let count = (rate * duration.as_secs_f64()).round() as usize;
        dues.extend((0..count).map(|_| Due { at: duration.mul_f64(rng.random()), kind: *kind }));
    }
    dues.sort_by_key(|due| due.at);
    dues
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn a_schedule_has_exactly_the_rates_asked_for_in_order() {
        let duration = Duration::from_secs(10);
        let rates = [(Kind::Order, 20.0), (Kind::MenuRead, 0.5)];
        let dues = schedule(&mut StdRng::seed_from_u64(7), duration, &rates);
        let count = |kind| dues.iter().filter(|due| due.kind == kind).count();
        assert_eq!((count(Kind::Order), count(Kind::MenuRead)), (200, 5));
        assert!(dues.is_sorted_by_key(|due| due.at) && dues.iter().all(|due| due.at < duration));
    }
}
