//! The server's routes, as lines, figures and spans name them: by what they match, not by the address that was asked
//! for, whose query may carry a stream's ticket.
//!
//! axum says which route it took only to what lies behind it. The door lies before it: it finds the route by itself,
//! with axum's own matcher.

use std::sync::{LazyLock, OnceLock};

use matchit::Router;

use super::metrics::requests::RouteFigures;

/// What stands for the route of a request that no route matches.
const UNMATCHED: &str = "unmatched";

/// A route, or what stands for it where none matches.
#[derive(Debug)]
pub struct Route {
    template: Option<Box<str>>,
    /// What was counted of its requests.
    pub figures: RouteFigures,
}

/// The process's routes: it serves one application.
static ROUTES: OnceLock<Router<Route>> = OnceLock::new();

static NO_ROUTE: LazyLock<Route> = LazyLock::new(|| Route { template: None, figures: RouteFigures::new(UNMATCHED) });

/// Tells which routes there are, as axum writes them. The first time counts.
pub fn know<'a>(templates: impl IntoIterator<Item = &'a str>) {
    ROUTES.get_or_init(|| {
        let mut routes = Router::new();
        for template in templates {
            let route = Route { template: Some(template.into()), figures: RouteFigures::new(template) };
            // A template that cannot be matched is none of a route: axum would not have taken it.
            let _ = routes.insert(template, route);
        }
        routes
    });
}

/// The route that `path` belongs to.
#[must_use]
pub fn find(path: &str) -> &'static Route {
    ROUTES.get().and_then(|routes| routes.at(path).ok()).map_or(&*NO_ROUTE, |found| found.value)
}

impl Route {
    /// What it matches, such as `/api/v1/customer/menu/{menu_id}`.
    #[must_use]
    pub fn template(&self) -> Option<&str> {
        self.template.as_deref()
    }
}
