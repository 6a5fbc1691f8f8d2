//! Failed logins, and how long they keep others waiting.

use std::net::IpAddr;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};

use super::{StoreId, UserId};

/// What failures are counted of: a digest of an account's name or of an address.
#[derive(Debug, Clone, PartialEq, Eq, Hash, sqlx::Type)]
#[sqlx(transparent)]
pub struct FailureKey(Vec<u8>);

impl FailureKey {
    /// A staff account, as it was typed.
    #[must_use]
    pub fn of_user(store_code: &str, username: &str) -> Self {
        Self::digest(b"user", &[store_code.as_bytes(), username.as_bytes()])
    }

    /// A table, as it was typed.
    #[must_use]
    pub fn of_table(store_code: &str, table_number: i64) -> Self {
        Self::digest(b"table", &[store_code.as_bytes(), &table_number.to_be_bytes()])
    }

    /// The current password of somebody who is logged in.
    #[must_use]
    pub fn of_login(store: StoreId, user: UserId) -> Self {
        Self::digest(b"login", &[&store.0.to_be_bytes(), &user.0.to_be_bytes()])
    }

    /// An address. Whoever has one of IPv6 has a whole /64.
    #[must_use]
    pub fn of_address(address: IpAddr) -> Self {
        Self::digest(b"address", &[network_of(address).to_string().as_bytes()])
    }

    fn digest(kind: &[u8], parts: &[&[u8]]) -> Self {
        let mut digest = Sha256::new_with_prefix(kind);
        for part in parts {
            // The length first, so that what ends one part cannot begin the next.
            digest.update(part.len().to_be_bytes());
            digest.update(part);
        }
        Self(digest.finalize().to_vec())
    }

    /// The digest.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The network one customer of an internet provider has at least: an IPv4 address, an IPv6 /64.
#[must_use]
pub fn network_of(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() & (u128::MAX << 64)).into()),
    }
}

/// The failed attempts of one key.
#[derive(Debug, Clone)]
pub struct Failures {
    /// How many there were, those under way included.
    pub count: i32,
    /// When the last one failed.
    pub last_at: DateTime<Utc>,
    /// When the newest attempt under way, if there is one, is over at the latest.
    pub claimed_until: Option<DateTime<Utc>>,
}

/// After how many failures there is a pause, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct LockoutPolicy {
    /// Failures without a pause.
    pub free_failures: i32,
    /// The first pause; each further failure doubles it.
    pub first: Duration,
    /// The longest pause.
    pub longest: Duration,
}

impl LockoutPolicy {
    /// Until when no attempt is let through; `None` while there are attempts left before the first pause.
    #[must_use]
    pub fn locked_until(&self, failures: &Failures) -> Option<DateTime<Utc>> {
        let beyond = u32::try_from(failures.count - self.free_failures).ok()?;
        let pause = self.first.saturating_mul(2_u32.saturating_pow(beyond)).min(self.longest);
        failures.last_at.checked_add_signed(TimeDelta::from_std(pause).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_doubles_up_to_the_longest() {
        let policy =
            LockoutPolicy { free_failures: 5, first: Duration::from_secs(30), longest: Duration::from_mins(15) };
        let last_at = DateTime::UNIX_EPOCH;
        let pause = |count| {
            let failures = Failures { count, last_at, claimed_until: None };
            policy.locked_until(&failures).map(|until| (until - last_at).num_seconds())
        };
        assert_eq!((pause(0), pause(4)), (None, None));
        assert_eq!((pause(5), pause(6), pause(7)), (Some(30), Some(60), Some(120)));
        assert_eq!((pause(10), pause(i32::MAX)), (Some(900), Some(900)));
    }

    #[test]
    fn what_was_typed_into_one_field_does_not_count_for_another() {
        let keys = [
            FailureKey::of_user("ab", "c"),
            FailureKey::of_user("a", "bc"),
            FailureKey::of_table("ab", 1),
            FailureKey::of_table("ab", 2),
            FailureKey::of_login(StoreId(1), UserId(2)),
            FailureKey::of_login(StoreId(2), UserId(1)),
            FailureKey::of_address("192.0.2.1".parse().unwrap()),
            FailureKey::of_address("2001:db8::1".parse().unwrap()),
        ];
        let distinct: std::collections::HashSet<_> = keys.iter().collect();
        assert_eq!(distinct.len(), keys.len());
        let neighbour = FailureKey::of_address("2001:db8::ffff:0:0:1".parse().unwrap());
        assert_eq!(neighbour, keys[7], "the same /64");
    }
}
