//! Style, script and icon: embedded in a release, read from disk in a debug build.
//!
//! The URL of an asset carries a hash of its bytes, so that it may be cached for ever and never
//! be stale.

use std::{collections::HashMap, sync::LazyLock};

use axum::{
    extract::Path,
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use rust_embed::RustEmbed;
use sha2::{Digest as _, Sha256};

#[derive(RustEmbed)]
#[folder = "assets"]
struct Assets;

/// Hash by name, taken once; in a debug build an edited file keeps its URL until the restart.
static HASHES: LazyLock<HashMap<String, String>> = LazyLock::new(|| {
    Assets::iter()
        .filter_map(|name| {
            let hash = Sha256::digest(&Assets::get(&name)?.data);
            let short = hash.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
            Some((name.into_owned(), short))
        })
        .collect()
});

/// The URL of an asset.
pub(crate) fn url(name: &str) -> String {
    let hash = HASHES.get(name).map_or("missing", String::as_str);
    format!("/assets/{hash}/{name}")
}

/// `GET /assets/{hash}/{name}`
pub(crate) async fn asset(Path((hash, name)): Path<(String, String)>) -> Response {
    let Some(file) = Assets::get(&name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let kind = match name.rsplit('.').next() {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    };
    let is_current = HASHES.get(&name) == Some(&hash) && !cfg!(debug_assertions);
    let caching = if is_current { "public, max-age=31536000, immutable" } else { "no-cache" };
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, caching)], file.data).into_response()
}
