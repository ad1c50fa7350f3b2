use sotto_shared::api::B64;
use sotto_shared::api::body::*;
use sotto_shared::api::error::ErrorCode;
use sotto_shared::api::frame::{FromRelay, ToRelay};
use sotto_shared::codec::{Codec, List};
use sotto_shared::crypto::sign::SignedBlob;
use sotto_shared::id::*;
use sotto_shared::log::room_log::*;

use crate::support::*;

#[tokio::test]
async fn a_new_room_is_announced_to_its_people_with_log_and_wraps() {
    let ground = Ground::new().await;
    let (ada, bob) = (ground.person("ada").await, ground.person("bob").await);
    let mut at_bob = ground.socket(&bob).await;
    let room = ground.group(&[&ada, &bob]).await;
    match at_bob.everything_heard().await.as_slice() {
        [
            FromRelay::Log {
                room_id,
                from_seq: 0,
                entries,
            },
            FromRelay::Wraps { room_id: wrapped },
        ] => {
            assert_eq!((*room_id, *wrapped, entries.len()), (room.id, room.id, 3));
        }
        other => panic!("{other:?}"),
    }
    let wraps = ground
        .ask(
            Some(&bob.token),
            &WrapsGet {
                room_id: room.id,
                from_n: 0,
            },
        )
        .await
        .unwrap()
        .wraps;
    assert_eq!((wraps.len(), wraps[0].user_id, wraps[0].n), (1, bob.user_id, 1));
    let log = ground
        .ask(
            Some(&bob.token),
            &RoomLogGet {
                room_id: room.id,
                from_seq: 1,
            },
        )
        .await
        .unwrap();
    assert_eq!((log.seq, log.entries.len()), (2, 2));
    let socket = ground.socket(&bob).await;
    assert_eq!(
        (socket.rooms.len(), socket.rooms[0].seq, socket.rooms[0].channels[0].seq),
        (1, 2, 0)
    );
}

#[tokio::test]
async fn creating_the_same_room_twice_changes_nothing() {
    let ground = Ground::new().await;
    let (ada, bob) = (ground.person("ada").await, ground.person("bob").await);
    let (mut room, mut create) = Room::new(&ada, RoomKind::Direct, &[&bob]);
    create.entries.push(room.epoch(&ada));
    create.wraps = room.wraps();
    let (one, two) = tokio::join!(
        ground.ask(Some(&ada.token), &create),
        ground.ask(Some(&ada.token), &create)
    );
    assert_eq!(one.unwrap(), two.unwrap());
    create.entries.clear();
    assert_eq!(ground.ask(Some(&ada.token), &create).await.unwrap().seq, 1);
    assert_eq!(
        ground.refused(Some(&bob.token), &create).await,
        ErrorCode::Forbidden,
        "only by the creator"
    );
}

#[tokio::test]
async fn of_two_who_append_to_the_same_head_exactly_one_wins() {
    let ground = Ground::new().await;
    let (ada, bob) = (ground.person("ada").await, ground.person("bob").await);
    let (cyd, dan) = (ground.person("cyd").await, ground.person("dan").await);
    let mut room = ground.group(&[&ada, &bob]).await;
    let add = |person: &Person| RoomBody::AddMember {
        member: person.here(),
        role: Role::Member,
    };
    room.knows(&cyd);
    room.knows(&dan);
    let (one, two) = (room.entry_only(&ada, add(&cyd)), room.entry_only(&bob, add(&dan)));
    let (a, b) = tokio::join!(
        ground.append(&ada, &room, vec![one.clone()], vec![]),
        ground.append(&bob, &room, vec![two.clone()], vec![])
    );
    assert!(a.is_ok() != b.is_ok());
    let lost = if a.is_ok() { b } else { a };
    assert_eq!(lost.unwrap_err().code, ErrorCode::StaleHead);
    assert_eq!(
        ground
            .ask(
                Some(&ada.token),
                &RoomLogGet {
                    room_id: room.id,
                    from_seq: 3
                }
            )
            .await
            .unwrap()
            .entries
            .len(),
        1
    );
}

#[tokio::test]
async fn an_append_whose_answer_was_lost_may_come_again() {
    let ground = Ground::new().await;
    let (ada, bob) = (ground.person("ada").await, ground.person("bob").await);
    let mut room = ground.group(&[&ada, &bob]).await;
    let entry = room.epoch(&ada);
    let first = ground
        .append(&ada, &room, vec![entry.clone()], room.wraps())
        .await
        .unwrap();
    assert_eq!(
        ground.append(&ada, &room, vec![entry], room.wraps()).await.unwrap(),
        first
    );
    let leaving = room.entry(&bob, RoomBody::Leave);
    ground.append(&bob, &room, vec![leaving.clone()], vec![]).await.unwrap();
    ground.append(&bob, &room, vec![leaving], vec![]).await.unwrap();
}

#[tokio::test]
async fn entries_that_break_the_rules_or_are_forged_are_refused() {
    let ground = Ground::new().await;
    let (ada, bob, eve) = (
        ground.person("ada").await,
        ground.person("bob").await,
        ground.person("eve").await,
    );
    let mut room = ground.group(&[&ada, &bob]).await;
    room.knows(&eve);
    let refused = async |person: &Person, entry: B64| {
        ground
            .append(person, &room, vec![entry], vec![])
            .await
            .unwrap_err()
            .code
    };
    let removal = |person: &Person| RoomBody::Remove {
        user_id: person.user_id,
        ban: false,
        cut: List::default(),
    };
    assert_eq!(
        refused(&bob, room.entry_only(&bob, removal(&ada))).await,
        ErrorCode::InvalidEntry,
        "under-ranked"
    );
    assert_eq!(
        refused(&bob, room.entry_only(&ada, removal(&bob))).await,
        ErrorCode::Forbidden,
        "another's entry"
    );
    assert_eq!(
        refused(&eve, room.entry_only(&eve, removal(&bob))).await,
        ErrorCode::NotFound,
        "a stranger's"
    );
    let mut forged = SignedBlob::from_bytes(&room.entry_only(&ada, removal(&bob)).0).unwrap();
    forged.sig[40] ^= 1;
    assert_eq!(
        refused(&ada, B64(forged.to_bytes())).await,
        ErrorCode::InvalidEntry,
        "a bent signature"
    );
    let mut other = room.clone();
    other.state.head = Head::from_bytes([0; 32]);
    assert_eq!(
        refused(&ada, other.entry_only(&ada, removal(&bob))).await,
        ErrorCode::StaleHead,
        "another head"
    );
    assert_eq!(refused(&ada, B64(vec![0; 10])).await, ErrorCode::Malformed);
    assert_eq!(
        ground.append(&ada, &room, vec![], vec![]).await.unwrap_err().code,
        ErrorCode::Malformed
    );
    let mut ahead = eve.here();
    ahead.ulog_seq += 5;
    let unknown = RoomBody::AddMember {
        member: ahead,
        role: Role::Member,
    };
    assert_eq!(
        refused(&ada, room.entry_only(&ada, unknown)).await,
        ErrorCode::InvalidEntry,
        "a user log that is not there"
    );
    let head = ground
        .ask(
            Some(&ada.token),
            &RoomLogGet {
                room_id: room.id,
                from_seq: 0,
            },
        )
        .await
        .unwrap();
    assert_eq!(head.seq, 2, "nothing of it is in the log");
}

#[tokio::test]
async fn a_removed_member_loses_reading_writing_and_hearing_at_once() {
    let ground = Ground::new().await;
    let (ada, bob) = (ground.person("ada").await, ground.person("bob").await);
    let mut room = ground.group(&[&ada, &bob]).await;
    let (mut at_ada, mut at_bob) = (ground.socket(&ada).await, ground.socket(&bob).await);
    let before = room.message(512);
    at_ada.say(std::slice::from_ref(&before)).await;
    assert_eq!(at_bob.message().await.header, before.header);
    at_ada.message().await;

    let removal = room.remove(&ada, &bob);
    let epoch = room.epoch(&ada);
    ground
        .append(&ada, &room, vec![removal.clone(), epoch.clone()], room.wraps())
        .await
        .unwrap();
    assert_eq!(
        at_bob.everything_heard().await,
        [FromRelay::Log {
            room_id: room.id,
            from_seq: 3,
            entries: vec![removal.clone()]
        }]
    );
    let own = at_ada.everything_heard().await;
    assert_eq!(
        own[0],
        FromRelay::Log {
            room_id: room.id,
            from_seq: 3,
            entries: vec![removal, epoch]
        }
    );

    at_bob.say(&[room.message(512)]).await;
    assert_eq!(at_bob.refusal().await.1, ErrorCode::Forbidden);
    at_bob.say(std::slice::from_ref(&before)).await;
    assert_eq!(
        at_bob.refusal().await.1,
        ErrorCode::Forbidden,
        "not even to hear again what they heard"
    );
    at_ada.say(&[room.message(512)]).await;
    at_ada.message().await;
    assert!(at_bob.everything_heard().await.is_empty());

    assert_eq!(
        ground.page(&bob, &room, PageFrom::End, 10).await.unwrap_err().code,
        ErrorCode::Forbidden
    );
    let token = Some(bob.token.as_str());
    assert_eq!(
        ground
            .refused(
                token,
                &WrapsGet {
                    room_id: room.id,
                    from_n: 0
                }
            )
            .await,
        ErrorCode::Forbidden
    );
    assert_eq!(
        ground
            .refused(
                token,
                &WrapsPut {
                    room_id: room.id,
                    wraps: room.wraps()
                }
            )
            .await,
        ErrorCode::Forbidden
    );
    let entry = room.entry_only(&bob, RoomBody::Leave);
    assert_eq!(
        ground.append(&bob, &room, vec![entry], vec![]).await.unwrap_err().code,
        ErrorCode::Forbidden
    );
    let log = ground
        .ask(
            token,
            &RoomLogGet {
                room_id: room.id,
                from_seq: 0,
            },
        )
        .await
        .unwrap();
    assert_eq!(
        (log.seq, log.entries.len()),
        (3, 4),
        "up to the entry that took them out"
    );
    assert!(ground.socket(&bob).await.rooms.is_empty());
}

/// An append that comes again is answered again, and says nothing of what has happened since.
#[tokio::test]
async fn who_has_gone_hears_nothing_new_by_repeating_their_own_entries() {
    let ground = Ground::new().await;
    let (ada, bob) = (ground.person("ada").await, ground.person("bob").await);
    let mut room = ground.group(&[&ada, &bob]).await;
    let said = room.epoch(&bob);
    let wraps = room.wraps();
    let stood = ground
        .append(&bob, &room, vec![said.clone()], wraps.clone())
        .await
        .unwrap();
    assert_eq!((stood.seq, stood.channels.len()), (room.state.seq, 1));
    let ban = RoomBody::Remove {
        user_id: bob.user_id,
        ban: true,
        cut: List::default(),
    };
    let entries = vec![room.entry(&ada, ban), room.epoch(&ada)];
    ground.append(&ada, &room, entries, room.wraps()).await.unwrap();
    let mut at_ada = ground.socket(&ada).await;
    at_ada.say(&[room.message(512)]).await;
    at_ada.message().await;
    let again = ground.append(&bob, &room, vec![said], wraps).await.unwrap();
    let theirs = RoomHead {
        channels: Vec::new(),
        ..stood
    };
    assert_eq!(again, theirs);
}

#[tokio::test]
async fn somebody_let_in_again_hears_everything_again() {
    let ground = Ground::new().await;
    let (ada, bob) = (ground.person("ada").await, ground.person("bob").await);
    let mut room = ground.group(&[&ada, &bob]).await;
    let removal = room.remove(&ada, &bob);
    ground.append(&ada, &room, vec![removal], vec![]).await.unwrap();
    let mut at_bob = ground.socket(&bob).await;
    let entries = vec![room.add(&ada, &bob), room.epoch(&ada)];
    ground.append(&ada, &room, entries, room.wraps()).await.unwrap();
    match at_bob.everything_heard().await.as_slice() {
        [
            FromRelay::Log {
                from_seq: 0, entries, ..
            },
            FromRelay::Wraps { .. },
        ] => assert_eq!(entries.len(), 6),
        other => panic!("{other:?}"),
    }
    at_bob.say(&[room.message(512)]).await;
    assert_eq!(at_bob.message().await.seq, 1);
}

#[tokio::test]
async fn a_room_is_nothing_to_a_stranger() {
    let ground = Ground::new().await;
    let (ada, eve) = (ground.person("ada").await, ground.person("eve").await);
    let room = ground.group(&[&ada]).await;
    let token = Some(eve.token.as_str());
    assert_eq!(
        ground
            .refused(
                token,
                &RoomLogGet {
                    room_id: room.id,
                    from_seq: 0
                }
            )
            .await,
        ErrorCode::NotFound
    );
    assert_eq!(
        ground
            .refused(
                token,
                &WrapsGet {
                    room_id: room.id,
                    from_n: 0
                }
            )
            .await,
        ErrorCode::NotFound
    );
    assert_eq!(
        ground
            .refused(
                token,
                &WrapsPut {
                    room_id: room.id,
                    wraps: room.wraps()
                }
            )
            .await,
        ErrorCode::NotFound
    );
    assert_eq!(
        ground.page(&eve, &room, PageFrom::End, 10).await.unwrap_err().code,
        ErrorCode::NotFound
    );
    let mut at_eve = ground.socket(&eve).await;
    at_eve.say(&[room.message(512)]).await;
    assert_eq!(at_eve.refusal().await.1, ErrorCode::NotFound);
}

#[tokio::test]
async fn wraps_fit_the_rooms_view_and_stay_as_they_were() {
    let ground = Ground::new().await;
    let (ada, bob, eve) = (
        ground.person("ada").await,
        ground.person("bob").await,
        ground.person("eve").await,
    );
    let room = ground.group(&[&ada, &bob]).await;
    let put = async |wraps: Vec<Wrap>| {
        ground
            .ask(
                Some(&ada.token),
                &WrapsPut {
                    room_id: room.id,
                    wraps,
                },
            )
            .await
            .map_err(|error| error.code)
    };
    assert_eq!(
        put(vec![wrap(eve.user_id, 1, 1)]).await,
        Err(ErrorCode::InvalidEntry),
        "not a member"
    );
    assert_eq!(
        put(vec![wrap(bob.user_id, 2, 1)]).await,
        Err(ErrorCode::InvalidEntry),
        "no such epoch"
    );
    assert_eq!(put(vec![wrap(bob.user_id, 0, 1)]).await, Err(ErrorCode::InvalidEntry));
    assert_eq!(
        put(vec![wrap(bob.user_id, 1, 2)]).await,
        Err(ErrorCode::InvalidEntry),
        "not their key"
    );
    assert_eq!(
        put(vec![Wrap {
            ct: B64(vec![0; 47]),
            ..wrap(bob.user_id, 1, 1)
        }])
        .await,
        Err(ErrorCode::Malformed)
    );
    assert_eq!(
        put(vec![Wrap {
            enc: B64(vec![2; 65]),
            ..wrap(bob.user_id, 1, 1)
        }])
        .await,
        Err(ErrorCode::Malformed)
    );
    assert_eq!(put(vec![]).await, Err(ErrorCode::Malformed));
    let own = async || {
        ground
            .ask(
                Some(&bob.token),
                &WrapsGet {
                    room_id: room.id,
                    from_n: 0,
                },
            )
            .await
            .unwrap()
            .wraps
    };
    let before = own().await;
    assert_eq!(put(vec![wrap(bob.user_id, 1, 1)]).await, Ok(Empty {}));
    assert_eq!(own().await, before, "an existing wrap stays");
}

#[tokio::test]
async fn wraps_come_newest_epoch_first_and_from_the_epoch_asked_for() {
    let ground = Ground::new().await;
    let ada = ground.person("ada").await;
    let mut room = ground.group(&[&ada]).await;
    for _ in 0..3 {
        let epoch = room.epoch(&ada);
        ground.append(&ada, &room, vec![epoch], room.wraps()).await.unwrap();
    }
    let numbers = async |from_n| {
        let wraps = ground
            .ask(
                Some(&ada.token),
                &WrapsGet {
                    room_id: room.id,
                    from_n,
                },
            )
            .await
            .unwrap()
            .wraps;
        wraps.iter().map(|wrap| wrap.n).collect::<Vec<_>>()
    };
    assert_eq!(numbers(0).await, [4, 3, 2, 1]);
    assert_eq!(numbers(3).await, [4, 3]);
}

#[tokio::test]
async fn a_bad_wrap_takes_the_whole_append_with_it() {
    let ground = Ground::new().await;
    let ada = ground.person("ada").await;
    let mut room = ground.group(&[&ada]).await;
    let before = room.clone();
    let epoch = room.epoch(&ada);
    let refused = ground
        .append(&ada, &room, vec![epoch.clone()], vec![wrap(ada.user_id, 9, 1)])
        .await;
    assert_eq!(refused.unwrap_err().code, ErrorCode::InvalidEntry);
    assert_eq!(
        ground
            .ask(
                Some(&ada.token),
                &RoomLogGet {
                    room_id: room.id,
                    from_seq: 0
                }
            )
            .await
            .unwrap()
            .seq,
        before.state.seq
    );
    ground.append(&ada, &room, vec![epoch], room.wraps()).await.unwrap();
}

#[tokio::test]
async fn a_new_browser_enters_its_rooms_by_updating_the_view_of_itself() {
    let ground = Ground::new().await;
    let (mut ada, bob) = (ground.person("ada").await, ground.person("bob").await);
    let mut room = ground.group(&[&ada, &bob]).await;
    let second = key();
    let entry = ada.add_device(&second);
    ground.ask(Some(&ada.token), &log_append(vec![entry])).await.unwrap();
    ada.token = ground.session(&ada, &second).await.unwrap();
    ada.dk = second;
    let mut socket = ground.socket(&ada).await;
    socket.say(&[room.message(512)]).await;
    assert_eq!(
        socket.refusal().await.1,
        ErrorCode::Forbidden,
        "the room does not know this browser yet"
    );
    room.knows(&ada);
    let update = room.entry(
        &ada,
        RoomBody::UserUpdate {
            member: ada.here(),
            cut: List::default(),
        },
    );
    ground.append(&ada, &room, vec![update], vec![]).await.unwrap();
    socket.everything_heard().await;
    socket.say(&[room.message(512)]).await;
    assert_eq!(socket.message().await.seq, 1);
}

#[tokio::test]
async fn a_room_key_that_leaves_a_member_out_is_not_taken() {
    let ground = Ground::new().await;
    let (ada, bob) = (ground.person("ada").await, ground.person("bob").await);
    let mut room = ground.group(&[&ada, &bob]).await;
    let epoch = room.epoch(&bob);
    let all = room.wraps();
    let mine: Vec<Wrap> = all.iter().filter(|wrap| wrap.user_id == bob.user_id).cloned().collect();
    let old: Vec<Wrap> = (all.iter().cloned())
        .map(|wrap| Wrap { n: wrap.n - 1, ..wrap })
        .collect();
    for wraps in [vec![], mine, old] {
        let refused = ground.append(&bob, &room, vec![epoch.clone()], wraps).await;
        assert_eq!(refused.unwrap_err().code, ErrorCode::InvalidEntry);
    }
    ground.append(&bob, &room, vec![epoch], all).await.unwrap();
    let (mut alone, mut create) = Room::new(&ada, RoomKind::Group, &[]);
    create.entries.push(alone.epoch(&ada));
    assert_eq!(ground.refused(Some(&ada.token), &create).await, ErrorCode::InvalidEntry);
}

#[tokio::test]
async fn a_long_log_is_read_in_pages() {
    let ground = Ground::with(|config| config.limits.entries_per_hour = 100_000).await;
    let ada = ground.person("ada").await;
    let mut room = ground.group(&[&ada]).await;
    for _ in 0..2 {
        let entries = (0..300).map(|_| room.epoch(&ada)).collect();
        ground.append(&ada, &room, entries, room.wraps()).await.unwrap();
    }
    let read = async |from_seq| {
        ground
            .ask(
                Some(&ada.token),
                &RoomLogGet {
                    room_id: room.id,
                    from_seq,
                },
            )
            .await
            .unwrap()
    };
    let first = read(0).await;
    assert_eq!((first.entries.len(), first.seq), (500, 601));
    assert_eq!(read(500).await.entries.len(), 102);
    assert!(read(u64::MAX >> 1).await.entries.is_empty());
}

#[tokio::test]
async fn a_wrap_that_does_not_open_gives_way_to_another_and_asking_for_one_reaches_the_others() {
    let ground = Ground::new().await;
    let (ada, bob, cyd) = (
        ground.person("ada").await,
        ground.person("bob").await,
        ground.person("cyd").await,
    );
    let room = ground.group(&[&ada, &bob]).await;
    let n = room.state.epoch_number();
    let own = |person: &Person| {
        let token = person.token.clone();
        let ask = WrapsGet {
            room_id: room.id,
            from_n: n,
        };
        let ground = &ground;
        async move { ground.ask(Some(&token), &ask).await.unwrap().wraps }
    };
    let first = own(&bob).await;
    assert_eq!(first.len(), 1);
    let drop = WrapsDrop {
        room_id: room.id,
        channel: ChannelId::MAIN,
        n,
    };
    assert_eq!(ground.refused(Some(&cyd.token), &drop).await, ErrorCode::NotFound);
    ground.ask(Some(&bob.token), &drop).await.unwrap();
    assert_eq!(own(&bob).await, []);
    assert_eq!(own(&ada).await.len(), 1, "nobody else's");

    let (mut a, mut b) = (ground.socket(&ada).await, ground.socket(&bob).await);
    let request = B64(vec![7; 300]);
    let ask = |bytes: usize| ToRelay::KeyRequest {
        room_id: room.id,
        request: B64(vec![7; bytes]),
    };
    b.send(&ask(300)).await;
    let heard = FromRelay::KeyRequest {
        room_id: room.id,
        request,
    };
    assert_eq!(a.next().await, Some(heard));
    let mut c = ground.socket(&cyd).await;
    c.send(&ask(300)).await;
    assert_eq!(c.everything_heard().await, []);
    assert_eq!(a.everything_heard().await, [], "from somebody who is not in the room");

    let wraps = vec![wrap(bob.user_id, n, 1)];
    let put = WrapsPut {
        room_id: room.id,
        wraps: wraps.clone(),
    };
    ground.ask(Some(&ada.token), &put).await.unwrap();
    assert_eq!(own(&bob).await, wraps);
    b.send(&ask(513)).await;
    assert_eq!(b.bye().await, ErrorCode::TooLarge);
}
