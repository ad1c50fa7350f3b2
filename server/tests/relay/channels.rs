//! The channels of a space: each with its own numbers, transcript and slots, for those who read it and by those who may write.

use std::collections::HashMap;

use p256::ecdsa::SigningKey;
use sea_orm::{ActiveValue::Set, EntityTrait};
use sotto_server::db::entities::wraps;
use sotto_shared::api::B64;
use sotto_shared::api::body::*;
use sotto_shared::api::error::ErrorCode;
use sotto_shared::api::frame::{FromRelay, Outgoing, ToRelay};
use sotto_shared::api::limits::SLOTS_PER_MEMBER;
use sotto_shared::codec::{Bytes, Codec, List, Text};
use sotto_shared::crypto::label::Label;
use sotto_shared::crypto::sign::{public_key, sign};
use sotto_shared::envelope::header::Header;
use sotto_shared::envelope::transcript::Transcript;
use sotto_shared::id::*;
use sotto_shared::log::channels::ChannelKind;
use sotto_shared::log::roles::{CustomRole, Permission, Rights};
use sotto_shared::log::room_log::*;

use crate::support::*;

pub const GENERAL: ChannelId = ChannelId::from_bytes([1; 16]);
pub const RANDOM: ChannelId = ChannelId::from_bytes([2; 16]);
pub const NEWS: ChannelId = ChannelId::from_bytes([3; 16]);
pub const DEN: ChannelId = ChannelId::from_bytes([4; 16]);
pub const NOWHERE: ChannelId = ChannelId::from_bytes([9; 16]);

pub fn made(channel: ChannelId, kind: ChannelKind, members: &[&Person]) -> RoomBody {
    RoomBody::CreateChannel {
        channel,
        kind,
        members: List::new(members.iter().map(|person| person.user_id).collect()).unwrap(),
        n: 1,
        sealed: Bytes::new(vec![1; 300]).unwrap(),
    }
}

pub fn archived(room: &Room, channel: ChannelId, archived: bool) -> RoomBody {
    RoomBody::UpdateChannel {
        channel,
        n: room.state.newest_of(&room.state.key_of(&channel)),
        sealed: Bytes::new(vec![1; 300]).unwrap(),
        archived,
    }
}

pub fn people(channel: ChannelId, add: &[&Person], remove: &[&Person]) -> RoomBody {
    let ids = |people: &[&Person]| List::new(people.iter().map(|person| person.user_id).collect()).unwrap();
    RoomBody::ChannelMembers {
        channel,
        add: ids(add),
        remove: ids(remove),
    }
}

pub fn channel_epoch(room: &Room, channel: ChannelId) -> RoomBody {
    let n = room.state.newest_of(&channel) + 1;
    RoomBody::ChannelEpoch {
        channel,
        n,
        suite: SUITE_1,
        commit: random(),
        roster_hash: room.state.roster_hash_of(&channel),
        reason: EpochReason::First,
        backlink: Bytes::new(if n > 1 { vec![1; 104] } else { Vec::new() }).unwrap(),
    }
}

/// For everybody in a private channel, under its newest key.
pub fn channel_wraps(room: &Room, channel: ChannelId) -> Vec<Wrap> {
    let n = room.state.newest_of(&channel);
    let of = room.state.roster_of(&channel);
    of.map(|(user, member)| channel_wrap(*user, channel, n, member.view.kem_g))
        .collect()
}

pub fn channel_wrap(user: UserId, channel: ChannelId, n: u32, g: u32) -> Wrap {
    Wrap {
        channel,
        ..wrap(user, n, g)
    }
}

/// The same envelope in a channel, under the number of its key.
fn moved(room: &Room, mut sent: Outgoing, channel: ChannelId) -> Outgoing {
    let mut header = Header::from_bytes(&sent.header.0).unwrap();
    header.channel = channel;
    header.n = room.state.newest_of(&room.state.key_of(&channel));
    sent.header = B64(header.to_bytes());
    sent
}

pub fn message(room: &Room, channel: ChannelId) -> Outgoing {
    moved(room, room.message(512), channel)
}

pub fn value(room: &Room, channel: ChannelId) -> Outgoing {
    moved(room, room.value(MessageId::from_bytes(random())), channel)
}

pub async fn page(ground: &Ground, person: &Person, room: &Room, channel: ChannelId) -> Result<Page, ErrorCode> {
    let ask = PageGet {
        room_id: room.id,
        channel,
        from: PageFrom::End,
        limit: 50,
    };
    ground.ask(Some(&person.token), &ask).await.map_err(|error| error.code)
}

pub async fn slots(ground: &Ground, person: &Person, room: &Room, channel: ChannelId) -> Result<usize, ErrorCode> {
    let ask = SlotsGet {
        room_id: room.id,
        channel,
        before: None,
    };
    let reply = ground.ask(Some(&person.token), &ask).await;
    reply.map(|reply| reply.slots.len()).map_err(|error| error.code)
}

/// Done, by whoever may.
pub async fn done(ground: &Ground, room: &mut Room, actor: &Person, bodies: Vec<RoomBody>, key: Option<ChannelId>) {
    let mut entries: Vec<B64> = bodies.into_iter().map(|body| room.entry(actor, body)).collect();
    let mut wraps = Vec::new();
    if let Some(key) = key {
        let body = channel_epoch(room, key);
        entries.push(room.entry(actor, body));
        wraps = channel_wraps(room, key);
    }
    ground.append(actor, room, entries, wraps).await.unwrap();
}

pub async fn refused(ground: &Ground, room: &Room, actor: &Person, body: RoomBody, wraps: Vec<Wrap>) -> ErrorCode {
    let entry = room.entry_only(actor, body);
    ground.append(actor, room, vec![entry], wraps).await.unwrap_err().code
}

pub struct Space {
    pub ground: Ground,
    pub room: Room,
    pub ada: Person,
    pub bob: Person,
    pub cyd: Person,
    /// In no room.
    pub eve: Person,
}

/// ada's space with bob and cyd: general, random, news for announcements, and the den of ada and bob.
pub async fn space() -> Space {
    let ground = Ground::new().await;
    let (ada, bob) = (ground.person("ada").await, ground.person("bob").await);
    let (cyd, eve) = (ground.person("cyd").await, ground.person("eve").await);
    let (mut room, mut create) = Room::new(&ada, RoomKind::Space, &[]);
    create.entries = vec![room.add(&ada, &bob), room.add(&ada, &cyd), room.epoch(&ada)];
    create.wraps = room.wraps();
    for body in [
        made(GENERAL, ChannelKind::Public, &[]),
        made(RANDOM, ChannelKind::Public, &[]),
        made(NEWS, ChannelKind::Announcement, &[]),
        made(DEN, ChannelKind::Private, &[&ada, &bob]),
    ] {
        create.entries.push(room.entry(&ada, body));
    }
    let body = channel_epoch(&room, DEN);
    create.entries.push(room.entry(&ada, body));
    create.wraps.extend(channel_wraps(&room, DEN));
    ground.ask(Some(&ada.token), &create).await.unwrap();
    Space {
        ground,
        room,
        ada,
        bob,
        cyd,
        eve,
    }
}

/// What came under which number in which channel.
pub fn messages(heard: &[FromRelay]) -> Vec<(ChannelId, u64)> {
    let number = |frame: &FromRelay| match frame {
        FromRelay::Message { channel, message, .. } => Some((*channel, message.seq)),
        _ => None,
    };
    heard.iter().filter_map(number).collect()
}

pub fn refusals(heard: &[FromRelay]) -> Vec<ErrorCode> {
    let code = |frame: &FromRelay| match frame {
        FromRelay::Refused { code, .. } => Some(*code),
        _ => None,
    };
    heard.iter().filter_map(code).collect()
}

pub async fn heard(socket: &mut Socket, sent: &[Outgoing]) -> Vec<FromRelay> {
    socket.say(sent).await;
    // The answer to a message comes after those to what was sent before it, and a ping overtakes it.
    let mut heard = Vec::new();
    for _ in sent {
        heard.push(socket.next().await.unwrap());
    }
    heard
}

#[tokio::test]
async fn every_channel_has_its_own_numbers_transcript_and_slots() {
    let Space {
        ground, room, ada, bob, ..
    } = space().await;
    let (mut a, mut b) = (ground.socket(&ada).await, ground.socket(&bob).await);
    let sent = [
        message(&room, GENERAL),
        message(&room, RANDOM),
        message(&room, GENERAL),
        message(&room, DEN),
        message(&room, NEWS),
    ];
    let mut numbers = messages(&heard(&mut a, &sent).await);
    numbers.sort_unstable_by_key(|(channel, seq)| (*channel.as_bytes(), *seq));
    assert_eq!(numbers, [(GENERAL, 1), (GENERAL, 2), (RANDOM, 1), (NEWS, 1), (DEN, 1)]);
    // The same id again, elsewhere, is another message; in its own channel it is there already.
    let header = Header::from_bytes(&sent[0].header.0).unwrap();
    let mut same_id = message(&room, RANDOM);
    let mut other = Header::from_bytes(&same_id.header.0).unwrap();
    other.msg_id = header.msg_id;
    same_id.header = B64(other.to_bytes());
    assert_eq!(messages(&heard(&mut a, &[same_id]).await), [(RANDOM, 2)]);
    assert_eq!(messages(&heard(&mut a, &sent[..1]).await), [(GENERAL, 1)]);
    assert_eq!(b.everything_heard().await.len(), 6);

    let mut ends = HashMap::new();
    for (channel, count) in [(GENERAL, 2), (RANDOM, 2), (NEWS, 1), (DEN, 1)] {
        let page = page(&ground, &bob, &room, channel).await.unwrap();
        assert_eq!((page.before.seq, page.messages.len()), (0, count));
        assert_eq!(page.before.t, Transcript::start(&room.id, &channel).t);
        let mut now = Transcript::start(&room.id, &channel);
        for message in &page.messages {
            now = now.then(&message.hash());
            assert_eq!(Header::from_bytes(&message.header.0).unwrap().channel, channel);
        }
        assert_eq!(
            (page.head.channel, page.head.seq, page.head.t),
            (channel, now.seq, now.t)
        );
        ends.insert(channel, (now.seq, now.t));
    }
    let heads = &ground.socket(&bob).await.rooms[0].channels;
    let heads: HashMap<_, _> = heads.iter().map(|head| (head.channel, (head.seq, head.t))).collect();
    assert_eq!(heads, ends, "and nothing of MAIN");

    for channel in [GENERAL, GENERAL, RANDOM] {
        heard(&mut a, &[value(&room, channel)]).await;
    }
    for (channel, count) in [(GENERAL, 2), (RANDOM, 1), (DEN, 0)] {
        assert_eq!(slots(&ground, &bob, &room, channel).await, Ok(count));
    }
    // Each has room for so many, and those of another do not push them out.
    let most = SLOTS_PER_MEMBER * 3;
    for _ in 0..=most {
        heard(&mut a, &[value(&room, RANDOM)]).await;
    }
    assert_eq!(slots(&ground, &bob, &room, RANDOM).await, Ok(most));
    assert_eq!(slots(&ground, &bob, &room, GENERAL).await, Ok(2));
}

#[tokio::test]
async fn main_is_no_channel_of_a_space_and_others_than_main_are_none_of_a_group() {
    let Space {
        ground, room, ada, bob, ..
    } = space().await;
    let group = ground.group(&[&ada, &bob]).await;
    let mut a = ground.socket(&ada).await;
    for (room, channel) in [
        (&room, ChannelId::MAIN),
        (&room, NOWHERE),
        (&group, GENERAL),
        (&group, NOWHERE),
    ] {
        for sent in [message(room, channel), value(room, channel)] {
            let mut sent = sent;
            let mut header = Header::from_bytes(&sent.header.0).unwrap();
            header.n = 1;
            sent.header = B64(header.to_bytes());
            assert_eq!(
                refusals(&heard(&mut a, &[sent]).await),
                [ErrorCode::NotFound],
                "{channel}"
            );
        }
        if channel != ChannelId::MAIN {
            assert_eq!(
                page(&ground, &ada, room, channel).await.unwrap_err(),
                ErrorCode::NotFound
            );
            assert_eq!(slots(&ground, &ada, room, channel).await, Err(ErrorCode::NotFound));
        }
    }
    assert!(page(&ground, &ada, &room, ChannelId::MAIN).await.is_err());
}

#[tokio::test]
async fn a_private_channel_is_written_read_and_heard_by_those_in_it_alone() {
    let Space {
        ground,
        mut room,
        ada,
        bob,
        cyd,
        eve,
    } = space().await;
    let (mut a, mut b) = (ground.socket(&ada).await, ground.socket(&bob).await);
    let (mut c, mut e) = (ground.socket(&cyd).await, ground.socket(&eve).await);
    let den = |room: &Room| [message(room, DEN), value(room, DEN)];
    for sent in den(&room) {
        heard(&mut b, &[sent]).await;
        a.next().await.unwrap();
    }
    b.say(&[moved(&room, room.word(), DEN)]).await;
    assert!(matches!(
        a.next().await,
        Some(FromRelay::Ephemeral { channel: DEN, .. })
    ));
    for (person, socket) in [(&cyd, &mut c), (&eve, &mut e)] {
        assert_eq!(socket.everything_heard().await, [], "{}", person.handle);
        for sent in den(&room) {
            assert_eq!(refusals(&heard(socket, &[sent]).await), [ErrorCode::NotFound]);
        }
        socket.say(&[moved(&room, room.word(), DEN)]).await;
        socket.everything_heard().await;
        assert_eq!(
            page(&ground, person, &room, DEN).await.unwrap_err(),
            ErrorCode::NotFound
        );
        assert_eq!(slots(&ground, person, &room, DEN).await, Err(ErrorCode::NotFound));
    }
    assert_eq!(a.everything_heard().await, [], "and nobody hears of what was refused");
    let welcome = ground.socket(&cyd).await.rooms;
    assert!(
        !welcome[0].channels.iter().any(|head| head.channel == DEN),
        "nor where it stands"
    );
    let of_cyd = || people(DEN, &[&cyd], &[]);
    let (n, g) = (1, 1);
    // She lets herself in as little as she is let in without the right to.
    assert_eq!(
        refused(
            &ground,
            &room,
            &cyd,
            of_cyd(),
            vec![channel_wrap(cyd.user_id, DEN, n, g)]
        )
        .await,
        ErrorCode::InvalidEntry
    );
    assert_eq!(
        refused(&ground, &room, &bob, of_cyd(), vec![]).await,
        ErrorCode::InvalidEntry
    );

    // Let in she hears what comes, and reads what there was.
    let entry = room.entry(&ada, of_cyd());
    let wraps = vec![channel_wrap(cyd.user_id, DEN, n, g)];
    ground.append(&ada, &room, vec![entry], wraps).await.unwrap();
    for socket in [&mut a, &mut b, &mut c] {
        socket.everything_heard().await;
    }
    heard(&mut b, &[message(&room, DEN)]).await;
    assert_eq!(messages(&c.everything_heard().await), [(DEN, 2)]);
    assert_eq!(page(&ground, &cyd, &room, DEN).await.unwrap().messages.len(), 2);

    // Gone from it, she has none of that, and nobody writes before its key is changed.
    done(&ground, &mut room, &cyd, vec![people(DEN, &[], &[&cyd])], None).await;
    for socket in [&mut a, &mut b, &mut c] {
        socket.everything_heard().await;
    }
    for sent in den(&room) {
        assert_eq!(refusals(&heard(&mut b, &[sent]).await), [ErrorCode::WrongEpoch]);
    }
    assert_eq!(
        messages(&heard(&mut b, &[message(&room, GENERAL)]).await),
        [(GENERAL, 1)]
    );
    done(&ground, &mut room, &bob, vec![], Some(DEN)).await;
    let late = moved(&room, room.message(512), DEN);
    let mut early = late.clone();
    let mut header = Header::from_bytes(&early.header.0).unwrap();
    header.n = 1;
    early.header = B64(header.to_bytes());
    b.everything_heard().await;
    assert_eq!(
        refusals(&heard(&mut b, &[early]).await),
        [ErrorCode::WrongEpoch],
        "the key before is not taken for a moment longer"
    );
    assert_eq!(messages(&heard(&mut b, &[late]).await), [(DEN, 3)]);
    let heard_by_cyd = c.everything_heard().await;
    assert_eq!(messages(&heard_by_cyd), [(GENERAL, 1)]);
    assert!(
        !heard_by_cyd
            .iter()
            .any(|frame| matches!(frame, FromRelay::Wraps { .. }))
    );
    assert_eq!(page(&ground, &cyd, &room, DEN).await.unwrap_err(), ErrorCode::NotFound);
    assert_eq!(
        refusals(&heard(&mut c, &[message(&room, DEN)]).await),
        [ErrorCode::NotFound]
    );
}

#[tokio::test]
async fn keys_of_a_private_channel_are_for_those_in_it_and_by_those_in_it() {
    let Space {
        ground,
        mut room,
        ada,
        bob,
        cyd,
        ..
    } = space().await;
    let own = async |person: &Person| {
        let ask = WrapsGet {
            room_id: room.id,
            from_n: 9,
        };
        let wraps = ground.ask(Some(&person.token), &ask).await.unwrap().wraps;
        wraps.iter().map(|wrap| (wrap.channel, wrap.n)).collect::<Vec<_>>()
    };
    assert_eq!(
        own(&bob).await,
        [(DEN, 1)],
        "whatever number of the space's key is asked for"
    );
    assert_eq!(own(&cyd).await, []);
    let put = async |person: &Person, wrap: Wrap| {
        let wraps = vec![wrap];
        let room_id = room.id;
        ground
            .ask(Some(&person.token), &WrapsPut { room_id, wraps })
            .await
            .map(drop)
    };
    let of = |person: &Person, channel, n| channel_wrap(person.user_id, channel, n, 1);
    let drop_own = WrapsDrop {
        room_id: room.id,
        channel: DEN,
        n: 1,
    };
    ground.ask(Some(&bob.token), &drop_own).await.unwrap();
    assert_eq!(own(&bob).await, []);
    let no = |result: Result<(), sotto_shared::api::error::ErrorBody>| result.unwrap_err().code;
    // By somebody who cannot have it, for somebody who must not have it, of a key that there is not.
    assert_eq!(no(put(&cyd, of(&bob, DEN, 1)).await), ErrorCode::Forbidden);
    assert_eq!(no(put(&cyd, of(&cyd, DEN, 1)).await), ErrorCode::Forbidden);
    assert_eq!(no(put(&ada, of(&cyd, DEN, 1)).await), ErrorCode::InvalidEntry);
    assert_eq!(no(put(&ada, of(&bob, DEN, 2)).await), ErrorCode::InvalidEntry);
    assert_eq!(no(put(&ada, of(&bob, GENERAL, 1)).await), ErrorCode::NotFound);
    assert!(put(&ada, of(&bob, NOWHERE, 1)).await.is_err());
    // Nor beside an entry that one may write: nothing of it is taken.
    let invite = invite(&key());
    assert_eq!(
        refused(&ground, &room, &cyd, invite.clone(), vec![of(&bob, DEN, 1)]).await,
        ErrorCode::Forbidden
    );
    assert_eq!(own(&bob).await, []);
    put(&ada, of(&bob, DEN, 1)).await.unwrap();
    assert_eq!(own(&bob).await, [(DEN, 1)]);

    // A key for those who are in it, all of them; since somebody has left.
    let left = vec![people(DEN, &[&cyd], &[]), people(DEN, &[], &[&cyd])];
    done(&ground, &mut room, &ada, left, None).await;
    let body = channel_epoch(&room, DEN);
    let alone = vec![of(&ada, DEN, 2)];
    assert_eq!(
        refused(&ground, &room, &ada, body.clone(), alone).await,
        ErrorCode::InvalidEntry
    );
    let beside = vec![of(&ada, DEN, 2), of(&bob, DEN, 2), of(&cyd, DEN, 2)];
    assert_eq!(
        refused(&ground, &room, &ada, body, beside).await,
        ErrorCode::InvalidEntry
    );
    let all = vec![of(&ada, DEN, 2), of(&bob, DEN, 2)];
    let body = channel_epoch(&room, DEN);
    assert_eq!(refused(&ground, &room, &cyd, body, all).await, ErrorCode::InvalidEntry);
    let mut after = room.clone();
    done(&ground, &mut after, &bob, vec![], Some(DEN)).await;
    room = after;
    assert_eq!(room.state.newest_of(&DEN), 2);
}

/// However many keys one channel has, those of the others are not left out for it; of channels that somebody left there are none.
#[tokio::test]
async fn many_keys_of_one_channel_do_not_push_out_those_of_others() {
    const ATTIC: ChannelId = ChannelId::from_bytes([5; 16]);
    let Space {
        ground,
        mut room,
        ada,
        bob,
        ..
    } = space().await;
    let attic = vec![made(ATTIC, ChannelKind::Private, &[&ada, &bob])];
    done(&ground, &mut room, &ada, attic, Some(ATTIC)).await;
    // As if the den's key had been changed for years.
    let rows: Vec<_> = (2..=6_000_i64)
        .map(|n| wraps::ActiveModel {
            room_id: Set(room.id.as_bytes().to_vec()),
            user_id: Set(bob.user_id.as_bytes().to_vec()),
            channel: Set(DEN.as_bytes().to_vec()),
            n: Set(n),
            g: Set(1),
            enc: Set(vec![4; 65]),
            ct: Set(vec![0; 48]),
        })
        .collect();
    for some in rows.chunks(2_000) {
        let insert = wraps::Entity::insert_many(some.to_vec());
        insert.exec_without_returning(ground.app.db.write()).await.unwrap();
    }
    let room_id = room.id;
    let own = async |from_n| {
        let ask = WrapsGet { room_id, from_n };
        let wraps = ground.ask(Some(&bob.token), &ask).await.unwrap().wraps;
        wraps.iter().map(|wrap| (wrap.channel, wrap.n)).collect::<Vec<_>>()
    };
    let all = own(1).await;
    assert_eq!(all[..4], [(ChannelId::MAIN, 1), (DEN, 6_000), (ATTIC, 1), (DEN, 5_999)]);
    assert_eq!(all.len(), 5_001);
    assert_eq!(own(2).await[..2], [(DEN, 6_000), (ATTIC, 1)]);
    done(&ground, &mut room, &bob, vec![people(DEN, &[], &[&bob])], None).await;
    assert_eq!(own(1).await, [(ChannelId::MAIN, 1), (ATTIC, 1)]);
}

/// Or anybody in it could make as many as they like, each with a row for everybody in it.
#[tokio::test]
async fn a_private_channel_gets_no_key_that_is_not_due() {
    let Space {
        ground,
        mut room,
        ada,
        bob,
        ..
    } = space().await;
    let refused = refused(
        &ground,
        &room,
        &bob,
        channel_epoch(&room, DEN),
        channel_wraps_next(&room),
    )
    .await;
    assert_eq!(refused, ErrorCode::InvalidEntry);
    done(&ground, &mut room, &ada, vec![people(DEN, &[], &[&bob])], Some(DEN)).await;
    assert_eq!(room.state.newest_of(&DEN), 2);
}

/// For everybody in the den, under the key after its newest.
fn channel_wraps_next(room: &Room) -> Vec<Wrap> {
    let mut wraps = channel_wraps(room, DEN);
    wraps.iter_mut().for_each(|wrap| wrap.n += 1);
    wraps
}

#[tokio::test]
async fn announcements_are_made_by_whoever_may_and_an_archived_channel_is_only_read() {
    let Space {
        ground,
        mut room,
        ada,
        bob,
        cyd,
        ..
    } = space().await;
    let (mut a, mut b) = (ground.socket(&ada).await, ground.socket(&bob).await);
    let mut c = ground.socket(&cyd).await;
    assert_eq!(messages(&heard(&mut a, &[message(&room, NEWS)]).await), [(NEWS, 1)]);
    b.message().await;
    assert_eq!(
        refusals(&heard(&mut b, &[message(&room, NEWS)]).await),
        [ErrorCode::Forbidden]
    );
    // What they have read they may say.
    assert_eq!(refusals(&heard(&mut b, &[value(&room, NEWS)]).await), []);
    assert_eq!(slots(&ground, &cyd, &room, NEWS).await, Ok(1));
    // A role of the space that may change its name writes there, as long as somebody has it.
    let herald = CustomRole::FIRST;
    let define = RoomBody::DefineRole {
        role: herald,
        rank: 20,
        rights: Rights::of(&[Permission::Post, Permission::Meta]),
        n: 1,
        sealed: Bytes::new(vec![1; 300]).unwrap(),
    };
    let role = |role| RoomBody::SetRole {
        user_id: bob.user_id,
        role,
    };
    assert_eq!(
        refused(&ground, &room, &cyd, define.clone(), vec![]).await,
        ErrorCode::InvalidEntry
    );
    done(&ground, &mut room, &ada, vec![define, role(Role::Custom(herald))], None).await;
    b.everything_heard().await;
    assert_eq!(messages(&heard(&mut b, &[message(&room, NEWS)]).await), [(NEWS, 2)]);
    done(&ground, &mut room, &ada, vec![role(Role::Member)], None).await;
    b.everything_heard().await;
    assert_eq!(
        refusals(&heard(&mut b, &[message(&room, NEWS)]).await),
        [ErrorCode::Forbidden]
    );

    c.everything_heard().await;
    assert_eq!(messages(&heard(&mut c, &[message(&room, RANDOM)]).await), [(RANDOM, 1)]);
    let body = archived(&room, RANDOM, true);
    assert_eq!(
        refused(&ground, &room, &cyd, body.clone(), vec![]).await,
        ErrorCode::InvalidEntry
    );
    done(&ground, &mut room, &ada, vec![body], None).await;
    c.everything_heard().await;
    for sent in [message(&room, RANDOM), value(&room, RANDOM)] {
        assert_eq!(refusals(&heard(&mut c, &[sent]).await), [ErrorCode::Forbidden]);
    }
    c.say(&[moved(&room, room.word(), RANDOM)]).await;
    c.everything_heard().await;
    assert!(
        !a.everything_heard()
            .await
            .iter()
            .any(|frame| matches!(frame, FromRelay::Ephemeral { .. }))
    );
    assert_eq!(page(&ground, &cyd, &room, RANDOM).await.unwrap().messages.len(), 1);
    let body = archived(&room, RANDOM, false);
    done(&ground, &mut room, &ada, vec![body], None).await;
    c.everything_heard().await;
    assert_eq!(messages(&heard(&mut c, &[message(&room, RANDOM)]).await), [(RANDOM, 2)]);
}

/// What somebody may not is refused of one channel, and does not keep back what they say in another in the same frame.
#[tokio::test]
async fn a_refusal_holds_in_its_own_channel() {
    let Space { ground, room, bob, .. } = space().await;
    let mut b = ground.socket(&bob).await;
    let sent = [
        message(&room, NEWS),
        message(&room, GENERAL),
        message(&room, NEWS),
        message(&room, GENERAL),
    ];
    let heard = heard(&mut b, &sent).await;
    assert_eq!(messages(&heard), [(GENERAL, 1), (GENERAL, 2)]);
    assert_eq!(refusals(&heard), [ErrorCode::Forbidden; 2]);
}

#[tokio::test]
async fn whoever_is_taken_out_of_a_space_is_out_of_its_channels() {
    let Space {
        ground,
        mut room,
        ada,
        bob,
        ..
    } = space().await;
    let (mut a, mut b) = (ground.socket(&ada).await, ground.socket(&bob).await);
    let removal = room.remove(&ada, &bob);
    let epoch = room.epoch(&ada);
    let mut wraps = room.wraps();
    assert!(room.state.rotation_due_of(&DEN), "the den's key as well");
    ground
        .append(&ada, &room, vec![removal, epoch], wraps.clone())
        .await
        .unwrap();
    a.everything_heard().await;
    assert_eq!(
        refusals(&heard(&mut a, &[message(&room, DEN)]).await),
        [ErrorCode::WrongEpoch]
    );
    let body = channel_epoch(&room, DEN);
    let entry = room.entry(&ada, body);
    wraps = channel_wraps(&room, DEN);
    ground.append(&ada, &room, vec![entry], wraps).await.unwrap();
    a.everything_heard().await;
    assert_eq!(messages(&heard(&mut a, &[message(&room, DEN)]).await), [(DEN, 1)]);
    b.everything_heard().await;
    for channel in [GENERAL, DEN, NOWHERE] {
        assert_eq!(
            page(&ground, &bob, &room, channel).await.unwrap_err(),
            ErrorCode::Forbidden
        );
        b.say(&[message(&room, channel)]).await;
        assert!(matches!(
            b.next().await,
            Some(FromRelay::Refused {
                code: ErrorCode::Forbidden | ErrorCode::NotFound,
                ..
            })
        ));
    }
    assert_eq!(messages(&b.everything_heard().await), []);
    // Back in the space is not back in the den.
    let back = room.add(&ada, &bob);
    let wraps = vec![wrap(bob.user_id, 2, 1)];
    ground.append(&ada, &room, vec![back], wraps).await.unwrap();
    assert_eq!(page(&ground, &bob, &room, DEN).await.unwrap_err(), ErrorCode::NotFound);
    assert!(page(&ground, &bob, &room, GENERAL).await.is_ok());
}

/// What is for everybody or for good is an owner's, whatever a role of the space may otherwise.
#[tokio::test]
async fn a_role_that_gives_roles_does_not_end_the_space() {
    let Space {
        ground,
        mut room,
        ada,
        bob,
        ..
    } = space().await;
    let define = RoomBody::DefineRole {
        role: CustomRole::FIRST,
        rank: 99,
        rights: Rights::ALL,
        n: 1,
        sealed: Bytes::new(vec![1; 300]).unwrap(),
    };
    let role = RoomBody::SetRole {
        user_id: bob.user_id,
        role: Role::Custom(CustomRole::FIRST),
    };
    done(&ground, &mut room, &ada, vec![define, role], None).await;
    let policy = RoomBody::SetPolicy {
        policy: Policy {
            suite: SUITE_1,
            history: History::Joined,
        },
    };
    for body in [RoomBody::Close, policy] {
        assert_eq!(
            refused(&ground, &room, &bob, body, vec![]).await,
            ErrorCode::InvalidEntry
        );
    }
    done(&ground, &mut room, &ada, vec![RoomBody::Close], None).await;
    assert!(room.state.closed);
}

pub fn invite(key: &SigningKey) -> RoomBody {
    let inv_pk = public_key(key);
    RoomBody::CreateInvite {
        invite_id: invite_id(&inv_pk),
        inv_pk,
        role: Role::Member,
        max_uses: 9,
        expires: START_MS + 3_600_000,
        mode: JoinMode::Member,
        card: Bytes::new(vec![7; 328]).unwrap(),
    }
}

/// The log of a space says who is in its private channels: a link whose maker has gone opens it no more.
#[tokio::test]
async fn a_link_of_somebody_who_has_gone_does_not_open_the_log() {
    let Space {
        ground,
        mut room,
        ada,
        cyd,
        eve,
        ..
    } = space().await;
    let door = key();
    done(&ground, &mut room, &cyd, vec![invite(&door)], None).await;
    let proof = InviteProof {
        realm: Text::new(REALM).unwrap(),
        room_id: room.id,
        invite_id: invite_id(&public_key(&door)),
        user_id: eve.user_id,
    };
    let open = InviteOpen {
        room_id: room.id,
        invite_id: proof.invite_id,
        sig: B64(sign(&door, Label::InviteOpen, &proof.to_bytes()).to_vec()),
        from_seq: 0,
    };
    assert!(ground.ask(Some(&eve.token), &open).await.is_ok());
    let removal = room.remove(&ada, &cyd);
    ground.append(&ada, &room, vec![removal], vec![]).await.unwrap();
    assert_eq!(ground.refused(Some(&eve.token), &open).await, ErrorCode::NotFound);
}

/// Requests for keys go to everybody in the room and to nobody else; the relay does not read them.
#[tokio::test]
async fn a_request_for_the_key_of_a_private_channel_stays_in_the_room() {
    let Space {
        ground,
        room,
        ada,
        bob,
        eve,
        ..
    } = space().await;
    let (mut a, mut b, mut e) = (
        ground.socket(&ada).await,
        ground.socket(&bob).await,
        ground.socket(&eve).await,
    );
    let ask = |room_id| ToRelay::KeyRequest {
        room_id,
        request: B64(vec![5; 200]),
    };
    e.send(&ask(room.id)).await;
    e.everything_heard().await;
    b.send(&ask(room.id)).await;
    assert!(matches!(a.next().await, Some(FromRelay::KeyRequest { .. })));
    assert_eq!(a.everything_heard().await, [], "one, and not that of a stranger");
    assert_eq!(e.everything_heard().await, []);
}
