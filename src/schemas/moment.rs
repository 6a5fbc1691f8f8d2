//! How moments are written.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serializer;

/// Writes `at` as chrono does, in one piece: its own hands JSON each digit apart, to see whether it must be escaped.
pub(super) fn moment<S: Serializer>(at: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&at.to_rfc3339_opts(SecondsFormat::AutoSi, true))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Serialize;

    use super::*;

    #[derive(Serialize)]
    struct Ours(#[serde(serialize_with = "moment")] DateTime<Utc>);

    proptest! {
        #[test]
        fn a_moment_is_written_as_chrono_writes_it(
            seconds in -62_135_596_800..253_402_300_800_i64,
            nanoseconds in prop_oneof![Just(0), Just(120_000_000), Just(123_456_000), 0..1_000_000_000_u32],
        ) {
            let at = DateTime::from_timestamp(seconds, nanoseconds).unwrap();
            prop_assert_eq!(serde_json::to_string(&Ours(at)).unwrap(), serde_json::to_string(&at).unwrap());
        }
    }
}
