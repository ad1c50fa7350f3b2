//! The socket: `Hello`, `Welcome`, then frames both ways.
//!
//! ```text
//!  Hello ─▶ session ─▶ hub.enter ─▶ rooms looked up ─▶ hub.settle ─▶ Welcome ─▶ ┌ reader: frames ─▶ mailbox
//!                                                                               └ writer: outbox ─▶ wire, pings
//! ```
//! The hub knows the socket before its rooms are looked up, and the writer begins with `Welcome`: whatever happens in
//! between waits in the outbox, and nothing is missed.

mod writer;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use futures_util::stream::{SplitStream, StreamExt};
use sotto_shared::api::B64;
use sotto_shared::api::body::API_VERSION;
use sotto_shared::api::error::ErrorCode;
use sotto_shared::api::frame::{FromRelay, Outgoing, ToRelay};
use sotto_shared::api::limits::{HEARTBEAT_SECS, MAX_FRAME_BYTES, MAX_KEY_REQUEST_BYTES, MAX_SEND_BATCH};
use sotto_shared::codec::Codec;
use sotto_shared::envelope::header::{
    EPHEMERAL_BYTES, HEADER_BYTES, Header, MAX_ENVELOPE_BYTES, MessageKind, is_envelope_size,
};
use sotto_shared::id::{ChannelId, RoomId};
use sotto_shared::log::room_log::{RoomState, SUITE_1};

use crate::accounts::users::newest_seq;
use crate::app::App;
use crate::hub::{End, Outbox, SocketId};
use crate::ledger::rooms::{Hold, closed_among, rooms_of};
use crate::logs::read::heads_of;
use crate::mailbox::{Fate, Post, readers_of};
use crate::problem::Problem;
use crate::session::{self, Session};

/// Bytes gathered before they are written to the network.
const WRITE_BUFFER: usize = 64 * 1024;
const SILENCE: Duration = Duration::from_secs(2 * HEARTBEAT_SECS);
/// How long the other side has to answer a close.
const PARTING: Duration = Duration::from_secs(1);

pub async fn live(
    State(app): State<App>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let upgrade = upgrade.map_err(|_| ErrorCode::Malformed)?;
    let upgrade = upgrade
        .max_message_size(MAX_FRAME_BYTES)
        .max_frame_size(MAX_FRAME_BYTES)
        .write_buffer_size(WRITE_BUFFER);
    Ok(upgrade.on_upgrade(move |socket| {
        let connections = app.connections.clone();
        connections.track_future(serve(app, socket))
    }))
}

/// A frame as it travels. `FromRelay` always serialises; the fallback keeps that from being a panic.
pub fn encode(frame: &FromRelay) -> Utf8Bytes {
    serde_json::to_string(frame)
        .unwrap_or_else(|_| r#"{"type":"bye","code":"internal"}"#.to_owned())
        .into()
}

async fn serve(app: App, mut socket: WebSocket) {
    match greet(&app, &mut socket).await {
        Ok(session) => attend(app, socket, session).await,
        Err(Some(code)) => bye(socket, code).await,
        Err(None) => {}
    }
}

/// Waits for `Hello`. None: there is nobody to tell.
async fn greet(app: &App, socket: &mut WebSocket) -> Result<Session, Option<ErrorCode>> {
    let first = tokio::select! {
        first = tokio::time::timeout(app.limits.hello_timeout, socket.recv()) => first.map_err(|_| Some(ErrorCode::Malformed))?,
        () = app.stopping.cancelled() => return Err(Some(ErrorCode::Draining)),
    };
    let text = match first {
        Some(Ok(Message::Text(text))) => text,
        Some(Ok(Message::Close(_))) | None => return Err(None),
        _ => return Err(Some(ErrorCode::Malformed)),
    };
    let Ok(ToRelay::Hello { token, api }) = serde_json::from_str(&text) else {
        return Err(Some(ErrorCode::Malformed));
    };
    if api != API_VERSION {
        return Err(Some(ErrorCode::UnsupportedVersion));
    }
    signed_in(app, &token).await.map_err(Some)
}

async fn signed_in(app: &App, token: &str) -> Result<Session, ErrorCode> {
    session::find(app, token)
        .await
        .and_then(session::Caller::session)
        .map_err(|problem| {
            problem.log();
            problem.code()
        })
}

async fn bye(mut socket: WebSocket, code: ErrorCode) {
    let parting = async {
        let _ = socket.send(Message::Text(encode(&FromRelay::Bye { code }))).await;
        let _ = socket.send(Message::Close(None)).await;
        while let Some(Ok(_)) = socket.recv().await {}
    };
    let _ = tokio::time::timeout(PARTING, parting).await;
}

/// Takes the socket out of the hub however its task ends.
struct Place {
    app: App,
    id: SocketId,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.app.hub.leave(self.id);
    }
}

async fn attend(app: App, socket: WebSocket, session: Session) {
    let outbox = Arc::new(Outbox::new(app.limits.queue_frames, app.limits.queue_bytes));
    let entered = app.hub.enter(
        session.user_id,
        session.token_hash,
        &outbox,
        app.limits.sockets_per_person,
    );
    let Some(id) = entered else {
        return bye(socket, ErrorCode::TooFast).await;
    };
    let place = Place { app: app.clone(), id };
    let welcome = match welcome(&app, &session, id).await {
        Ok(welcome) => encode(&welcome),
        Err(problem) => {
            problem.log();
            return bye(socket, problem.code()).await;
        }
    };
    let (sink, mut stream) = socket.split();
    let writing = tokio::spawn(writer::run(
        app.clone(),
        sink,
        outbox.clone(),
        welcome,
        session.expires_ms,
    ));
    read(&app, &session, id, &outbox, &mut stream).await;
    drop(place);
    // What still comes in is let go, so that the last words are not lost with the connection.
    let _ = tokio::time::timeout(PARTING, async { while let Some(Ok(_)) = stream.next().await {} }).await;
    let _ = writing.await;
}

async fn welcome(app: &App, session: &Session, id: SocketId) -> Result<FromRelay, Problem> {
    let db = app.db.read();
    // The session may have been ended between the look at it and entering the hub.
    if !session::is_there(app, session).await? {
        return Err(ErrorCode::NotSignedIn.into());
    }
    app.hub.settle(id, rooms_of(db, &session.user_id).await?);
    Ok(FromRelay::Welcome {
        rooms: heads_of(app, &session.user_id).await?,
        closed: closed_among(db, &session.user_id).await?,
        user_log_seq: newest_seq(db, &session.user_id).await?,
        now_ms: app.now_ms(),
    })
}

/// Until the socket is to end, for whatever reason; the reason is in the outbox.
async fn read(app: &App, session: &Session, id: SocketId, outbox: &Arc<Outbox>, stream: &mut SplitStream<WebSocket>) {
    loop {
        let next = tokio::select! {
            biased;
            () = outbox.until_end() => return,
            next = tokio::time::timeout(SILENCE, stream.next()) => next,
        };
        let Ok(Some(frame)) = next else {
            return outbox.end(End::Gone);
        };
        let taken = match frame {
            Ok(Message::Text(text)) => take(app, session, id, outbox, &text).await,
            Ok(Message::Ping(_) | Message::Pong(_)) => Ok(()),
            Ok(Message::Binary(_)) => Err(ErrorCode::Malformed),
            Ok(Message::Close(_)) => return outbox.end(End::Gone),
            Err(_) => Err(ErrorCode::Malformed),
        };
        if let Err(code) = taken {
            return outbox.end(End::Bye(code));
        }
    }
}

/// One frame. An error ends the socket.
async fn take(app: &App, session: &Session, id: SocketId, outbox: &Arc<Outbox>, text: &str) -> Result<(), ErrorCode> {
    if app.now_ms() >= session.expires_ms {
        return Err(ErrorCode::NotSignedIn);
    }
    match serde_json::from_str(text).map_err(|_| ErrorCode::Malformed)? {
        ToRelay::Hello { .. } => Err(ErrorCode::Malformed),
        ToRelay::Ping => {
            outbox.push(encode(&FromRelay::Pong));
            Ok(())
        }
        ToRelay::KeyRequest { room_id, request } => {
            if request.0.len() > MAX_KEY_REQUEST_BYTES {
                return Err(ErrorCode::TooLarge);
            }
            if app.rates.ephemeral.take(&session.dk_id).is_ok() {
                let frame = encode(&FromRelay::KeyRequest { room_id, request });
                app.hub.pass_on(id, &room_id, None, &frame);
            }
            Ok(())
        }
        ToRelay::Send { messages } if messages.len() > MAX_SEND_BATCH => Err(ErrorCode::TooLarge),
        ToRelay::Send { messages } => {
            // Messages of one frame build on each other, so what comes after a refusal in a room is refused as well.
            let mut fates: HashMap<(RoomId, ChannelId), Fate> = HashMap::new();
            for message in messages {
                post(app, session, id, outbox, &mut fates, message).await?;
            }
            Ok(())
        }
    }
}

/// Checks the form of one message and hands it to the mailbox. Without a readable header there is no message to refuse:
/// that is an error.
async fn post(
    app: &App,
    session: &Session,
    id: SocketId,
    outbox: &Arc<Outbox>,
    fates: &mut HashMap<(RoomId, ChannelId), Fate>,
    message: Outgoing,
) -> Result<(), ErrorCode> {
    let Outgoing {
        header: header_bytes,
        envelope,
    } = message;
    if header_bytes.0.len() != HEADER_BYTES {
        return Err(ErrorCode::Malformed);
    }
    let header = Header::from_bytes(&header_bytes.0).map_err(|_| ErrorCode::Malformed)?;
    if header.kind == MessageKind::Ephemeral {
        return pass_on(app, session, id, &header, header_bytes, envelope).await;
    }
    let fate = if header.kind == MessageKind::Slot {
        // No part of the chain: nothing builds on it.
        Fate::default()
    } else {
        fates.entry((header.room_id, header.channel)).or_default().take_place()
    };
    if let Err(problem) = is_formed(app, session, &header, &envelope.0) {
        fate.refuse(problem.code(), problem.retry_secs());
    }
    if let Some(refusal) = fate.refused() {
        let refused = FromRelay::Refused {
            room_id: header.room_id,
            msg_id: header.msg_id,
            code: refusal.code,
            retry_secs: refusal.retry_secs,
        };
        outbox.push(encode(&refused));
        return Ok(());
    }
    let post = Post {
        session: *session,
        header,
        header_bytes: header_bytes.0,
        envelope: envelope.0,
        outbox: outbox.clone(),
        fate,
    };
    app.mailbox.post(post).await;
    Ok(())
}

/// To whoever is in the room now. Nothing is stored and nothing answered: one that is too many, for a room this socket is not
/// in, or sealed under a key that the room's log does not have, is let go. The others take it for a sign of a newer key.
async fn pass_on(
    app: &App,
    session: &Session,
    id: SocketId,
    header: &Header,
    header_bytes: B64,
    envelope: B64,
) -> Result<(), ErrorCode> {
    if envelope.0.len() != EPHEMERAL_BYTES {
        return Err(ErrorCode::Malformed);
    }
    let fits = header.suite == SUITE_1 && app.hub.is_in(id, &header.room_id);
    if fits && app.rates.ephemeral.take(&session.dk_id).is_ok() && is_current(app, session, header).await {
        let frame = encode(&FromRelay::Ephemeral {
            room_id: header.room_id,
            channel: header.channel,
            header: header_bytes,
            envelope,
        });
        let readers = readers_of(app, &header.room_id, &header.channel);
        app.hub.pass_on(id, &header.room_id, readers.as_ref(), &frame);
    }
    Ok(())
}

/// Whether a passing word is in a channel that its sender reads, under its newest key or the one before. What is at hand of
/// the room may be older than its log, so what is not in it is looked for there.
async fn is_current(app: &App, session: &Session, header: &Header) -> bool {
    let fits = |state: &RoomState| {
        let newest = state.newest_of(&state.key_of(&header.channel));
        header.n > 0
            && (header.n == newest || header.n.checked_add(1) == Some(newest))
            && state.may_signal(&session.user_id, &session.dk_id, &header.channel)
    };
    if app.ledger.room(&header.room_id).is_some_and(|state| fits(&state)) {
        return true;
    }
    match newest_state(app, &header.room_id).await {
        Ok(state) => state.is_some_and(|state| fits(&state)),
        Err(problem) => {
            problem.log();
            false
        }
    }
}

async fn newest_state(app: &App, room: &RoomId) -> Result<Option<Arc<RoomState>>, Problem> {
    let txn = app.db.begin().await?;
    let room = app.ledger.lock_room(&txn, &app.realm, room, Hold::ToPost).await?;
    Ok(room.map(|room| room.state))
}

/// What can be said of a message without its room.
fn is_formed(app: &App, session: &Session, header: &Header, envelope: &[u8]) -> Result<(), Problem> {
    if header.suite != SUITE_1 {
        return Err(ErrorCode::UnsupportedVersion.into());
    }
    if envelope.len() > MAX_ENVELOPE_BYTES {
        return Err(ErrorCode::TooLarge.into());
    }
    let is_slot = header.kind == MessageKind::Slot;
    let is_sized = if is_slot {
        envelope.len() == EPHEMERAL_BYTES
    } else {
        is_envelope_size(envelope.len())
    };
    if !is_sized {
        return Err(ErrorCode::Malformed.into());
    }
    let rate = if is_slot {
        &app.rates.ephemeral
    } else {
        &app.rates.messages
    };
    rate.take(&session.dk_id)
}
