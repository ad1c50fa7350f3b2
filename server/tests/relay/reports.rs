//! Reports: taken of members for those who may act, given to those alone, and let go of.

use std::time::Duration;

use sea_orm::{ActiveValue::Set, EntityTrait, PaginatorTrait};
use sotto_server::db::entities::{report_keys, reports};
use sotto_shared::api::B64;
use sotto_shared::api::body::*;
use sotto_shared::api::error::ErrorCode;
use sotto_shared::api::frame::FromRelay;
use sotto_shared::api::limits::{MAX_OPEN_REPORTS, MAX_REPORTS_PAGE, MAX_ROOM_REPORTS, REPORT_DAYS};
use sotto_shared::codec::List;
use sotto_shared::id::{ReportId, UserId};
use sotto_shared::log::room_log::*;
use sotto_shared::log::user_log::UserBody;

use crate::support::*;

/// Random bytes of a size that sealed things have.
fn sealed() -> B64 {
    let mut bytes = vec![0; sotto_shared::envelope::header::EPHEMERAL_BYTES];
    getrandom::fill(&mut bytes).unwrap();
    B64(bytes)
}

fn key_for(user_id: UserId) -> ReportWrap {
    let wrap = wrap(user_id, 1, 1);
    ReportWrap {
        user_id,
        g: 1,
        enc: wrap.enc,
        ct: wrap.ct,
    }
}

pub fn report(room: &Room, readers: &[&Person]) -> ReportSend {
    ReportSend {
        room_id: room.id,
        report_id: ReportId::from_bytes(random()),
        sealed: sealed(),
        wraps: readers.iter().map(|reader| key_for(reader.user_id)).collect(),
    }
}

async fn list(ground: &Ground, person: &Person, room: &Room) -> Result<Vec<ReportId>, ErrorCode> {
    let reply = ground.ask(Some(&person.token), &ReportsGet { room_id: room.id }).await;
    reply
        .map(|reply| reply.reports.iter().map(|report| report.report_id).collect())
        .map_err(|body| body.code)
}

async fn settle(ground: &Ground, person: &Person, room: &Room, report_id: ReportId) -> Result<(), ErrorCode> {
    let ask = ReportSettle {
        room_id: room.id,
        report_id,
    };
    ground
        .ask(Some(&person.token), &ask)
        .await
        .map(|_| ())
        .map_err(|body| body.code)
}

async fn does(ground: &Ground, room: &mut Room, actor: &Person, body: RoomBody) {
    let entry = room.entry(actor, body);
    ground.append(actor, room, vec![entry], Vec::new()).await.unwrap();
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
    let body = RoomBody::SetRole {
        user_id: people[1].user_id,
        role: Role::Moderator,
    };
    does(ground, &mut room, &people[0], body).await;
    (room, people)
}

#[tokio::test]
async fn a_report_is_kept_for_whom_it_was_made_until_one_of_them_is_done_with_it() {
    let ground = Ground::new().await;
    let (room, [ada, bob, cyd, dan]) = four(&ground).await;
    let mut socket = ground.socket(&bob).await;
    let ask = report(&room, &[&ada, &bob]);
    ground.ask(Some(&cyd.token), &ask).await.unwrap();
    let heard = socket.everything_heard().await;
    assert!(heard.contains(&FromRelay::Reports { room_id: room.id }), "{heard:?}");
    let reply = ground
        .ask(Some(&bob.token), &ReportsGet { room_id: room.id })
        .await
        .unwrap();
    assert_eq!(reply.open, 1);
    let own = &ask.wraps[1];
    let expected = SealedReport {
        report_id: ask.report_id,
        sealed: ask.sealed.clone(),
        g: 1,
        enc: own.enc.clone(),
        ct: own.ct.clone(),
    };
    assert_eq!(reply.reports, [expected]);
    // Members who may not act, whoever made it among them, and strangers.
    let eli = ground.person("eli").await;
    for (person, code) in [
        (&cyd, ErrorCode::Forbidden),
        (&dan, ErrorCode::Forbidden),
        (&eli, ErrorCode::NotFound),
    ] {
        assert_eq!(list(&ground, person, &room).await, Err(code));
        assert_eq!(settle(&ground, person, &room, ask.report_id).await, Err(code));
    }
    // What the relay says it holds about somebody does not tell them of reports either.
    for (person, rows) in [(&ada, 1), (&bob, 1), (&cyd, 0), (&dan, 0)] {
        let held = ground.ask(Some(&person.token), &HeldGet {}).await.unwrap();
        for name in ["reports", "report_keys"] {
            let table = held.tables.iter().find(|table| table.table == name).unwrap();
            assert_eq!(table.sums.iter().map(|sum| sum.rows).sum::<u64>(), rows, "{name}");
        }
    }
    // Its answer was lost.
    ground.ask(Some(&cyd.token), &ask).await.unwrap();
    let other = ReportSend {
        sealed: sealed(),
        ..ask.clone()
    };
    assert_eq!(ground.refused(Some(&dan.token), &other).await, ErrorCode::Duplicate);
    assert_eq!(list(&ground, &ada, &room).await.unwrap(), [ask.report_id]);

    settle(&ground, &bob, &room, ask.report_id).await.unwrap();
    settle(&ground, &ada, &room, ask.report_id).await.unwrap();
    assert_eq!(list(&ground, &ada, &room).await, Ok(vec![]));
    let heard = socket.everything_heard().await;
    assert!(heard.contains(&FromRelay::Reports { room_id: room.id }), "{heard:?}");
}

#[tokio::test]
async fn reports_are_for_others_who_may_act_and_nobody_else() {
    let ground = Ground::new().await;
    let (mut room, [ada, bob, cyd, dan]) = four(&ground).await;
    let eli = ground.person("eli").await;
    for (readers, code) in [
        (vec![], ErrorCode::Malformed),
        (vec![&dan], ErrorCode::InvalidEntry),
        (vec![&ada, &dan], ErrorCode::InvalidEntry),
        (vec![&cyd], ErrorCode::InvalidEntry),
        (vec![&eli], ErrorCode::InvalidEntry),
        (vec![&ada, &ada], ErrorCode::Malformed),
    ] {
        assert_eq!(ground.refused(Some(&cyd.token), &report(&room, &readers)).await, code);
    }
    let mut bad = report(&room, &[&ada]);
    bad.sealed.0.pop();
    assert_eq!(ground.refused(Some(&cyd.token), &bad).await, ErrorCode::Malformed);
    let mut bad = report(&room, &[&ada]);
    bad.wraps[0].g = 2;
    assert_eq!(ground.refused(Some(&cyd.token), &bad).await, ErrorCode::InvalidEntry);
    let mut bad = report(&room, &[&ada]);
    bad.wraps[0].ct.0.pop();
    assert_eq!(ground.refused(Some(&cyd.token), &bad).await, ErrorCode::Malformed);
    assert_eq!(
        ground.refused(Some(&eli.token), &report(&room, &[&ada])).await,
        ErrorCode::NotFound
    );
    // Of one that was not made for them, those who may act learn nothing and end nothing.
    let ask = report(&room, &[&ada]);
    ground.ask(Some(&cyd.token), &ask).await.unwrap();
    assert_eq!(list(&ground, &bob, &room).await, Ok(vec![]));
    settle(&ground, &bob, &room, ask.report_id).await.unwrap();
    assert_eq!(list(&ground, &ada, &room).await, Ok(vec![ask.report_id]));
    // The right goes with the role, and with being there.
    let ask = report(&room, &[&bob]);
    ground.ask(Some(&cyd.token), &ask).await.unwrap();
    let body = RoomBody::SetRole {
        user_id: bob.user_id,
        role: Role::Member,
    };
    does(&ground, &mut room, &ada, body).await;
    assert_eq!(list(&ground, &bob, &room).await, Err(ErrorCode::Forbidden));
    assert_eq!(
        settle(&ground, &bob, &room, ask.report_id).await,
        Err(ErrorCode::Forbidden)
    );
    let body = RoomBody::Remove {
        user_id: cyd.user_id,
        ban: false,
        cut: List::default(),
    };
    does(&ground, &mut room, &ada, body).await;
    assert_eq!(
        ground.refused(Some(&cyd.token), &report(&room, &[&ada])).await,
        ErrorCode::Forbidden
    );
}

#[tokio::test]
async fn a_direct_message_has_nobody_to_report_to() {
    let ground = Ground::new().await;
    let (ada, bob) = (ground.person("ada").await, ground.person("bob").await);
    let (room, create) = Room::new(&ada, RoomKind::Direct, &[&bob]);
    ground.ask(Some(&ada.token), &create).await.unwrap();
    assert_eq!(
        ground.refused(Some(&ada.token), &report(&room, &[&bob])).await,
        ErrorCode::InvalidEntry
    );
    assert_eq!(list(&ground, &ada, &room).await, Err(ErrorCode::Forbidden));
}

/// Or one account could keep everybody else from reporting, and nobody would know who.
#[tokio::test]
async fn nobody_fills_alone_what_waits_in_a_room_not_with_many_browsers_either() {
    let ground = Ground::new().await;
    let (mut room, [ada, _, mut cyd, dan]) = four(&ground).await;
    let second = key();
    let device = cyd.add_device(&second);
    ground.ask(Some(&cyd.token), &log_append(vec![device])).await.unwrap();
    let other_token = ground.session(&cyd, &second).await.unwrap();
    // The room knows that browser as well.
    room.knows(&cyd);
    let update = RoomBody::UserUpdate {
        member: cyd.here(),
        cut: List::default(),
    };
    does(&ground, &mut room, &cyd, update).await;
    for count in 0..20 {
        let token = if count % 2 == 0 { &cyd.token } else { &other_token };
        ground.ask(Some(token), &report(&room, &[&ada])).await.unwrap();
    }
    for token in [&cyd.token, &other_token] {
        assert_eq!(
            ground.refused(Some(token), &report(&room, &[&ada])).await,
            ErrorCode::TooFast
        );
    }
    ground.ask(Some(&dan.token), &report(&room, &[&ada])).await.unwrap();
    // Elsewhere there is still some, of one person's, and then no more.
    let elsewhere = ground.group(&[&ada, &cyd]).await;
    let mut taken = 0;
    for token in [&cyd.token, &other_token].into_iter().cycle().take(20) {
        let ask = report(&elsewhere, &[&ada]);
        taken += usize::from(ground.ask(Some(token), &ask).await.is_ok());
    }
    assert_eq!(taken, 30 - 22);
}

#[tokio::test]
async fn there_are_not_more_than_somebody_can_go_through_and_old_ones_go() {
    let ground = Ground::with(|config| {
        config.limits.reports_per_hour = 25;
        config.limits.reports_in_room_per_day = 25;
    })
    .await;
    let (mut room, [ada, _, cyd, _]) = four(&ground).await;
    let mut sent = Vec::new();
    for _ in 0..25 {
        let ask = report(&room, &[&ada]);
        sent.push(ask.report_id);
        ground.ask(Some(&cyd.token), &ask).await.unwrap();
        ground.clock.advance(Duration::from_millis(5));
    }
    let refused = ground.ask(Some(&cyd.token), &report(&room, &[&ada])).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::TooFast);
    assert!(refused.retry_secs.is_some());
    let reply = ground
        .ask(Some(&ada.token), &ReportsGet { room_id: room.id })
        .await
        .unwrap();
    assert_eq!(reply.open, 25);
    let ids: Vec<ReportId> = reply.reports.iter().map(|report| report.report_id).collect();
    assert_eq!(ids, sent[..MAX_REPORTS_PAGE as usize], "the oldest first");
    ground.clock.advance(Duration::from_secs(29 * 24 * 3600));
    let token = ground.session(&ada, &ada.dk).await.unwrap();
    let list = |token: String| {
        let ground = &ground;
        let ask = ReportsGet { room_id: room.id };
        async move { ground.ask(Some(&token), &ask).await.unwrap().open }
    };
    ground.app.tidy().await;
    assert_eq!(list(token).await, 25);
    ground
        .clock
        .advance(Duration::from_secs((REPORT_DAYS - 29) * 24 * 3600));
    ground.app.tidy().await;
    let token = ground.session(&ada, &ada.dk).await.unwrap();
    assert_eq!(list(token.clone()).await, 0);
    // A room that is closed has no use for them.
    let cyd_token = ground.session(&cyd, &cyd.dk).await.unwrap();
    ground.ask(Some(&cyd_token), &report(&room, &[&ada])).await.unwrap();
    let entry = room.entry(&ada, RoomBody::Close);
    let ask = RoomAppend {
        room_id: room.id,
        entries: vec![entry],
        wraps: Vec::new(),
    };
    ground.ask(Some(&token), &ask).await.unwrap();
    let held = ground.ask(Some(&token), &HeldGet {}).await.unwrap();
    let rows = held.tables.iter().find(|table| table.table == "reports").unwrap();
    assert!(rows.sums.is_empty());
}

/// Whoever goes through none of theirs is in nobody else's way, nor is whoever is sent all of them.
#[tokio::test]
async fn how_many_wait_is_counted_for_each_who_may_act() {
    let ground = Ground::with(|config| {
        config.limits.requests_per_minute = 100_000;
        config.limits.reports_per_hour = 100_000;
        config.limits.reports_in_room_per_day = 100_000;
    })
    .await;
    let (room, [ada, bob, cyd, _]) = four(&ground).await;
    let open = async |person: &Person| {
        let reply = ground.ask(Some(&person.token), &ReportsGet { room_id: room.id }).await;
        u64::from(reply.unwrap().open)
    };
    let mut sent = Vec::new();
    for _ in 0..MAX_OPEN_REPORTS {
        let ask = report(&room, &[&bob]);
        sent.push(ask.report_id);
        ground.ask(Some(&cyd.token), &ask).await.unwrap();
    }
    let late = report(&room, &[&bob]);
    assert_eq!(ground.refused(Some(&cyd.token), &late).await, ErrorCode::TooLarge);
    // The others have it all the same; again it is the same.
    let mut socket = ground.socket(&bob).await;
    let both = report(&room, &[&ada, &bob]);
    ground.ask(Some(&cyd.token), &both).await.unwrap();
    ground.ask(Some(&cyd.token), &both).await.unwrap();
    assert_eq!(list(&ground, &ada, &room).await, Ok(vec![both.report_id]));
    assert_eq!(open(&bob).await, MAX_OPEN_REPORTS);
    assert_eq!(socket.everything_heard().await, []);
    settle(&ground, &bob, &room, both.report_id).await.unwrap();
    assert_eq!(open(&ada).await, 1, "it is not for him to settle");
    // There is a place again.
    settle(&ground, &bob, &room, sent[0]).await.unwrap();
    ground.ask(Some(&cyd.token), &late).await.unwrap();
    assert_eq!(open(&bob).await, MAX_OPEN_REPORTS);
    // And so many that it is enough for a whole room, whomever they are for.
    let there = reports::Entity::find().count(ground.app.db.read()).await.unwrap();
    assert_eq!(there, MAX_OPEN_REPORTS + 1);
    let row = || reports::ActiveModel {
        room_id: Set(room.id.as_bytes().to_vec()),
        report_id: Set(random::<16>().to_vec()),
        expires_ms: Set(i64::MAX),
        sealed: Set(Vec::new()),
    };
    let rows: Vec<_> = (there + 1..MAX_ROOM_REPORTS).map(|_| row()).collect();
    let insert = reports::Entity::insert_many(rows);
    insert.exec_without_returning(ground.app.db.write()).await.unwrap();
    ground.ask(Some(&cyd.token), &report(&room, &[&ada])).await.unwrap();
    let more = report(&room, &[&ada]);
    assert_eq!(ground.refused(Some(&cyd.token), &more).await, ErrorCode::TooLarge);
    // Another room is another room.
    let elsewhere = ground.group(&[&ada, &cyd]).await;
    ground
        .ask(Some(&cyd.token), &report(&elsewhere, &[&ada]))
        .await
        .unwrap();
}

#[tokio::test]
async fn an_account_that_is_closed_keeps_no_report_from_the_others() {
    let ground = Ground::new().await;
    let (mut room, [ada, mut bob, cyd, _]) = four(&ground).await;
    let before = report(&room, &[&ada, &bob]);
    ground.ask(Some(&cyd.token), &before).await.unwrap();
    let entry = bob.entry(UserBody::Close);
    ground.ask(Some(&bob.token), &log_append(vec![entry])).await.unwrap();
    let mut all = vec![before.report_id];
    // Before the room hears of it, then when it has, then when he is out of it: who makes one may know none of it.
    for step in 0..3 {
        let body = match step {
            0 => None,
            1 => {
                room.knows(&bob);
                Some(RoomBody::UserUpdate {
                    member: bob.here(),
                    cut: List::default(),
                })
            }
            _ => Some(RoomBody::Remove {
                user_id: bob.user_id,
                ban: false,
                cut: List::default(),
            }),
        };
        if let Some(body) = body {
            does(&ground, &mut room, &ada, body).await;
        }
        ground.clock.advance(Duration::from_millis(5));
        let ask = report(&room, &[&bob, &ada]);
        ground.ask(Some(&cyd.token), &ask).await.unwrap();
        all.push(ask.report_id);
        assert_eq!(list(&ground, &ada, &room).await.as_ref(), Ok(&all));
        let alone = report(&room, &[&bob]);
        assert_eq!(ground.refused(Some(&cyd.token), &alone).await, ErrorCode::InvalidEntry);
    }
    let keys = report_keys::Entity::find().all(ground.app.db.read()).await.unwrap();
    assert!(keys.iter().all(|key| key.user_id == ada.user_id.as_bytes()));
}
