//! How the server stops: first, where there is a proxy to notice, a drain; then the stop itself.

use tokio_util::sync::CancellationToken;

/// What begins, in this order, when the server is to stop. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Shutdown {
    closing: CancellationToken,
    /// A child: whoever closes has drained.
    draining: CancellationToken,
}

impl Default for Shutdown {
    fn default() -> Self {
        let closing = CancellationToken::new();
        Self { draining: closing.child_token(), closing }
    }
}

impl Shutdown {
    /// Begins the drain: readiness goes red, and each connection closes with its next answer. Connections and
    /// requests are still taken, and streams go on.
    pub fn drain(&self) {
        self.draining.cancel();
    }

    /// Begins the stop: no more connections are taken, and streams are broken off.
    pub fn close(&self) {
        self.closing.cancel();
    }

    /// Whether the drain, or more, has begun.
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
