//! The files of `web/`, as they are served.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};
use std::sync::Arc;

use axum::body::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use rust_embed::Embed;
use sha2::{Digest, Sha256};

use super::bundle::bundle;

/// In the binary; a debug build reads them from the source tree.
#[derive(Embed)]
#[folder = "web/"]
struct Web;

/// The placeholder in a page for the address of its files.
const ASSETS: &str = "{assets}";

const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

/// A page.
pub(super) struct Page {
    pub(super) plain: Representation,
    pub(super) compressed: Representation,
}

/// A page in one encoding.
pub(super) struct Representation {
    pub(super) content: Bytes,
    pub(super) etag: String,
}

/// A file that pages load.
pub(super) struct Asset {
    pub(super) content: Bytes,
    pub(super) media_type: &'static str,
    pub(super) is_compressed: bool,
}

/// Everything that is served, of one build.
pub(super) struct Files {
    /// Changes when any file does.
    pub(super) build: String,
    pages: HashMap<String, Page>,
    assets: HashMap<String, Asset>,
}

impl Files {
    /// The page of this name.
    pub(super) fn page(&self, name: &str) -> Option<&Page> {
        self.pages.get(name)
    }

    /// The file at this path.
    pub(super) fn asset(&self, path: &str) -> Option<&Asset> {
        self.assets.get(path)
    }

    /// Joins the modules, compresses the files and completes the pages. This takes some 10 ms in a release build, at the
    /// first request for a page, so that no build script is needed and the start stays fast.
    fn read() -> io::Result<Self> {
        // Types of the libraries are for the type checker only.
        let files: BTreeMap<String, Vec<u8>> = Web::iter()
            .filter(|path| !path.ends_with(".d.mts"))
            .filter_map(|path| Web::get(&path).map(|file| (path.into_owned(), file.data.into_owned())))
            .collect();
        let mut digest = Sha256::new();
        for (path, content) in &files {
            digest.update(path.len().to_le_bytes());
            digest.update(path);
            digest.update(content.len().to_le_bytes());
            digest.update(content);
        }
        let build = short(&digest.finalize());
        let texts: BTreeMap<String, String> = files
            .iter()
            .filter_map(|(path, content)| Some((path.clone(), str::from_utf8(content).ok()?.to_owned())))
            .collect();
        let bundles = bundles(&texts);
        let (mut pages, mut assets) = (HashMap::new(), HashMap::new());
        for (path, content) in files {
            if extension(&path) == "html" {
                let html = String::from_utf8_lossy(&content).replace(ASSETS, &format!("/assets/{build}"));
                let tag = short(&Sha256::digest(&html));
                let compressed = compress(html.as_bytes())?;
                let page = Page {
                    plain: Representation { content: html.into(), etag: format!("\"{tag}\"") },
                    compressed: Representation { content: compressed.into(), etag: format!("\"{tag}-gzip\"") },
                };
                pages.insert(path, page);
            } else {
                let media_type = media_type(&path);
                let is_compressed = !media_type.starts_with("image/") || media_type == "image/svg+xml";
                let content = match bundles.get(path.as_str()) {
                    Some(bundle) => compress(bundle.as_bytes())?,
                    // The browser gets it as part of a bundle.
                    None if media_type == JAVASCRIPT => continue,
                    None if is_compressed => compress(&content)?,
                    None => content,
                };
                assets.insert(path, Asset { content: content.into(), media_type, is_compressed });
            }
        }
        Ok(Self { build, pages, assets })
    }
}

/// The modules that the pages name, with those that they import.
fn bundles(texts: &BTreeMap<String, String>) -> BTreeMap<&str, String> {
    let pages = texts.iter().filter(|(path, _)| extension(path) == "html");
    let scripts = pages.flat_map(|(_, html)| html.split("src=\"{assets}/").skip(1));
    let entries = scripts.filter_map(|rest| rest.split('"').next());
    entries.map(|entry| (entry, bundle(entry, texts))).collect()
}

fn compress(content: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content)?;
    encoder.finish()
}

fn short(digest: &[u8]) -> String {
    hex::encode(digest.get(..8).unwrap_or_default())
}

fn extension(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or_default()
}

fn media_type(path: &str) -> &'static str {
    match extension(path) {
        "js" | "mjs" => JAVASCRIPT,
        "css" => "text/css; charset=utf-8",
        "json" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" => "image/jpeg",
        "webp" => "image/webp",
        _ => "text/plain; charset=utf-8",
    }
}

/// The files of this binary.
#[cfg(not(debug_assertions))]
pub(super) fn files() -> Arc<Files> {
    use std::sync::LazyLock;

    static FILES: LazyLock<Arc<Files>> = LazyLock::new(|| Arc::new(Files::read().unwrap_or_else(|_| Files::none())));
    Arc::clone(&FILES)
}

/// The files of the source tree, read again when one of them has changed.
#[cfg(debug_assertions)]
pub(super) fn files() -> Arc<Files> {
    use std::path::Path;
    use std::sync::{Mutex, PoisonError};
    use std::time::SystemTime;

    type Stamp = Vec<(String, Option<SystemTime>)>;
    static FILES: Mutex<Option<(Stamp, Arc<Files>)>> = Mutex::new(None);

    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("web");
    let changed = |path: &str| root.join(path).metadata().and_then(|file| file.modified()).ok();
    let mut stamp: Stamp = Web::iter().map(|path| (path.to_string(), changed(&path))).collect();
    stamp.sort();
    let mut files = FILES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((known, files)) = &*files
        && *known == stamp
    {
        return Arc::clone(files);
    }
    let read = Arc::new(Files::read().unwrap_or_else(|_| Files::none()));
    *files = Some((stamp, Arc::clone(&read)));
    read
}

impl Files {
    /// Nothing: every page is an internal error. Compressing into memory does not fail.
    fn none() -> Self {
        Self { build: String::new(), pages: HashMap::new(), assets: HashMap::new() }
    }
}
