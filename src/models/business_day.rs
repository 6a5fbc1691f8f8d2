//! The store's own day.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use chrono_tz::Tz;

/// Which business day a moment belongs to: the store's time zone, and the hour its day begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BusinessCalendar {
    /// The store's IANA time zone.
    pub time_zone: Tz,
    /// The local time at which a new business day begins (04:00 for a bar).
    pub day_starts_at: NaiveTime,
}

impl BusinessCalendar {
    /// The business day of `moment`. It goes by the clock on the store's wall, so a DST change never
    /// moves an order to another day.
    #[must_use]
    pub fn day_of(&self, moment: DateTime<Utc>) -> NaiveDate {
        let local = moment.with_timezone(&self.time_zone).naive_local();
        if local.time() < self.day_starts_at {
            local.date().checked_sub_days(Days::new(1)).unwrap_or(local.date())
        } else {
            local.date()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(zone: Tz, starts_at: &str, moment: &str) -> String {
        BusinessCalendar { time_zone: zone, day_starts_at: starts_at.parse().unwrap() }
            .day_of(moment.parse().unwrap())
            .to_string()
    }

    #[test]
    fn midnight_in_seoul_is_fifteen_utc() {
        let seoul = |moment| day(chrono_tz::Asia::Seoul, "00:00:00", moment);
        assert_eq!(seoul("2026-11-20T14:59:00Z"), "2026-11-20");
        assert_eq!(seoul("2026-11-20T15:01:00Z"), "2026-11-21");
    }

    #[test]
    fn a_bar_closes_at_four() {
        let bar = |moment| day(chrono_tz::Asia::Seoul, "04:00:00", moment);
        assert_eq!(bar("2026-11-20T18:59:59Z"), "2026-11-20");
        assert_eq!(bar("2026-11-20T19:00:00Z"), "2026-11-21");
    }

    #[test]
    fn a_dst_change_in_new_york_keeps_the_day() {
        let new_york = |moment| day(chrono_tz::America::New_York, "00:00:00", moment);
        // Clocks go back at 06:00Z on 1 November 2026: the day has 25 hours, 04:00Z to 05:00Z next day.
        assert_eq!(new_york("2026-11-01T03:59:00Z"), "2026-10-31");
        assert_eq!(new_york("2026-11-01T04:01:00Z"), "2026-11-01");
        assert_eq!(new_york("2026-11-02T04:59:00Z"), "2026-11-01");
        assert_eq!(new_york("2026-11-02T05:01:00Z"), "2026-11-02");
    }
}
