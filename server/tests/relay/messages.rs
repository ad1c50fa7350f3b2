use std::collections::HashSet;
use std::time::Duration;

use sotto_shared::api::B64;
use sotto_shared::api::body::*;
use sotto_shared::api::error::ErrorCode;
use sotto_shared::api::frame::{FromRelay, Outgoing};
use sotto_shared::codec::Codec;
use sotto_shared::envelope::header::{Header, envelope_hash};
use sotto_shared::envelope::transcript::Transcript;
use sotto_shared::id::*;

use crate::support::*;

/// Follows the transcript from `page.before` over its messages; gives where it ends.
fn follow(page: &Page) -> Transcript {
    let mut now = Transcript {
        seq: page.before.seq,
        t: page.before.t,
    };
    for message in &page.messages {
        now = now.then(&envelope_hash(&message.header.0, &message.envelope.0));
        assert_eq!(now.seq, message.seq, "no hole");
    }
    now
}

fn seqs(page: &Page) -> Vec<u64> {
    page.messages.iter().map(|message| message.seq).collect()
}

#[tokio::test]
async fn a_message_reaches_every_device_the_senders_too_with_its_bytes_as_they_were() {
    let ground = Ground::new().await;
    let (ada, bob) = (ground.person("ada").await, ground.person("bob").await);
    let room = ground.group(&[&ada, &bob]).await;
    let mut sockets = [
        ground.socket(&ada).await,
        ground.socket(&ada).await,
        ground.socket(&bob).await,
    ];
    let message = room.message(512);
    sockets[0].say(std::slice::from_ref(&message)).await;
    for socket in &mut sockets {
        let heard = socket.message().await;
        assert_eq!(
            (heard.seq, &heard.header, &heard.envelope),
            (1, &message.header, &message.envelope)
        );
    }
}

#[tokio::test]
async fn numbers_and_transcript_have_no_hole_however_many_write_at_once() {
    let ground = Ground::new().await;
    let people = [
        ground.person("ada").await,
        ground.person("bob").await,
        ground.person("cyd").await,
        ground.person("dan").await,
    ];
    let room = ground.group(&people.iter().collect::<Vec<_>>()).await;
    let mut sockets = Vec::new();
    for person in &people {
        sockets.push(ground.socket(person).await);
    }
    let mut tasks = Vec::new();
    for mut socket in sockets {
        let room = room.clone();
        tasks.push(tokio::spawn(async move {
            for _ in 0..5 {
                socket.say(&(0..5).map(|_| room.message(512)).collect::<Vec<_>>()).await;
            }
            let mut heard = Vec::new();
            for _ in 0..100 {
                heard.push(socket.message().await);
            }
            heard
        }));
    }
    let mut views = Vec::new();
    for task in tasks {
        views.push(task.await.unwrap());
    }
    assert!(
        views.iter().all(|view| *view == views[0]),
        "everybody heard the same, in the same order"
    );
    let page = ground.page(&people[0], &room, PageFrom::After(0), 200).await.unwrap();
    assert_eq!(page.messages, views[0]);
    let end = follow(&page);
    assert_eq!((end.seq, end.t), (page.head.seq, page.head.t));
    assert_eq!(end.seq, 100);
}

#[tokio::test]
async fn a_retried_envelope_keeps_its_first_place() {
    let ground = Ground::new().await;
    let (ada, bob) = (ground.person("ada").await, ground.person("bob").await);
    let mut room = ground.group(&[&ada, &bob]).await;
    let (mut at_ada, mut at_bob) = (ground.socket(&ada).await, ground.socket(&bob).await);
    let (one, two) = (room.message(512), room.message(512));
    at_ada.say(&[one.clone(), two, one.clone()]).await;
    let heard = [at_ada.message().await, at_ada.message().await, at_ada.message().await];
    assert_eq!(heard.iter().map(|message| message.seq).collect::<Vec<_>>(), [1, 2, 1]);
    assert_eq!(heard[0], heard[2]);
    let epoch = room.epoch(&ada);
    ground.append(&ada, &room, vec![epoch], room.wraps()).await.unwrap();
    ground.clock.advance(Duration::from_secs(1000));
    at_ada.everything_heard().await;
    at_ada.say(std::slice::from_ref(&one)).await;
    assert_eq!(
        at_ada.message().await,
        heard[0],
        "even when its key is not taken any more"
    );
    let others = at_bob.everything_heard().await;
    assert_eq!(
        others
            .iter()
            .filter(|frame| matches!(frame, FromRelay::Message { .. }))
            .count(),
        2,
        "nobody else hears a retry"
    );
}

#[tokio::test]
async fn an_id_used_for_other_bytes_is_refused() {
    let ground = Ground::new().await;
    let ada = ground.person("ada").await;
    let room = ground.group(&[&ada]).await;
    let mut socket = ground.socket(&ada).await;
    let one = room.message(512);
    let two = Outgoing {
        envelope: room.message(512).envelope,
        ..one.clone()
    };
    socket.say(&[one.clone(), two.clone()]).await;
    socket.message().await;
    assert_eq!(socket.refusal().await, (msg_id(&one), ErrorCode::Duplicate));
    socket.say(&[two]).await;
    assert_eq!(socket.refusal().await.1, ErrorCode::Duplicate);
    assert_eq!(ground.page(&ada, &room, PageFrom::End, 10).await.unwrap().head.seq, 1);
}

#[tokio::test]
async fn only_the_newest_key_is_taken_and_for_two_minutes_the_one_before() {
    let ground = Ground::new().await;
    let ada = ground.person("ada").await;
    let mut room = ground.group(&[&ada]).await;
    let mut socket = ground.socket(&ada).await;
    for _ in 0..2 {
        let epoch = room.epoch(&ada);
        ground.append(&ada, &room, vec![epoch], room.wraps()).await.unwrap();
    }
    socket.everything_heard().await;
    let send = async |socket: &mut Socket, n| {
        socket.say(&[room.message_under(n, 512)]).await;
        match socket.next().await {
            Some(FromRelay::Message { .. }) => Ok(()),
            Some(FromRelay::Refused { code, .. }) => Err(code),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(send(&mut socket, 3).await, Ok(()));
    assert_eq!(send(&mut socket, 2).await, Ok(()));
    for n in [0, 1, 4, u32::MAX] {
        assert_eq!(send(&mut socket, n).await, Err(ErrorCode::WrongEpoch), "{n}");
    }
    ground.clock.advance(Duration::from_secs(120));
    assert_eq!(send(&mut socket, 2).await, Ok(()));
    ground.clock.advance(Duration::from_secs(1));
    assert_eq!(send(&mut socket, 2).await, Err(ErrorCode::WrongEpoch));
    assert_eq!(send(&mut socket, 3).await, Ok(()));
}

#[tokio::test]
async fn while_a_change_of_the_key_is_due_nothing_is_taken() {
    let ground = Ground::new().await;
    let (ada, bob, cyd) = (
        ground.person("ada").await,
        ground.person("bob").await,
        ground.person("cyd").await,
    );
    let mut room = ground.group(&[&ada, &bob, &cyd]).await;
    let removal = room.remove(&ada, &cyd);
    ground.append(&ada, &room, vec![removal], vec![]).await.unwrap();
    let mut socket = ground.socket(&bob).await;
    socket.say(&[room.message(512)]).await;
    assert_eq!(socket.refusal().await.1, ErrorCode::WrongEpoch);
    let epoch = room.epoch(&bob);
    ground.append(&bob, &room, vec![epoch], room.wraps()).await.unwrap();
    socket.everything_heard().await;
    socket.say(&[room.message(512)]).await;
    assert_eq!(socket.message().await.seq, 1);
}

#[tokio::test]
async fn envelopes_have_the_sizes_of_sealed_padding_and_no_other() {
    let ground = Ground::new().await;
    let ada = ground.person("ada").await;
    let room = ground.group(&[&ada]).await;
    let mut socket = ground.socket(&ada).await;
    let resized = |bytes: usize| Outgoing {
        envelope: B64(vec![1; bytes]),
        ..room.message(512)
    };
    let changed = |change: fn(&mut Header)| {
        let message = room.message(512);
        let mut header = Header::from_bytes(&message.header.0).unwrap();
        change(&mut header);
        Outgoing {
            header: B64(header.to_bytes()),
            ..message
        }
    };
    let cases = [
        (resized(0), ErrorCode::Malformed),
        (resized(585), ErrorCode::Malformed),
        (resized(98_305), ErrorCode::TooLarge),
        (changed(|header| header.suite = 2), ErrorCode::UnsupportedVersion),
        (
            changed(|header| header.channel = ChannelId::from_bytes([1; 16])),
            ErrorCode::NotFound,
        ),
        (
            changed(|header| header.room_id = RoomId::from_bytes([1; 32])),
            ErrorCode::NotFound,
        ),
    ];
    for (message, code) in cases {
        socket.say(std::slice::from_ref(&message)).await;
        assert_eq!(socket.refusal().await, (msg_id(&message), code));
    }
    socket.say(&[room.message(16_384)]).await;
    assert_eq!(socket.message().await.seq, 1);
}

#[tokio::test]
async fn pages_go_both_ways_and_every_one_can_be_checked_by_itself() {
    let ground = Ground::new().await;
    let ada = ground.person("ada").await;
    let room = ground.group(&[&ada]).await;
    let empty = ground.page(&ada, &room, PageFrom::End, 10).await.unwrap();
    assert_eq!((empty.before, empty.messages.len()), (empty.head, 0));
    let mut socket = ground.socket(&ada).await;
    for _ in 0..5 {
        socket.say(&(0..5).map(|_| room.message(512)).collect::<Vec<_>>()).await;
    }
    let mut heard = Vec::new();
    for _ in 0..25 {
        heard.push(socket.message().await);
    }
    let page = async |from, limit| ground.page(&ada, &room, from, limit).await.unwrap();
    let cases = [
        (page(PageFrom::After(0), 10).await, 1..=10),
        (page(PageFrom::After(20), 10).await, 21..=25),
        (page(PageFrom::Before(11), 4).await, 7..=10),
        (page(PageFrom::Before(3), 10).await, 1..=2),
        (page(PageFrom::End, 3).await, 23..=25),
        (page(PageFrom::End, 0).await, 25..=25),
        (page(PageFrom::Before(u64::MAX), 2).await, 24..=25),
    ];
    for (page, expected) in &cases {
        assert_eq!(seqs(page), expected.clone().collect::<Vec<_>>());
        assert_eq!((page.before.seq, page.head.seq), (expected.start() - 1, 25));
        follow(page);
    }
    let end = follow(&cases[4].0);
    assert_eq!(end.t, cases[0].0.head.t, "the last page ends at the head");
    assert_eq!(
        follow(&cases[0].0).t,
        page(PageFrom::After(10), 1).await.before.t,
        "one page begins where the other ended"
    );
    assert!(seqs(&page(PageFrom::After(25), 10).await).is_empty());
    assert!(seqs(&page(PageFrom::After(u64::MAX), 10).await).is_empty());
    assert!(seqs(&page(PageFrom::Before(0), 10).await).is_empty());
    assert_eq!(seqs(&page(PageFrom::After(0), u32::MAX).await).len(), 25);
}

/// A page that is asked for while others write gives all that it says there is: a client takes the opposite for withholding.
#[tokio::test]
async fn a_page_is_never_empty_under_a_head_that_is_ahead_of_it() {
    // No more than may be written at once.
    const MANY: u64 = 100;
    let ground = Ground::new().await;
    let ada = ground.person("ada").await;
    let room = ground.group(&[&ada]).await;
    let mut socket = ground.socket(&ada).await;
    for written in 0..MANY {
        // Asked for what comes after the newest, in the moment in which something does.
        let write = async {
            socket.say(&[room.message(512)]).await;
            socket.message().await;
        };
        let ((), page) = tokio::join!(write, ground.page(&ada, &room, PageFrom::After(written), 10));
        let page = page.unwrap();
        assert_eq!(page.messages.is_empty(), page.head.seq == written, "after {written}");
        assert!(page.head.seq <= written + 1);
        assert_eq!(follow(&page).seq, page.head.seq, "all there is, and none past the head");
    }
}

#[tokio::test]
async fn a_page_of_large_messages_is_cut_and_can_be_continued() {
    let ground = Ground::new().await;
    let ada = ground.person("ada").await;
    let room = ground.group(&[&ada]).await;
    let mut socket = ground.socket(&ada).await;
    let large = sotto_shared::envelope::header::padded_len(96_000);
    for _ in 0..30 {
        socket.say(&[room.message(large)]).await;
        socket.message().await;
    }
    let mut seen = Vec::new();
    while seen.len() < 30 {
        let page = ground
            .page(&ada, &room, PageFrom::After(seen.len() as u64), 200)
            .await
            .unwrap();
        assert!(!page.messages.is_empty() && page.messages.len() < 30);
        seen.extend(seqs(&page));
    }
    assert_eq!(seen, (1..=30).collect::<Vec<_>>());
    let back = ground.page(&ada, &room, PageFrom::End, 200).await.unwrap();
    assert_eq!(back.messages.last().unwrap().seq, 30);
    assert_eq!(follow(&back).t, back.head.t);
}

#[tokio::test]
async fn what_follows_a_refusal_in_one_frame_is_refused_in_that_room_alone() {
    let ground = Ground::new().await;
    let ada = ground.person("ada").await;
    let (room, other) = (ground.group(&[&ada]).await, ground.group(&[&ada]).await);
    let mut socket = ground.socket(&ada).await;
    let mut cut = room.message(512);
    cut.envelope.0.pop();
    let mut early = room.message(512);
    early.header.0 = {
        let mut header = Header::from_bytes(&early.header.0).unwrap();
        header.n += 1;
        header.to_bytes()
    };
    for (bad, code) in [(cut, ErrorCode::Malformed), (early, ErrorCode::WrongEpoch)] {
        let (first, last, elsewhere) = (room.message(512), room.message(512), other.message(512));
        socket
            .say(&[first.clone(), bad.clone(), last.clone(), elsewhere.clone()])
            .await;
        let (mut stored, mut refused) = (Vec::new(), Vec::new());
        for _ in 0..4 {
            match socket.next().await {
                Some(FromRelay::Message { message, .. }) => stored.push(message.header),
                Some(FromRelay::Refused { msg_id, code, .. }) => refused.push((msg_id, code)),
                other => panic!("{other:?}"),
            }
        }
        let id = |message: &Outgoing| Header::from_bytes(&message.header.0).unwrap().msg_id;
        assert_eq!(
            refused.iter().collect::<HashSet<_>>(),
            [(id(&bad), code), (id(&last), code)].iter().collect()
        );
        assert_eq!(
            stored.iter().collect::<HashSet<_>>(),
            [first.header, elsewhere.header].iter().collect()
        );
    }
}

#[tokio::test]
async fn a_device_that_floods_is_told_to_wait_and_others_are_not() {
    let ground =
        Ground::with(|config| (config.limits.messages_per_minute, config.limits.messages_burst) = (60, 3)).await;
    let (ada, bob) = (ground.person("ada").await, ground.person("bob").await);
    let room = ground.group(&[&ada, &bob]).await;
    let (mut at_ada, mut at_bob) = (ground.socket(&ada).await, ground.socket(&bob).await);
    at_ada.say(&(0..6).map(|_| room.message(512)).collect::<Vec<_>>()).await;
    let (mut stored, mut waits) = (HashSet::new(), 0);
    for _ in 0..6 {
        match at_ada.next().await {
            Some(FromRelay::Message { message, .. }) => assert!(stored.insert(message.seq)),
            Some(FromRelay::Refused {
                code: ErrorCode::TooFast,
                retry_secs: Some(1..=2),
                ..
            }) => waits += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((stored.len(), waits), (3, 3));
    at_bob.say(&[room.message(512)]).await;
    ground.clock.advance(Duration::from_secs(1));
    at_ada.say(&[room.message(512)]).await;
    assert!(matches!(at_ada.next().await, Some(FromRelay::Message { .. })));
    assert!(matches!(at_ada.next().await, Some(FromRelay::Message { .. })));
}
