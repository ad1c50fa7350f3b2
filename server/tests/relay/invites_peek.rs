//! A look at an invite without an account: everything to whoever holds the link, one answer to everybody else.

use p256::ecdsa::SigningKey;
use sotto_shared::api::B64;
use sotto_shared::api::body::*;
use sotto_shared::api::error::ErrorCode;
use sotto_shared::codec::{Bytes, Codec, Text};
use sotto_shared::crypto::label::Label;
use sotto_shared::crypto::sign::{public_key, sign};
use sotto_shared::id::*;
use sotto_shared::log::room_log::*;
use sotto_shared::log::standing::InviteStanding;

use crate::support::*;

const DAY: u64 = 24 * 3_600_000;

fn invite(key: &SigningKey, max_uses: u32) -> RoomBody {
    let inv_pk = public_key(key);
    RoomBody::CreateInvite {
        invite_id: invite_id(&inv_pk),
        inv_pk,
        role: Role::Member,
        max_uses,
        expires: START_MS + DAY,
        mode: JoinMode::Member,
        card: Bytes::new(vec![7; 328]).unwrap(),
    }
}

fn peek(key: &SigningKey, room: &Room, at: u64) -> InvitePeek {
    let invite_id = invite_id(&public_key(key));
    let proof = PeekProof {
        realm: Text::new(REALM).unwrap(),
        room_id: room.id,
        invite_id,
        at,
    };
    InvitePeek {
        room_id: room.id,
        invite_id,
        at_ms: at,
        sig: B64(sign(key, Label::InvitePeek, &proof.to_bytes()).to_vec()),
    }
}

#[tokio::test]
async fn who_holds_a_link_sees_where_it_leads_and_what_became_of_it() {
    let ground = Ground::new().await;
    let (ada, bob, cyd) = (
        ground.person("ada").await,
        ground.person("bob").await,
        ground.person("cyd").await,
    );
    let mut room = ground.group(&[&ada, &bob]).await;
    let (door, revoked, used, of_bob) = (key(), key(), key(), key());
    let mut entries: Vec<B64> = [&door, &revoked, &used]
        .map(|key| room.entry(&ada, invite(key, if std::ptr::eq(key, &used) { 1 } else { 9 })))
        .to_vec();
    let gone = RoomBody::RevokeInvite {
        invite_id: invite_id(&public_key(&revoked)),
    };
    entries.push(room.entry(&ada, gone));
    ground.append(&ada, &room, entries, vec![]).await.unwrap();
    let entries = vec![room.entry(&bob, invite(&of_bob, 9)), room.entry(&bob, RoomBody::Leave)];
    ground.append(&bob, &room, entries, vec![]).await.unwrap();
    room.knows(&cyd);
    let nonce = [3; 16];
    let id = invite_id(&public_key(&used));
    let join = RoomBody::Join {
        invite_id: id,
        member: cyd.here(),
        nonce,
        inv_sig: sign(&used, Label::Join, &join_bytes(&room.id, &id, &cyd.user_id, &nonce)),
    };
    let join = room.entry(&cyd, join);
    ground.append(&cyd, &room, vec![join], vec![]).await.unwrap();

    let told = ground.ask(None, &peek(&door, &room, START_MS)).await.unwrap();
    let expected = InvitePeekReply {
        standing: InviteStanding::Open,
        card: B64(vec![7; 328]),
        by: "ada".into(),
        members: 2,
        expires_ms: START_MS + DAY,
        approval: false,
    };
    assert_eq!(told, expected);
    for (key, standing) in [
        (&revoked, InviteStanding::Revoked),
        (&used, InviteStanding::UsedUp),
        (&of_bob, InviteStanding::Void),
    ] {
        let told = ground.ask(None, &peek(key, &room, START_MS)).await.unwrap();
        assert_eq!(told.standing, standing);
    }
    ground.clock.advance(std::time::Duration::from_millis(DAY + 1));
    let told = ground.ask(None, &peek(&door, &room, START_MS + DAY)).await.unwrap();
    assert_eq!(told.standing, InviteStanding::Expired);
}

#[tokio::test]
async fn everybody_else_gets_one_answer_and_not_too_often() {
    let ground = Ground::with(|config| config.limits.peeks_per_minute = 20).await;
    let ada = ground.person("ada").await;
    let mut room = ground.group(&[&ada]).await;
    let (door, other) = (key(), key());
    let entries = vec![room.entry(&ada, invite(&door, 9)), room.entry(&ada, invite(&other, 9))];
    ground.append(&ada, &room, entries, vec![]).await.unwrap();
    let good = peek(&door, &room, START_MS);
    let minutes = |n: u64| n * 60_000;
    let mut elsewhere = good.clone();
    elsewhere.room_id = RoomId::from_bytes([1; 32]);
    let mut swapped = good.clone();
    swapped.invite_id = invite_id(&public_key(&other));
    let mut later = good.clone();
    later.at_ms += 1;
    for wrong in [
        elsewhere,
        swapped,
        later,
        peek(&key(), &room, START_MS),
        peek(&door, &room, START_MS - minutes(11)),
        peek(&door, &room, START_MS + minutes(11)),
        peek(&door, &room, u64::MAX),
    ] {
        assert_eq!(ground.refused(None, &wrong).await, ErrorCode::NotFound);
    }
    // A proof for a member's eyes is none for this.
    let mut borrowed = good.clone();
    let proof = InviteProof {
        realm: Text::new(REALM).unwrap(),
        room_id: room.id,
        invite_id: good.invite_id,
        user_id: ada.user_id,
    };
    borrowed.sig = B64(sign(&door, Label::InviteOpen, &proof.to_bytes()).to_vec());
    assert_eq!(ground.refused(None, &borrowed).await, ErrorCode::NotFound);
    borrowed.sig = B64(vec![1; 63]);
    assert_eq!(ground.refused(None, &borrowed).await, ErrorCode::Malformed);
    // Ten at once, whoever asks from there.
    ground.ask(None, &good).await.unwrap();
    assert_eq!(ground.refused(None, &good).await, ErrorCode::TooFast);
}
