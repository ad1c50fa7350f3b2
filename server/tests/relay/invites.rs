use p256::ecdsa::SigningKey;
use sotto_shared::api::B64;
use sotto_shared::api::body::*;
use sotto_shared::api::error::ErrorCode;
use sotto_shared::api::frame::FromRelay;
use sotto_shared::codec::{Bytes, Codec, Text};
use sotto_shared::crypto::label::Label;
use sotto_shared::crypto::sign::{public_key, sign};
use sotto_shared::id::*;
use sotto_shared::log::room_log::*;

use crate::support::*;

const DAY: u64 = 24 * 3_600_000;

/// What makes an invite with this key.
fn invite(key: &SigningKey, mode: JoinMode, max_uses: u32) -> RoomBody {
    let inv_pk = public_key(key);
    RoomBody::CreateInvite {
        invite_id: invite_id(&inv_pk),
        inv_pk,
        role: Role::Member,
        max_uses,
        expires: START_MS + DAY,
        mode,
        card: Bytes::new(vec![7; 328]).unwrap(),
    }
}

fn open(key: &SigningKey, room: &Room, who: &Person) -> InviteOpen {
    let invite_id = invite_id(&public_key(key));
    let proof = InviteProof {
        realm: Text::new(REALM).unwrap(),
        room_id: room.id,
        invite_id,
        user_id: who.user_id,
    };
    InviteOpen {
        room_id: room.id,
        invite_id,
        sig: B64(sign(key, Label::InviteOpen, &proof.to_bytes()).to_vec()),
        from_seq: 0,
    }
}

fn join(key: &SigningKey, room: &Room, who: &Person) -> RoomBody {
    let invite_id = invite_id(&public_key(key));
    let nonce = [3; 16];
    RoomBody::Join {
        invite_id,
        member: who.here(),
        nonce,
        inv_sig: sign(
            key,
            Label::Join,
            &join_bytes(&room.id, &invite_id, &who.user_id, &nonce),
        ),
    }
}

#[tokio::test]
async fn who_holds_a_link_reads_the_log_and_lets_themselves_in() {
    let ground = Ground::new().await;
    let (ada, bob, cyd) = (
        ground.person("ada").await,
        ground.person("bob").await,
        ground.person("cyd").await,
    );
    let mut room = ground.group(&[&ada, &bob]).await;
    let door = key();
    let entry = room.entry(&ada, invite(&door, JoinMode::Member, 1));
    ground.append(&ada, &room, vec![entry], vec![]).await.unwrap();

    let log = ground.ask(Some(&cyd.token), &open(&door, &room, &cyd)).await.unwrap();
    assert_eq!(
        (log.seq, log.entries.len()),
        (room.state.seq, room.state.seq as usize + 1)
    );
    // The proof is for whom it was made, for this invite and with its key.
    let stolen = open(&door, &room, &cyd);
    assert_eq!(ground.refused(Some(&bob.token), &stolen).await, ErrorCode::NotFound);
    let mut other = open(&key(), &room, &cyd);
    assert_eq!(ground.refused(Some(&cyd.token), &other).await, ErrorCode::NotFound);
    other.invite_id = stolen.invite_id;
    assert_eq!(ground.refused(Some(&cyd.token), &other).await, ErrorCode::NotFound);
    other.sig = B64(vec![1; 63]);
    assert_eq!(ground.refused(Some(&cyd.token), &other).await, ErrorCode::Malformed);
    other.room_id = RoomId::from_bytes([1; 32]);
    other.sig = B64(vec![1; 64]);
    assert_eq!(ground.refused(Some(&cyd.token), &other).await, ErrorCode::NotFound);
    let message = room.message(512);
    let mut at_cyd = ground.socket(&cyd).await;
    at_cyd.say(&[message]).await;
    assert_eq!(at_cyd.refusal().await.1, ErrorCode::NotFound, "to read is not to be in");

    let mut at_ada = ground.socket(&ada).await;
    room.knows(&cyd);
    let entry = room.entry(&cyd, join(&door, &room.clone(), &cyd));
    let joined = ground.append(&cyd, &room, vec![entry.clone()], vec![]).await.unwrap();
    assert_eq!((joined.seq, joined.head), (room.state.seq, room.state.head));
    let again = ground.append(&cyd, &room, vec![entry.clone()], vec![]).await.unwrap();
    assert_eq!(again, joined, "their answer was lost");
    let heard = at_ada.everything_heard().await;
    assert!(
        heard
            .iter()
            .any(|frame| matches!(frame, FromRelay::Log { entries, .. } if *entries == [entry.clone()])),
        "{heard:?}"
    );
    let heard = at_cyd.everything_heard().await;
    assert!(
        heard
            .iter()
            .any(|frame| matches!(frame, FromRelay::Log { from_seq: 0, .. })),
        "{heard:?}"
    );
    // A member hands over the key.
    let wraps = WrapsPut {
        room_id: room.id,
        wraps: vec![wrap(cyd.user_id, 1, 1)],
    };
    ground.ask(Some(&bob.token), &wraps).await.unwrap();
    let get = WrapsGet {
        room_id: room.id,
        from_n: 0,
    };
    assert_eq!(ground.ask(Some(&cyd.token), &get).await.unwrap().wraps.len(), 1);
    // It was good for one.
    let dan = ground.person("dan").await;
    assert_eq!(
        ground.refused(Some(&dan.token), &open(&door, &room, &dan)).await,
        ErrorCode::NotFound
    );
    let late = room.entry_only(&dan, join(&door, &room, &dan));
    assert_eq!(
        ground.append(&dan, &room, vec![late], vec![]).await.unwrap_err().code,
        ErrorCode::InvalidEntry
    );
}

#[tokio::test]
async fn a_stranger_appends_one_join_by_an_invite_there_is_and_nothing_else() {
    let ground = Ground::new().await;
    let (ada, cyd) = (ground.person("ada").await, ground.person("cyd").await);
    let mut room = ground.group(&[&ada]).await;
    let door = key();
    let entry = room.entry(&ada, invite(&door, JoinMode::Member, 9));
    ground.append(&ada, &room, vec![entry], vec![]).await.unwrap();
    room.knows(&cyd);
    let good = room.entry_only(&cyd, join(&door, &room, &cyd));
    let mut after = room.clone();
    after.take(&good);
    for (entries, wraps) in [
        (vec![room.entry_only(&cyd, RoomBody::Leave)], vec![]),
        (vec![room.entry_only(&cyd, join(&key(), &room, &cyd))], vec![]),
        (vec![good.clone()], vec![wrap(cyd.user_id, 1, 1)]),
        (vec![good.clone(), after.entry_only(&cyd, RoomBody::Leave)], vec![]),
    ] {
        assert_eq!(
            ground.append(&cyd, &room, entries, wraps).await.unwrap_err().code,
            ErrorCode::NotFound
        );
    }
    // Without the link's signature, and after its time by the relay's clock, whatever the entry says.
    let mut forged = join(&door, &room, &cyd);
    if let RoomBody::Join { inv_sig, .. } = &mut forged {
        *inv_sig = sign(&key(), Label::Join, b"nothing");
    }
    let forged = room.entry_only(&cyd, forged);
    assert_eq!(
        ground.append(&cyd, &room, vec![forged], vec![]).await.unwrap_err().code,
        ErrorCode::InvalidEntry
    );
    ground.clock.advance(std::time::Duration::from_millis(DAY + 1));
    assert_eq!(
        ground.append(&cyd, &room, vec![good], vec![]).await.unwrap_err().code,
        ErrorCode::InvalidEntry
    );
    assert_eq!(
        ground.refused(Some(&cyd.token), &open(&door, &room, &cyd)).await,
        ErrorCode::NotFound
    );
}

#[tokio::test]
async fn who_asks_is_let_in_or_sent_away_even_after_the_relay_forgot_the_state() {
    let ground = Ground::new().await;
    let (ada, cyd) = (ground.person("ada").await, ground.person("cyd").await);
    let mut room = ground.group(&[&ada]).await;
    let desk = key();
    let entry = room.entry(&ada, invite(&desk, JoinMode::Approval, 9));
    ground.append(&ada, &room, vec![entry], vec![]).await.unwrap();
    room.knows(&cyd);
    let asks = room.entry(&cyd, join(&desk, &room.clone(), &cyd));
    let asked = ground.append(&cyd, &room, vec![asks.clone()], vec![]).await.unwrap();
    assert_eq!(
        (asked.seq, asked.head, asked.channels),
        (room.state.seq, room.state.head, vec![])
    );
    let epoch = room.epoch(&ada);
    ground.append(&ada, &room, vec![epoch], room.wraps()).await.unwrap();
    let again = ground.append(&cyd, &room, vec![asks], vec![]).await.unwrap();
    assert_eq!((again.seq, again.head, again.channels), (asked.seq, asked.head, vec![]));
    let log = RoomLogGet {
        room_id: room.id,
        from_seq: 0,
    };
    assert_eq!(
        ground.refused(Some(&cyd.token), &log).await,
        ErrorCode::NotFound,
        "not in yet"
    );
    // Another process, with nothing kept, replays the log.
    let fresh = sotto_server::ledger::Ledger::new(10);
    let txn = ground.app.db.begin().await.unwrap();
    let hold = sotto_server::ledger::rooms::Hold::ToPost;
    let state = fresh
        .lock_room(&txn, REALM, &room.id, hold)
        .await
        .unwrap()
        .unwrap()
        .state;
    assert_eq!((state.head, state.requests.len()), (room.state.head, 1));
    drop(txn);
    let add = room.add(&ada, &cyd);
    ground
        .append(&ada, &room, vec![add], vec![wrap(cyd.user_id, 1, 1)])
        .await
        .unwrap();
    assert_eq!(ground.ask(Some(&cyd.token), &log).await.unwrap().seq, room.state.seq);
}

#[tokio::test]
async fn links_are_opened_at_a_bounded_rate() {
    let ground = Ground::with(|config| config.limits.invites_per_minute = 3).await;
    let (ada, cyd) = (ground.person("ada").await, ground.person("cyd").await);
    let room = ground.group(&[&ada]).await;
    let guess = open(&key(), &room, &cyd);
    for _ in 0..3 {
        assert_eq!(ground.refused(Some(&cyd.token), &guess).await, ErrorCode::NotFound);
    }
    assert_eq!(ground.refused(Some(&cyd.token), &guess).await, ErrorCode::TooFast);
}
