//! The two stages of a shutdown: the drain, in which a proxy moves the traffic to other instances, then the stop.

use tokio_util::sync::CancellationToken;

/// Signals the two stages. Clones share their state.
#[derive(Debug, Clone)]
pub struct Shutdown {
    closing: CancellationToken,
    /// A child of `closing`: closing also starts the drain.
    draining: CancellationToken,
}

impl Default for Shutdown {
    fn default() -> Self {
        let closing = CancellationToken::new();
        Self { draining: closing.child_token(), closing }
    }
}

impl Shutdown {
    /// Begins the drain: the readiness check fails, and each connection closes after its next response. New connections
    /// and requests are still accepted, and streams stay open.
    pub fn drain(&self) {
        self.draining.cancel();
    }

    /// Begins the stop: no new connections are accepted, and streams are aborted.
    pub fn close(&self) {
        self.closing.cancel();
    }

    /// Whether the drain or the stop has begun.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.draining.is_cancelled()
    }

    /// Completes when the drain begins.
    pub async fn draining(&self) {
        self.draining.cancelled().await;
    }

    /// Cancelled when the stop begins.
    #[must_use]
    pub fn closing(&self) -> &CancellationToken {
        &self.closing
    }
}
