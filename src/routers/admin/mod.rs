//! What a store's staff may ask for, with an admin token.

mod audit;
mod auth;
mod category;
mod menu;
mod order;
mod table;
mod user;

use utoipa_axum::router::OpenApiRouter;

use crate::state::AppState;

pub(super) fn requests() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .merge(auth::requests())
        .merge(category::requests())
        .merge(menu::requests())
        .merge(order::requests())
        .merge(table::requests())
        .merge(user::requests())
        .merge(audit::requests())
}

pub(super) fn streams() -> OpenApiRouter<AppState> {
    order::streams()
}
