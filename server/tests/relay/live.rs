use std::time::Duration;

use futures_util::SinkExt;
use sotto_shared::api::B64;
use sotto_shared::api::body::*;
use sotto_shared::api::error::ErrorCode;
use sotto_shared::api::frame::{FromRelay, Outgoing, ToRelay};
use sotto_shared::api::limits::{MAX_FRAME_BYTES, MAX_SEND_BATCH};
use sotto_shared::codec::Codec;
use sotto_shared::envelope::header::Header;
use sotto_shared::id::ChannelId;
use tokio_tungstenite::tungstenite::Message;

use crate::support::*;

#[tokio::test]
async fn welcome_tells_every_room_and_where_it_stands() {
    let ground = Ground::new().await;
    let ada = ground.person("ada").await;
    let (one, two) = (ground.group(&[&ada]).await, ground.group(&[&ada]).await);
    let mut socket = ground.socket(&ada).await;
    socket.say(&[two.message(512)]).await;
    socket.message().await;
    let mut socket = ground.bare_socket().await;
    socket
        .send(&ToRelay::Hello {
            token: ada.token.clone(),
            api: API_VERSION,
        })
        .await;
    let Some(FromRelay::Welcome {
        rooms,
        closed,
        user_log_seq,
        now_ms,
    }) = socket.next().await
    else {
        panic!("no welcome")
    };
    assert_eq!((closed, user_log_seq, now_ms), (Vec::new(), 1, START_MS));
    let of = |room: &Room| rooms.iter().find(|head| head.room_id == room.id).unwrap();
    assert_eq!((of(&one).seq, of(&one).channels[0].seq), (1, 0));
    assert_eq!((of(&two).head, of(&two).channels[0].seq), (two.state.head, 1));
    assert_eq!(rooms.len(), 2);
}

#[tokio::test]
async fn a_socket_that_does_not_begin_with_a_good_hello_is_told_why_it_ends() {
    let ground = Ground::with(|config| config.limits.hello_timeout = Duration::from_millis(300)).await;
    let ada = ground.person("ada").await;
    let grant = ground.sign_in(&ada).await.unwrap().token;
    let hello = |token: &str, api| {
        serde_json::to_string(&ToRelay::Hello {
            token: token.to_owned(),
            api,
        })
        .unwrap()
    };
    let cases = [
        (Some(Message::text(hello("nonsense", 1))), ErrorCode::NotSignedIn),
        (Some(Message::text(hello(&grant, 1))), ErrorCode::Forbidden),
        (Some(Message::text(hello(&ada.token, 2))), ErrorCode::UnsupportedVersion),
        (Some(Message::text(r#"{"type":"ping"}"#)), ErrorCode::Malformed),
        (Some(Message::binary(vec![1, 2, 3])), ErrorCode::Malformed),
        (None, ErrorCode::Malformed),
    ];
    for (first, code) in cases {
        let mut socket = ground.bare_socket().await;
        if let Some(first) = first {
            socket.stream.send(first).await.unwrap();
        }
        assert_eq!(socket.bye().await, code);
    }
    assert!(ground.app.hub.is_empty());
}

#[tokio::test]
async fn a_frame_that_is_none_ends_the_socket_and_nothing_else() {
    let ground = Ground::new().await;
    let ada = ground.person("ada").await;
    let room = ground.group(&[&ada]).await;
    let mut good = ground.socket(&ada).await;
    let hello = serde_json::to_string(&ToRelay::Hello {
        token: ada.token.clone(),
        api: 1,
    })
    .unwrap();
    let many = vec![room.message(512); MAX_SEND_BATCH + 1];
    let cases = [
        (Message::text("{"), ErrorCode::Malformed),
        (
            Message::text(r#"{"type":"send","messages":[],"more":1}"#),
            ErrorCode::Malformed,
        ),
        (Message::text(r#"{"type":"dance"}"#), ErrorCode::Malformed),
        (Message::text("[".repeat(100_000)), ErrorCode::Malformed),
        (Message::text(hello), ErrorCode::Malformed),
        (Message::binary(vec![0; 10]), ErrorCode::Malformed),
        (
            Message::text(serde_json::to_string(&ToRelay::Send { messages: many }).unwrap()),
            ErrorCode::TooLarge,
        ),
        (
            Message::text(
                serde_json::to_string(&ToRelay::Send {
                    messages: vec![Outgoing {
                        header: B64(vec![1; 138]),
                        ..room.message(512)
                    }],
                })
                .unwrap(),
            ),
            ErrorCode::Malformed,
        ),
        (Message::text("x".repeat(MAX_FRAME_BYTES + 1)), ErrorCode::Malformed),
    ];
    for (frame, code) in cases {
        let mut socket = ground.socket(&ada).await;
        let _ = socket.stream.send(frame).await;
        assert_eq!(socket.bye().await, code);
    }
    good.say(&[room.message(512)]).await;
    assert_eq!(good.message().await.seq, 1);
}

#[tokio::test]
async fn a_socket_that_never_reads_is_dropped_and_the_others_hear_everything() {
    let ground = Ground::with(|config| {
        (config.limits.messages_per_minute, config.limits.messages_burst) = (1_000_000, 1_000_000);
        config.limits.queue_frames = 32;
    })
    .await;
    let (ada, bob) = (ground.person("ada").await, ground.person("bob").await);
    let room = ground.group(&[&ada, &bob]).await;
    let deaf = ground.socket(&bob).await;
    let mut ada_socket = ground.socket(&ada).await;
    let large = sotto_shared::envelope::header::padded_len(96_000);
    let mut sent = 0;
    while ground.app.hub.len() > 1 {
        ada_socket.say(&[room.message(large)]).await;
        assert_eq!(ada_socket.message().await.seq, sent + 1);
        sent += 1;
        assert!(sent < 1_000, "the deaf socket is still there");
    }
    drop(deaf);
    let mut at_bob = ground.socket(&bob).await;
    assert_eq!(at_bob.rooms[0].channels[0].seq, sent, "and starts over from the heads");
    assert!(at_bob.everything_heard().await.is_empty());
}

#[tokio::test]
async fn sockets_of_one_person_are_bounded_and_a_place_is_given_back() {
    let ground = Ground::with(|config| config.limits.sockets_per_person = 2).await;
    let ada = ground.person("ada").await;
    let (one, _two) = (ground.socket(&ada).await, ground.socket(&ada).await);
    let mut third = ground.bare_socket().await;
    third
        .send(&ToRelay::Hello {
            token: ada.token.clone(),
            api: 1,
        })
        .await;
    assert_eq!(third.bye().await, ErrorCode::TooFast);
    drop(one);
    loop {
        let mut again = ground.bare_socket().await;
        again
            .send(&ToRelay::Hello {
                token: ada.token.clone(),
                api: 1,
            })
            .await;
        if matches!(again.next().await, Some(FromRelay::Welcome { .. })) {
            break;
        }
    }
}

#[tokio::test]
async fn draining_says_goodbye_stores_what_was_sent_and_takes_nothing_new() {
    let ground = Ground::new().await;
    let ada = ground.person("ada").await;
    let room = ground.group(&[&ada]).await;
    let mut socket = ground.socket(&ada).await;
    socket.say(&[room.message(512)]).await;
    assert_eq!(socket.message().await.seq, 1);
    let relay = sotto_server::serve::Relay {
        address: ground.address,
        app: ground.app.clone(),
    };
    let draining = tokio::spawn(relay.drain());
    assert_eq!(socket.bye().await, ErrorCode::Draining);
    drop(socket);
    tokio::time::timeout(Duration::from_secs(10), draining)
        .await
        .expect("in ten seconds")
        .unwrap();
    assert!(tokio::net::TcpStream::connect(ground.address).await.is_err());
}

#[tokio::test]
async fn an_expired_session_ends_its_socket_with_the_next_frame() {
    let ground = Ground::new().await;
    let ada = ground.person("ada").await;
    let mut socket = ground.socket(&ada).await;
    assert!(socket.everything_heard().await.is_empty());
    ground.clock.advance(Duration::from_secs(60 * 24 * 60 * 60));
    socket.send(&ToRelay::Ping).await;
    assert_eq!(socket.bye().await, ErrorCode::NotSignedIn);
    assert_eq!(
        ground.refused(Some(&ada.token), &SessionList {}).await,
        ErrorCode::NotSignedIn
    );
}

#[tokio::test]
async fn words_in_passing_reach_those_who_are_there_and_are_not_kept() {
    let ground = Ground::with(|config| config.limits.ephemeral_per_minute = 16).await;
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
    let word = room.word();
    a.say(std::slice::from_ref(&word)).await;
    let Some(FromRelay::Ephemeral {
        room_id,
        header,
        envelope,
        ..
    }) = b.next().await
    else {
        panic!("not passed on")
    };
    assert_eq!(
        (room_id, header, envelope),
        (room.id, word.header.clone(), word.envelope.clone())
    );
    assert_eq!(a.everything_heard().await, [], "not to the socket it came from");

    // Nobody from outside is passed on, or told why not.
    c.say(std::slice::from_ref(&word)).await;
    assert_eq!(c.everything_heard().await, []);
    assert_eq!(b.everything_heard().await, []);
    let page = ground.page(&ada, &room, PageFrom::End, 10).await.unwrap();
    assert_eq!((page.head.seq, page.messages.len()), (0, 0));

    // No more than the rate allows, and a flood ends nothing.
    for _ in 0..20 {
        a.say(std::slice::from_ref(&word)).await;
    }
    assert_eq!(a.everything_heard().await, []);
    assert!(b.everything_heard().await.len() < 8);

    let leave = room.remove(&ada, &bob);
    let epoch = room.epoch(&ada);
    ground
        .append(&ada, &room, vec![leave, epoch], room.wraps())
        .await
        .unwrap();
    b.everything_heard().await;
    a.everything_heard().await;
    ground.clock.advance(Duration::from_secs(60));
    b.say(std::slice::from_ref(&word)).await;
    b.everything_heard().await;
    assert_eq!(a.everything_heard().await, [], "from somebody who was removed");

    // One size: any other is no such word.
    let mut long = word;
    long.envelope.0.push(0);
    a.say(&[long]).await;
    assert_eq!(a.bye().await, ErrorCode::Malformed);
}

/// A word under a key that the log does not have says that entries are kept back; nobody is to say so through an honest relay.
#[tokio::test]
async fn a_word_in_passing_under_no_key_of_the_room_is_let_go() {
    let ground = Ground::with(|config| config.limits.ephemeral_per_minute = 1_000).await;
    let (ada, bob) = (ground.person("ada").await, ground.person("bob").await);
    let mut room = ground.group(&[&ada, &bob]).await;
    let (mut a, mut b) = (ground.socket(&ada).await, ground.socket(&bob).await);
    type Change = fn(&mut Header);
    let changed = |room: &Room, change: Change| {
        let mut word = room.word();
        let mut header = Header::from_bytes(&word.header.0).unwrap();
        change(&mut header);
        word.header = B64(header.to_bytes());
        word
    };
    let passes = async |a: &mut Socket, b: &mut Socket, word: Outgoing| {
        a.say(&[word]).await;
        assert_eq!(a.everything_heard().await, []);
        b.everything_heard().await.len() == 1
    };
    let cases: [(&str, Change); 5] = [
        ("a key to come", |header| header.n += 1),
        ("a key far off", |header| header.n = u32::MAX),
        ("no key", |header| header.n = 0),
        ("another suite", |header| header.suite = 2),
        ("another channel", |header| {
            header.channel = ChannelId::from_bytes([1; 16])
        }),
    ];
    for (case, change) in cases {
        assert!(!passes(&mut a, &mut b, changed(&room, change)).await, "{case}");
    }
    assert!(passes(&mut a, &mut b, room.word()).await);
    let older = room.word();
    for _ in 0..2 {
        let epoch = room.epoch(&ada);
        ground.append(&ada, &room, vec![epoch], room.wraps()).await.unwrap();
        a.everything_heard().await;
        b.everything_heard().await;
        assert!(passes(&mut a, &mut b, room.word()).await);
        assert!(
            passes(&mut a, &mut b, changed(&room, |header| header.n -= 1)).await,
            "the one before"
        );
    }
    assert!(!passes(&mut a, &mut b, older).await, "two before");
}
