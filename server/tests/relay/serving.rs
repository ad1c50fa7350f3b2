//! What is served besides the API: the client's files, and the headers on everything.

use reqwest::{Method, Response};
use sotto_server::client::SECURITY_HEADERS;

use crate::support::*;

async fn ground_with_client() -> (Ground, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let files = [
        ("index.html", "<!doctype html>page"),
        ("loader.js", "loader"),
        ("app-0123456789abcdef_bg.wasm", "\0asm"),
        ("app-0123456789abcdef_bg.wasm.br", "brotli"),
        ("app-0123456789abcdef_bg.wasm.gz", "gzip"),
    ];
    for (name, contents) in files {
        std::fs::write(folder.path().join(name), contents).unwrap();
    }
    std::fs::create_dir(folder.path().join("fonts")).unwrap();
    let path = folder.path().to_owned();
    (Ground::with(|config| config.client_dir = Some(path)).await, folder)
}

fn header<'a>(answer: &'a Response, name: &str) -> &'a str {
    answer.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn everything_carries_the_security_headers() {
    let (ground, _folder) = ground_with_client().await;
    for path in [
        "/",
        "/loader.js",
        "/nothing.js",
        "/healthz",
        "/api/v1/info",
        "/api/v9/x",
        "/api/v1/live",
    ] {
        let answer = ground
            .http
            .get(format!("http://{}{path}", ground.address))
            .send()
            .await
            .unwrap();
        let is_page = header(&answer, "content-type").starts_with("text/html");
        for (name, value) in SECURITY_HEADERS {
            let wanted = if name == "permissions-policy" && !is_page {
                ""
            } else {
                value
            };
            assert_eq!(header(&answer, name), wanted, "{path}");
        }
        assert!(!answer.headers().contains_key("strict-transport-security"));
        assert!(!answer.headers().contains_key("server"));
    }
}

#[test]
fn the_policies_are_what_was_decided() {
    let text: String = SECURITY_HEADERS
        .iter()
        .map(|(name, value)| format!("{name}: {value}\n"))
        .collect();
    assert_eq!(
        text,
        "content-security-policy: default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src blob:; connect-src 'self'; \
         style-src 'self'; img-src 'self' blob: data:; font-src 'self'; media-src 'self' blob:; manifest-src 'self'; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types loader\n\
         cross-origin-opener-policy: same-origin\n\
         cross-origin-embedder-policy: require-corp\n\
         cross-origin-resource-policy: same-origin\n\
         permissions-policy: accelerometer=(), autoplay=(self), bluetooth=(), browsing-topics=(), camera=(self), clipboard-read=(self), \
         clipboard-write=(self), display-capture=(self), geolocation=(), gyroscope=(), hid=(), idle-detection=(), local-fonts=(), \
         magnetometer=(), microphone=(self), midi=(), payment=(), serial=(), usb=(), xr-spatial-tracking=()\n\
         referrer-policy: no-referrer\n\
         x-content-type-options: nosniff\n\
         x-frame-options: DENY\n"
    );
}

#[tokio::test]
async fn the_client_is_served_with_its_types_and_how_long_to_keep_it() {
    let (ground, _folder) = ground_with_client().await;
    let get = async |path: &str, encoding: &str| {
        let request = ground
            .http
            .get(format!("http://{}{path}", ground.address))
            .header("accept-encoding", encoding);
        request.send().await.unwrap()
    };
    for view in ["/", "/room/abc", "/settings", "/fonts", "/index.html"] {
        let page = get(view, "").await;
        assert_eq!(
            (
                page.status().as_u16(),
                header(&page, "content-type"),
                header(&page, "cache-control")
            ),
            (200, "text/html", "no-cache"),
            "{view}"
        );
        assert_eq!(page.text().await.unwrap(), "<!doctype html>page");
    }
    let script = get("/loader.js", "").await;
    assert_eq!(
        (header(&script, "content-type"), header(&script, "cache-control")),
        ("text/javascript", "no-cache")
    );
    for (encoding, sent) in [("br", "br"), ("gzip", "gzip"), ("", "")] {
        let wasm = get("/app-0123456789abcdef_bg.wasm", encoding).await;
        assert_eq!(
            (header(&wasm, "content-type"), header(&wasm, "content-encoding")),
            ("application/wasm", sent)
        );
        assert_eq!(header(&wasm, "cache-control"), "public, max-age=31536000, immutable");
    }
    for absent in [
        "/nothing.js",
        "/../Cargo.toml",
        "/%2e%2e/x.txt",
        "/api/v1/nothing",
        "/index.html/x.js",
    ] {
        let answer = get(absent, "").await;
        assert_eq!(
            (answer.status().as_u16(), header(&answer, "content-type")),
            (404, "application/json"),
            "{absent}"
        );
    }
    let post = ground
        .http
        .post(format!("http://{}/", ground.address))
        .send()
        .await
        .unwrap();
    assert_eq!(post.status().as_u16(), 404);
}

#[tokio::test]
async fn only_the_named_origins_may_call_from_elsewhere() {
    let ground = Ground::with(|config| {
        config.cors_origins = vec!["https://chat.example.org".into(), " https://two.example ".into()]
    })
    .await;
    let preflight = async |origin: &str| {
        let request = ground
            .http
            .request(Method::OPTIONS, ground.endpoint("info"))
            .header("origin", origin);
        let request = request
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "authorization,content-type");
        request.send().await.unwrap()
    };
    for origin in ["https://chat.example.org", "https://two.example"] {
        let answer = preflight(origin).await;
        assert_eq!(header(&answer, "access-control-allow-origin"), origin);
        assert_eq!(header(&answer, "access-control-allow-methods"), "POST");
        assert_eq!(
            header(&answer, "access-control-allow-headers"),
            "authorization,content-type"
        );
        assert!(!answer.headers().contains_key("access-control-allow-credentials"));
    }
    for origin in [
        "https://evil.example",
        "https://chat.example.org.evil.example",
        "null",
        "http://chat.example.org",
    ] {
        assert_eq!(
            header(&preflight(origin).await, "access-control-allow-origin"),
            "",
            "{origin}"
        );
    }
    let answer = ground
        .http
        .post(ground.endpoint("info"))
        .header("origin", "https://two.example")
        .body("{}")
        .send()
        .await
        .unwrap();
    assert_eq!(header(&answer, "access-control-allow-origin"), "https://two.example");
    assert_eq!(header(&answer, "cache-control"), "no-store");
}

#[tokio::test]
async fn unknown_versions_paths_and_methods_get_an_error_body() {
    let ground = Ground::new().await;
    for (method, path, status) in [
        (Method::POST, "/api/v2/info", 400),
        (Method::POST, "/api/v1/nothing", 404),
        (Method::GET, "/api/v1/info", 404),
        (Method::GET, "/", 404),
        (Method::GET, "/api/v1/live", 400),
    ] {
        let answer = ground
            .http
            .request(method, format!("http://{}{path}", ground.address))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status().as_u16(), status, "{path}");
        serde_json::from_slice::<sotto_shared::api::error::ErrorBody>(&answer.bytes().await.unwrap()).unwrap();
    }
}
