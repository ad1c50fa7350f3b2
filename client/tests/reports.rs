//! Reports: who gets one, what it proves, and what a relay or a member with a changed client can do about it.
//!
//! Ada owns the tea room, Bob moderates, Cyd and Dan are members; so is Eve, an account without an engine, whose keys the
//! relay has.
#![cfg(all(feature = "testing", not(target_arch = "wasm32")))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::{Arc, LazyLock};

use futures_lite::future::block_on;
use sotto_client::engine::Request;
use sotto_client::testing::relay::StoredReport;
use sotto_client::testing::{Snapshot, World};
use sotto_client::view::{Body, Command, Exhibit, Measure, Outcome, Problem, Proven, Report, Reports};
use sotto_shared::api::B64;
use sotto_shared::api::body::{ReportSend, ReportSettle, ReportWrap, ReportsGet, UserLogAppend};
use sotto_shared::api::frame::FromRelay;
use sotto_shared::api::limits::MAX_OPEN_REPORTS;
use sotto_shared::codec::{Bytes, Codec, List, Text};
use sotto_shared::crypto::label::Label;
use sotto_shared::crypto::secret::PrivateKey;
use sotto_shared::crypto::suite::RustCrypto;
use sotto_shared::envelope::content::{Content, MessageBody, lane_start};
use sotto_shared::envelope::header::{Header, MessageKind};
use sotto_shared::id::{ChannelId, MessageId, ReportId, RoomId, UserId};
use sotto_shared::log::room_log::SUITE_1;
use sotto_shared::log::user_log::UserBody;
use sotto_shared::report::{self, ReportInfo, Reported, seal_report, wrap_report_key};
use sotto_shared::testing::FixedRng;
use sotto_shared::testing::people::Person;

type TestWorld = World<RustCrypto>;

const ADA: usize = 0;
const BOB: usize = 1;
const CYD: usize = 2;
const DAN: usize = 3;

static PAST: LazyLock<(Snapshot<Arc<PrivateKey>>, RoomId)> = LazyLock::new(|| {
    block_on(async {
        let mut world = World::new(RustCrypto, "reports");
        for handle in ["ada", "bob", "cyd", "dan"] {
            world.newcomer(handle).await;
        }
        world.relay().enlist(&Person::new("eve"));
        let room = world.group(ADA, "Tea", &["bob", "cyd", "dan", "eve"]).await;
        let user = world.browsers[BOB].me().unwrap();
        let command = Command::SetRole { room, user, role: 2 };
        assert_eq!(world.run(ADA, command).await, Ok(Outcome::Done));
        for (browser, text) in [
            (ADA, "by ada"),
            (BOB, "by bob"),
            (DAN, "by dan"),
            (DAN, "by dan as well"),
        ] {
            world.say(browser, room, text).await;
        }
        (world.into_snapshot(), room)
    })
});

async fn tea(seed: &str) -> (TestWorld, RoomId) {
    let (past, room) = &*PAST;
    let mut world = World::from_snapshot(RustCrypto, past, seed);
    world.settle().await;
    for browser in [ADA, BOB, CYD, DAN] {
        let command = Command::ShowRoom { chat: (*room).into() };
        world.run(browser, command).await.unwrap();
    }
    (world, *room)
}

fn id(world: &TestWorld, browser: usize) -> UserId {
    world.browsers[browser].me().unwrap()
}

fn message(world: &TestWorld, browser: usize, words: &str) -> MessageId {
    let rows = world.browsers[browser].rows().into_iter();
    let mut found = rows.filter_map(|row| match row {
        Body::Text { text, message, .. } if text == words => Some(message),
        _ => None,
    });
    found.next_back().unwrap_or_else(|| panic!("{words} is not on screen"))
}

async fn reports(
    world: &mut TestWorld,
    browser: usize,
    room: RoomId,
    said: &[&str],
    words: &str,
) -> Result<Outcome, Problem> {
    let messages = said.iter().map(|said| message(world, browser, said)).collect();
    let command = Command::Report {
        chat: room.into(),
        messages,
        words: words.into(),
    };
    let done = world.run(browser, command).await;
    world.settle().await;
    done
}

fn docket(world: &TestWorld, browser: usize, room: RoomId) -> Reports {
    let nothing = Reports {
        room,
        open: 0,
        items: Vec::new(),
    };
    world.browsers[browser].reports(room).unwrap_or(nothing)
}

fn open(world: &TestWorld, room: RoomId) -> [u32; 4] {
    [ADA, BOB, CYD, DAN].map(|browser| docket(world, browser, room).open)
}

/// Words and what is proven of each report that somebody sees; `None`: it does not open.
fn read(world: &TestWorld, browser: usize, room: RoomId) -> Vec<Option<(String, Vec<Option<String>>)>> {
    let items = docket(world, browser, room).items.into_iter();
    let text = |message| match message {
        Exhibit::Verified(Proven { text, .. }) => Some(text),
        Exhibit::Unverified => None,
    };
    items
        .map(|Report { said, .. }| said.map(|said| (said.words, said.messages.into_iter().map(text).collect())))
        .collect()
}

async fn settles(world: &mut TestWorld, browser: usize, room: RoomId, report: ReportId) -> Result<Outcome, Problem> {
    let done = world.run(browser, Command::SettleReport { room, report }).await;
    world.settle().await;
    done
}

/// Tells everybody for whom there may be another list.
async fn look_again(world: &mut TestWorld, room: RoomId) {
    world.relay().tell_room(&room, &FromRelay::Reports { room_id: room });
    world.settle().await;
}

fn token_of(world: &mut TestWorld, user: UserId) -> String {
    let tokens = &world.relay().tokens;
    let found = tokens
        .iter()
        .find(|(_, token)| token.user_id == user && token.dk_id.is_some());
    found.unwrap().0.clone()
}

#[test]
fn a_report_reaches_those_who_may_act_and_proves_what_was_said() {
    block_on(async {
        let (mut world, room) = tea("reached").await;
        let done = reports(&mut world, CYD, room, &["by dan", "by dan as well"], " not all right ").await;
        assert_eq!(done, Ok(Outcome::Done));
        assert_eq!(open(&world, room), [1, 1, 0, 0]);
        for browser in [ADA, BOB] {
            let items = docket(&world, browser, room).items;
            let said = items[0].said.clone().expect("it opens");
            assert_eq!((said.by, said.words.as_str()), (id(&world, CYD), "not all right"));
            let Exhibit::Verified(proven) = &said.messages[0] else {
                panic!("it is proven");
            };
            assert_eq!(proven.by, id(&world, DAN));
            assert_eq!(
                (proven.text.as_str(), proven.is_change, proven.is_gone),
                ("by dan", false, false)
            );
            assert_eq!(proven.message, message(&world, browser, "by dan"));
            assert_eq!(said.messages.len(), 2);
        }
        // It is still there after a reload, and for both until one of them is done with it.
        world.reload(BOB);
        world.settle().await;
        assert_eq!(open(&world, room), [1, 1, 0, 0]);
        let report = docket(&world, BOB, room).items[0].id;
        assert_eq!(settles(&mut world, BOB, room, report).await, Ok(Outcome::Done));
        assert_eq!(open(&world, room), [0; 4]);
        assert!(world.relay().rooms[&room].reports.is_empty());
        // Done twice it changes nothing.
        assert_eq!(settles(&mut world, ADA, room, report).await, Ok(Outcome::Done));
    });
}

#[test]
fn what_a_message_was_changed_to_comes_with_it_and_what_was_taken_away_says_so() {
    block_on(async {
        let (mut world, room) = tea("changed").await;
        let command = Command::Edit {
            chat: room.into(),
            message: message(&world, DAN, "by dan"),
            text: "by dan, worse".into(),
        };
        assert_eq!(world.run(DAN, command).await, Ok(Outcome::Done));
        world.settle().await;
        assert_eq!(
            reports(&mut world, CYD, room, &["by dan, worse"], "").await,
            Ok(Outcome::Done)
        );
        let both = vec![Some("by dan".to_owned()), Some("by dan, worse".to_owned())];
        assert_eq!(read(&world, ADA, room), [Some((String::new(), both))]);
        let measure = Measure::TakeAway {
            channel: ChannelId::MAIN,
            message: message(&world, BOB, "by dan, worse"),
            by: id(&world, DAN),
        };
        let reason = String::new();
        let command = Command::Moderate { room, measure, reason };
        assert_eq!(world.run(BOB, command).await, Ok(Outcome::Done));
        world.settle().await;
        assert_eq!(world.run(ADA, Command::ListReports { room }).await, Ok(Outcome::Done));
        let said = docket(&world, ADA, room).items[0].said.clone().unwrap();
        let gone = said.messages.iter().map(|shown| match shown {
            Exhibit::Verified(proven) => (proven.is_change, proven.is_gone),
            Exhibit::Unverified => panic!("its author signed it"),
        });
        assert_eq!(gone.collect::<Vec<_>>(), [(false, true), (true, false)]);
    });
}

#[test]
fn nobody_gets_a_report_about_themselves() {
    block_on(async {
        let (mut world, room) = tea("about").await;
        assert_eq!(
            reports(&mut world, CYD, room, &["by bob"], "bob").await,
            Ok(Outcome::Done)
        );
        assert_eq!(open(&world, room), [1, 0, 0, 0]);
        look_again(&mut world, room).await;
        assert_eq!(open(&world, room), [1, 0, 0, 0]);
        // Nor can he end it.
        let report = docket(&world, ADA, room).items[0].id;
        assert_eq!(settles(&mut world, BOB, room, report).await, Ok(Outcome::Done));
        assert_eq!(open(&world, room), [1, 0, 0, 0]);
        // There is nobody who could hear this.
        let none = reports(&mut world, CYD, room, &["by bob", "by ada"], "both").await;
        assert_eq!(none, Err(Problem::NobodyToTell));
        // Whoever may act reports to the others.
        assert_eq!(
            reports(&mut world, BOB, room, &["by dan"], "look").await,
            Ok(Outcome::Done)
        );
        assert_eq!(open(&world, room), [2, 0, 0, 0]);
        assert_eq!(
            reports(&mut world, DAN, room, &["by dan"], "me").await,
            Err(Problem::NotAllowed)
        );
    });
}

#[test]
fn a_member_is_refused_by_the_relay_and_could_not_open_it() {
    block_on(async {
        let (mut world, room) = tea("refused").await;
        assert_eq!(
            reports(&mut world, CYD, room, &["by dan"], "secret words").await,
            Ok(Outcome::Done)
        );
        assert_eq!(
            world.run(DAN, Command::ListReports { room }).await,
            Err(Problem::NotAllowed)
        );
        let dan = id(&world, DAN);
        let token = token_of(&mut world, dan);
        let report_id = docket(&world, ADA, room).items[0].id;
        let list = Request::ReportsGet(ReportsGet { room_id: room });
        let settle = Request::ReportSettle(ReportSettle {
            room_id: room,
            report_id,
        });
        for request in [list, settle] {
            let refused = world.relay().answer(Some(&token), &request).unwrap_err();
            assert_eq!(refused.problem(), Problem::NotAllowed);
        }
        // A relay that hands out another's key with it, under whatever name.
        let stored = world.relay().rooms.get_mut(&room).unwrap();
        let wraps = &mut stored.reports[0].wraps;
        let bob = wraps
            .iter()
            .position(|wrap| wrap.user_id != stored.state.creator)
            .unwrap();
        let ada = wraps
            .iter()
            .find(|wrap| wrap.user_id == stored.state.creator)
            .unwrap()
            .clone();
        wraps[bob] = ReportWrap {
            user_id: wraps[bob].user_id,
            ..ada
        };
        look_again(&mut world, room).await;
        assert_eq!(read(&world, BOB, room), [None]);
        assert_eq!(read(&world, ADA, room).len(), 1);
        assert!(read(&world, ADA, room)[0].is_some());
        let everything = format!("{:?}", world.relay().rooms[&room].reports);
        assert!(!everything.contains("secret words"));
    });
}

#[test]
fn whoever_may_not_act_any_more_sees_nothing_any_more() {
    block_on(async {
        let (mut world, room) = tea("demoted").await;
        assert_eq!(reports(&mut world, CYD, room, &["by dan"], "").await, Ok(Outcome::Done));
        let user = id(&world, BOB);
        let command = Command::SetRole { room, user, role: 1 };
        assert_eq!(world.run(ADA, command).await, Ok(Outcome::Done));
        world.settle().await;
        assert_eq!(open(&world, room), [1, 0, 0, 0]);
        assert!(docket(&world, BOB, room).items.is_empty());
        let token = token_of(&mut world, user);
        let list = Request::ReportsGet(ReportsGet { room_id: room });
        let refused = world.relay().answer(Some(&token), &list).unwrap_err();
        assert_eq!(refused.problem(), Problem::NotAllowed);
        // Who comes to act later does not read what was reported before.
        let user = id(&world, CYD);
        let command = Command::SetRole { room, user, role: 2 };
        assert_eq!(world.run(ADA, command).await, Ok(Outcome::Done));
        world.settle().await;
        assert_eq!(open(&world, room), [1, 0, 0, 0]);
    });
}

#[test]
fn a_relay_that_swaps_bends_doubles_and_brings_back_shows_nothing_forged() {
    block_on(async {
        let (mut world, room) = tea("lies").await;
        for words in ["one", "two"] {
            assert_eq!(
                reports(&mut world, CYD, room, &["by dan"], words).await,
                Ok(Outcome::Done)
            );
        }
        let honest = world.relay().rooms[&room].reports.clone();
        // Each under the id of the other.
        let both = &mut world.relay().rooms.get_mut(&room).unwrap().reports;
        let first = both[0].sealed.clone();
        both[0].sealed = both[1].sealed.clone();
        both[1].sealed = first;
        look_again(&mut world, room).await;
        assert_eq!(read(&world, ADA, room), [None, None]);
        // One byte of it.
        let both = &mut world.relay().rooms.get_mut(&room).unwrap().reports;
        *both = honest.clone();
        both[0].sealed.0[200] ^= 1;
        look_again(&mut world, room).await;
        assert_eq!(read(&world, ADA, room)[0], None);
        assert!(read(&world, ADA, room)[1].is_some());
        // Twice.
        let both = &mut world.relay().rooms.get_mut(&room).unwrap().reports;
        *both = [honest.clone(), honest.clone()].concat();
        look_again(&mut world, room).await;
        assert_eq!(read(&world, ADA, room).len(), 2);
        // In another room of the same people.
        let other = world.group(ADA, "Other", &["bob"]).await;
        world.relay().rooms.get_mut(&other).unwrap().reports = honest.clone();
        look_again(&mut world, other).await;
        assert_eq!(read(&world, ADA, other), [None, None]);
        // What is done with does not come back.
        world.relay().rooms.get_mut(&room).unwrap().reports = honest.clone();
        look_again(&mut world, room).await;
        let report = docket(&world, ADA, room).items[0].id;
        assert_eq!(settles(&mut world, ADA, room, report).await, Ok(Outcome::Done));
        world.relay().rooms.get_mut(&room).unwrap().reports = honest;
        look_again(&mut world, room).await;
        let ids: Vec<ReportId> = docket(&world, ADA, room).items.iter().map(|report| report.id).collect();
        assert!(ids.len() == 1 && ids[0] != report);
    });
}

#[test]
fn a_relay_cannot_slip_another_message_into_a_report() {
    block_on(async {
        let (mut world, room) = tea("slipped").await;
        let stored = world.relay().rooms.get_mut(&room).unwrap();
        let wrong = stored.messages[0].clone();
        let dans = stored.messages.len() - 2;
        let honest = stored.messages[dans].clone();
        stored.messages[dans].header = wrong.header;
        stored.messages[dans].envelope = wrong.envelope;
        let done = reports(&mut world, CYD, room, &["by dan"], "").await;
        assert!(matches!(done, Err(Problem::ServerLied(_))), "{done:?}");
        // What it does not have any more proves nothing.
        let stored = world.relay().rooms.get_mut(&room).unwrap();
        stored.messages[dans] = honest;
        stored.let_go(dans as u64 + 1);
        let done = reports(&mut world, CYD, room, &["by dan"], "").await;
        assert_eq!(done, Err(Problem::NoSuchMessage));
        assert_eq!(open(&world, room), [0; 4]);
        world.go_offline(CYD);
        world.settle().await;
        let done = reports(&mut world, CYD, room, &["by dan as well"], "").await;
        assert_eq!(done, Err(Problem::Offline));
    });
}

/// A report that Eve makes with keys of her own: `said` in the name of `author`.
fn forged(
    world: &mut TestWorld,
    room: RoomId,
    author: UserId,
    said: &str,
    by: UserId,
    number: MessageId,
) -> ReportSend {
    let eve = Person::new("eve");
    let state = world.relay().rooms[&room].state.clone();
    let header = Header {
        suite: SUITE_1,
        kind: MessageKind::Durable,
        room_id: room,
        channel: ChannelId::MAIN,
        n: 1,
        msg_id: number,
        ttl_class: 0,
        del_commit: [0; 32],
    };
    let device = if author == eve.id() {
        eve.device_id()
    } else {
        let member = &state.members[&author];
        *member.view.devices.keys().next().unwrap()
    };
    let content = Content {
        header_hash: header.hash(),
        user_id: author,
        dk_id: device,
        lane: [1; 8],
        ctr: 1,
        prev_own: lane_start(&device, &[1; 8]),
        log_seq: state.seq,
        log_head: state.head,
        seen_seq: 0,
        seen_t: sotto_shared::envelope::transcript::Transcript::start(&room, &ChannelId::MAIN).t,
        ts: 1,
        body: MessageBody::Text {
            text: Text::new(said).unwrap(),
        },
    };
    let bytes = content.to_bytes();
    let reported = Reported {
        seq: 1,
        header: Bytes::new(header.to_bytes()).unwrap(),
        sig: eve.device().sign(Label::Message, &bytes),
        content: Bytes::new(bytes).unwrap(),
    };
    let report_id = ReportId::from_bytes([4; 16]);
    let report = report::Report {
        room_id: room,
        report_id,
        user_id: by,
        dk_id: if by == eve.id() { eve.device_id() } else { device },
        log_seq: state.seq,
        log_head: state.head,
        ts: 1,
        words: Text::new("look at this").unwrap(),
        messages: List::new(vec![reported]).unwrap(),
    };
    let bytes = report.to_bytes();
    let sig = eve.device().sign(Label::Report, &bytes);
    let key = [8; 32];
    let mut rng = FixedRng::new("forged");
    let ada = state.creator;
    let view = &state.members[&ada].view;
    let info = ReportInfo {
        room_id: room,
        report_id,
        user_id: ada,
        g: view.kem_g,
    };
    let wrapped = wrap_report_key(&mut rng, &view.kk, &info, &key).unwrap();
    ReportSend {
        room_id: room,
        report_id,
        sealed: B64(seal_report(&mut rng, &key, &room, &report_id, &bytes, &sig)),
        wraps: vec![ReportWrap {
            user_id: ada,
            g: view.kem_g,
            enc: wrapped.enc.into(),
            ct: wrapped.ct.into(),
        }],
    }
}

/// The number of no message.
const UNUSED: MessageId = MessageId::from_bytes([9; 16]);

#[test]
fn words_that_somebody_never_signed_are_not_shown_as_theirs() {
    block_on(async {
        let (mut world, room) = tea("forged").await;
        let eve = Person::new("eve").id();
        let dan = id(&world, DAN);
        let request = Request::ReportSend(forged(&mut world, room, dan, "something terrible", eve, UNUSED));
        world.relay().answer(Some("eve"), &request).unwrap();
        world.settle().await;
        assert_eq!(read(&world, ADA, room), [Some(("look at this".into(), vec![None]))]);
        assert!(!format!("{:?}", docket(&world, ADA, room)).contains("terrible"));
        // Her own words prove themselves.
        world.relay().rooms.get_mut(&room).unwrap().reports.clear();
        let request = Request::ReportSend(forged(&mut world, room, eve, "by eve", eve, UNUSED));
        world.relay().answer(Some("eve"), &request).unwrap();
        world.settle().await;
        assert_eq!(
            read(&world, ADA, room),
            [Some(("look at this".into(), vec![Some("by eve".into())]))]
        );
        // Signed under the number of somebody else's message, they were never written there.
        world.relay().rooms.get_mut(&room).unwrap().reports.clear();
        let number = message(&world, ADA, "by dan");
        let request = Request::ReportSend(forged(&mut world, room, eve, "by eve", eve, number));
        world.relay().answer(Some("eve"), &request).unwrap();
        world.settle().await;
        assert_eq!(read(&world, ADA, room), [Some(("look at this".into(), vec![None]))]);
        // Nobody reports in the name of another.
        world.relay().rooms.get_mut(&room).unwrap().reports.clear();
        let request = Request::ReportSend(forged(&mut world, room, dan, "by dan?", dan, UNUSED));
        world.relay().answer(Some("eve"), &request).unwrap();
        world.settle().await;
        assert_eq!(read(&world, ADA, room), [None]);
    });
}

#[test]
fn a_relay_takes_reports_for_those_who_may_act_alone() {
    block_on(async {
        let (mut world, room) = tea("taken").await;
        let eve = Person::new("eve").id();
        let dan = id(&world, DAN);
        let good = forged(&mut world, room, dan, "x", eve, UNUSED);
        let to = |user: UserId| {
            let mut bad = good.clone();
            bad.wraps[0].user_id = user;
            bad
        };
        for bad in [to(dan), to(eve), to(UserId::from_bytes([1; 32]))] {
            world
                .relay()
                .answer(Some("eve"), &Request::ReportSend(bad))
                .unwrap_err();
        }
        let mut bad = good.clone();
        bad.wraps.clear();
        world
            .relay()
            .answer(Some("eve"), &Request::ReportSend(bad))
            .unwrap_err();
        let mut bad = good;
        bad.sealed.0.push(0);
        world
            .relay()
            .answer(Some("eve"), &Request::ReportSend(bad))
            .unwrap_err();
        assert!(world.relay().rooms[&room].reports.is_empty());
    });
}

#[test]
fn one_who_goes_through_none_is_in_nobody_elses_way() {
    block_on(async {
        let (mut world, room) = tea("full").await;
        let fill = |world: &mut TestWorld, user: UserId, first: u8| {
            let stored = world.relay().rooms.get_mut(&room).unwrap();
            let wrap = ReportWrap {
                user_id: user,
                g: 1,
                enc: B64(vec![4; 65]),
                ct: B64(vec![0; 48]),
            };
            stored.reports.extend((0..MAX_OPEN_REPORTS).map(|number| {
                let mut report_id = [first; 16];
                report_id[8..].copy_from_slice(&number.to_be_bytes());
                StoredReport {
                    id: ReportId::from_bytes(report_id),
                    expires_ms: u64::MAX,
                    sealed: B64(vec![0; 600]),
                    wraps: vec![wrap.clone()],
                }
            }));
        };
        let (ada, bob) = (id(&world, ADA), id(&world, BOB));
        fill(&mut world, bob, 1);
        let done = reports(&mut world, CYD, room, &["by dan"], "look").await;
        assert_eq!(done, Ok(Outcome::Done));
        assert_eq!(open(&world, room)[ADA], 1);
        assert_eq!(read(&world, ADA, room).len(), 1);
        look_again(&mut world, room).await;
        assert_eq!(u64::from(open(&world, room)[BOB]), MAX_OPEN_REPORTS);
        fill(&mut world, ada, 2);
        let done = reports(&mut world, CYD, room, &["by dan"], "look again").await;
        assert_eq!(done, Err(Problem::TooManyReports));
    });
}

#[test]
fn a_moderator_whose_account_is_closed_keeps_no_report_from_the_others() {
    block_on(async {
        // As one gives up an account: out of the rooms first.
        let (mut world, room) = tea("gave up").await;
        let password = sotto_client::testing::world::password("bob");
        let gone = world.run(BOB, Command::DeleteAccount { password }).await;
        assert!(matches!(gone, Ok(Outcome::Deleted { .. })), "{gone:?}");
        world.settle().await;
        assert_eq!(reports(&mut world, CYD, room, &["by dan"], "").await, Ok(Outcome::Done));
        assert_eq!(docket(&world, ADA, room).open, 1);

        // Signed, by a moderator who stays on the list of members.
        let (mut world, room) = tea("closed").await;
        let eve = Person::new("eve");
        let command = Command::SetRole {
            room,
            user: eve.id(),
            role: 2,
        };
        assert_eq!(world.run(ADA, command).await, Ok(Outcome::Done));
        world.settle().await;
        let request = Request::UserLogAppend(UserLogAppend {
            entries: vec![B64(eve.blob(UserBody::Close).to_bytes())],
            puts: Vec::new(),
        });
        world.relay().answer(Some("eve"), &request).unwrap();
        world.settle().await;
        assert_eq!(reports(&mut world, CYD, room, &["by dan"], "").await, Ok(Outcome::Done));
        assert_eq!(open(&world, room), [1, 1, 0, 0]);
        let stored = &world.relay().rooms[&room].reports[0];
        assert!(stored.wraps.iter().all(|wrap| wrap.user_id != eve.id()));

        // By the relay's word alone: nobody was there to sign it, and the room will not hear of it.
        let (mut world, room) = tea("given up").await;
        let bob = id(&world, BOB);
        world.close(BOB);
        world.relay().give_up(&bob);
        assert_eq!(reports(&mut world, CYD, room, &["by dan"], "").await, Ok(Outcome::Done));
        assert_eq!(docket(&world, ADA, room).open, 1);
        world.reload(CYD);
        world.settle().await;
        let command = Command::ShowRoom { chat: room.into() };
        world.run(CYD, command).await.unwrap();
        let none = reports(&mut world, CYD, room, &["by ada"], "").await;
        assert_eq!(none, Err(Problem::NobodyToTell));
    });
}
