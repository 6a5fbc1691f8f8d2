//! The pages that show the OpenAPI document: Swagger UI and ReDoc. They load nothing from other hosts.

use std::sync::OnceLock;

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{Html, IntoResponse};
use axum::routing::get;
use tower_http::set_header::SetResponseHeaderLayer;
use utoipa::openapi::OpenApi;

/// The paths of the document, the pages and their files.
pub const PATHS: [&str; 7] = [
    "/openapi.json",
    "/docs",
    "/docs/",
    "/docs/swagger-ui-bundle.js",
    "/docs/swagger-ui.css",
    "/redoc",
    "/redoc/redoc.standalone.js",
];

/// From the npm package swagger-ui-dist 5.35.0, compressed.
const SWAGGER_SCRIPT: &[u8] = include_bytes!("swagger-ui-bundle.js.gz");
const SWAGGER_STYLE: &[u8] = include_bytes!("swagger-ui.css.gz");

/// From the npm package redoc 2.5.4, compressed. The only image that it would load from another host is replaced by an
/// empty one.
const REDOC_SCRIPT: &[u8] = include_bytes!("redoc.standalone.js.gz");

const SWAGGER_PAGE: &str = r##"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>tableorder API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script>
SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  displayRequestDuration: true,
  persistAuthorization: true,
  tryItOutEnabled: true,
  validatorUrl: "none",
});
</script>
</body>
</html>
"##;

const REDOC_PAGE: &str = r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>tableorder API</title>
<link rel="icon" href="data:,">
</head>
<body>
<redoc spec-url="/openapi.json"></redoc>
<script src="/redoc/redoc.standalone.js"></script>
</body>
</html>
"#;

/// Allows the pages to load content from this server only.
const PAGE_POLICY: &str = "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; \
                           img-src 'self' data:; font-src 'self' data:; worker-src 'self' blob:; frame-ancestors 'none'";

/// `/docs` (Swagger UI), `/redoc` and the document itself. `document` creates it at the first request, so that the
/// server starts faster.
pub fn pages<S: Clone + Send + Sync + 'static>(document: fn() -> OpenApi) -> Router<S> {
    let swagger = get(async || Html(SWAGGER_PAGE));
    let header = |name, value| SetResponseHeaderLayer::overriding(name, HeaderValue::from_static(value));
    Router::new()
        .route("/openapi.json", get(async move || document_json(document)))
        .route("/docs", swagger.clone())
        .route("/docs/", swagger)
        .route("/docs/swagger-ui-bundle.js", get(async || compressed("text/javascript", SWAGGER_SCRIPT)))
        .route("/docs/swagger-ui.css", get(async || compressed("text/css", SWAGGER_STYLE)))
        .route("/redoc", get(async || Html(REDOC_PAGE)))
        .route("/redoc/redoc.standalone.js", get(async || compressed("text/javascript", REDOC_SCRIPT)))
        .route_layer(header(header::CONTENT_SECURITY_POLICY, PAGE_POLICY))
        .route_layer(header(header::CACHE_CONTROL, "no-cache"))
}

fn document_json(document: fn() -> OpenApi) -> impl IntoResponse {
    static JSON: OnceLock<Bytes> = OnceLock::new();
    let json = JSON.get_or_init(|| serde_json::to_vec(&document()).unwrap_or_default().into());
    ([(header::CONTENT_TYPE, "application/json")], json.clone())
}

fn compressed(media_type: &'static str, content: &'static [u8]) -> ([(HeaderName, &'static str); 2], &'static [u8]) {
    ([(header::CONTENT_TYPE, media_type), (header::CONTENT_ENCODING, "gzip")], content)
}
