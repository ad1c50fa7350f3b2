//! The built client, if it is served from here, and the headers that fence it in.

use std::path::Path;

use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sotto_shared::api::error::ErrorCode;
use tower::ServiceExt;
use tower_http::services::ServeDir;

use crate::app::App;
use crate::problem::Problem;

/// Scripts, styles, fonts and connections of this origin alone; a worker only from text that the loader has checked; no
/// inline code, no `eval`, no frames; WebAssembly may be compiled; and no string becomes markup or a script's address but
/// through the loader's policy.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src blob:; \
    connect-src 'self'; style-src 'self'; img-src 'self' blob: data:; font-src 'self'; media-src 'self' blob:; manifest-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types loader";

const PERMISSIONS_POLICY: &str = "accelerometer=(), autoplay=(self), bluetooth=(), browsing-topics=(), camera=(self), \
    clipboard-read=(self), clipboard-write=(self), display-capture=(self), geolocation=(), gyroscope=(), hid=(), idle-detection=(), \
    local-fonts=(), magnetometer=(), microphone=(self), midi=(), payment=(), serial=(), usb=(), xr-spatial-tracking=()";

/// On everything that goes out; the permissions on pages alone, since nothing else has any.
pub const SECURITY_HEADERS: [(&str, &str); 8] = [
    ("content-security-policy", CONTENT_SECURITY_POLICY),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-embedder-policy", "require-corp"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", PERMISSIONS_POLICY),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
];

pub async fn security_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let content_type = response.headers().get(CONTENT_TYPE);
    let is_page = content_type.is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    for (name, value) in SECURITY_HEADERS {
        if name == "permissions-policy" && !is_page {
            continue;
        }
        response
            .headers_mut()
            .insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    response
}

/// A file of the client; its page for every address the client routes by itself, which have no dot.
pub async fn serve(State(app): State<App>, mut request: Request) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let (Some(folder), true) = (&app.client_dir, reads) else {
        return Problem::from(ErrorCode::NotFound).into_response();
    };
    let is_view = !request
        .uri()
        .path()
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .contains('.');
    if is_view {
        *request.uri_mut() = Uri::from_static("/index.html");
    }
    let caching = if has_hash(request.uri().path()) {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let mut response = file(folder, request).await;
    if response.status().is_success() || response.status() == StatusCode::NOT_MODIFIED {
        response
            .headers_mut()
            .insert(CACHE_CONTROL, HeaderValue::from_static(caching));
    }
    response
}

async fn file(folder: &Path, request: Request) -> Response {
    let folder = ServeDir::new(folder)
        .append_index_html_on_directories(false)
        .precompressed_br()
        .precompressed_gzip();
    match folder.oneshot(request).await {
        Ok(response) if response.status() == StatusCode::NOT_FOUND => {
            Problem::from(ErrorCode::NotFound).into_response()
        }
        Ok(response) => response.into_response(),
        Err(never) => match never {},
    }
}

/// Whether a file's name carries trunk's hash (16 hex digits), so that other contents have another name.
fn has_hash(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    name.split(['-', '_', '.'])
        .any(|part| part.len() == 16 && part.bytes().all(|c| c.is_ascii_digit() || (b'a'..=b'f').contains(&c)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_with_a_hash_are_kept_for_ever() {
        for hashed in [
            "/app-0123456789abcdef.js",
            "/app-0123456789abcdef_bg.wasm",
            "/style-0123456789abcdef.css",
        ] {
            assert!(has_hash(hashed), "{hashed}");
        }
        for plain in [
            "/",
            "/index.html",
            "/loader.js",
            "/app_bg.wasm",
            "/app-0123456789abcdeg.js",
            "/0123456789abcdef/app.js",
        ] {
            assert!(!has_hash(plain), "{plain}");
        }
    }
}
