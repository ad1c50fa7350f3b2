//! Members with a changed client who do to a space what their role does not let them: the relay refuses it, and where it lies,
//! everybody else's app does.

use futures_lite::future::block_on;
use sotto_client::view::{Body, Chat, Command, NewPoll, Outcome, Rights as ShownRights, Space, Standing, Tamper};
use sotto_shared::api::frame::{FromRelay, ToRelay};
use sotto_shared::codec::{Bytes, List, Text};
use sotto_shared::envelope::content::MessageBody;
use sotto_shared::id::{ChannelId, EnvelopeHash};
use sotto_shared::log::channels::ChannelKind as Kind;
use sotto_shared::log::roles::{CustomRole, Permission, Rights};
use sotto_shared::log::room_log::{EpochReason, History, JoinMode, Policy, Role, RoomBody, SUITE_1, invite_id};
use sotto_shared::testing::people::{Person, key};

use crate::club::{ADA, BOB, CYD, Stage, damaged, pass_frame, pass_reply, people, say, text};

/// What the browsers of others show of a space, but for how it stands.
fn shape(space: &Space) -> impl PartialEq + std::fmt::Debug + use<> {
    let roles: Vec<_> = (space.roles.iter())
        .map(|role| (role.id, role.name.clone(), role.rank, role.members))
        .collect();
    (
        space.name.clone(),
        space.members,
        roles,
        format!("{:?}", space.headings),
    )
}

/// An honest relay refuses what eve wants written; a lying one that writes it all the same stops the space for the others,
/// who show it as it was.
async fn refused_by_all(stage: &mut Stage, case: &str, body: RoomBody) {
    let before = [ADA, BOB, CYD].map(|browser| shape(&stage.space(browser)));
    let seq = stage.world.relay().rooms[&stage.club].state.seq;
    assert!(
        stage.ask(body.clone(), Vec::new()).is_err(),
        "{case}: the relay takes it"
    );
    assert_eq!(stage.world.relay().rooms[&stage.club].state.seq, seq, "{case}");
    stage.force(body).await;
    for browser in [ADA, BOB, CYD] {
        assert_eq!(
            stage.standing(browser),
            Standing::Frozen(Tamper::InvalidEntry),
            "{case}"
        );
        assert!(shape(&stage.space(browser)) == before[browser], "{case}");
    }
    assert_eq!(stage.rows(BOB, stage.general).await, ["first", "second"], "{case}");
    assert!(stage.opened_by(&Person::new("eve")).is_empty(), "{case}");
}

fn sealed<const N: usize>() -> Bytes<N> {
    Bytes::new(vec![1; 300]).unwrap()
}

fn define(number: u8, rank: u8, permissions: &[Permission]) -> RoomBody {
    RoomBody::DefineRole {
        role: CustomRole::new(number).unwrap(),
        rank,
        rights: Rights::of(permissions),
        n: 1,
        sealed: sealed(),
    }
}

fn captain() -> Role {
    Role::Custom(CustomRole::FIRST)
}

#[test]
fn what_a_role_does_not_let_somebody_do_to_a_space_stops_it() {
    type Forged = fn(&Stage) -> RoomBody;
    let cases: &[(&str, Forged)] = &[
        ("a role", |_| define(17, 5, &[Permission::Post])),
        ("the captain's role", |_| define(16, 5, &[Permission::Post])),
        ("drops a role", |_| RoomBody::DropRole {
            role: CustomRole::FIRST,
        }),
        ("makes herself owner", |stage| RoomBody::SetRole {
            user_id: stage.eve.id(),
            role: Role::Owner,
        }),
        ("makes herself captain", |stage| RoomBody::SetRole {
            user_id: stage.eve.id(),
            role: captain(),
        }),
        ("a link for captains", |_| {
            let key = key("eve's link").public();
            RoomBody::CreateInvite {
                invite_id: invite_id(&key),
                inv_pk: key,
                role: captain(),
                max_uses: 1,
                expires: u64::MAX,
                mode: JoinMode::Member,
                card: sealed(),
            }
        }),
        ("a public channel", |_| RoomBody::CreateChannel {
            channel: ChannelId::from_bytes([9; 16]),
            kind: Kind::Public,
            members: List::default(),
            n: 1,
            sealed: sealed(),
        }),
        ("a private channel", |stage| RoomBody::CreateChannel {
            channel: ChannelId::from_bytes([9; 16]),
            kind: Kind::Private,
            members: List::new(vec![stage.eve.id()]).unwrap(),
            n: 1,
            sealed: sealed(),
        }),
        ("renames a channel", |stage| RoomBody::UpdateChannel {
            channel: stage.general.channel,
            n: 1,
            sealed: sealed(),
            archived: false,
        }),
        ("archives a channel", |stage| RoomBody::UpdateChannel {
            channel: stage.general.channel,
            n: 1,
            sealed: sealed(),
            archived: true,
        }),
        ("renames what she is in", |stage| RoomBody::UpdateChannel {
            channel: stage.lair.channel,
            n: 1,
            sealed: sealed(),
            archived: false,
        }),
        ("adds herself", |stage| people(stage.den, &[stage.eve.id()], &[])),
        ("adds somebody", |stage| {
            let cyd = stage.world.browsers[CYD].me().unwrap();
            people(stage.lair, &[cyd], &[])
        }),
        ("takes somebody out", |stage| {
            let bob = stage.world.browsers[BOB].me().unwrap();
            people(stage.lair, &[], &[bob])
        }),
        ("a key for what she is not in", |stage| {
            let state = &stage.world.relays[0].rooms[&stage.club].state;
            let den = stage.den.channel;
            RoomBody::ChannelEpoch {
                channel: den,
                n: state.newest_of(&den) + 1,
                suite: SUITE_1,
                commit: [7; 32],
                roster_hash: state.roster_hash_of(&den),
                reason: EpochReason::Age,
                backlink: Bytes::new(vec![1; 61]).unwrap(),
            }
        }),
        ("arranges", |_| RoomBody::ArrangeChannels { n: 1, sealed: sealed() }),
        ("pins", |stage| RoomBody::Pin {
            channel: stage.general.channel,
            target: EnvelopeHash::from_bytes([7; 32]),
            on: true,
        }),
        ("redacts", |_| RoomBody::Redact {
            target: EnvelopeHash::from_bytes([7; 32]),
            edits: List::default(),
        }),
        ("slow mode", |stage| RoomBody::SetSlowMode {
            channel: stage.general.channel,
            seconds: 30,
        }),
        ("names the space", |_| RoomBody::SetMeta { n: 1, sealed: sealed() }),
        ("closes it", |_| RoomBody::Close),
        ("takes bob out of the space", |stage| remove(stage, BOB, false)),
        ("bans bob", |stage| remove(stage, BOB, true)),
        ("bans the owner", |stage| remove(stage, ADA, true)),
        ("a time-out", time_out),
        ("lifts a ban", |stage| RoomBody::Unban {
            user_id: stage.world.browsers[BOB].me().unwrap(),
        }),
    ];
    for (case, body) in cases {
        block_on(async {
            let mut stage = Stage::new(case).await;
            let body = body(&stage);
            refused_by_all(&mut stage, case, body).await;
        });
    }
}

fn remove(stage: &Stage, browser: usize, ban: bool) -> RoomBody {
    RoomBody::Remove {
        user_id: stage.world.browsers[browser].me().unwrap(),
        ban,
        cut: List::default(),
    }
}

fn time_out(stage: &Stage) -> RoomBody {
    RoomBody::TimeOut {
        user_id: stage.world.browsers[BOB].me().unwrap(),
        until: stage.world.now_ms + 60_000,
    }
}

/// Eve is captain: rank 40, may give roles and make channels, and is neither to raise herself nor to end the space.
#[test]
fn whoever_gives_roles_does_not_go_beyond_their_own() {
    type Forged = fn(&Stage) -> RoomBody;
    let cases: &[(&str, Forged)] = &[
        ("one as high as hers", |_| define(17, 40, &[Permission::Post])),
        ("one with more rights", |_| {
            define(17, 20, &[Permission::Post, Permission::Ban])
        }),
        ("more rank for her own", |_| define(16, 90, &[Permission::Post])),
        ("the owner becomes a member", |stage| RoomBody::SetRole {
            user_id: stage.world.browsers[ADA].me().unwrap(),
            role: Role::Member,
        }),
        ("bob becomes captain as well", |stage| RoomBody::SetRole {
            user_id: stage.world.browsers[BOB].me().unwrap(),
            role: captain(),
        }),
        ("bob becomes moderator", |stage| RoomBody::SetRole {
            user_id: stage.world.browsers[BOB].me().unwrap(),
            role: Role::Moderator,
        }),
        ("she becomes owner", |stage| RoomBody::SetRole {
            user_id: stage.eve.id(),
            role: Role::Owner,
        }),
        ("into what she is not in", |stage| {
            people(stage.den, &[stage.eve.id()], &[])
        }),
        ("archives what she is not in", |stage| RoomBody::UpdateChannel {
            channel: stage.den.channel,
            n: 1,
            sealed: sealed(),
            archived: true,
        }),
        // Her role lets nobody in, takes nobody out, pins nothing and takes nothing away.
        ("a link for members", |_| {
            let key = key("eve's link").public();
            RoomBody::CreateInvite {
                invite_id: invite_id(&key),
                inv_pk: key,
                role: Role::Member,
                max_uses: 1,
                expires: u64::MAX,
                mode: JoinMode::Member,
                card: sealed(),
            }
        }),
        ("takes bob out", |stage| remove(stage, BOB, false)),
        ("bans bob", |stage| remove(stage, BOB, true)),
        ("a time-out", time_out),
        ("pins", |stage| RoomBody::Pin {
            channel: stage.general.channel,
            target: EnvelopeHash::from_bytes([7; 32]),
            on: true,
        }),
        ("redacts", |_| RoomBody::Redact {
            target: EnvelopeHash::from_bytes([7; 32]),
            edits: List::default(),
        }),
        ("names the space", |_| RoomBody::SetMeta { n: 1, sealed: sealed() }),
        ("the space ends", |_| RoomBody::Close),
        ("another policy", |_| RoomBody::SetPolicy {
            policy: Policy {
                suite: SUITE_1,
                history: History::Joined,
            },
        }),
    ];
    for (case, body) in cases {
        block_on(async {
            let mut stage = Stage::new(case).await;
            let (room, user) = (stage.club, stage.eve.id());
            stage.run(ADA, Command::SetRole { room, user, role: 16 }).await;
            stage.script(pass_frame(), pass_reply());
            let body = body(&stage);
            refused_by_all(&mut stage, case, body).await;
        });
    }
    block_on(async {
        // What she may is taken by all.
        let mut stage = Stage::new("captain").await;
        let (room, user) = (stage.club, stage.eve.id());
        stage.run(ADA, Command::SetRole { room, user, role: 16 }).await;
        assert!(stage.ask(define(17, 20, &[Permission::Post]), Vec::new()).is_ok());
        stage.world.settle().await;
        assert_eq!(stage.standing(BOB), Standing::Open);
        assert!(stage.space(BOB).roles.iter().any(|role| role.id == 17));
    });
}

/// Where somebody may not write the relay takes nothing, and with its help nothing is shown.
#[test]
fn nobody_writes_where_they_may_not() {
    for case in [
        "announcements",
        "archived",
        "not in it",
        "before it was archived",
        "another's name",
        "a role without words",
    ] {
        block_on(async {
            let mut stage = Stage::new(case).await;
            if case == "a role without words" {
                let (club, user) = (stage.club, stage.eve.id());
                let define = Command::DefineRole {
                    space: club,
                    role: None,
                    name: "Reader".into(),
                    rank: 5,
                    rights: ShownRights::default(),
                };
                stage.run(ADA, define).await;
                let give = Command::SetRole {
                    room: club,
                    user,
                    role: 17,
                };
                stage.run(ADA, give).await;
            }
            let bob = stage.world.browsers[BOB].me().unwrap();
            let chat = match case {
                "announcements" => stage.news,
                "not in it" => stage.den,
                _ => stage.general,
            };
            let known = {
                let state = &stage.world.relay().rooms[&chat.room].state;
                (state.seq, state.head)
            };
            if case.ends_with("archived") {
                let archived = true;
                stage.run(ADA, Command::ArchiveChannel { chat, archived }).await;
            }
            if case == "before it was archived" {
                // Somebody who knew that it was has written since it was opened again.
                let archived = false;
                stage.run(ADA, Command::ArchiveChannel { chat, archived }).await;
                say(&mut stage.world, BOB, chat, "third").await;
                let archived = true;
                stage.run(ADA, Command::ArchiveChannel { chat, archived }).await;
            }
            let before = stage.rows(BOB, chat).await;
            let message = stage.forge(chat, case, text("listen to me"), |_, content| match case {
                "before it was archived" => (content.log_seq, content.log_head) = known,
                "another's name" => content.user_id = bob,
                _ => {}
            });
            if case != "another's name" {
                let socket = stage.world.relay().connect();
                let hello = ToRelay::Hello {
                    token: "eve".into(),
                    api: sotto_shared::api::body::API_VERSION,
                };
                stage.world.relay().hear(socket, hello);
                let messages = vec![message.clone()];
                stage.world.relay().hear(socket, ToRelay::Send { messages });
                let said = stage.world.relay().sockets[&socket].outbox.clone();
                assert!(
                    matches!(said.back(), Some(FromRelay::Refused { .. })),
                    "{case}: {said:?}"
                );
            }
            let kept = stage.stored(chat).len();
            stage.put(chat, &message).await;
            assert_eq!(stage.stored(chat).len(), kept + 1);
            let mut expected = before;
            expected.push(damaged());
            for browser in [ADA, BOB] {
                assert_eq!(stage.rows(browser, chat).await, expected, "{case}");
                assert_eq!(stage.standing(browser), Standing::Open, "{case}");
            }
        });
    }
}

/// Whom a message calls is inside the seal: the relay cannot tell, so everybody's app does.
#[test]
fn nobody_calls_everybody_who_may_not() {
    block_on(async {
        let mut stage = Stage::new("calls").await;
        let general = stage.general;
        let words = "@everyone look here";
        let call = MessageBody::Post {
            text: Text::new(words).unwrap(),
            ttl: 0,
            reply: None,
            thread: None,
            everyone: true,
            mentions: List::default(),
        };
        let message = stage.forge(general, "call", call, |_, _| {});
        stage.put(general, &message).await;
        assert_eq!(stage.world.browsers[CYD].chat(general).unwrap().mentions, 0);
        for browser in [ADA, BOB] {
            assert!(
                stage.rows(browser, general).await.contains(&words.to_owned()),
                "it is read as any other"
            );
            let rows = stage.world.browsers[browser].rows().into_iter();
            let called = rows.filter(|row| matches!(row, Body::Text { ties, .. } if ties.everyone || ties.to_me));
            assert_eq!(called.count(), 0);
        }
        // Hers it is to call as soon as her role says so.
        let (room, user) = (stage.club, stage.eve.id());
        stage.run(ADA, Command::SetRole { room, user, role: 2 }).await;
        let call = MessageBody::Post {
            text: Text::new("@everyone again").unwrap(),
            ttl: 0,
            reply: None,
            thread: None,
            everyone: true,
            mentions: List::default(),
        };
        let message = stage.forge(general, "call again", call, |_, _| {});
        stage.put(general, &message).await;
        assert_eq!(stage.world.browsers[CYD].chat(general).unwrap().mentions, 1);
    });
}

// --- Polls and pins ------------------------------------------------------------------------------------------------------------

#[test]
fn a_poll_is_voted_on_and_ended_in_its_own_channel_by_whoever_reads_it() {
    block_on(async {
        let mut stage = Stage::new("polls").await;
        let (lair, general, den) = (stage.lair, stage.general, stage.den);
        let poll = |question: &str| NewPoll {
            question: question.into(),
            options: vec!["yes".into(), "no".into()],
            several: false,
            ends_ms: 0,
        };
        for chat in [lair, den] {
            let poll = poll("Tea?");
            stage.run(ADA, Command::MakePoll { chat, poll }).await;
        }
        let hash = |stage: &mut Stage, chat| stage.stored(chat).last().unwrap().hash();
        let (in_lair, in_den) = (hash(&mut stage, lair), hash(&mut stage, den));
        let vote = |target| MessageBody::Vote { target, choices: 1 };
        // She reads the one, and may vote there; said in another channel it is about nothing.
        let message = stage.forge(lair, "hers", vote(in_lair), |_, _| {});
        stage.put(lair, &message).await;
        for (seed, target) in [("elsewhere", in_lair), ("of the den", in_den)] {
            let message = stage.forge(general, seed, vote(target), |_, _| {});
            stage.put(general, &message).await;
        }
        // Not in it, she has no key for it; and one of the space's does not open.
        for (seed, body) in [
            ("into the den", vote(in_den)),
            ("ends it", MessageBody::EndPoll { target: in_den }),
        ] {
            let message = stage.forge(den, seed, body, |_, _| {});
            stage.put(den, &message).await;
        }
        // What somebody else asked is not hers to end.
        let message = stage.forge(lair, "ends hers", MessageBody::EndPoll { target: in_lair }, |_, _| {});
        stage.put(lair, &message).await;
        for browser in [ADA, BOB] {
            let rows = stage.rows(browser, lair).await;
            assert_eq!(rows[2..], ["Tea?: 1 0".to_owned(), damaged()], "{browser}");
            let rows = stage.rows(browser, den).await;
            assert_eq!(rows[2..], ["Tea?: 0 0".to_owned(), damaged(), damaged()], "{browser}");
            let rows = stage.rows(browser, general).await;
            assert_eq!(
                rows,
                ["first".to_owned(), "second".into(), damaged(), damaged()],
                "{browser}"
            );
        }
    });
}

#[test]
fn a_pin_names_a_message_of_its_own_channel() {
    block_on(async {
        let mut stage = Stage::new("pins").await;
        let (room, user, general, random, den) = (stage.club, stage.eve.id(), stage.general, stage.random, stage.den);
        stage.run(ADA, Command::SetRole { room, user, role: 2 }).await;
        let target = stage.stored(general)[0].hash();
        let pin = |chat: Chat| RoomBody::Pin {
            channel: chat.channel,
            target,
            on: true,
        };
        assert!(stage.ask(pin(random), Vec::new()).is_ok(), "the log cannot know");
        stage.world.settle().await;
        for browser in [ADA, BOB] {
            stage.rows(browser, random).await;
            let shown = stage.world.run(browser, Command::ListPins { chat: random }).await;
            assert_eq!(
                shown,
                Ok(Outcome::Pins(Vec::new())),
                "nothing of the other channel shows here"
            );
            assert_eq!(stage.standing(browser), Standing::Open);
        }
        // A moderator pins nothing where they do not read.
        stage.script(pass_frame(), pass_reply());
        refused_by_all(&mut stage, "pins in the den", pin(den)).await;
    });
}
