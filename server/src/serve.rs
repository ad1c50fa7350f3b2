//! Connections: taken in, bounded, and let go of gracefully.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::http::Request;
use axum::http::request::Parts;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::ServiceExt;

use crate::app::App;
use crate::rates::Network;
use crate::router::router;

/// Time for the head of a request; what holds a connection open without asking anything ends with it.
const HEADER_TIMEOUT: Duration = Duration::from_secs(15);
const HEADER_BYTES: usize = 32 * 1024;

/// A relay that listens.
pub struct Relay {
    pub address: SocketAddr,
    pub app: App,
}

/// Listens and serves until [`Relay::drain`].
pub async fn listen(app: App, address: SocketAddr) -> io::Result<Relay> {
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    app.connections.spawn(accept(app.clone(), listener));
    Ok(Relay { address, app })
}

impl Relay {
    /// Stops taking connections, says goodbye to sockets, finishes what is under way; all within the drain timeout.
    pub async fn drain(self) {
        let app = self.app;
        let finish = async {
            app.stopping.cancel();
            app.hub.drain();
            app.connections.close();
            app.connections.wait().await;
            app.last_call.cancel();
            app.tasks.close();
            app.tasks.wait().await;
        };
        if tokio::time::timeout(app.limits.drain_timeout, finish).await.is_err() {
            tracing::warn!("stopped before everything was finished");
        }
        let _ = tokio::time::timeout(Duration::from_secs(2), app.db.close()).await;
    }
}

async fn accept(app: App, listener: TcpListener) {
    let router = router(&app);
    let places = Arc::new(Semaphore::new(app.limits.max_connections));
    loop {
        let taken = tokio::select! {
            () = app.stopping.cancelled() => return,
            taken = listener.accept() => taken,
        };
        match taken {
            Ok((stream, from)) => {
                // Beyond the bound a connection is closed at once: a proxy in front can say it more kindly.
                let Ok(place) = places.clone().try_acquire_owned() else {
                    continue;
                };
                app.connections
                    .spawn(serve(app.clone(), router.clone(), stream, from.ip(), place));
            }
            // Out of file handles, most likely: those who are here go first.
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

async fn serve(app: App, router: Router, stream: TcpStream, from: IpAddr, place: OwnedSemaphorePermit) {
    // Frames are small and people are waiting for them.
    let _ = stream.set_nodelay(true);
    let place = Arc::new(place);
    let service = service_fn(move |mut request: Request<Incoming>| {
        // A socket outlives the request that opened it, and keeps its place.
        request.extensions_mut().insert(From {
            ip: from,
            _place: place.clone(),
        });
        let router = router.clone();
        async move {
            Ok::<_, Infallible>(
                router
                    .oneshot(request.map(Body::new))
                    .await
                    .unwrap_or_else(|never| match never {}),
            )
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(HEADER_BYTES)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => return,
        () = app.stopping.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

#[derive(Clone)]
struct From {
    ip: IpAddr,
    _place: Arc<OwnedSemaphorePermit>,
}

/// Where a request comes from, as coarse as anything here needs it. Never stored, never logged.
#[derive(Debug, Clone, Copy)]
pub struct Peer {
    pub network: Network,
}

impl FromRequestParts<App> for Peer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        let direct = parts.extensions.get::<From>().map(|from| from.ip);
        let behind_proxy = || {
            let hops = parts
                .headers
                .get_all("x-forwarded-for")
                .iter()
                .next_back()?
                .to_str()
                .ok()?;
            // The last one is what our own proxy saw; the others are anybody's word.
            hops.rsplit(',').next()?.trim().parse().ok()
        };
        let ip = if app.trust_proxy {
            behind_proxy().or(direct)
        } else {
            direct
        };
        Ok(Self {
            network: Network::of(ip.unwrap_or(IpAddr::from([0, 0, 0, 0]))),
        })
    }
}
