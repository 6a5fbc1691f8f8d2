//! The open streams of one store, and the limits on their number.

use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::config::StreamLimits;
use crate::error::{AppError, ErrorCode, Limit, Result};
use crate::models::{DeviceId, TableId, UserId};

/// The owner of a stream, for the limits on open streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamOwner {
    /// The table or the user.
    pub account: StreamAccount,
    /// One of the table's devices, or one of the user's logins.
    pub login: StreamLogin,
}

/// The login that a stream belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamLogin {
    /// A paired device, with any of its tokens.
    Device(DeviceId),
    /// The token of a login without a device.
    Token(Uuid),
}

/// The table or the user that a stream belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamAccount {
    /// The tablets of a table.
    Table(TableId),
    /// A user.
    User(UserId),
}

/// Checks the limit of all streams of this instance, of which `open` are open.
///
/// # Errors
/// `SERVICE_UNAVAILABLE` if the limit is reached.
pub(super) fn check_all(limits: &StreamLimits, owner: StreamOwner, open: usize) -> Result<()> {
    let maximum = share_of(owner.account, limits.in_all, limits);
    check(ErrorCode::ServiceUnavailable, Limit::Streams, open, maximum)
}

/// The part of `limit` that applies to this account: a share is reserved for users.
fn share_of(account: StreamAccount, limit: usize, limits: &StreamLimits) -> usize {
    match account {
        StreamAccount::User(_) => limit,
        StreamAccount::Table(_) => limit - limit * limits.staff_percent / 100,
    }
}

fn check(code: ErrorCode, limit: Limit, open: usize, maximum: usize) -> Result<()> {
    if open < maximum {
        return Ok(());
    }
    let refused = AppError::limit_reached(code, limit, i64::try_from(maximum).unwrap_or(i64::MAX));
    Err(AppError { cause: Some("the limit of open streams is reached".into()), ..refused })
}

/// The open streams of one store, oldest first.
#[derive(Debug, Default)]
pub(super) struct OpenStreams {
    streams: Vec<OpenStream>,
    last_id: u64,
}

#[derive(Debug)]
struct OpenStream {
    id: u64,
    owner: StreamOwner,
    closed: CancellationToken,
}

impl OpenStreams {
    /// Adds a stream, which ends when `closed` is cancelled. If its login has too many, closes the oldest one of the login.
    /// Returns the new stream's id and whether one was closed.
    ///
    /// A closed stream counts until it is removed, because a client that does not read the response delays its end. It does
    /// not count for a new stream of its own login, so that a page that reloads is not refused. A login has at most
    /// `per_login` closed streams.
    ///
    /// # Errors
    /// `LIMIT_REACHED` if the login, table or user has reached its limit, `SERVICE_UNAVAILABLE` if the store has.
    pub(super) fn add(
        &mut self,
        owner: StreamOwner,
        limits: &StreamLimits,
        closed: CancellationToken,
    ) -> Result<(u64, bool)> {
        let of_login = self.streams.iter().filter(|stream| stream.owner == owner);
        let (closing, open): (Vec<_>, Vec<_>) = of_login.partition(|stream| stream.closed.is_cancelled());
        let replaced = open.first().filter(|_| open.len() >= limits.per_login);
        if replaced.is_some() {
            check(ErrorCode::LimitReached, Limit::LoginStreams, closing.len(), limits.per_login)?;
        }
        let not_counted = closing.len() + usize::from(replaced.is_some());
        let of_account = self.streams.iter().filter(|stream| stream.owner.account == owner.account).count();
        let (limit, maximum) = match owner.account {
            StreamAccount::Table(_) => (Limit::TableStreams, limits.per_table),
            StreamAccount::User(_) => (Limit::UserStreams, limits.per_user),
        };
        check(ErrorCode::LimitReached, limit, of_account - not_counted, maximum)?;
        let maximum = share_of(owner.account, limits.per_store, limits);
        check(ErrorCode::ServiceUnavailable, Limit::StoreStreams, self.streams.len() - not_counted, maximum)?;
        let is_replacing = replaced.is_some();
        if let Some(oldest) = replaced {
            oldest.closed.cancel();
        }
        self.last_id += 1;
        self.streams.push(OpenStream { id: self.last_id, owner, closed });
        Ok((self.last_id, is_replacing))
    }

    /// The paired devices of the streams; one with several streams occurs several times.
    pub(super) fn devices(&self) -> Vec<DeviceId> {
        let device = |stream: &OpenStream| match stream.owner.login {
            StreamLogin::Device(device) => Some(device),
            StreamLogin::Token(_) => None,
        };
        self.streams.iter().filter_map(device).collect()
    }

    pub(super) fn remove(&mut self, id: u64) {
        self.streams.retain(|stream| stream.id != id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: StreamLimits =
        StreamLimits { per_login: 2, per_table: 5, per_user: 4, per_store: 8, in_all: 8, staff_percent: 25 };

    fn table(table: i64, device: i64) -> StreamOwner {
        StreamOwner { account: StreamAccount::Table(TableId(table)), login: StreamLogin::Device(DeviceId(device)) }
    }

    fn user(user: i64, login: u128) -> StreamOwner {
        let login = StreamLogin::Token(Uuid::from_u128(login));
        StreamOwner { account: StreamAccount::User(UserId(user)), login }
    }

    fn add(open: &mut OpenStreams, owner: StreamOwner) -> Result<CancellationToken> {
        let closed = CancellationToken::new();
        open.add(owner, &LIMITS, closed.clone()).map(|_| closed)
    }

    #[test]
    fn a_surplus_stream_closes_the_oldest_of_its_login() {
        let mut open = OpenStreams::default();
        let other = add(&mut open, user(1, 2)).unwrap();
        let [first, second, third] = [(); 3].map(|()| add(&mut open, user(1, 1)).unwrap());
        assert_eq!([first, second, third, other].map(|stream| stream.is_cancelled()), [true, false, false, false]);
    }

    #[test]
    fn each_table_and_user_has_its_own_limit() {
        let mut open = OpenStreams::default();
        for login in [0, 0, 1, 2, 3] {
            add(&mut open, table(1, login)).unwrap();
        }
        for login in [1, 9] {
            let refused = add(&mut open, table(1, login)).unwrap_err();
            assert_eq!((refused.code, refused.limit()), (ErrorCode::LimitReached, Some((Limit::TableStreams, 5))));
        }
        add(&mut open, table(2, 0)).unwrap();
        // A stream that replaces the oldest of its login does not count additionally.
        add(&mut open, table(1, 0)).unwrap();
    }

    #[test]
    fn closed_streams_count_until_they_are_removed() {
        let mut open = OpenStreams::default();
        let ids = [(); 4].map(|()| open.add(table(1, 0), &LIMITS, CancellationToken::new()).unwrap().0);
        let refused = add(&mut open, table(1, 0)).unwrap_err();
        assert_eq!((refused.code, refused.limit()), (ErrorCode::LimitReached, Some((Limit::LoginStreams, 2))));
        add(&mut open, table(1, 1)).unwrap();
        assert_eq!(add(&mut open, table(1, 1)).unwrap_err().limit(), Some((Limit::TableStreams, 5)));
        add(&mut open, table(2, 0)).unwrap();
        assert_eq!(add(&mut open, table(3, 0)).unwrap_err().limit(), Some((Limit::StoreStreams, 6)));
        open.remove(ids[0]);
        add(&mut open, table(1, 0)).unwrap();
        assert_eq!(add(&mut open, table(1, 0)).unwrap_err().limit(), Some((Limit::LoginStreams, 2)));
    }

    #[test]
    fn a_page_that_reloads_at_every_limit_replaces_its_stream() {
        let limits =
            StreamLimits { per_login: 1, per_table: 1, per_user: 1, per_store: 1, in_all: 8, staff_percent: 0 };
        let mut open = OpenStreams::default();
        for owner in [table(1, 0), user(1, 0)] {
            let closed = CancellationToken::new();
            let (first, _) = open.add(owner, &limits, closed.clone()).unwrap();
            let (second, is_replacing) = open.add(owner, &limits, CancellationToken::new()).unwrap();
            assert!(is_replacing && closed.is_cancelled());
            open.remove(first);
            open.remove(second);
        }
    }

    #[test]
    fn tablets_cannot_use_the_share_reserved_for_users() {
        let mut open = OpenStreams::default();
        let ids: Vec<u64> =
            (0..6).map(|number| open.add(table(number, 0), &LIMITS, CancellationToken::new()).unwrap().0).collect();
        let refused = add(&mut open, table(9, 0)).unwrap_err();
        assert_eq!((refused.code, refused.limit()), (ErrorCode::ServiceUnavailable, Some((Limit::StoreStreams, 6))));
        add(&mut open, user(1, 1)).unwrap();
        add(&mut open, user(1, 2)).unwrap();
        assert_eq!(add(&mut open, user(1, 3)).unwrap_err().limit(), Some((Limit::StoreStreams, 8)));
        open.remove(ids[0]);
        add(&mut open, user(1, 3)).unwrap();
    }
}
