//! Slots: sealed values of which the newest is kept, for the members of a room.

use std::time::Duration;

use sea_orm::{ActiveValue::Set, ConnectionTrait, Database, EntityTrait, Statement};
use sotto_server::clock::Clock;
use sotto_server::config::Config;
use sotto_server::db::entities::slots;
use sotto_server::start::start;
use sotto_shared::api::B64;
use sotto_shared::api::body::*;
use sotto_shared::api::error::ErrorCode;
use sotto_shared::api::frame::{FromRelay, Outgoing};
use sotto_shared::api::limits::{MAX_SLOTS_PAGE, OLD_EPOCH_GRACE_SECS, SLOTS_PER_MEMBER};
use sotto_shared::codec::Codec;
use sotto_shared::envelope::header::Header;
use sotto_shared::id::*;
use sotto_shared::log::room_log::RoomBody;

use crate::support::*;

fn slot() -> MessageId {
    MessageId::from_bytes(random())
}

fn value(sent: &Outgoing) -> SlotValue {
    SlotValue {
        header: sent.header.clone(),
        envelope: sent.envelope.clone(),
    }
}

async fn stored(ground: &Ground) -> i64 {
    let db = ground.app.db.read();
    let sql = "SELECT COUNT(*) AS c FROM slots";
    let row = db
        .query_one_raw(Statement::from_string(db.get_database_backend(), sql))
        .await
        .unwrap();
    row.unwrap().try_get("", "c").unwrap()
}

#[tokio::test]
async fn the_newest_value_of_a_slot_is_kept_and_told_to_everybody_in_the_room() {
    let ground = Ground::new().await;
    let (ada, bob) = (ground.person("ada").await, ground.person("bob").await);
    let room = ground.group(&[&ada, &bob]).await;
    let (mut a, mut b) = (ground.socket(&ada).await, ground.socket(&bob).await);
    let (one, two) = (slot(), slot());
    let values = [room.value(one), room.value(two), room.value(one)];
    for sent in &values {
        a.say(std::slice::from_ref(sent)).await;
        assert_eq!(
            (a.slot().await, b.slot().await),
            (value(sent), value(sent)),
            "also to whoever wrote it"
        );
    }
    // The newest first, one for each.
    let expected = [value(&values[2]), value(&values[1])];
    for reader in [&ada, &bob] {
        assert_eq!(ground.slots(reader, &room).await.unwrap(), expected);
    }
    // All in one frame: the last of each slot counts.
    let frame = [room.value(two), room.value(one), room.value(two)];
    b.say(&frame).await;
    for sent in &frame {
        assert_eq!(a.slot().await, value(sent));
    }
    assert_eq!(
        ground.slots(&ada, &room).await.unwrap(),
        [value(&frame[2]), value(&frame[1])]
    );
    assert_eq!(stored(&ground).await, 2);
    // They are no messages: the transcript does not know them.
    let page = ground.page(&ada, &room, PageFrom::End, 10).await.unwrap();
    assert_eq!((page.head.seq, page.messages.len()), (0, 0));
}

#[tokio::test]
async fn a_value_is_written_and_read_by_members_alone() {
    let ground = Ground::new().await;
    let (ada, bob, cyd) = (
        ground.person("ada").await,
        ground.person("bob").await,
        ground.person("cyd").await,
    );
    let mut room = ground.group(&[&ada, &bob]).await;
    let (mut a, mut b, mut c) = (
        ground.socket(&ada).await,
        ground.socket(&bob).await,
        ground.socket(&cyd).await,
    );
    let id = slot();
    let first = room.value(id);
    b.say(std::slice::from_ref(&first)).await;
    b.slot().await;
    a.slot().await;
    c.say(&[room.value(id)]).await;
    assert_eq!(c.refusal().await, (id, ErrorCode::NotFound));
    assert_eq!(ground.slots(&cyd, &room).await, Err(ErrorCode::NotFound));

    let removal = room.remove(&ada, &bob);
    let epoch = room.epoch(&ada);
    ground
        .append(&ada, &room, vec![removal, epoch], room.wraps())
        .await
        .unwrap();
    a.everything_heard().await;
    b.everything_heard().await;
    b.say(&[room.value(id)]).await;
    assert_eq!(b.refusal().await, (id, ErrorCode::Forbidden));
    assert_eq!(ground.slots(&bob, &room).await, Err(ErrorCode::Forbidden));
    a.say(&[room.value(slot())]).await;
    a.slot().await;
    assert_eq!(
        b.everything_heard().await,
        [],
        "nothing more is told to who was removed"
    );
    // What lay there stays: whose it was is not known.
    assert!(ground.slots(&ada, &room).await.unwrap().contains(&value(&first)));

    let nowhere = SlotsGet {
        before: None,
        room_id: RoomId::from_bytes([7; 32]),
        channel: ChannelId::MAIN,
    };
    assert_eq!(ground.refused(Some(&ada.token), &nowhere).await, ErrorCode::NotFound);
    assert_eq!(ground.refused(None, &nowhere).await, ErrorCode::NotSignedIn);
}

#[tokio::test]
async fn a_value_of_another_form_or_under_another_key_is_refused_and_stops_no_message() {
    let ground = Ground::new().await;
    let (ada, bob) = (ground.person("ada").await, ground.person("bob").await);
    let mut room = ground.group(&[&ada, &bob]).await;
    let mut socket = ground.socket(&ada).await;
    let id = slot();
    let with = |change: &dyn Fn(&mut Header, &mut Vec<u8>)| {
        let mut value = room.value(id);
        let mut header = Header::from_bytes(&value.header.0).unwrap();
        change(&mut header, &mut value.envelope.0);
        value.header = B64(header.to_bytes());
        value
    };
    let cases = [
        (with(&|_, envelope| envelope.push(0)), ErrorCode::Malformed),
        // A size that messages may have.
        (with(&|_, envelope| envelope.resize(1024 + 72, 0)), ErrorCode::Malformed),
        (
            with(&|header, _| header.channel = ChannelId::from_bytes([1; 16])),
            ErrorCode::NotFound,
        ),
        (with(&|header, _| header.suite = 2), ErrorCode::UnsupportedVersion),
        (with(&|header, _| header.n = 0), ErrorCode::WrongEpoch),
        (with(&|header, _| header.n += 1), ErrorCode::WrongEpoch),
    ];
    let message = room.message(512);
    for (bad, code) in cases {
        socket.say(&[bad]).await;
        assert_eq!(socket.refusal().await, (id, code));
    }
    // Messages of the same frame build on each other, and not on it.
    socket.say(&[room.value_under(9, id), message.clone()]).await;
    assert_eq!(socket.refusal().await, (id, ErrorCode::WrongEpoch));
    assert_eq!(socket.message().await.header, message.header);
    socket.say(&[room.message_under(9, 512), room.value(id)]).await;
    assert_eq!(socket.refusal().await.1, ErrorCode::WrongEpoch);
    socket.slot().await;

    // The key before the newest is taken for a while, and none while it has to be changed.
    let epoch = room.epoch(&ada);
    ground.append(&ada, &room, vec![epoch], room.wraps()).await.unwrap();
    socket.everything_heard().await;
    socket.say(&[room.value_under(1, id)]).await;
    socket.slot().await;
    ground.clock.advance(Duration::from_secs(OLD_EPOCH_GRACE_SECS + 1));
    socket.say(&[room.value_under(1, id)]).await;
    assert_eq!(socket.refusal().await, (id, ErrorCode::WrongEpoch));
    let leave = room.entry(&bob, RoomBody::Leave);
    ground.append(&bob, &room, vec![leave], Vec::new()).await.unwrap();
    socket.everything_heard().await;
    socket.say(&[room.value(id)]).await;
    assert_eq!(socket.refusal().await, (id, ErrorCode::WrongEpoch));
}

#[tokio::test]
async fn a_room_has_so_many_slots_for_each_member_and_the_oldest_go() {
    let ground = Ground::with(|config| config.limits.ephemeral_per_minute = 1_000).await;
    let (ada, bob) = (ground.person("ada").await, ground.person("bob").await);
    let (room, other) = (ground.group(&[&ada, &bob]).await, ground.group(&[&ada]).await);
    let mut socket = ground.socket(&ada).await;
    let theirs = other.value(slot());
    socket.say(std::slice::from_ref(&theirs)).await;
    socket.slot().await;
    let most = 2 * SLOTS_PER_MEMBER;
    let mut sent: Vec<Outgoing> = (0..most).map(|_| room.value(slot())).collect();
    for value in &sent {
        socket.say(std::slice::from_ref(value)).await;
        socket.slot().await;
    }
    assert_eq!(ground.slots(&bob, &room).await.unwrap().len(), most);
    // Written anew it is the newest; the second is the oldest then.
    let again = room.value(msg_id(&sent[0]));
    let more = room.value(slot());
    for value in [&again, &more] {
        socket.say(std::slice::from_ref(value)).await;
        socket.slot().await;
    }
    sent.drain(..2);
    sent.extend([again, more]);
    let expected: Vec<SlotValue> = sent.iter().rev().map(value).collect();
    assert_eq!(ground.slots(&bob, &room).await.unwrap(), expected);
    assert_eq!(ground.slots(&ada, &other).await.unwrap(), [value(&theirs)]);
}

#[tokio::test]
async fn more_slots_than_one_answer_holds_come_with_the_next() {
    let ground = Ground::new().await;
    let ada = ground.person("ada").await;
    let room = ground.group(&[&ada]).await;
    let many = 2 * MAX_SLOTS_PAGE as usize + 50;
    let values: Vec<Outgoing> = (0..many).map(|_| room.value(slot())).collect();
    let db = Database::connect(&ground.url).await.unwrap();
    let rows = (1..).zip(&values).map(|(rev, value)| slots::ActiveModel {
        room_id: Set(room.id.as_bytes().to_vec()),
        channel: Set(ChannelId::MAIN.as_bytes().to_vec()),
        slot_id: Set(msg_id(value).as_bytes().to_vec()),
        rev: Set(rev),
        header: Set(value.header.0.clone()),
        envelope: Set(value.envelope.0.clone()),
    });
    for rows in rows.collect::<Vec<_>>().chunks(200) {
        slots::Entity::insert_many(rows.to_vec())
            .exec_without_returning(&db)
            .await
            .unwrap();
    }
    let (mut before, mut seen, mut pages) = (None, Vec::new(), Vec::new());
    loop {
        let ask = SlotsGet {
            room_id: room.id,
            channel: ChannelId::MAIN,
            before,
        };
        let reply = ground.ask(Some(&ada.token), &ask).await.unwrap();
        pages.push(reply.slots.len());
        seen.extend(reply.slots);
        before = reply.before;
        if before.is_none() {
            break;
        }
    }
    assert_eq!(pages, [500, 500, 50]);
    let newest_first: Vec<SlotValue> = values.iter().rev().map(value).collect();
    assert!(seen == newest_first, "each once, in their order");
}

#[tokio::test]
async fn whoever_writes_too_fast_is_told_to_wait_and_may_still_send_messages() {
    let ground = Ground::with(|config| config.limits.ephemeral_per_minute = 16).await;
    let ada = ground.person("ada").await;
    let room = ground.group(&[&ada]).await;
    let mut socket = ground.socket(&ada).await;
    let id = slot();
    let mut heard = Vec::new();
    for _ in 0..20 {
        socket.say(&[room.value(id)]).await;
        heard.extend(socket.next().await);
    }
    let taken = heard.iter().filter(|frame| matches!(frame, FromRelay::Slot { .. }));
    assert!(taken.count() < 8);
    assert!(heard.iter().any(|frame| matches!(
        frame,
        FromRelay::Refused { code: ErrorCode::TooFast, retry_secs: Some(_), msg_id, .. } if *msg_id == id
    )));
    socket.say(&[room.message(512)]).await;
    assert_eq!(socket.message().await.seq, 1);
    ground.clock.advance(Duration::from_secs(60));
    socket.say(&[room.value(id)]).await;
    socket.slot().await;
}

#[tokio::test]
async fn values_outlive_the_process_and_not_the_room() {
    let ground = Ground::new().await;
    let (ada, bob) = (ground.person("ada").await, ground.person("bob").await);
    let mut room = ground.group(&[&ada, &bob]).await;
    let mut socket = ground.socket(&ada).await;
    let (one, two) = (room.value(slot()), room.value(slot()));
    socket.say(std::slice::from_ref(&one)).await;
    socket.slot().await;

    // Another process on the same database, with nothing in memory.
    let config = Config::for_database(&ground.url, PEPPER).unwrap();
    let again = start(&config, Clock::manual(START_MS)).await.unwrap();
    let (app, address) = (again.app, again.address);
    let ground = Ground { app, address, ..ground };
    assert_eq!(ground.slots(&bob, &room).await.unwrap(), [value(&one)]);
    let mut socket = ground.socket(&bob).await;
    socket.say(std::slice::from_ref(&two)).await;
    socket.slot().await;
    assert_eq!(ground.slots(&ada, &room).await.unwrap(), [value(&two), value(&one)]);

    let close = room.entry(&ada, RoomBody::Close);
    ground.append(&ada, &room, vec![close], Vec::new()).await.unwrap();
    assert_eq!(stored(&ground).await, 0);
    socket.everything_heard().await;
    let late = room.value(slot());
    socket.say(std::slice::from_ref(&late)).await;
    assert_eq!(socket.refusal().await.0, msg_id(&late));
    assert_eq!(stored(&ground).await, 0);
}
