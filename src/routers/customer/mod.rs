//! What a tablet may ask for, with a table token.

mod auth;
mod menu;
mod order;

use utoipa_axum::router::OpenApiRouter;

use crate::state::AppState;

pub(super) fn requests() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().merge(auth::requests()).merge(menu::requests()).merge(order::requests())
}

pub(super) fn streams() -> OpenApiRouter<AppState> {
    order::streams()
}
