//! The built-in pages: HTML for people, made of the files in `web/`. They are clients of the public API and load nothing
//! from elsewhere.

mod bundle;
mod comments;
mod files;

use axum::Router;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tower_http::set_header::SetResponseHeaderLayer;

use self::files::files;
use crate::error::{AppError, ErrorCode};
use crate::routers::etag::IfNoneMatch;
use crate::routers::extract::Path;

/// The routes of the pages and their files.
pub const PATHS: [&str; 6] = ["/", "/order", "/staff", "/office", "/setup", ASSETS];

const ASSETS: &str = "/assets/{build}/{*path}";

/// The pages may load what this server serves, and pictures, since menu items may have addresses of pictures elsewhere.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: https: http:; \
                      connect-src 'self'; media-src 'self'; font-src 'self'; manifest-src 'self'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'";

const PERMISSIONS: &str = "camera=(), geolocation=(), microphone=(), payment=(), usb=()";

/// The build that a page belongs to. An open page compares it with its own and reloads when it is idle.
const BUILD: HeaderName = HeaderName::from_static("x-build");

/// The build is a part of the address, so a file at an address never changes.
const IMMUTABLE: &str = "public, max-age=31536000, immutable";

/// The pages and their files.
pub fn pages<S: Clone + Send + Sync + 'static>() -> Router<S> {
    let header = |name, value| SetResponseHeaderLayer::overriding(name, HeaderValue::from_static(value));
    Router::new()
        .route("/", get(async |headers: HeaderMap, client: IfNoneMatch| page("index.html", &headers, &client)))
        .route("/order", get(async |headers: HeaderMap, client: IfNoneMatch| page("guest.html", &headers, &client)))
        .route("/staff", get(async |headers: HeaderMap, client: IfNoneMatch| page("staff.html", &headers, &client)))
        .route("/office", get(async |headers: HeaderMap, client: IfNoneMatch| page("office.html", &headers, &client)))
        .route("/setup", get(async |headers: HeaderMap, client: IfNoneMatch| page("setup.html", &headers, &client)))
        .route_layer(header(header::CONTENT_SECURITY_POLICY, POLICY))
        .route_layer(header(HeaderName::from_static("permissions-policy"), PERMISSIONS))
        // Only pages need the policy. With each file it would make the first load of the guest page a tenth larger.
        .route(ASSETS, get(asset))
}

/// The page of this name, or a 304 where the browser has it already.
fn page(name: &str, request: &HeaderMap, client: &IfNoneMatch) -> Response {
    let files = files();
    let Some(page) = files.page(name) else {
        return AppError::from(ErrorCode::InternalError).into_response();
    };
    let encodings = request.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_compressed = encodings.contains("gzip");
    let page = if is_compressed { &page.compressed } else { &page.plain };
    let headers = [
        (header::ETAG, page.etag.as_str()),
        (header::CACHE_CONTROL, "no-cache"),
        (header::VARY, "accept-encoding"),
        (BUILD, files.build.as_str()),
    ];
    if client.matches(&page.etag) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    let encoding = is_compressed.then_some([(header::CONTENT_ENCODING, "gzip")]);
    (headers, encoding, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], page.content.clone()).into_response()
}

/// A file that a page loads. During an update, a page may ask the new server for files of the old build, or the old server
/// for files of the new one. The server sends its own version, which the browser must not store under that address.
async fn asset(Path((build, path)): Path<(String, String)>) -> Response {
    let files = files();
    let Some(asset) = files.asset(&path) else {
        return AppError::from(ErrorCode::RouteNotFound).into_response();
    };
    let caching = if build == files.build { IMMUTABLE } else { "no-cache" };
    let headers = [(header::CONTENT_TYPE, asset.media_type), (header::CACHE_CONTROL, caching)];
    // As the documentation pages: every browser reads gzip, so there is one representation of each file.
    let encoding = asset.is_compressed.then_some([(header::CONTENT_ENCODING, "gzip")]);
    (headers, encoding, asset.content.clone()).into_response()
}
