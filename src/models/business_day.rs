//! Business days: a store's day, which need not begin at midnight.

use chrono::{DateTime, NaiveDate, NaiveTime, TimeZone, Utc};
use chrono_tz::{GapInfo, Tz};

/// Maps instants to a store's business days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BusinessCalendar {
    /// The store's IANA time zone.
    pub time_zone: Tz,
    /// The local time at which a new business day begins (04:00 for a bar).
    pub day_starts_at: NaiveTime,
}

impl BusinessCalendar {
    /// The business day of `instant`: the latest day that has begun. A later instant never has an earlier day, even if
    /// the day begins in the hour that the end of daylight saving time repeats.
    #[must_use]
    pub fn day_of(&self, instant: DateTime<Utc>) -> NaiveDate {
        let today = instant.with_timezone(&self.time_zone).date_naive();
        let has_begun = |day: &NaiveDate| self.start_of(*day).is_some_and(|start| start <= instant);
        // If the clock is set back across midnight, the next business day may already have begun.
        let latest = [today.succ_opt(), Some(today)].into_iter().flatten().find(has_begun);
        latest.or(today.pred_opt()).unwrap_or(today)
    }

    /// The start of the business day before that of `now`. Unfinished orders of sessions completed since then stay
    /// live.
    #[must_use]
    pub fn carried_over_since(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        let yesterday = self.day_of(now).pred_opt();
        yesterday.and_then(|day| self.start_of(day)).map_or(now, |start| start.to_utc())
    }

    /// The instant at which `day` begins. If that local time occurs twice, the first; if it is skipped, the end of the
    /// gap.
    #[must_use]
    pub fn start_of(&self, day: NaiveDate) -> Option<DateTime<Tz>> {
        let local = day.and_time(self.day_starts_at);
        let start = self.time_zone.from_local_datetime(&local).earliest();
        start.or_else(|| GapInfo::new(&local, &self.time_zone)?.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(zone: Tz, starts_at: &str, instant: &str) -> String {
        BusinessCalendar { time_zone: zone, day_starts_at: starts_at.parse().unwrap() }
            .day_of(instant.parse().unwrap())
            .to_string()
    }

    #[test]
    fn midnight_in_seoul_is_fifteen_utc() {
        let seoul = |instant| day(chrono_tz::Asia::Seoul, "00:00:00", instant);
        assert_eq!(seoul("2026-11-20T14:59:00Z"), "2026-11-20");
        assert_eq!(seoul("2026-11-20T15:01:00Z"), "2026-11-21");
    }

    #[test]
    fn a_business_day_can_begin_at_four() {
        let bar = |instant| day(chrono_tz::Asia::Seoul, "04:00:00", instant);
        assert_eq!(bar("2026-11-20T18:59:59Z"), "2026-11-20");
        assert_eq!(bar("2026-11-20T19:00:00Z"), "2026-11-21");
    }

    #[test]
    fn a_dst_change_in_new_york_keeps_the_day() {
        let new_york = |instant| day(chrono_tz::America::New_York, "00:00:00", instant);
        // Clocks go back at 06:00Z on 1 November 2026: the day has 25 hours, 04:00Z to 05:00Z next day.
        assert_eq!(new_york("2026-11-01T03:59:00Z"), "2026-10-31");
        assert_eq!(new_york("2026-11-01T04:01:00Z"), "2026-11-01");
        assert_eq!(new_york("2026-11-02T04:59:00Z"), "2026-11-01");
        assert_eq!(new_york("2026-11-02T05:01:00Z"), "2026-11-02");
    }

    #[test]
    fn a_day_that_begins_in_the_repeated_hour_begins_once() {
        let new_york = |instant| day(chrono_tz::America::New_York, "01:30:00", instant);
        // 01:45 EDT, then 01:10 EST and 01:31 EST after the clock went back.
        assert_eq!(new_york("2026-11-01T05:29:59Z"), "2026-10-31");
        assert_eq!(new_york("2026-11-01T05:45:00Z"), "2026-11-01");
        assert_eq!(new_york("2026-11-01T06:10:00Z"), "2026-11-01");
        assert_eq!(new_york("2026-11-01T06:31:00Z"), "2026-11-01");
    }

    #[test]
    fn a_day_that_begins_in_the_skipped_hour_begins_after_it() {
        let berlin = |instant| day(chrono_tz::Europe::Berlin, "02:30:00", instant);
        // 02:00 becomes 03:00 at 01:00Z on 29 March 2026.
        assert_eq!(berlin("2026-03-29T00:59:59Z"), "2026-03-28");
        assert_eq!(berlin("2026-03-29T01:00:00Z"), "2026-03-29");
    }

    proptest! {
        #[test]
        fn the_business_day_never_goes_back(
            zone in prop::sample::select(chrono_tz::TZ_VARIANTS.to_vec()),
            starts_at in 0..24 * 60_u32,
            second in 0..4_000_000_000_i64,
            later in 0..26 * 3_600_i64,
        ) {
            let day_starts_at = NaiveTime::from_num_seconds_from_midnight_opt(starts_at * 60, 0).unwrap();
            let calendar = BusinessCalendar { time_zone: zone, day_starts_at };
            let day = |second| calendar.day_of(DateTime::from_timestamp(second, 0).unwrap());
            prop_assert!(day(second) <= day(second + later), "{zone} {day_starts_at} {second} {later}");
        }
    }
}
