//! Event streams of dashboards and tablets.

use std::time::Duration;

use crate::clock::Clock;
use crate::config::StreamConfig;
use crate::error::{ErrorCode, Result};
use crate::events::{EventStream, Hub, Scope, StreamAccount, StreamLogin, StreamOptions, StreamOwner, TokenCheck};
use crate::models::{TableId, UserId};
use crate::security::access::TokenChecker;
use crate::security::token::Claims;
use crate::services::{DeviceService, SessionService};

/// Opens event streams.
#[derive(Debug, Clone)]
pub struct StreamService {
    hub: Hub,
    access: TokenChecker,
    sessions: SessionService,
    devices: DeviceService,
    config: StreamConfig,
    clock: Clock,
}

impl StreamService {
    /// The service for streams of `hub`. A stream ends when `access` finds its token revoked.
    #[must_use]
    pub fn new(
        hub: Hub,
        access: TokenChecker,
        sessions: SessionService,
        devices: DeviceService,
        config: StreamConfig,
        clock: Clock,
    ) -> Self {
        Self { hub, access, sessions, devices, config, clock }
    }

    /// Opens a stream of `scope` for the owner of a token. It starts at the cursor `resume_from`, or at the newest
    /// event.
    ///
    /// # Errors
    /// `LIMIT_REACHED` or `SERVICE_UNAVAILABLE` if a limit of open streams is reached; `SESSION_ENDED` if the tablet's
    /// session has ended, unless the stream still has to deliver the end.
    pub async fn open(&self, claims: Claims, scope: Scope, resume_from: Option<String>) -> Result<EventStream> {
        let account = match scope {
            Scope::Staff => StreamAccount::User(UserId(claims.sub)),
            Scope::Session(_) => StreamAccount::Table(TableId(claims.sub)),
        };
        let login = claims.device.map_or(StreamLogin::Token(claims.jti), StreamLogin::Device);
        let subscription = self.hub.subscribe(claims.store, StreamOwner { account, login }).await?;
        self.devices.mark_seen(&claims);
        let options = StreamOptions {
            scope,
            resume_from,
            lifetime: self.lifetime(&claims),
            heartbeat: self.config.heartbeat,
            token_check: self.token_check(claims),
        };
        let stream = EventStream::open(subscription, options);
        // Checked after the subscription: a session that ends from here on has its end on the stream.
        if let Scope::Session(session) = scope
            && !self.sessions.runs_after(claims.store, session, stream.seen()).await?
        {
            return Err(ErrorCode::SessionEnded.into());
        }
        Ok(stream)
    }

    /// The maximum lifetime of a stream: until its token expires.
    fn lifetime(&self, claims: &Claims) -> Duration {
        let left = (claims.expires_at() - self.clock.now()).to_std().unwrap_or_default();
        self.config.max_age.map_or(left, |max_age| max_age.min(left))
    }

    /// A function that checks whether the token is still valid.
    fn token_check(&self, claims: Claims) -> TokenCheck {
        let access = self.access.clone();
        Box::new(move || {
            let access = access.clone();
            Box::pin(async move { access.check_now(&claims).await.is_ok() })
        })
    }
}
