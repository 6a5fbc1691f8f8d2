//! The routes of a tablet, which need a table token.

mod auth;
mod menu;
mod order;

use utoipa_axum::router::OpenApiRouter;

use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().merge(auth::routes()).merge(menu::routes()).merge(order::routes())
}

pub(super) fn streams() -> OpenApiRouter<AppState> {
    order::streams()
}
