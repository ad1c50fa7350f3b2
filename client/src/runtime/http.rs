//! Requests to the relay.

use sotto_shared::api::error::ErrorBody;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    AbortSignal, DedicatedWorkerGlobalScope, Headers, RequestCache, RequestCredentials, RequestInit, Response,
};

use crate::engine::{Failure, Reply, Request};

/// Time after which no answer counts as none.
const TIMEOUT_MS: u32 = 20_000;

/// Where the relay is: given when the client was built to be hosted elsewhere, otherwise where this page came from.
pub fn relay() -> String {
    let scope: DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
    option_env!("SOTTO_RELAY").map_or_else(|| scope.location().origin(), |url| url.trim_end_matches('/').to_owned())
}

pub async fn ask(token: Option<&str>, request: &Request) -> Result<Reply, Failure> {
    let body = request.to_json().map_err(|_| Failure::Garbled)?;
    let (status, text) = post(token, request.path(), &body).await.ok_or(Failure::Offline)?;
    if (200..300).contains(&status) {
        return request.read_reply(&text).map_err(|_| Failure::Garbled);
    }
    match serde_json::from_str::<ErrorBody>(&text) {
        Ok(body) => Err(Failure::Refused(body)),
        // A proxy in between that cannot reach the relay.
        Err(_) if matches!(status, 502..=504) => Err(Failure::Offline),
        Err(_) => Err(Failure::Garbled),
    }
}

async fn post(token: Option<&str>, path: &str, body: &str) -> Option<(u16, String)> {
    let scope: DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
    let headers = Headers::new().ok()?;
    headers.set("content-type", "application/json").ok()?;
    if let Some(token) = token {
        headers.set("authorization", &format!("Bearer {token}")).ok()?;
    }
    let init = RequestInit::new();
    init.set_method("POST");
    init.set_headers(&headers);
    init.set_body(&body.into());
    init.set_credentials(RequestCredentials::Omit);
    init.set_cache(RequestCache::NoStore);
    init.set_signal(Some(&AbortSignal::timeout_with_u32(TIMEOUT_MS)));
    let url = format!("{}/api/v1/{path}", relay());
    let response: Response = JsFuture::from(scope.fetch_with_str_and_init(&url, &init))
        .await
        .ok()?
        .dyn_into()
        .ok()?;
    let text = JsFuture::from(response.text().ok()?).await.ok()?.as_string()?;
    Some((response.status(), text))
}
