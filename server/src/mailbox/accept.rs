//! One transaction for a batch of posts: who may, under which number, and the transcript after it.

use std::collections::{BTreeMap, HashMap};

use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QuerySelect};
use sotto_shared::api::error::ErrorCode;
use sotto_shared::api::limits::OLD_EPOCH_GRACE_SECS;
use sotto_shared::envelope::header::{Header, MessageKind, class_seconds, envelope_hash};
use sotto_shared::envelope::transcript::Transcript;
use sotto_shared::id::{ChannelId, EnvelopeHash, Head, MessageId, RoomId};

use super::pace::may_speak_now;
use super::{Outcome, Post, slots};
use crate::app::{App, from_row, to_row};
use crate::db::entities::{channels, messages};
use crate::ledger::rooms::{Hold, LockedRoom};
use crate::problem::Problem;

/// An outcome for each post, in order. An error means that nothing was stored.
pub async fn commit(app: &App, posts: &[Post]) -> Result<Vec<Outcome>, Problem> {
    let mut outcomes: Vec<Option<Outcome>> = posts.iter().map(|_| None).collect();
    // In the order of their ids, so that two relays on one database never wait for each other in a ring.
    let mut by_room: BTreeMap<(RoomId, ChannelId), Vec<usize>> = BTreeMap::new();
    for (index, post) in posts.iter().enumerate() {
        by_room
            .entry((post.header.room_id, post.header.channel))
            .or_default()
            .push(index);
    }
    let txn = app.db.begin().await?;
    for ((room, channel), indexes) in by_room {
        let there: Vec<(usize, &Post)> = indexes
            .iter()
            .filter_map(|index| Some((*index, posts.get(*index)?)))
            .collect();
        let decided = in_room(app, &txn, &room, &channel, &there).await?;
        for (index, outcome) in decided {
            if let Some(place) = outcomes.get_mut(index) {
                *place = Some(outcome);
            }
        }
    }
    if outcomes
        .iter()
        .any(|outcome| matches!(outcome, Some(Outcome::Stored(_) | Outcome::Kept)))
    {
        txn.commit().await?;
    } else {
        txn.rollback().await?;
    }
    Ok(outcomes
        .into_iter()
        .map(|outcome| outcome.unwrap_or(Outcome::Refused(ErrorCode::Internal, None)))
        .collect())
}

async fn in_room(
    app: &App,
    txn: &DatabaseTransaction,
    room: &RoomId,
    channel: &ChannelId,
    posts: &[(usize, &Post)],
) -> Result<Vec<(usize, Outcome)>, Problem> {
    let all = |code| {
        Ok(posts
            .iter()
            .map(|(index, _)| (*index, Outcome::Refused(code, None)))
            .collect())
    };
    let locked = match app.ledger.lock_room(txn, &app.realm, room, Hold::ToPost).await {
        Ok(Some(locked)) => locked,
        Ok(None) => return all(ErrorCode::NotFound),
        // A room that does not replay is that room's trouble alone.
        Err(problem @ Problem::Fault(_)) => {
            problem.log();
            return all(ErrorCode::Internal);
        }
        Err(problem) => return Err(problem),
    };
    let key = (room.as_bytes().to_vec(), channel.as_bytes().to_vec());
    let Some(row) = channels::Entity::find_by_id(key).lock_exclusive().one(txn).await? else {
        return all(ErrorCode::NotFound);
    };
    let start = Transcript {
        seq: from_row(row.seq),
        t: Head::from_slice(&row.t).map_err(|_| Problem::Fault("a stored transcript is not one"))?,
    };
    let mut taken = there_already(txn, &row, posts).await?;
    let (mut now, mut rows, mut values) = (start, Vec::new(), Vec::new());
    let mut outcomes = Vec::with_capacity(posts.len());
    for (index, post) in posts {
        let earlier = post.fate.refused().map(|refusal| (refusal.code, refusal.retry_secs));
        let no = |code| (code, None);
        let outcome = match earlier.map_or_else(|| may_write(&locked, post).map_err(no), Err) {
            Err((code, retry_secs)) => Outcome::Refused(code, retry_secs),
            Ok(()) if post.header.kind == MessageKind::Slot => match is_timely(app, &locked, &post.header) {
                Err(code) => Outcome::Refused(code, None),
                Ok(()) => {
                    values.push(*post);
                    Outcome::Kept
                }
            },
            Ok(()) => match taken.get(&post.header.msg_id) {
                Some((seq, hash)) if *hash == envelope_hash(&post.header_bytes, &post.envelope) => Outcome::There(*seq),
                Some(_) => Outcome::Refused(ErrorCode::Duplicate, None),
                None => match is_timely(app, &locked, &post.header)
                    .map_err(no)
                    .and_then(|()| may_speak_now(app, &locked.state, post))
                {
                    Err((code, retry_secs)) => Outcome::Refused(code, retry_secs),
                    Ok(()) => {
                        let hash = envelope_hash(&post.header_bytes, &post.envelope);
                        now = now.then(&hash);
                        rows.push(message_row(app, post, &now, &hash)?);
                        taken.insert(post.header.msg_id, (now.seq, hash));
                        Outcome::Stored(now.seq)
                    }
                },
            },
        };
        if let Outcome::Refused(code, retry_secs) = outcome {
            post.fate.refuse(code, retry_secs);
        }
        outcomes.push((*index, outcome));
    }
    if !rows.is_empty() {
        messages::Entity::insert_many(rows).exec_without_returning(txn).await?;
        move_channel(txn, &row, &now).await?;
    }
    slots::put(txn, &row, locked.state.members.len(), &values).await?;
    Ok(outcomes)
}

/// Messages of this channel with the ids of `posts`: their numbers and hashes, which also those have that are gone.
async fn there_already(
    txn: &DatabaseTransaction,
    row: &channels::Model,
    posts: &[(usize, &Post)],
) -> Result<HashMap<MessageId, (u64, EnvelopeHash)>, Problem> {
    let rows = messages::Entity::find()
        .filter(messages::Column::RoomId.eq(row.room_id.clone()))
        .filter(messages::Column::Channel.eq(row.channel.clone()))
        .filter(messages::Column::MsgId.is_in(posts.iter().map(|(_, post)| post.header.msg_id.as_bytes().to_vec())))
        .all(txn)
        .await?;
    let entry = |row: messages::Model| {
        Some((
            MessageId::from_slice(&row.msg_id).ok()?,
            (from_row(row.seq), EnvelopeHash::from_slice(&row.envelope_hash).ok()?),
        ))
    };
    Ok(rows.into_iter().filter_map(entry).collect())
}

/// Whether this device of this person may write here at all.
fn may_write(room: &LockedRoom, post: &Post) -> Result<(), ErrorCode> {
    let state = &room.state;
    let (user, device, channel) = (&post.session.user_id, &post.session.dk_id, &post.header.channel);
    let may = if post.header.kind == MessageKind::Slot {
        state.may_signal(user, device, channel)
    } else {
        state.may_write(user, device, channel)
    };
    if may {
        return Ok(());
    }
    // Of a channel that they do not read they do not learn whether it is there.
    if state.members.contains_key(user) && !state.may_read(user, channel) {
        return Err(ErrorCode::NotFound);
    }
    let known = state.members.contains_key(&post.session.user_id) || state.former.contains_key(&post.session.user_id);
    Err(if known {
        ErrorCode::Forbidden
    } else {
        ErrorCode::NotFound
    })
}

/// Whether it is sealed under a key that is still taken: the newest, or, of a room's own, for two minutes the one before.
/// While a change of the key is due none is.
fn is_timely(app: &App, room: &LockedRoom, header: &Header) -> Result<(), ErrorCode> {
    let key = room.state.key_of(&header.channel);
    let newest = room.state.newest_of(&key);
    let in_grace = key == ChannelId::MAIN
        && header.n.checked_add(1) == Some(newest)
        && header.n > 0
        && app.now_ms().saturating_sub(room.epoch_ms) <= OLD_EPOCH_GRACE_SECS * 1000;
    let timely = header.n > 0 && (header.n == newest || in_grace);
    if timely && !room.state.rotation_due_of(&key) {
        Ok(())
    } else {
        Err(ErrorCode::WrongEpoch)
    }
}

fn message_row(
    app: &App,
    post: &Post,
    place: &Transcript,
    hash: &EnvelopeHash,
) -> Result<messages::ActiveModel, Problem> {
    let lives_ms = class_seconds(post.header.ttl_class).map(|seconds| u64::from(seconds) * 1000);
    let expires = lives_ms.map(|ms| to_row(app.now_ms() + ms)).transpose()?;
    Ok(messages::ActiveModel {
        room_id: Set(post.header.room_id.as_bytes().to_vec()),
        channel: Set(post.header.channel.as_bytes().to_vec()),
        seq: Set(to_row(place.seq)?),
        msg_id: Set(post.header.msg_id.as_bytes().to_vec()),
        header: Set(post.header_bytes.clone()),
        envelope: Set(post.envelope.clone()),
        envelope_hash: Set(hash.as_bytes().to_vec()),
        t: Set(place.t.as_bytes().to_vec()),
        expires_ms: Set(expires),
    })
}

/// Exactly one row moves, from exactly where it was.
async fn move_channel(txn: &DatabaseTransaction, row: &channels::Model, now: &Transcript) -> Result<(), Problem> {
    let moved = channels::Entity::update_many()
        .col_expr(channels::Column::Seq, Expr::value(to_row(now.seq)?))
        .col_expr(channels::Column::T, Expr::value(now.t.as_bytes().to_vec()))
        .filter(channels::Column::RoomId.eq(row.room_id.clone()))
        .filter(channels::Column::Channel.eq(row.channel.clone()))
        .filter(channels::Column::Seq.eq(row.seq))
        .exec(txn)
        .await?;
    if moved.rows_affected == 1 {
        Ok(())
    } else {
        Err(Problem::Fault("a channel moved under its lock"))
    }
}
