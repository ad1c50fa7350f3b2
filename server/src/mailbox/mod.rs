//! Messages: one task takes what has queued up, commits it together, and only then tells anybody.
//!
//! ```text
//!  gateway ─▶ Mailbox::post ─▶ [queue] ─▶ run: as many as are waiting ─▶ accept::commit (one transaction) ─▶ hub
//!             waits when full                                             Refused ─▶ the sender's socket alone
//! ```
//! One commit for many envelopes: the disk is asked once per batch, and a batch grows while the disk is busy.

mod accept;
pub mod gone;
pub mod pace;
pub mod pages;
pub mod reports;
pub mod slots;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::ws::Utf8Bytes;
use sotto_shared::api::B64;
use sotto_shared::api::body::StoredMessage;
use sotto_shared::api::error::ErrorCode;
use sotto_shared::api::frame::FromRelay;
use sotto_shared::envelope::header::Header;
use sotto_shared::id::{ChannelId, RoomId, UserId};
use sotto_shared::log::channels::ChannelKind;
use tokio::sync::mpsc;

use crate::app::App;
use crate::gateway::encode;
use crate::hub::Outbox;
use crate::problem::Problem;
use crate::session::Session;

/// An envelope somebody wants stored. Header and envelope have been checked for form, not yet for permission.
pub struct Post {
    pub session: Session,
    pub header: Header,
    pub header_bytes: Vec<u8>,
    pub envelope: Vec<u8>,
    /// Where refusals go.
    pub outbox: Arc<Outbox>,
    pub fate: Fate,
}

/// The place of a message among those that one frame brings to one room. They form a chain: one that is taken after an
/// earlier one was refused would leave a hole, which its readers see as a loss.
#[derive(Debug, Clone, Default)]
pub struct Fate {
    place: usize,
    refused: Arc<Mutex<Option<Refusal>>>,
}

#[derive(Debug, Clone, Copy)]
pub struct Refusal {
    place: usize,
    pub code: ErrorCode,
    pub retry_secs: Option<u32>,
}

impl Fate {
    /// The place of the next message.
    pub fn take_place(&mut self) -> Self {
        let fate = self.clone();
        self.place += 1;
        fate
    }

    /// Why the first that was refused was, if it stands before this one or is this one.
    pub fn refused(&self) -> Option<Refusal> {
        self.lock().filter(|refusal| refusal.place <= self.place)
    }

    pub fn refuse(&self, code: ErrorCode, retry_secs: Option<u32>) {
        let mut first = self.lock();
        if first.is_none_or(|refusal| refusal.place > self.place) {
            *first = Some(Refusal {
                place: self.place,
                code,
                retry_secs,
            });
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Refusal>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What became of a post.
#[derive(Debug)]
enum Outcome {
    /// Stored under this number.
    Stored(u64),
    /// It was there already, under this number.
    There(u64),
    /// It lies in its slot.
    Kept,
    Refused(ErrorCode, Option<u32>),
}

/// The way in.
pub struct Mailbox(mpsc::Sender<Post>);

/// The other end, for [`run`].
pub struct Posts(mpsc::Receiver<Post>);

const QUEUE_POSTS: usize = 2_048;
const BATCH_POSTS: usize = 256;
const BATCH_BYTES: usize = 4 * 1024 * 1024;

impl Mailbox {
    pub fn new() -> (Self, Posts) {
        let (sender, receiver) = mpsc::channel(QUEUE_POSTS);
        (Self(sender), Posts(receiver))
    }

    /// Waits while the queue is full, and with it the socket the post came from.
    pub async fn post(&self, post: Post) {
        if let Err(mpsc::error::SendError(post)) = self.0.send(post).await {
            refuse(&post, ErrorCode::Draining, Some(2));
        }
    }
}

/// Until the last call; then finishes what waits.
pub async fn run(app: App, Posts(mut posts): Posts) {
    let mut batch = Vec::with_capacity(BATCH_POSTS);
    loop {
        let first = tokio::select! {
            first = posts.recv() => first,
            () = app.last_call.cancelled(), if !posts.is_closed() => {
                posts.close();
                continue;
            }
        };
        let Some(first) = first else { return };
        let mut bytes = first.envelope.len();
        batch.push(first);
        while batch.len() < BATCH_POSTS && bytes < BATCH_BYTES {
            let Ok(next) = posts.try_recv() else { break };
            bytes += next.envelope.len();
            batch.push(next);
        }
        handle(&app, &mut batch).await;
        // Those who write to sockets get their turn before the next batch adds to their queues.
        tokio::task::yield_now().await;
    }
}

async fn handle(app: &App, batch: &mut Vec<Post>) {
    match accept::commit(app, batch).await {
        Ok(outcomes) => {
            for (post, outcome) in batch.drain(..).zip(outcomes) {
                tell(app, post, outcome);
            }
        }
        // One bad apple must not keep the others out: each on its own.
        Err(problem) if batch.len() > 1 && problem.code() == ErrorCode::Internal => {
            problem.log();
            for post in batch.drain(..) {
                let alone = [post];
                let outcome = accept::commit(app, &alone).await.map(|mut outcomes| outcomes.pop());
                let [post] = alone;
                match outcome {
                    Ok(outcome) => tell(
                        app,
                        post,
                        outcome.unwrap_or(Outcome::Refused(ErrorCode::Internal, None)),
                    ),
                    Err(problem) => fail(&post, &problem),
                }
            }
        }
        Err(problem) => {
            problem.log();
            for post in batch.drain(..) {
                refuse(&post, problem.code(), problem.retry_secs());
            }
        }
    }
}

fn tell(app: &App, post: Post, outcome: Outcome) {
    match outcome {
        Outcome::Stored(seq) => {
            let room = post.header.room_id;
            let readers = readers(app, &post);
            app.hub.tell_readers(&room, readers.as_ref(), &message_frame(post, seq));
        }
        Outcome::There(seq) => {
            let outbox = post.outbox.clone();
            outbox.push(message_frame(post, seq));
        }
        Outcome::Kept => {
            let room = post.header.room_id;
            let readers = readers(app, &post);
            app.hub.tell_readers(&room, readers.as_ref(), &slot_frame(post));
        }
        Outcome::Refused(code, retry_secs) => refuse(&post, code, retry_secs),
    }
}

/// Who hears of it: everybody in the room, or those of a private channel. Its room was at hand a moment ago.
fn readers(app: &App, post: &Post) -> Option<BTreeSet<UserId>> {
    readers_of(app, &post.header.room_id, &post.header.channel)
}

pub fn readers_of(app: &App, room: &RoomId, channel: &ChannelId) -> Option<BTreeSet<UserId>> {
    if *channel == ChannelId::MAIN {
        return None;
    }
    let Some(state) = app.ledger.room(room) else {
        return Some(BTreeSet::new());
    };
    match state.channels.get(channel) {
        Some(there) => (there.kind == ChannelKind::Private).then(|| there.members.clone()),
        // What is not known to be for everybody is for nobody.
        None => Some(BTreeSet::new()),
    }
}

/// Encoded once, for however many hear it: the bytes that came in.
fn message_frame(post: Post, seq: u64) -> Utf8Bytes {
    let message = StoredMessage {
        seq,
        header: B64(post.header_bytes),
        envelope: B64(post.envelope),
        gone: None,
    };
    encode(&FromRelay::Message {
        room_id: post.header.room_id,
        channel: post.header.channel,
        message,
    })
}

fn slot_frame(post: Post) -> Utf8Bytes {
    encode(&FromRelay::Slot {
        room_id: post.header.room_id,
        channel: post.header.channel,
        header: B64(post.header_bytes),
        envelope: B64(post.envelope),
    })
}

fn fail(post: &Post, problem: &Problem) {
    problem.log();
    refuse(post, problem.code(), problem.retry_secs());
}

fn refuse(post: &Post, code: ErrorCode, retry_secs: Option<u32>) {
    post.fate.refuse(code, retry_secs);
    let (room_id, msg_id) = (post.header.room_id, post.header.msg_id);
    post.outbox.push(encode(&FromRelay::Refused {
        room_id,
        msg_id,
        code,
        retry_secs,
    }));
}
