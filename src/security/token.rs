//! Tokens: JWTs with one pinned algorithm, key id, issuer, audience, expiry and version.

mod claims;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::clock::Clock;
use crate::config::Secret;
use crate::error::{AppError, ErrorCode, Result};
use crate::security::token_signature;

pub(super) use self::claims::TokenOwner;
pub use self::claims::{Audience, Claims, IssuedToken, RenewableToken, Subject, VerifiedToken};
use self::claims::{ISSUER, Issuer};

/// The longest accepted token, in bytes. Valid tokens have about 400.
const MAX_TOKEN_BYTES: usize = 4096;

/// The number of cached tokens.
const CACHE_CAPACITY: u64 = 20_000;

/// The lifetime of a ticket for the event stream, in seconds.
pub const TICKET_LIFETIME: i64 = 60;

/// Issues and checks tokens. A token is signed with the current key, and checked with the key that it names, so that tokens
/// stay valid while the secret is replaced.
pub struct Tokens {
    /// The id of the key that signs.
    key_id: String,
    encoding: EncodingKey,
    /// All accepted keys, by id.
    decoding: HashMap<String, DecodingKey>,
    algorithm: Algorithm,
    validation: Validation,
    /// A cache of tokens with a valid signature, because a tablet sends the same token all day.
    verified: Cache<Box<[u8]>, Arc<VerifiedToken>>,
    epoch: Uuid,
    clock: Clock,
}

impl Tokens {
    /// Tokens of the deployment with this epoch, signed with `secret`. Tokens signed with one of the `previous` secrets are
    /// accepted, too.
    #[must_use]
    pub fn new(secret: &Secret, previous: &[Secret], algorithm: Algorithm, epoch: Uuid, clock: Clock) -> Self {
        token_signature::install();
        let mut validation = Validation::new(algorithm);
        validation.set_issuer(&[ISSUER]);
        validation.required_spec_claims = HashSet::from(["exp", "iss", "aud"].map(str::to_owned));
        // The expiry is checked with the injected clock and the audience by the route; each has its own error code.
        validation.validate_exp = false;
        validation.validate_aud = false;
        let decoding_key = |secret: &Secret| (key_id(secret), DecodingKey::from_secret(secret.expose().as_bytes()));
        Self {
            key_id: key_id(secret),
            encoding: EncodingKey::from_secret(secret.expose().as_bytes()),
            decoding: previous.iter().chain([secret]).map(decoding_key).collect(),
            algorithm,
            validation,
            verified: Cache::builder().max_capacity(CACHE_CAPACITY).eviction_policy(EvictionPolicy::lru()).build(),
            epoch,
            clock,
        }
    }

    /// Issues a token that is valid for `lifetime`.
    pub fn issue(&self, subject: Subject, lifetime: Duration) -> Result<IssuedToken> {
        self.issue_until(subject, self.clock.now() + TimeDelta::from_std(lifetime).map_err(AppError::internal)?)
    }

    /// Issues a token that expires at `expires_at`, or up to a second earlier.
    pub fn issue_until(&self, subject: Subject, expires_at: DateTime<Utc>) -> Result<IssuedToken> {
        let claims = Claims {
            iss: Issuer::Tableorder,
            aud: subject.audience,
            sub: subject.id,
            store: subject.store,
            session: subject.session,
            device: subject.device,
            version: subject.version,
            iat: self.clock.now().timestamp(),
            exp: expires_at.timestamp(),
            login_exp: None,
            epoch: self.epoch,
            jti: Uuid::new_v4(),
        };
        self.sign(&claims)
    }

    /// Issues a ticket for the event stream from an admin login.
    pub fn issue_ticket(&self, login: &Claims) -> Result<IssuedToken> {
        let now = self.clock.now().timestamp();
        self.sign(&Claims {
            aud: Audience::Stream,
            iat: now,
            exp: login.exp.min(now + TICKET_LIFETIME),
            login_exp: Some(login.exp),
            ..*login
        })
    }

    fn sign(&self, claims: &Claims) -> Result<IssuedToken> {
        let header = Header { kid: Some(self.key_id.clone()), ..Header::new(self.algorithm) };
        let token = jsonwebtoken::encode(&header, claims, &self.encoding).map_err(AppError::internal)?;
        Ok(IssuedToken { token, expires_at: claims.expires_at() })
    }

    /// Checks the signature, expiry and audience of a token.
    ///
    /// # Errors
    /// `INVALID_TOKEN`, `TOKEN_EXPIRED` or `INVALID_TOKEN_TYPE`.
    pub fn check(&self, token: &[u8], audience: Audience) -> Result<Arc<VerifiedToken>> {
        let verified = self.authentic(token)?;
        if self.is_expired(&verified.claims) {
            return Err(ErrorCode::TokenExpired.into());
        }
        require_audience(&verified.claims, audience)?;
        Ok(verified)
    }

    /// Checks a table token that is to be renewed. It may be expired; use it for the renewal only.
    ///
    /// # Errors
    /// `INVALID_TOKEN` or `INVALID_TOKEN_TYPE`.
    pub fn check_for_renewal(&self, token: &[u8]) -> Result<RenewableToken> {
        let claims = self.authentic(token)?.claims;
        require_audience(&claims, Audience::Table)?;
        Ok(RenewableToken { claims, is_expired: self.is_expired(&claims) })
    }

    /// The token, if it has a valid signature and this epoch.
    fn authentic(&self, token: &[u8]) -> Result<Arc<VerifiedToken>> {
        let verified = match self.verified.get(token) {
            Some(verified) => verified,
            None => self.verify(token)?,
        };
        let is_of_epoch = verified.claims.epoch == self.epoch;
        if is_of_epoch { Ok(verified) } else { Err(ErrorCode::InvalidToken.into()) }
    }

    fn is_expired(&self, claims: &Claims) -> bool {
        claims.exp <= self.clock.now().timestamp()
    }

    /// Checks the signature of a token that is not cached, and caches it.
    fn verify(&self, token: &[u8]) -> Result<Arc<VerifiedToken>> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(ErrorCode::InvalidToken.into());
        }
        let invalid = |_| ErrorCode::InvalidToken;
        let header = jsonwebtoken::decode_header(token).map_err(invalid)?;
        let key = header.kid.and_then(|id| self.decoding.get(&id)).ok_or(ErrorCode::InvalidToken)?;
        let claims = jsonwebtoken::decode::<Claims>(token, key, &self.validation).map_err(invalid)?.claims;
        let verified = Arc::new(VerifiedToken::from(claims));
        self.verified.insert(token.into(), Arc::clone(&verified));
        Ok(verified)
    }
}

fn require_audience(claims: &Claims, audience: Audience) -> Result<()> {
    if claims.aud == audience { Ok(()) } else { Err(ErrorCode::InvalidTokenType.into()) }
}

/// The key id in tokens. It identifies the secret but does not reveal it.
fn key_id(secret: &Secret) -> String {
    let digest = Sha256::digest(secret.expose().as_bytes());
    URL_SAFE_NO_PAD.encode(digest.get(..6).unwrap_or_default())
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokens").field("key_id", &self.key_id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};

    use chrono::DateTime;
    use proptest::prelude::*;

    use super::*;
    use crate::models::{SessionId, StoreId};

    fn tokens() -> Tokens {
        let secret = Secret::new("a secret for these unit tests only");
        Tokens::new(&secret, &[], Algorithm::HS256, Uuid::nil(), Clock::system())
    }

    fn token(tokens: &Tokens) -> String {
        let subject = Subject {
            audience: Audience::Table,
            id: 7,
            store: StoreId(1),
            session: Some(SessionId(3)),
            device: None,
            version: 1,
        };
        tokens.issue(subject, Duration::from_hours(1)).unwrap().token
    }

    #[test]
    fn an_overlong_token_is_refused() {
        let tokens = tokens();
        for long in ["x".repeat(1_000_000), token(&tokens).repeat(5_000)] {
            assert_eq!(tokens.check(long.as_bytes(), Audience::Table).unwrap_err().code, ErrorCode::InvalidToken);
        }
    }

    #[test]
    fn a_cached_token_keeps_its_expiry_and_audience() {
        let seconds = Arc::new(AtomicI64::new(0));
        let clock = Clock::from_fn({
            let seconds = Arc::clone(&seconds);
            move || DateTime::from_timestamp(seconds.load(Ordering::Relaxed), 0).unwrap()
        });
        let tokens =
            Tokens::new(&Secret::new("a secret for these unit tests only"), &[], Algorithm::HS256, Uuid::nil(), clock);
        let token = token(&tokens);
        for _ in 0..2 {
            assert_eq!(tokens.check(token.as_bytes(), Audience::Table).unwrap().claims.sub, 7);
            assert_eq!(tokens.check(token.as_bytes(), Audience::Admin).unwrap_err().code, ErrorCode::InvalidTokenType);
        }
        seconds.store(60 * 60, Ordering::Relaxed);
        assert_eq!(tokens.check(token.as_bytes(), Audience::Table).unwrap_err().code, ErrorCode::TokenExpired);
        assert!(tokens.check_for_renewal(token.as_bytes()).unwrap().is_expired);
    }

    proptest! {
        #[test]
        fn other_text_is_not_a_token(text in ".*") {
            prop_assert_eq!(tokens().check(text.as_bytes(), Audience::Table).unwrap_err().code, ErrorCode::InvalidToken);
        }

        #[test]
        fn one_changed_character_makes_a_token_invalid(position in any::<prop::sample::Index>(), other in "[ -~]") {
            let tokens = tokens();
            let good = token(&tokens);
            let position = position.index(good.len());
            let mut bad = good.clone();
            bad.replace_range(position..=position, &other);
            prop_assume!(bad != good);
            prop_assert_eq!(tokens.check(bad.as_bytes(), Audience::Table).unwrap_err().code, ErrorCode::InvalidToken);
        }
    }
}
