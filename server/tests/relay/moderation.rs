//! What only moderators may: the relay refuses it of everybody else, and holds to what they decided.

use std::time::Duration;

use sotto_shared::api::B64;
use sotto_shared::api::body::PageFrom;
use sotto_shared::api::error::ErrorCode;
use sotto_shared::api::frame::FromRelay;
use sotto_shared::api::limits::{MAX_AHEAD_MS, MAX_TIME_OUT_MS, SLOW_BURST};
use sotto_shared::codec::{Bytes, Codec, List};
use sotto_shared::crypto::label::Label;
use sotto_shared::crypto::sign::{SignedBlob, public_key, sign};
use sotto_shared::id::*;
use sotto_shared::log::room_log::*;

use crate::support::*;

const HOUR_MS: u64 = 3_600_000;

/// An entry with a time of its own, signed by whoever likes.
fn entry(room: &Room, actor: &Person, body: RoomBody) -> B64 {
    entry_at(room, actor, body, START_MS)
}

fn entry_at(room: &Room, actor: &Person, body: RoomBody, ts: u64) -> B64 {
    let entry = RoomEntry {
        room_id: room.id,
        seq: room.state.seq + 1,
        prev: room.state.head,
        ts,
        actor: actor.user_id,
        actor_dk: actor.dk_id(),
        body,
    };
    let body = entry.to_bytes();
    let sig = sign(&actor.dk, Label::RoomLog, &body);
    B64(SignedBlob { body, sig }.to_bytes())
}

/// Done, by whoever may.
async fn done(ground: &Ground, room: &mut Room, actor: &Person, body: RoomBody) {
    let entry = entry(room, actor, body);
    ground
        .append(actor, room, vec![entry.clone()], Vec::new())
        .await
        .unwrap();
    room.take(&entry);
}

async fn refused(ground: &Ground, room: &Room, actor: &Person, body: RoomBody) -> ErrorCode {
    let entry = entry(room, actor, body);
    ground
        .append(actor, room, vec![entry], Vec::new())
        .await
        .unwrap_err()
        .code
}

const fn time_out(who: &Person, until: u64) -> RoomBody {
    RoomBody::TimeOut {
        user_id: who.user_id,
        until,
    }
}

const fn slow(seconds: u32) -> RoomBody {
    RoomBody::SetSlowMode {
        channel: ChannelId::MAIN,
        seconds,
    }
}

fn remove(who: &Person, ban: bool) -> RoomBody {
    RoomBody::Remove {
        user_id: who.user_id,
        ban,
        cut: List::default(),
    }
}

const fn role(who: &Person, role: Role) -> RoomBody {
    RoomBody::SetRole {
        user_id: who.user_id,
        role,
    }
}

/// Everything that takes a right which members do not have, done to `who`.
fn moderators_acts(who: &Person) -> Vec<RoomBody> {
    vec![
        remove(who, false),
        remove(who, true),
        role(who, Role::Owner),
        role(who, Role::Member),
        time_out(who, START_MS + HOUR_MS),
        slow(30),
        RoomBody::Redact {
            target: EnvelopeHash::from_bytes([7; 32]),
            edits: List::default(),
        },
        RoomBody::SetMeta {
            n: 1,
            sealed: Bytes::new(vec![1; 80]).unwrap(),
        },
        RoomBody::SetPolicy {
            policy: Policy {
                suite: SUITE_1,
                history: History::Joined,
            },
        },
        RoomBody::SetTtl { seconds: 60, after: 0 },
        RoomBody::Pin {
            channel: ChannelId::MAIN,
            target: EnvelopeHash::from_bytes([7; 32]),
            on: true,
        },
        RoomBody::Close,
    ]
}

/// Ada owns, bob moderates, cyd and dan are members.
async fn four(ground: &Ground) -> (Room, [Person; 4]) {
    let people = [
        ground.person("ada").await,
        ground.person("bob").await,
        ground.person("cyd").await,
        ground.person("dan").await,
    ];
    let mut room = ground.group(&people.each_ref()).await;
    done(ground, &mut room, &people[0], role(&people[1], Role::Moderator)).await;
    (room, people)
}

#[tokio::test]
async fn a_member_is_refused_whatever_only_a_moderator_may() {
    let ground = Ground::new().await;
    let (mut room, [ada, bob, cyd, dan]) = four(&ground).await;
    for target in [&dan, &bob, &ada, &cyd] {
        for body in moderators_acts(target) {
            let what = format!("{body:?}");
            assert_eq!(
                refused(&ground, &room, &cyd, body).await,
                ErrorCode::InvalidEntry,
                "{what}"
            );
        }
    }
    done(&ground, &mut room, &ada, remove(&dan, true)).await;
    let unban = || RoomBody::Unban { user_id: dan.user_id };
    assert_eq!(refused(&ground, &room, &cyd, unban()).await, ErrorCode::InvalidEntry);
    done(&ground, &mut room, &bob, time_out(&cyd, START_MS + HOUR_MS)).await;
    assert_eq!(
        refused(&ground, &room, &cyd, time_out(&cyd, 0)).await,
        ErrorCode::InvalidEntry
    );
    // Nobody gives the reason for what another did.
    let reason = RoomBody::Reason {
        n: room.state.epoch_number(),
        of: room.state.seq,
        sealed: Bytes::new(vec![1; 80]).unwrap(),
    };
    assert_eq!(
        refused(&ground, &room, &cyd, reason.clone()).await,
        ErrorCode::InvalidEntry
    );
    assert_eq!(
        refused(&ground, &room, &ada, reason.clone()).await,
        ErrorCode::InvalidEntry
    );
    done(&ground, &mut room, &bob, reason).await;
}

#[tokio::test]
async fn a_moderator_is_refused_what_is_above_them() {
    let ground = Ground::new().await;
    let (mut room, [ada, bob, cyd, dan]) = four(&ground).await;
    done(&ground, &mut room, &ada, role(&cyd, Role::Moderator)).await;
    let until = START_MS + HOUR_MS;
    for target in [&ada, &cyd, &bob] {
        for body in [remove(target, false), remove(target, true), time_out(target, until)] {
            assert_eq!(refused(&ground, &room, &bob, body).await, ErrorCode::InvalidEntry);
        }
    }
    for body in [
        role(&dan, Role::Moderator),
        role(&ada, Role::Member),
        role(&bob, Role::Owner),
        role(&bob, Role::Member),
    ] {
        assert_eq!(refused(&ground, &room, &bob, body).await, ErrorCode::InvalidEntry);
    }
    for until in [START_MS, START_MS + MAX_TIME_OUT_MS + 1, u64::MAX] {
        let code = refused(&ground, &room, &bob, time_out(&dan, until)).await;
        assert_eq!(code, ErrorCode::InvalidEntry);
    }
    // The last owner stays one.
    assert_eq!(
        refused(&ground, &room, &ada, role(&ada, Role::Member)).await,
        ErrorCode::InvalidEntry
    );
    assert_eq!(
        refused(&ground, &room, &ada, RoomBody::Leave).await,
        ErrorCode::InvalidEntry
    );
    done(&ground, &mut room, &ada, role(&bob, Role::Owner)).await;
    done(&ground, &mut room, &ada, role(&ada, Role::Member)).await;
}

/// Who may put somebody in a time-out of 28 days does not make it a hundred years by saying that it is later.
#[tokio::test]
async fn nobody_counts_from_a_time_that_has_not_come() {
    let ground = Ground::new().await;
    let (mut room, [ada, bob, cyd, _]) = four(&ground).await;
    let door = key();
    let inv_pk = public_key(&door);
    let invite = |expires| RoomBody::CreateInvite {
        invite_id: invite_id(&inv_pk),
        inv_pk,
        role: Role::Member,
        max_uses: 1,
        expires,
        mode: JoinMode::Member,
        card: Bytes::new(vec![7; 328]).unwrap(),
    };
    let far = START_MS + MAX_AHEAD_MS + 1;
    for body in [time_out(&cyd, far + HOUR_MS), invite(far + HOUR_MS)] {
        let late = entry_at(&room, &bob, body, far);
        let refused = ground.append(&bob, &room, vec![late], Vec::new()).await.unwrap_err();
        assert_eq!(refused.code, ErrorCode::InvalidEntry);
    }
    // A clock that is wrong by a time zone is one, and what is no matter of time is taken from any.
    for (actor, body, ts) in [
        (&bob, time_out(&cyd, far + HOUR_MS), far - 1),
        (&bob, invite(far + HOUR_MS), far - 1),
        (&ada, role(&cyd, Role::Moderator), far),
    ] {
        let entry = entry_at(&room, actor, body, ts);
        ground
            .append(actor, &room, vec![entry.clone()], Vec::new())
            .await
            .unwrap();
        room.take(&entry);
    }
}

/// What the author of one message hears: nothing but a refusal, with the seconds to wait.
async fn waits(socket: &mut Socket, room: &Room) -> u32 {
    socket.say(&[room.message(512)]).await;
    match socket.next().await {
        Some(FromRelay::Refused {
            code: ErrorCode::TooFast,
            retry_secs: Some(secs),
            ..
        }) => secs,
        other => panic!("not refused: {other:?}"),
    }
}

async fn is_taken(socket: &mut Socket, room: &Room) {
    socket.say(&[room.message(512)]).await;
    socket.message().await;
}

#[tokio::test]
async fn who_is_in_a_time_out_is_not_heard_until_it_is_over() {
    let ground = Ground::new().await;
    let (mut room, [_, bob, cyd, _]) = four(&ground).await;
    let mut at_cyd = ground.socket(&cyd).await;
    is_taken(&mut at_cyd, &room).await;
    done(&ground, &mut room, &bob, time_out(&cyd, START_MS + HOUR_MS)).await;
    assert!(matches!(at_cyd.next().await, Some(FromRelay::Log { .. })));
    assert_eq!(waits(&mut at_cyd, &room).await, 3_600);
    ground.clock.advance(Duration::from_millis(HOUR_MS - 1));
    assert_eq!(waits(&mut at_cyd, &room).await, 1);
    let page = ground.page(&bob, &room, PageFrom::End, 10).await.unwrap();
    assert_eq!(page.messages.len(), 1, "nothing of it is stored");
    // What they have read may be told: it is no message.
    let slot = room.value(MessageId::from_bytes([4; 16]));
    at_cyd.say(std::slice::from_ref(&slot)).await;
    at_cyd.slot().await;
    // Others are not kept from writing.
    let mut at_bob = ground.socket(&bob).await;
    is_taken(&mut at_bob, &room).await;
    at_cyd.message().await;
    ground.clock.advance(Duration::from_millis(1));
    is_taken(&mut at_cyd, &room).await;
}

#[tokio::test]
async fn a_time_out_that_is_lifted_is_over_at_once() {
    let ground = Ground::new().await;
    let (mut room, [ada, bob, cyd, _]) = four(&ground).await;
    done(&ground, &mut room, &bob, time_out(&cyd, START_MS + HOUR_MS)).await;
    let mut at_cyd = ground.socket(&cyd).await;
    waits(&mut at_cyd, &room).await;
    done(&ground, &mut room, &ada, time_out(&cyd, 0)).await;
    assert!(matches!(at_cyd.next().await, Some(FromRelay::Log { .. })));
    is_taken(&mut at_cyd, &room).await;
}

#[tokio::test]
async fn in_a_slow_channel_members_are_refused_what_comes_too_fast() {
    let ground = Ground::new().await;
    let (mut room, [_, bob, cyd, dan]) = four(&ground).await;
    done(&ground, &mut room, &bob, slow(60)).await;
    let (mut at_cyd, mut at_dan) = (ground.socket(&cyd).await, ground.socket(&dan).await);
    for _ in 0..SLOW_BURST {
        is_taken(&mut at_cyd, &room).await;
        at_dan.message().await;
    }
    assert_eq!(waits(&mut at_cyd, &room).await, 60);
    // Another browser of the same person is no way around it.
    let mut again = ground.socket(&cyd).await;
    assert_eq!(waits(&mut again, &room).await, 60);
    // Everybody has their own time, and moderators all of it.
    is_taken(&mut at_dan, &room).await;
    at_cyd.message().await;
    let mut at_bob = ground.socket(&bob).await;
    for _ in 0..2 * SLOW_BURST {
        is_taken(&mut at_bob, &room).await;
        at_cyd.message().await;
    }
    ground.clock.advance(Duration::from_secs(59));
    assert_eq!(waits(&mut at_cyd, &room).await, 1);
    ground.clock.advance(Duration::from_secs(1));
    is_taken(&mut at_cyd, &room).await;
    done(&ground, &mut room, &bob, slow(0)).await;
    assert!(matches!(at_cyd.next().await, Some(FromRelay::Log { .. })));
    for _ in 0..2 * SLOW_BURST {
        is_taken(&mut at_cyd, &room).await;
    }
}

#[tokio::test]
async fn what_follows_a_refusal_in_its_frame_is_refused_with_it() {
    let ground = Ground::new().await;
    let (mut room, [_, bob, cyd, _]) = four(&ground).await;
    done(&ground, &mut room, &bob, slow(60)).await;
    let mut at_cyd = ground.socket(&cyd).await;
    let frame: Vec<_> = (0..SLOW_BURST + 2).map(|_| room.message(512)).collect();
    at_cyd.say(&frame).await;
    let (mut taken, mut waits) = (0, Vec::new());
    for _ in 0..frame.len() {
        match at_cyd.next().await {
            Some(FromRelay::Message { .. }) => taken += 1,
            Some(FromRelay::Refused { code, retry_secs, .. }) => waits.push((code, retry_secs)),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((taken, waits), (SLOW_BURST, vec![(ErrorCode::TooFast, Some(60)); 2]));
}
