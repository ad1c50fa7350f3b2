//! Every route, one line each; and what is done to all of them.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRequest, MatchedPath, Request, State};
use axum::handler::Handler;
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use sotto_shared::api::Endpoint;
use sotto_shared::api::body::{
    API_VERSION, HeldGet, Info, InfoReply, InviteOpen, InvitePeek, MessageDelete, PageGet, PictureDrop, PictureGet,
    PicturePut, Register, Rekey, ReportSend, ReportSettle, ReportsGet, ResetIdentity, RoomAppend, RoomCreate,
    RoomLogGet, RowsGet, SessionEnd, SessionEndOthers, SessionList, SessionProve, SessionStart, SetRecovery,
    SignInProve, SignInStart, SlotsGet, UserFind, UserLogAppend, UserLogsGet, VaultGet, VaultPut, WrapsDrop, WrapsGet,
    WrapsPut,
};
use sotto_shared::api::error::ErrorCode;
use sotto_shared::api::limits::{MAX_BODY_BYTES, MAX_WRAPS_BODY_BYTES};
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::accounts::{close, held, pictures, register, rekey, sessions, sign_in, users, vault};
use crate::app::App;
use crate::logs::{append, create, invites, read, wraps};
use crate::mailbox::{gone, pages, reports, slots};
use crate::problem::Problem;
use crate::{client, gateway};

/// What an endpoint answers.
pub type Answer<E> = Result<Json<<E as Endpoint>::Reply>, Problem>;

pub fn router(app: &App) -> Router {
    let small = Router::new()
        .ask::<Info, _, _>(info)
        // accounts
        .ask::<SignInStart, _, _>(sign_in::start)
        .ask::<SignInProve, _, _>(sign_in::prove)
        .ask::<SessionStart, _, _>(sessions::start)
        .ask::<SessionProve, _, _>(sessions::prove)
        .ask::<SessionEnd, _, _>(sessions::end)
        .ask::<SessionEndOthers, _, _>(sessions::end_others)
        .ask::<SessionList, _, _>(sessions::list)
        .ask::<VaultGet, _, _>(vault::get)
        .ask::<HeldGet, _, _>(held::sums)
        .ask::<RowsGet, _, _>(held::rows)
        .ask::<UserFind, _, _>(users::find)
        .ask::<UserLogsGet, _, _>(users::logs)
        .ask::<UserLogAppend, _, _>(users::append)
        .ask::<SetRecovery, _, _>(rekey::recovery)
        .ask::<ResetIdentity, _, _>(close::reset)
        .ask::<PicturePut, _, _>(pictures::put)
        .ask::<PictureGet, _, _>(pictures::get)
        .ask::<PictureDrop, _, _>(pictures::drop_own)
        // rooms
        .ask::<RoomLogGet, _, _>(read::log)
        .ask::<WrapsGet, _, _>(wraps::get)
        .ask::<WrapsDrop, _, _>(wraps::drop_own)
        .ask::<InviteOpen, _, _>(invites::open)
        .ask::<InvitePeek, _, _>(invites::peek)
        // messages
        .ask::<PageGet, _, _>(pages::page)
        .ask::<MessageDelete, _, _>(gone::delete)
        .ask::<SlotsGet, _, _>(slots::list)
        .ask::<ReportSend, _, _>(reports::send)
        .ask::<ReportsGet, _, _>(reports::list)
        .ask::<ReportSettle, _, _>(reports::settle)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES));
    let large = Router::new()
        .ask::<Register, _, _>(register::register)
        .ask::<Rekey, _, _>(rekey::rekey)
        .ask::<VaultPut, _, _>(vault::put)
        .ask::<RoomCreate, _, _>(create::create)
        .ask::<RoomAppend, _, _>(append::append)
        .ask::<WrapsPut, _, _>(wraps::put)
        .layer(DefaultBodyLimit::max(MAX_WRAPS_BODY_BYTES));
    let api = small
        .merge(large)
        .layer(from_fn_with_state(app.clone(), bounded))
        .route("/api/v1/live", get(gateway::live))
        .route("/api/{*rest}", axum::routing::any(no_such_endpoint))
        .method_not_allowed_fallback(no_such_endpoint)
        .layer(from_fn(uncached))
        .layer(cors(&app.cors_origins));
    api.route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .fallback(client::serve)
        .layer(from_fn(client::security_headers))
        .layer(from_fn_with_state(app.clone(), logged))
        .with_state(app.clone())
}

trait Ask {
    /// `POST /api/v1/<E::PATH>`.
    fn ask<E: Endpoint, T: 'static, H: Handler<T, App>>(self, handler: H) -> Self;
}

impl Ask for Router<App> {
    fn ask<E: Endpoint, T: 'static, H: Handler<T, App>>(self, handler: H) -> Self {
        self.route(&format!("/api/v1/{}", E::PATH), post(handler))
    }
}

/// A JSON body that is exactly what the endpoint takes.
pub struct Body<E>(pub E);

impl<E: Endpoint> FromRequest<App> for Body<E> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let bytes =
            Bytes::from_request(request, app)
                .await
                .map_err(|rejection| match rejection.into_response().status() {
                    StatusCode::PAYLOAD_TOO_LARGE => ErrorCode::TooLarge,
                    _ => ErrorCode::Malformed,
                })?;
        serde_json::from_slice(&bytes)
            .map(Self)
            .map_err(|_| ErrorCode::Malformed.into())
    }
}

async fn info(State(app): State<App>, Body(_): Body<Info>) -> Answer<Info> {
    Ok(Json(InfoReply {
        realm: app.realm.clone(),
        api: API_VERSION,
        now_ms: app.now_ms(),
        guests: app.limits.guests > 0,
    }))
}

/// A path of another version is not "not found": the client is told that it is the version.
async fn no_such_endpoint(request: Request) -> Problem {
    let known = request
        .uri()
        .path()
        .strip_prefix("/api/")
        .is_some_and(|rest| rest.starts_with("v1/"));
    Problem::Refused(if known {
        ErrorCode::NotFound
    } else {
        ErrorCode::UnsupportedVersion
    })
}

/// The process is alive.
async fn healthz() -> &'static str {
    "ok\n"
}

/// The process is alive, its database answers, and it is not about to go.
async fn readyz(State(app): State<App>) -> Result<&'static str, Problem> {
    if app.stopping.is_cancelled() {
        return Err(ErrorCode::Draining.into());
    }
    let asked = tokio::time::timeout(Duration::from_secs(2), app.db.ping()).await;
    asked.map_err(|_| ErrorCode::Unavailable)??;
    Ok("ready\n")
}

/// Requests take their turn, and not for ever. What they set going by then is seen through regardless.
async fn bounded(State(app): State<App>, request: Request, next: Next) -> Response {
    if app.stopping.is_cancelled() {
        return Problem::from(ErrorCode::Draining).into_response();
    }
    let worked = tokio::time::timeout(app.limits.request_timeout, async {
        let Ok(_place) = app.places.acquire().await else {
            return Problem::from(ErrorCode::Draining).into_response();
        };
        next.run(request).await
    });
    worked
        .await
        .unwrap_or_else(|_| Problem::from(ErrorCode::Unavailable).into_response())
}

async fn uncached(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// One line a request, of fields that say nothing about anybody: route template, method, status, time, request id.
async fn logged(State(app): State<App>, request: Request, next: Next) -> Response {
    let started_ms = app.now_ms();
    let method = match *request.method() {
        Method::GET | Method::HEAD => "read",
        Method::POST => "post",
        _ => "other",
    };
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "client".to_owned(), |path| path.as_str().to_owned());
    let id = crate::app::make_random::<8>().map_or(0, u64::from_be_bytes);
    let response = next.run(request).await;
    let latency_ms = app.now_ms().saturating_sub(started_ms);
    tracing::info!(
        route,
        method,
        status = response.status().as_u16(),
        latency_ms,
        request = format_args!("{id:016x}"),
        "request"
    );
    response
}

fn cors(origins: &[String]) -> CorsLayer {
    let origins = origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok());
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([Method::POST])
        .allow_headers([AUTHORIZATION, CONTENT_TYPE])
        .max_age(Duration::from_secs(3600))
}
