//! Writing a room's rows: entries, who is in it, wraps. Always inside a transaction that holds the room's row.

use std::collections::BTreeSet;

use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter};
use sotto_shared::api::B64;
use sotto_shared::api::body::Wrap;
use sotto_shared::api::error::ErrorCode;
use sotto_shared::envelope::transcript::Transcript;
use sotto_shared::id::{ChannelId, RoomId, UserId};
use sotto_shared::log::room_log::RoomState;

use crate::app::to_row;
use crate::db::MAX_PARAMETERS;
use crate::db::entities::{channels, room_log, room_people, rooms, wraps};
use crate::problem::Problem;

pub const ENC_BYTES: usize = 65;
pub const CT_BYTES: usize = 48;

/// Entries from `from` on, as they came in.
pub async fn entries(txn: &DatabaseTransaction, room: &RoomId, from: u64, entries: &[B64]) -> Result<(), Problem> {
    let rows = (from..).zip(entries).map(|(seq, entry)| {
        Ok(room_log::ActiveModel {
            room_id: Set(room.as_bytes().to_vec()),
            seq: Set(to_row(seq)?),
            entry: Set(entry.0.clone()),
        })
    });
    let rows = rows.collect::<Result<Vec<_>, Problem>>()?;
    if !rows.is_empty() {
        room_log::Entity::insert_many(rows).exec_without_returning(txn).await?;
    }
    Ok(())
}

/// The new head; exactly one row moves, from exactly the old head.
pub async fn head(txn: &DatabaseTransaction, old: &RoomState, new: &RoomState, now_ms: u64) -> Result<(), Problem> {
    let mut update = rooms::Entity::update_many()
        .col_expr(rooms::Column::HeadSeq, Expr::value(to_row(new.seq)?))
        .col_expr(rooms::Column::Head, Expr::value(new.head.as_bytes().to_vec()));
    if new.epoch_number() != old.epoch_number() {
        update = update.col_expr(rooms::Column::EpochMs, Expr::value(to_row(now_ms)?));
    }
    let moved = update
        .filter(rooms::Column::RoomId.eq(new.room_id.as_bytes().to_vec()))
        .filter(rooms::Column::Head.eq(old.head.as_bytes().to_vec()))
        .exec(txn)
        .await?;
    if moved.rows_affected == 1 {
        Ok(())
    } else {
        Err(ErrorCode::StaleHead.into())
    }
}

/// Who came and who went between two states.
#[derive(Debug, Default)]
pub struct Moves {
    pub added: Vec<UserId>,
    /// With the entry that took them out.
    pub removed: Vec<(UserId, u64)>,
}

pub fn moves(old: Option<&RoomState>, new: &RoomState) -> Moves {
    let was = |user: &UserId| old.is_some_and(|old| old.members.contains_key(user));
    // Somebody taken out and let in again by the same request has lost what was in between: they start over as added.
    let since = |user: &UserId| old.and_then(|old| old.members.get(user)).map(|member| member.since);
    let added = new
        .members
        .iter()
        .filter(|(user, member)| since(user) != Some(member.since))
        .map(|(user, _)| *user)
        .collect();
    let removed = new
        .former
        .iter()
        .filter(|(user, _)| was(user))
        .map(|(user, former)| (*user, former.until))
        .collect();
    Moves { added, removed }
}

/// Brings `room_people` to `new`.
pub async fn people(txn: &DatabaseTransaction, old: Option<&RoomState>, new: &RoomState) -> Result<Moves, Problem> {
    let moves = moves(old, new);
    let mut rows = Vec::new();
    for user in &moves.added {
        let since = new.members.get(user).map_or(0, |member| member.since);
        rows.push(person_row(new, user, since, None)?);
    }
    let left = new.former.iter().filter(|(user, former)| {
        old.is_none_or(|old| old.former.get(*user).map(|former| former.until) != Some(former.until))
    });
    for (user, former) in left {
        rows.push(person_row(new, user, former.since, Some(former.until))?);
    }
    let replace = OnConflict::columns([room_people::Column::RoomId, room_people::Column::UserId])
        .update_columns([room_people::Column::SinceSeq, room_people::Column::UntilSeq])
        .to_owned();
    for some in rows.chunks(MAX_PARAMETERS / 4) {
        room_people::Entity::insert_many(some.to_vec())
            .on_conflict(replace.clone())
            .exec_without_returning(txn)
            .await?;
    }
    Ok(moves)
}

fn person_row(
    room: &RoomState,
    user: &UserId,
    since: u64,
    until: Option<u64>,
) -> Result<room_people::ActiveModel, Problem> {
    Ok(room_people::ActiveModel {
        room_id: Set(room.room_id.as_bytes().to_vec()),
        user_id: Set(user.as_bytes().to_vec()),
        since_seq: Set(to_row(since)?),
        until_seq: Set(until.map(to_row).transpose()?),
    })
}

/// Checks wraps against a state and stores those there were none of. Gives whom they are for.
pub async fn wraps(txn: &DatabaseTransaction, state: &RoomState, wraps: &[Wrap]) -> Result<BTreeSet<UserId>, Problem> {
    for wrap in wraps {
        check_wrap(state, wrap)?;
    }
    let mut rows = Vec::with_capacity(wraps.len());
    let mut seen = BTreeSet::new();
    for wrap in wraps
        .iter()
        .filter(|wrap| seen.insert((wrap.user_id, wrap.channel, wrap.n)))
    {
        rows.push(wraps::ActiveModel {
            room_id: Set(state.room_id.as_bytes().to_vec()),
            user_id: Set(wrap.user_id.as_bytes().to_vec()),
            channel: Set(wrap.channel.as_bytes().to_vec()),
            n: Set(i64::from(wrap.n)),
            g: Set(i64::from(wrap.g)),
            enc: Set(wrap.enc.0.clone()),
            ct: Set(wrap.ct.0.clone()),
        });
    }
    let key = [
        wraps::Column::RoomId,
        wraps::Column::UserId,
        wraps::Column::Channel,
        wraps::Column::N,
        wraps::Column::G,
    ];
    let keep = OnConflict::columns(key).do_nothing().to_owned();
    for some in rows.chunks(MAX_PARAMETERS / 7) {
        wraps::Entity::insert_many(some.to_vec())
            .on_conflict(keep.clone())
            .exec_without_returning(txn)
            .await
            .or_else(nothing_new)?;
    }
    Ok(seen.into_iter().map(|(user, ..)| user).collect())
}

/// sea-orm calls it an error when every row was there already.
fn nothing_new(error: sea_orm::DbErr) -> Result<u64, sea_orm::DbErr> {
    if matches!(error, sea_orm::DbErr::RecordNotInserted) {
        Ok(0)
    } else {
        Err(error)
    }
}

/// A new room key comes with a wrap for everybody, or whoever made it could lock the others out. What is in the wraps only
/// their receivers can tell.
/// The same goes for the key of a private channel and those in it.
pub fn wraps_for_all(old: Option<&RoomState>, state: &RoomState, wraps: &[Wrap]) -> Result<(), Problem> {
    let keys = std::iter::once(ChannelId::MAIN).chain(state.channels.keys().copied());
    for key in keys {
        let newest = state.newest_of(&key);
        if newest == old.map_or(0, |old| old.newest_of(&key)) {
            continue;
        }
        let wrapped: BTreeSet<&UserId> = (wraps.iter())
            .filter(|wrap| wrap.channel == key && wrap.n == newest)
            .map(|wrap| &wrap.user_id)
            .collect();
        if !state.roster_of(&key).all(|(user, _)| wrapped.contains(user)) {
            return Err(ErrorCode::InvalidEntry.into());
        }
    }
    Ok(())
}

/// Nobody wraps a key that they cannot have: what lies there keeps a right one from taking its place.
pub fn wraps_are_theirs(state: &RoomState, user: &UserId, wraps: &[Wrap]) -> Result<(), Problem> {
    let reads = |wrap: &Wrap| wrap.channel == ChannelId::MAIN || state.may_read(user, &wrap.channel);
    if wraps.iter().all(reads) {
        Ok(())
    } else {
        Err(ErrorCode::Forbidden.into())
    }
}

/// A row for every channel that came: in a space those its log names, elsewhere `MAIN`.
pub async fn channels(txn: &DatabaseTransaction, old: Option<&RoomState>, new: &RoomState) -> Result<(), Problem> {
    let was = |channel: &ChannelId| old.is_some_and(|old| old.has_channel(channel));
    let rows = new
        .channel_ids()
        .into_iter()
        .filter(|channel| !was(channel))
        .map(|channel| {
            let start = Transcript::start(&new.room_id, &channel);
            channels::ActiveModel {
                room_id: Set(new.room_id.as_bytes().to_vec()),
                channel: Set(channel.as_bytes().to_vec()),
                seq: Set(0),
                t: Set(start.t.as_bytes().to_vec()),
            }
        });
    let rows: Vec<_> = rows.collect();
    if !rows.is_empty() {
        channels::Entity::insert_many(rows).exec_without_returning(txn).await?;
    }
    Ok(())
}

fn check_wrap(state: &RoomState, wrap: &Wrap) -> Result<(), Problem> {
    if wrap.enc.0.len() != ENC_BYTES || wrap.enc.0.first() != Some(&4) || wrap.ct.0.len() != CT_BYTES {
        return Err(ErrorCode::Malformed.into());
    }
    if wrap.channel != ChannelId::MAIN && state.key_of(&wrap.channel) != wrap.channel {
        return Err(ErrorCode::NotFound.into());
    }
    let member = state.members.get(&wrap.user_id).ok_or(ErrorCode::InvalidEntry)?;
    let reads = wrap.channel == ChannelId::MAIN || state.may_read(&wrap.user_id, &wrap.channel);
    let fits = reads && (1..=state.newest_of(&wrap.channel)).contains(&wrap.n) && wrap.g == member.view.kem_g;
    if fits {
        Ok(())
    } else {
        Err(ErrorCode::InvalidEntry.into())
    }
}
