//! How the pages are served.

use std::io::Read;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use flate2::read::GzDecoder;
use regex::Regex;
use tableorder::config::Config;
use tableorder::middleware::Middleware;
use tableorder::routers::pages;
use tableorder::shutdown::Shutdown;
use tableorder::telemetry::metrics::RequestMetrics;
use tower::ServiceExt;

use crate::source::sources;

const PAGES: [&str; 5] = ["/", "/order", "/staff", "/office", "/setup"];

/// The limit of the guest page's first load, in compressed bytes. The texts in other languages follow later, and answers of
/// the API and headers are not counted; `tests/browser/load.spec.js` counts everything.
const GUEST_BUDGET: usize = 46 * 1024;

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn text(&self) -> String {
        if self.header("content-encoding") != "gzip" {
            return String::from_utf8(self.body.to_vec()).unwrap();
        }
        let mut text = String::new();
        GzDecoder::new(&*self.body).read_to_string(&mut text).unwrap();
        text
    }
}

fn server() -> Router {
    let config = Config::read(|_| None).unwrap();
    let middleware = Middleware::new(&config.http, RequestMetrics::default(), &Shutdown::default());
    middleware.apply(pages::pages(), None)
}

async fn get(path: &str) -> Answer {
    send(Request::get(path)).await
}

async fn send(request: axum::http::request::Builder) -> Answer {
    let response = server().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    Answer { status: parts.status, headers: parts.headers, body: to_bytes(body, usize::MAX).await.unwrap() }
}

/// The addresses of the files that a page names.
fn assets(page: &Answer) -> Vec<String> {
    let address = Regex::new(r#"(?:href|src)="(/assets/[^"]+)""#).unwrap();
    address.captures_iter(&page.text()).map(|found| found[1].to_owned()).collect()
}

#[tokio::test]
async fn pages_have_a_strict_policy_and_are_checked_at_each_visit() {
    for path in PAGES {
        let page = get(path).await;
        assert_eq!(page.status, 200, "{path}");
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        assert_eq!(page.header("cache-control"), "no-cache");
        assert_eq!(page.header("x-content-type-options"), "nosniff");
        assert_eq!(page.header("referrer-policy"), "no-referrer");
        assert!(page.header("permissions-policy").contains("camera=()"));
        assert_eq!(
            page.header("content-security-policy"),
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: https: http:; \
             connect-src 'self'; media-src 'self'; font-src 'self'; manifest-src 'self'; base-uri 'none'; \
             form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
        );
        let (etag, build) = (page.header("etag"), page.header("x-build"));
        assert!(etag.starts_with('"') && !build.is_empty());
        assert!(assets(&page).iter().all(|asset| asset.starts_with(&format!("/assets/{build}/"))));

        let again = send(Request::get(path).header("If-None-Match", etag)).await;
        assert_eq!((again.status, again.body.len()), (StatusCode::NOT_MODIFIED, 0));
        assert_eq!((again.header("etag"), again.header("x-build")), (etag, build));
        let other = send(Request::get(path).header("If-None-Match", "\"other\"")).await;
        assert_eq!(other.status, 200);
        let head = send(Request::head(path)).await;
        assert_eq!((head.status, head.header("x-build")), (StatusCode::OK, build));
    }
}

#[tokio::test]
async fn pages_are_compressed_for_browsers_that_read_it() {
    let plain = get("/order").await;
    let compressed = send(Request::get("/order").header("Accept-Encoding", "gzip, deflate")).await;
    assert_eq!((plain.header("content-encoding"), compressed.header("content-encoding")), ("", "gzip"));
    assert_eq!(plain.text(), compressed.text());
    assert_ne!(plain.header("etag"), compressed.header("etag"));
    assert!(compressed.headers.get_all("vary").iter().any(|value| value == "accept-encoding"));
}

#[tokio::test]
async fn files_of_this_build_are_compressed_and_never_change() {
    let build = get("/order").await.header("x-build").to_owned();
    for source in sources().iter().filter(|source| !source.has_extension(&["html", "js", "mjs", "mts"])) {
        let file = get(&format!("/assets/{build}/{}", source.path)).await;
        assert_eq!(file.status, 200, "{}", source.path);
        assert_eq!(file.header("cache-control"), "public, max-age=31536000, immutable");
        assert_eq!(file.header("content-encoding"), "gzip");
        assert_eq!(file.text(), source.text, "{}", source.path);
        assert!(!file.header("content-type").starts_with("text/html"));
        assert_eq!(file.header("x-content-type-options"), "nosniff");
    }
}

#[tokio::test]
async fn a_page_loads_its_modules_as_one() {
    let statement = Regex::new(r"(?m)(?:^|[;}])(?:import|export)[ {]").unwrap();
    for path in PAGES {
        let page = get(path).await;
        let modules: Vec<_> = assets(&page).into_iter().filter(|path| path.ends_with("js")).collect();
        assert_eq!(modules.len(), 1, "{path}");
        let module = get(&modules[0]).await;
        assert_eq!(module.header("content-type"), "text/javascript; charset=utf-8");
        assert_eq!(module.header("content-encoding"), "gzip");
        assert!(!statement.is_match(&module.text()), "{path}");
        assert!(module.text().contains("\nconst $lib_api_js = (() => {\n"));
    }
}

#[tokio::test]
async fn files_of_another_build_are_served_but_not_stored() {
    let file = get("/assets/0123456789abcdef/guest/main.js").await;
    assert_eq!((file.status, file.header("cache-control")), (StatusCode::OK, "no-cache"));
}

#[tokio::test]
async fn nothing_else_is_served() {
    let build = get("/order").await.header("x-build").to_owned();
    let paths = [
        "guest.html",
        "guest/app.js",
        "vendor/preact.mjs",
        "vendor/preact.d.mts",
        "nothing.js",
        "../Cargo.toml",
        "%2e%2e/Cargo.toml",
        "guest",
        "",
    ];
    for path in paths {
        let answer = get(&format!("/assets/{build}/{path}")).await;
        assert_eq!(answer.status, 404, "{path}");
    }
}

#[tokio::test]
async fn whatever_a_page_names_is_there() {
    for path in PAGES {
        for asset in assets(&get(path).await) {
            assert_eq!(get(&asset).await.status, 200, "{asset}");
        }
    }
}

#[tokio::test]
async fn the_guest_page_stays_small() {
    let page = send(Request::get("/order").header("Accept-Encoding", "gzip, deflate")).await;
    let build = page.header("x-build").to_owned();
    let mut size = page.body.len() + get(&format!("/assets/{build}/locales/ko.json")).await.body.len();
    for asset in assets(&page) {
        size += get(&asset).await.body.len();
    }
    assert!(size <= GUEST_BUDGET, "{size} bytes");
}
