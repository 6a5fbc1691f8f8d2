//! The demo restaurant.

use serde::Serialize;
use utoipa::ToSchema;

/// What this store may do with the demo restaurant.
#[derive(Serialize, ToSchema)]
pub struct DemoStoreResponse {
    /// Whether there is a demo, and the owners of this store may remove it.
    #[schema(example = true)]
    pub is_removable: bool,
}
