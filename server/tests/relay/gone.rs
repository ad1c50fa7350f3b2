//! Messages that are let go of: by their author, by a moderator, by their time.

use std::time::Duration;

use sea_orm::{ConnectionTrait, Statement};
use sotto_shared::api::B64;
use sotto_shared::api::body::*;
use sotto_shared::api::error::ErrorCode;
use sotto_shared::api::frame::Outgoing;
use sotto_shared::codec::{Codec, List};
use sotto_shared::crypto::hash::sha256;
use sotto_shared::envelope::header::{Header, envelope_hash};
use sotto_shared::envelope::transcript::Transcript;
use sotto_shared::id::*;
use sotto_shared::log::room_log::RoomBody;

use crate::support::*;

/// The same message under a header that is changed so.
fn with_header(mut message: Outgoing, change: impl FnOnce(&mut Header)) -> Outgoing {
    let mut header = Header::from_bytes(&message.header.0).unwrap();
    change(&mut header);
    message.header = B64(header.to_bytes());
    message
}

fn hash_of(message: &Outgoing) -> EnvelopeHash {
    envelope_hash(&message.header.0, &message.envelope.0)
}

/// A page on which exactly these messages have lost their bytes; its transcript holds as before.
fn assert_gone(page: &Page, all: &[Outgoing], gone: &[usize]) {
    let mut now = Transcript {
        seq: page.before.seq,
        t: page.before.t,
    };
    assert_eq!(page.messages.len(), all.len());
    for (index, (message, sent)) in page.messages.iter().zip(all).enumerate() {
        if gone.contains(&index) {
            assert_eq!(
                (message.gone, message.header.0.len(), message.envelope.0.len()),
                (Some(hash_of(sent)), 0, 0)
            );
        } else {
            assert_eq!(
                (message.gone, &message.header, &message.envelope),
                (None, &sent.header, &sent.envelope)
            );
        }
        now = now.then(&message.hash());
    }
    assert_eq!((now.seq, now.t), (page.head.seq, page.head.t));
}

/// Nothing of these bytes lies in the table.
async fn assert_not_stored(ground: &Ground, message: &Outgoing) {
    let db = ground.app.db.read();
    let sql = "SELECT header, envelope FROM messages";
    let rows = db
        .query_all_raw(Statement::from_string(db.get_database_backend(), sql))
        .await
        .unwrap();
    for row in rows {
        assert_ne!(row.try_get::<Vec<u8>>("", "header").unwrap(), message.header.0);
        assert_ne!(row.try_get::<Vec<u8>>("", "envelope").unwrap(), message.envelope.0);
    }
}

#[tokio::test]
async fn whoever_knows_the_secret_of_a_message_has_it_deleted_and_its_place_stays() {
    let ground = Ground::new().await;
    let (ada, bob, cyd) = (
        ground.person("ada").await,
        ground.person("bob").await,
        ground.person("cyd").await,
    );
    let room = ground.group(&[&ada, &bob]).await;
    let secret = random::<32>();
    let mine = with_header(room.message(512), |header| header.del_commit = sha256(&secret));
    let all = [room.message(512), mine.clone(), room.message(512)];
    let mut at_ada = ground.socket(&ada).await;
    at_ada.say(&all).await;
    for _ in 0..3 {
        at_ada.message().await;
    }
    let ask = |secret: &[u8], message: &Outgoing| MessageDelete {
        room_id: room.id,
        channel: ChannelId::MAIN,
        msg_id: msg_id(message),
        del_secret: B64(secret.to_vec()),
    };
    let (ada_s, bob_s, cyd_s) = (
        Some(ada.token.as_str()),
        Some(bob.token.as_str()),
        Some(cyd.token.as_str()),
    );
    for (token, body, code) in [
        (bob_s, ask(&random::<32>(), &mine), ErrorCode::Forbidden),
        (bob_s, ask(b"", &mine), ErrorCode::Forbidden),
        (bob_s, ask(&secret, &all[0]), ErrorCode::Forbidden),
        (bob_s, ask(&secret, &room.message(512)), ErrorCode::NotFound),
        (cyd_s, ask(&secret, &mine), ErrorCode::NotFound),
        (None, ask(&secret, &mine), ErrorCode::NotSignedIn),
    ] {
        assert_eq!(ground.refused(token, &body).await, code);
    }
    assert_gone(&ground.page(&bob, &room, PageFrom::End, 10).await.unwrap(), &all, &[]);
    for _ in 0..2 {
        ground.ask(ada_s, &ask(&secret, &mine)).await.unwrap();
        assert_gone(&ground.page(&bob, &room, PageFrom::End, 10).await.unwrap(), &all, &[1]);
    }
    assert_not_stored(&ground, &mine).await;
    // Its id stays taken: the same bytes are known, others are refused.
    at_ada.say(std::slice::from_ref(&mine)).await;
    assert_eq!(at_ada.message().await.seq, 2);
    assert_gone(&ground.page(&bob, &room, PageFrom::End, 10).await.unwrap(), &all, &[1]);
    let other = with_header(room.message(512), |header| header.msg_id = msg_id(&mine));
    at_ada.say(&[other]).await;
    assert_eq!(at_ada.refusal().await, (msg_id(&mine), ErrorCode::Duplicate));
}

#[tokio::test]
async fn what_a_moderator_takes_away_is_deleted_with_the_entry_that_says_so() {
    let ground = Ground::new().await;
    let (ada, bob) = (ground.person("ada").await, ground.person("bob").await);
    let mut room = ground.group(&[&ada, &bob]).await;
    let all = [room.message(512), room.message(512), room.message(512)];
    let mut at_bob = ground.socket(&bob).await;
    at_bob.say(&all).await;
    for _ in 0..3 {
        at_bob.message().await;
    }
    let body = |target: &Outgoing, edit: &Outgoing| RoomBody::Redact {
        target: hash_of(target),
        edits: List::new(vec![hash_of(edit)]).unwrap(),
    };
    let refused = room.entry_only(&bob, body(&all[0], &all[1]));
    let refused = ground.append(&bob, &room, vec![refused], Vec::new()).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::InvalidEntry, "a member may not");
    assert_gone(&ground.page(&ada, &room, PageFrom::End, 10).await.unwrap(), &all, &[]);
    let entry = room.entry(&ada, body(&all[0], &all[2]));
    ground.append(&ada, &room, vec![entry], Vec::new()).await.unwrap();
    assert_gone(
        &ground.page(&bob, &room, PageFrom::End, 10).await.unwrap(),
        &all,
        &[0, 2],
    );
    assert_not_stored(&ground, &all[0]).await;
}

#[tokio::test]
async fn a_message_goes_when_its_time_is_over_and_not_before() {
    let ground = Ground::new().await;
    let (ada, bob) = (ground.person("ada").await, ground.person("bob").await);
    let room = ground.group(&[&ada, &bob]).await;
    let class = |class| with_header(room.message(512), |header| header.ttl_class = class);
    // A minute, for ever, an hour, a class that this relay does not know.
    let all = [class(1), class(0), class(3), class(200)];
    let mut at_ada = ground.socket(&ada).await;
    at_ada.say(&all).await;
    for _ in 0..4 {
        at_ada.message().await;
    }
    ground.clock.advance(Duration::from_secs(59));
    ground.app.tidy().await;
    assert_gone(&ground.page(&bob, &room, PageFrom::End, 10).await.unwrap(), &all, &[]);
    ground.clock.advance(Duration::from_secs(1));
    ground.app.tidy().await;
    assert_gone(&ground.page(&bob, &room, PageFrom::End, 10).await.unwrap(), &all, &[0]);
    ground.clock.advance(Duration::from_secs(400 * 24 * 3600));
    ground.app.tidy().await;
    let db = ground.app.db.read();
    let sql = "SELECT seq FROM messages WHERE header = envelope ORDER BY seq";
    let rows = db
        .query_all_raw(Statement::from_string(db.get_database_backend(), sql))
        .await
        .unwrap();
    let seqs: Vec<i64> = rows.iter().map(|row| row.try_get("", "seq").unwrap()).collect();
    assert_eq!(seqs, [1, 3]);
    assert_not_stored(&ground, &all[2]).await;
}
