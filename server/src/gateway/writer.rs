//! The writing half of a socket: many frames per system call, a bounded time for each, pings while it is quiet.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{Message, Utf8Bytes, WebSocket};
use futures_util::sink::SinkExt;
use futures_util::stream::SplitSink;
use sotto_shared::api::error::ErrorCode;
use sotto_shared::api::frame::FromRelay;
use sotto_shared::api::limits::HEARTBEAT_SECS;
use tokio::time::MissedTickBehavior;

use super::{PARTING, encode};
use crate::app::App;
use crate::hub::{End, Outbox};

type Sink = SplitSink<WebSocket, Message>;

/// Begins with `welcome`; ends when the outbox does, or the wire.
pub async fn run(app: App, mut sink: Sink, outbox: Arc<Outbox>, welcome: Utf8Bytes, expires_ms: u64) {
    let heartbeat = Duration::from_secs(HEARTBEAT_SECS);
    let mut beats = tokio::time::interval_at(tokio::time::Instant::now() + heartbeat, heartbeat);
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut frames = vec![welcome];
    let mut end = None;
    loop {
        if end != Some(End::Bye(ErrorCode::NotSignedIn)) && !write(&app, &mut sink, &outbox, &mut frames).await {
            outbox.end(End::Gone);
            return;
        }
        if let Some(end) = end {
            return part(&mut sink, end).await;
        }
        tokio::select! {
            biased;
            (waiting, ended) = outbox.take() => {
                frames = waiting;
                end = ended;
            }
            _ = beats.tick() => {
                if app.now_ms() >= expires_ms {
                    outbox.end(End::Bye(ErrorCode::NotSignedIn));
                } else if !in_time(&app, &outbox, sink.send(Message::Ping(Vec::new().into()))).await {
                    outbox.end(End::Gone);
                    return;
                }
            }
        }
    }
}

async fn write(app: &App, sink: &mut Sink, outbox: &Outbox, frames: &mut Vec<Utf8Bytes>) -> bool {
    if frames.is_empty() {
        return true;
    }
    let all = async {
        for frame in frames.drain(..) {
            sink.feed(Message::Text(frame)).await?;
        }
        sink.flush().await
    };
    in_time(app, outbox, all).await
}

/// False if it failed, took too long, or was still stuck a second after the socket was to end.
async fn in_time(app: &App, outbox: &Outbox, writing: impl Future<Output = Result<(), axum::Error>>) -> bool {
    let stuck = async {
        outbox.until_end().await;
        tokio::time::sleep(PARTING).await;
    };
    tokio::select! {
        biased;
        written = tokio::time::timeout(app.limits.write_timeout, writing) => matches!(written, Ok(Ok(()))),
        () = stuck => false,
    }
}

async fn part(sink: &mut Sink, end: End) {
    let parting = async {
        if let End::Bye(code) = end {
            let _ = sink.send(Message::Text(encode(&FromRelay::Bye { code }))).await;
        }
        let _ = sink.send(Message::Close(None)).await;
    };
    if end != End::Overflow {
        let _ = tokio::time::timeout(PARTING, parting).await;
    }
}
