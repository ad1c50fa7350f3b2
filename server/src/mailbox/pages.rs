//! Reading messages, a page at a time, forwards and backwards.

use axum::Json;
use axum::extract::State;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use sotto_shared::api::B64;
use sotto_shared::api::body::{ChannelHead, Page, PageFrom, PageGet, StoredMessage};
use sotto_shared::api::error::ErrorCode;
use sotto_shared::api::limits::MAX_PAGE;
use sotto_shared::envelope::transcript::Transcript;
use sotto_shared::id::{EnvelopeHash, Head};

use crate::app::{App, from_row, to_row};
use crate::db::entities::{channels, messages};
use crate::ledger::rooms::readership;
use crate::problem::Problem;
use crate::router::{Answer, Body};
use crate::session::Session;

/// Bytes of envelopes in one page; it is cut short beyond, but never to nothing.
const PAGE_BYTES: i64 = 2 * 1024 * 1024;

pub async fn page(State(app): State<App>, session: Session, Body(ask): Body<PageGet>) -> Answer<PageGet> {
    let db = app.db.read();
    readership(&app, &ask.room_id, &ask.channel, &session.user_id).await?;
    let limit = u64::from(ask.limit.clamp(1, MAX_PAGE));
    // Before the messages, of which none past it is given: all up to it are there then. The other way round a page could be
    // empty under a head that is ahead of it, which a client takes for withholding.
    let key = (ask.room_id.as_bytes().to_vec(), ask.channel.as_bytes().to_vec());
    let head = channels::Entity::find_by_id(key)
        .one(db)
        .await?
        .ok_or(ErrorCode::NotFound)?;
    let head = Transcript {
        seq: from_row(head.seq),
        t: transcript(&head.t)?,
    };
    let messages = match range(db, &ask, head.seq, limit).await? {
        Some((first, last)) => rows(db, &ask, first, last).await?,
        None => Vec::new(),
    };
    let before = match (messages.first(), ask.from) {
        (Some(first), _) => from_row(first.seq).saturating_sub(1),
        (None, PageFrom::After(seq)) => seq.min(head.seq),
        (None, PageFrom::Before(_) | PageFrom::End) => 0,
    };
    let before = at(db, &ask, before, &head).await?;
    let messages = messages.into_iter().map(stored).collect::<Result<Vec<_>, Problem>>()?;
    let place = |at: Transcript| ChannelHead {
        channel: ask.channel,
        seq: at.seq,
        t: at.t,
    };
    Ok(Json(Page {
        before: place(before),
        messages,
        head: place(head),
    }))
}

fn stored(row: messages::Model) -> Result<StoredMessage, Problem> {
    let hash = EnvelopeHash::from_slice(&row.envelope_hash).map_err(|_| Problem::Fault("a stored hash is not one"))?;
    Ok(StoredMessage {
        seq: from_row(row.seq),
        gone: row.header.is_empty().then_some(hash),
        header: B64(row.header),
        envelope: B64(row.envelope),
    })
}

/// First and last number of the page, by what its messages weigh.
async fn range(db: &impl ConnectionTrait, ask: &PageGet, upto: u64, limit: u64) -> Result<Option<(i64, i64)>, Problem> {
    // The database counts in i64; a number beyond is beyond every message.
    let bound = |seq: u64| i64::try_from(seq).unwrap_or(i64::MAX);
    let of_channel = messages::Entity::find()
        .select_only()
        .column(messages::Column::Seq)
        .column_as(Expr::cust("LENGTH(envelope)"), "bytes")
        .filter(messages::Column::RoomId.eq(ask.room_id.as_bytes().to_vec()))
        .filter(messages::Column::Channel.eq(ask.channel.as_bytes().to_vec()))
        .filter(messages::Column::Seq.lte(bound(upto)))
        .limit(limit);
    let query = match ask.from {
        PageFrom::After(seq) => of_channel
            .filter(messages::Column::Seq.gt(bound(seq)))
            .order_by_asc(messages::Column::Seq),
        PageFrom::Before(seq) => of_channel
            .filter(messages::Column::Seq.lt(bound(seq)))
            .order_by_desc(messages::Column::Seq),
        PageFrom::End => of_channel.order_by_desc(messages::Column::Seq),
    };
    let mut left = PAGE_BYTES;
    let mut ends = None;
    if app_is_postgres(db) {
        for (seq, bytes) in query.into_tuple::<(i64, i32)>().all(db).await? {
            grow(&mut ends, &mut left, seq, i64::from(bytes));
        }
    } else {
        for (seq, bytes) in query.into_tuple::<(i64, i64)>().all(db).await? {
            grow(&mut ends, &mut left, seq, bytes);
        }
    }
    Ok(ends.map(|(a, b): (i64, i64)| (a.min(b), a.max(b))))
}

fn grow(ends: &mut Option<(i64, i64)>, left: &mut i64, seq: i64, bytes: i64) {
    let fits = ends.is_none() || bytes <= *left;
    // Once one does not fit, no later one does: a page has no holes.
    *left = if fits { left.saturating_sub(bytes) } else { -1 };
    if fits {
        *ends = Some((ends.map_or(seq, |(first, _)| first), seq));
    }
}

fn app_is_postgres(db: &impl ConnectionTrait) -> bool {
    db.get_database_backend() == sea_orm::DbBackend::Postgres
}

async fn rows(
    db: &impl ConnectionTrait,
    ask: &PageGet,
    first: i64,
    last: i64,
) -> Result<Vec<messages::Model>, Problem> {
    let rows = messages::Entity::find()
        .filter(messages::Column::RoomId.eq(ask.room_id.as_bytes().to_vec()))
        .filter(messages::Column::Channel.eq(ask.channel.as_bytes().to_vec()))
        .filter(messages::Column::Seq.between(first, last))
        .order_by_asc(messages::Column::Seq)
        .all(db)
        .await?;
    Ok(rows)
}

/// The transcript after message `seq`.
async fn at(db: &impl ConnectionTrait, ask: &PageGet, seq: u64, head: &Transcript) -> Result<Transcript, Problem> {
    if seq == 0 {
        return Ok(Transcript::start(&ask.room_id, &ask.channel));
    }
    if seq == head.seq {
        return Ok(*head);
    }
    let key = (
        ask.room_id.as_bytes().to_vec(),
        ask.channel.as_bytes().to_vec(),
        to_row(seq)?,
    );
    let row = messages::Entity::find_by_id(key)
        .one(db)
        .await?
        .ok_or(Problem::Fault("a channel has a hole"))?;
    Ok(Transcript {
        seq,
        t: transcript(&row.t)?,
    })
}

fn transcript(bytes: &[u8]) -> Result<Head, Problem> {
    Head::from_slice(bytes).map_err(|_| Problem::Fault("a stored transcript is not one"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_cut_where_it_grows_too_heavy_and_never_to_nothing() {
        let take = |weights: &[i64]| {
            let (mut ends, mut left) = (None, PAGE_BYTES);
            for (seq, bytes) in weights.iter().enumerate() {
                grow(&mut ends, &mut left, seq as i64 + 1, *bytes);
            }
            ends
        };
        assert_eq!(take(&[]), None);
        assert_eq!(take(&[PAGE_BYTES * 2, 1]), Some((1, 1)));
        assert_eq!(take(&[10, PAGE_BYTES, 10]), Some((1, 1)));
        assert_eq!(take(&[10, 10, 10]), Some((1, 3)));
    }
}
