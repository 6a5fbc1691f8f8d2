//! The routes of the dashboard, which need an admin token.

mod audit;
mod auth;
mod category;
mod demo;
mod device;
mod menu;
mod order;
mod table;
mod user;

use utoipa_axum::router::OpenApiRouter;

use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .merge(auth::routes())
        .merge(category::routes())
        .merge(menu::routes())
        .merge(order::routes())
        .merge(table::routes())
        .merge(device::routes())
        .merge(user::routes())
        .merge(audit::routes())
        .merge(demo::routes())
}

pub(super) fn streams() -> OpenApiRouter<AppState> {
    order::streams()
}
