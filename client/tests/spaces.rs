//! Spaces: several channels side by side, who reads and writes in them, and what the page is told.
#![cfg(all(feature = "testing", not(target_arch = "wasm32")))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use futures_lite::future::block_on;
use sotto_client::engine::Key;
use sotto_client::testing::World;
use sotto_client::view::{
    ChannelKind, Chat, Command, Heading, NewChannel, NewHeading, NewRole, Outcome, Problem, Rights, RoomKind, Space,
};
use sotto_shared::api::limits::MAX_ROOM_NAME_BYTES;
use sotto_shared::crypto::suite::RustCrypto;
use sotto_shared::id::{RoomId, UserId};

type TestWorld = World<RustCrypto>;

const ADA: usize = 0;
const BOB: usize = 1;
const CYD: usize = 2;

fn channel(name: &str, kind: ChannelKind) -> NewChannel {
    NewChannel {
        name: name.into(),
        topic: format!("about {name}"),
        kind,
    }
}

fn space(world: &TestWorld, browser: usize, id: RoomId) -> Space {
    world.browsers[browser].space(id).expect("a space")
}

fn chat(world: &TestWorld, browser: usize, id: RoomId, name: &str) -> Option<Chat> {
    let headings = world.browsers[browser].space(id)?.headings;
    let channels = headings.into_iter().flat_map(|heading| heading.channels);
    channels.map(|channel| Chat { room: id, channel }).find(|chat| {
        world.browsers[browser]
            .chat(*chat)
            .is_some_and(|room| room.title == name)
    })
}

fn user(world: &mut TestWorld, handle: &str) -> UserId {
    *world.relay().people.find(handle).unwrap().0
}

/// ada's space with bob and cyd: a public channel, one for announcements, and a private one of hers alone.
async fn club(seed: &str) -> (TestWorld, RoomId) {
    let mut world = World::new(RustCrypto, seed);
    for handle in ["ada", "bob", "cyd"] {
        world.newcomer(handle).await;
    }
    let command = Command::CreateSpace {
        name: "Club".into(),
        roles: vec![NewRole {
            name: "Herald".into(),
            rank: 20,
            rights: Rights {
                post: true,
                meta: true,
                ..Rights::default()
            },
        }],
        headings: vec![
            NewHeading {
                name: String::new(),
                channels: vec![channel("news", ChannelKind::Announcement)],
            },
            NewHeading {
                name: "Talk".into(),
                channels: vec![
                    channel("general", ChannelKind::Public),
                    channel("den", ChannelKind::Private),
                ],
            },
        ],
    };
    let Ok(Outcome::Space(id)) = world.run(ADA, command).await else {
        panic!("no space");
    };
    let handles = vec!["bob".into(), "cyd".into()];
    let added = world.run(ADA, Command::AddPeople { room: id, handles }).await;
    assert_eq!(added, Ok(Outcome::Done));
    world.settle().await;
    (world, id)
}

async fn say(world: &mut TestWorld, browser: usize, chat: Chat, text: &str) -> Result<Outcome, Problem> {
    let text = text.to_owned();
    let said = world.run(browser, Command::say(chat, text)).await;
    world.settle().await;
    said
}

async fn texts(world: &mut TestWorld, browser: usize, chat: Chat) -> Vec<String> {
    assert_eq!(world.run(browser, Command::ShowRoom { chat }).await, Ok(Outcome::Done));
    world.settle().await;
    let lines = world.browsers[browser].lines().into_iter();
    lines.map(|line| line.text).collect()
}

#[test]
fn a_space_has_channels_that_hear_of_each_other_nothing() {
    block_on(async {
        let (mut world, id) = club("channels").await;
        let shown = space(&world, BOB, id);
        assert_eq!((shown.name.as_str(), shown.members, shown.role), ("Club", 3, 1));
        assert!(shown.rights.post && !shown.rights.channel);
        let names: Vec<&str> = shown.headings.iter().map(|heading| heading.name.as_str()).collect();
        assert_eq!(names, ["", "Talk"]);
        assert_eq!(shown.headings[1].channels.len(), 1, "the private one is not his to see");
        assert_eq!(space(&world, ADA, id).headings[1].channels.len(), 2);
        let roles: Vec<(u8, &str)> = shown.roles.iter().map(|role| (role.id, role.name.as_str())).collect();
        assert_eq!(roles, [(3, ""), (2, ""), (16, "Herald"), (1, "")]);
        let general = chat(&world, BOB, id, "general").unwrap();
        let news = chat(&world, ADA, id, "news").unwrap();
        let room = world.browsers[BOB].chat(general).unwrap();
        assert_eq!(room.kind, RoomKind::Channel);
        assert_eq!(room.channel.unwrap().topic, "about general");
        assert_eq!(say(&mut world, BOB, general, "hello").await, Ok(Outcome::Done));
        assert_eq!(say(&mut world, ADA, news, "welcome").await, Ok(Outcome::Done));
        assert_eq!(texts(&mut world, CYD, general).await, ["hello"]);
        assert_eq!(texts(&mut world, CYD, news).await, ["welcome"]);
        assert_eq!(world.browsers[ADA].chat(general).unwrap().unread, 1);
        assert_eq!(world.browsers[ADA].chat(news).unwrap().unread, 0);
    });
}

#[test]
fn only_who_may_writes_an_announcement() {
    block_on(async {
        let (mut world, id) = club("news").await;
        let news = chat(&world, BOB, id, "news").unwrap();
        let may = |world: &TestWorld| world.browsers[BOB].chat(news).unwrap().channel.unwrap().may_write;
        assert!(!may(&world));
        assert_eq!(say(&mut world, BOB, news, "me too").await, Err(Problem::NotAllowed));
        let bob = user(&mut world, "bob");
        let role = Command::SetRole {
            room: id,
            user: bob,
            role: 16,
        };
        assert_eq!(world.run(BOB, role.clone()).await, Err(Problem::NotAllowed));
        assert_eq!(world.run(ADA, role).await, Ok(Outcome::Done));
        world.settle().await;
        assert!(may(&world));
        assert_eq!(say(&mut world, BOB, news, "now I").await, Ok(Outcome::Done));
        assert_eq!(texts(&mut world, CYD, news).await, ["now I"]);
        let drop = Command::DropRole { space: id, role: 16 };
        assert_eq!(world.run(ADA, drop).await, Err(Problem::RoleInUse));
    });
}

#[test]
fn a_private_channel_is_for_those_in_it() {
    block_on(async {
        let (mut world, id) = club("den").await;
        let den = chat(&world, ADA, id, "den").unwrap();
        assert_eq!(say(&mut world, ADA, den, "alone").await, Ok(Outcome::Done));
        assert_eq!(world.browsers[BOB].chat(den), None);
        let bob = user(&mut world, "bob");
        let people = |add: Vec<UserId>, remove: Vec<UserId>| Command::ChannelPeople { chat: den, add, remove };
        assert_eq!(world.run(ADA, people(vec![bob], vec![])).await, Ok(Outcome::Done));
        world.settle().await;
        assert_eq!(chat(&world, BOB, id, "den"), Some(den), "with its name");
        assert_eq!(texts(&mut world, BOB, den).await, ["alone"], "and what was said before");
        assert_eq!(say(&mut world, BOB, den, "thanks").await, Ok(Outcome::Done));
        assert_eq!(texts(&mut world, ADA, den).await, ["alone", "thanks"]);
        assert_eq!(world.browsers[CYD].chat(den), None);
        let general = chat(&world, BOB, id, "general").unwrap();
        for chat in [den, general] {
            let text = "half a thou".to_owned();
            assert_eq!(
                world.run(BOB, Command::SaveDraft { chat, text }).await,
                Ok(Outcome::Done)
            );
        }
        // Taken out, he hears nothing of what comes after, which is under another key.
        assert_eq!(world.run(ADA, people(vec![], vec![bob])).await, Ok(Outcome::Done));
        world.settle().await;
        assert_eq!(world.browsers[BOB].chat(den), None);
        let begun = |chat| {
            let disk = world.browsers[BOB].disk.borrow();
            disk.records.contains_key(&Key::Draft(chat, None))
        };
        assert_eq!([den, general].map(begun), [false, true], "what he began goes with it");
        assert_eq!(say(&mut world, ADA, den, "alone again").await, Ok(Outcome::Done));
        let stored = &world.relay().rooms[&id];
        assert_eq!(stored.state.newest_of(&den.channel), 2);
        assert!(!stored.state.rotation_due, "the space's key is as it was");
        assert!(
            stored
                .wraps
                .iter()
                .all(|wrap| wrap.user_id != bob || wrap.channel != den.channel || wrap.n == 1)
        );
    });
}

#[test]
fn channels_are_made_changed_archived_and_arranged() {
    block_on(async {
        let (mut world, id) = club("change").await;
        let command = Command::CreateChannel {
            space: id,
            name: "random".into(),
            topic: String::new(),
            kind: ChannelKind::Public,
            heading: 1,
            members: Vec::new(),
        };
        assert_eq!(world.run(BOB, command.clone()).await, Err(Problem::NotAllowed));
        let Ok(Outcome::Channel(random)) = world.run(ADA, command).await else {
            panic!("no channel");
        };
        world.settle().await;
        assert_eq!(chat(&world, BOB, id, "random"), Some(random));
        assert!(
            space(&world, BOB, id).headings[1].channels.contains(&random.channel),
            "under its heading"
        );
        let edit = Command::EditChannel {
            chat: random,
            name: "anything".into(),
            topic: "goes".into(),
        };
        assert_eq!(world.run(ADA, edit).await, Ok(Outcome::Done));
        let archive = Command::ArchiveChannel {
            chat: random,
            archived: true,
        };
        assert_eq!(world.run(ADA, archive).await, Ok(Outcome::Done));
        world.settle().await;
        let room = world.browsers[BOB].chat(random).unwrap();
        let info = room.channel.unwrap();
        assert_eq!((room.title.as_str(), info.topic.as_str()), ("anything", "goes"));
        assert!(info.archived && !info.may_write);
        assert_eq!(say(&mut world, BOB, random, "too late").await, Err(Problem::NotAllowed));
        let general = chat(&world, ADA, id, "general").unwrap();
        let headings = vec![Heading {
            id: 7,
            name: "First".into(),
            channels: vec![random.channel, general.channel],
        }];
        let arranged = world.run(ADA, Command::Arrange { space: id, headings }).await;
        assert_eq!(arranged, Ok(Outcome::Done));
        world.settle().await;
        let shown = space(&world, CYD, id);
        assert_eq!(shown.headings[1].name, "First");
        assert_eq!(shown.headings[1].channels, [random.channel, general.channel]);
        assert_eq!(
            shown.headings[0].channels.len(),
            1,
            "what is left out stands under none"
        );
        // All of it is there again in an empty browser, with the password alone.
        let other = world.sign_in("bob").await;
        world.settle().await;
        assert_eq!(space(&world, other, id), space(&world, BOB, id));
    });
}

/// Its entries come back from the log before the answer that brings its key.
#[test]
fn a_private_channel_whose_answer_is_late_has_its_name() {
    block_on(async {
        let (mut world, id) = club("late answer").await;
        let command = Command::CreateChannel {
            space: id,
            name: "attic".into(),
            topic: String::new(),
            kind: ChannelKind::Private,
            heading: 0,
            members: Vec::new(),
        };
        world.browsers[ADA].holds_replies = true;
        let made = world.browsers[ADA].command(command);
        world.settle().await;
        world.browsers[ADA].holds_replies = false;
        world.settle().await;
        let Ok(Outcome::Channel(attic)) = world.browsers[ADA].answers[&made].clone() else {
            panic!("no channel");
        };
        assert_eq!(chat(&world, ADA, id, "attic"), Some(attic));
    });
}

#[test]
fn whoever_is_removed_from_a_space_reads_no_more_in_any_channel() {
    block_on(async {
        let (mut world, id) = club("removed").await;
        let (den, general) = (
            chat(&world, ADA, id, "den").unwrap(),
            chat(&world, ADA, id, "general").unwrap(),
        );
        let bob = user(&mut world, "bob");
        let people = Command::ChannelPeople {
            chat: den,
            add: vec![bob],
            remove: Vec::new(),
        };
        assert_eq!(world.run(ADA, people).await, Ok(Outcome::Done));
        world.settle().await;
        let removed = world.run(ADA, Command::RemovePerson { room: id, user: bob }).await;
        assert_eq!(removed, Ok(Outcome::Done));
        world.settle().await;
        assert_eq!(say(&mut world, ADA, den, "without him").await, Ok(Outcome::Done));
        assert_eq!(say(&mut world, CYD, general, "nor here").await, Ok(Outcome::Done));
        let stored = &world.relay().rooms[&id];
        assert_eq!(
            (stored.state.epoch_number(), stored.state.newest_of(&den.channel)),
            (2, 2)
        );
        let newest = |n: u32| stored.wraps.iter().any(|wrap| wrap.user_id == bob && wrap.n == n);
        assert!(newest(1) && !newest(2));
        assert!(say(&mut world, BOB, general, "still here").await.is_err());
    });
}

#[test]
fn names_that_are_too_long_are_refused_and_nothing_changes() {
    block_on(async {
        let (mut world, id) = club("long names").await;
        let tea = world.group(ADA, "Tea", &["bob"]).await;
        let general = chat(&world, ADA, id, "general").unwrap();
        let (fits, long) = ("n".repeat(MAX_ROOM_NAME_BYTES), "n".repeat(MAX_ROOM_NAME_BYTES + 1));
        let before = space(&world, ADA, id);
        let counts = |world: &mut TestWorld| {
            let rooms = &world.relay().rooms;
            (rooms.len(), rooms[&id].entries.len(), rooms[&tea].entries.len())
        };
        let count = counts(&mut world);
        let role = |name: &String| NewRole {
            name: name.clone(),
            rank: 20,
            rights: Rights::default(),
        };
        let heading = |name: &String, channel: &String| NewHeading {
            name: name.clone(),
            channels: vec![self::channel(channel, ChannelKind::Public)],
        };
        let create =
            |name: &String, role_name: &String, heading_name: &String, channel: &String| Command::CreateSpace {
                name: name.clone(),
                roles: vec![role(role_name)],
                headings: vec![heading(heading_name, channel)],
            };
        let arrange = |name: &String| {
            let mut headings = before.headings.clone();
            headings[1].name.clone_from(name);
            Command::Arrange { space: id, headings }
        };
        let define = |number, name: &String| Command::DefineRole {
            space: id,
            role: number,
            name: name.clone(),
            rank: 20,
            rights: Rights::default(),
        };
        let make = |name: &String| Command::CreateChannel {
            space: id,
            name: name.clone(),
            topic: String::new(),
            kind: ChannelKind::Public,
            heading: 0,
            members: Vec::new(),
        };
        let edit = |name: &String| Command::EditChannel {
            chat: general,
            name: name.clone(),
            topic: String::new(),
        };
        let group = |name: &String| Command::CreateGroup {
            name: name.clone(),
            handles: vec!["bob".into()],
        };
        let rename = |room, name: &String| Command::RenameRoom {
            room,
            name: name.clone(),
        };
        let problem = Err(Problem::TooLong {
            max: MAX_ROOM_NAME_BYTES as u32,
        });
        for command in [
            group(&long),
            rename(tea, &long),
            rename(id, &long),
            create(&long, &fits, &fits, &fits),
            create(&fits, &long, &fits, &fits),
            create(&fits, &fits, &long, &fits),
            create(&fits, &fits, &fits, &long),
            arrange(&long),
            define(None, &long),
            define(Some(16), &long),
            make(&long),
            edit(&long),
        ] {
            assert_eq!(world.run(ADA, command.clone()).await, problem, "{command:?}");
        }
        assert_eq!(counts(&mut world), count, "nothing was written");
        assert_eq!(space(&world, ADA, id), before);
        assert_eq!(world.browsers[ADA].room(tea).unwrap().title, "Tea");
        assert_eq!(world.browsers[ADA].chat(general).unwrap().title, "general");
        assert_eq!(world.browsers[ADA].notices(), []);
        // As long as may be they are taken, and everybody sees them whole.
        for command in [rename(tea, &fits), arrange(&fits), define(Some(16), &fits), edit(&fits)] {
            assert_eq!(world.run(ADA, command).await, Ok(Outcome::Done));
        }
        let made = world.run(ADA, create(&fits, &fits, &fits, &fits)).await;
        assert!(matches!(made, Ok(Outcome::Space(_))), "{made:?}");
        let shown = space(&world, BOB, id);
        assert_eq!(shown.headings[1].name, fits);
        assert_eq!(shown.roles.iter().find(|role| role.id == 16).unwrap().name, fits);
        assert_eq!(world.browsers[BOB].room(tea).unwrap().title, fits);
        assert_eq!(world.browsers[BOB].chat(general).unwrap().title, fits);
    });
}

/// A tab that has slept hears of a draft before it hears that one may write there: it takes it from nobody.
#[test]
fn what_is_begun_where_another_tab_does_not_know_of_stays() {
    block_on(async {
        let (mut world, id) = club("asleep").await;
        let den = chat(&world, ADA, id, "den").unwrap();
        let tab = world.tab(BOB);
        world.settle().await;
        world.go_offline(tab);
        world.settle().await;
        let add = vec![user(&mut world, "bob")];
        let create = Command::CreateChannel {
            space: id,
            name: "attic".into(),
            topic: String::new(),
            kind: ChannelKind::Public,
            heading: 1,
            members: Vec::new(),
        };
        let people = Command::ChannelPeople {
            chat: den,
            add,
            remove: Vec::new(),
        };
        assert!(matches!(world.run(ADA, create).await, Ok(Outcome::Channel(_))));
        assert_eq!(world.run(ADA, people).await, Ok(Outcome::Done));
        world.settle().await;
        let attic = chat(&world, BOB, id, "attic").unwrap();
        assert_eq!(
            [
                chat(&world, tab, id, "attic"),
                world.browsers[tab].chat(den).map(|_| den)
            ],
            [None, None]
        );
        for chat in [den, attic] {
            let text = "half a thou".to_owned();
            assert_eq!(
                world.run(BOB, Command::SaveDraft { chat, text }).await,
                Ok(Outcome::Done)
            );
        }
        world.settle().await;
        world.go_online(tab);
        world.settle().await;
        for chat in [den, attic] {
            assert!(
                world.browsers[BOB]
                    .disk
                    .borrow()
                    .records
                    .contains_key(&Key::Draft(chat, None))
            );
            assert_eq!(world.browsers[BOB].chat(chat).unwrap().draft, "half a thou");
        }
        assert_eq!(world.browsers[tab].chat(attic).unwrap().draft, "half a thou");
    });
}
