//! What waits to be sent where its author may not write any more: it says so, keeps its words, and goes when it is let in again.
#![cfg(all(feature = "testing", not(target_arch = "wasm32")))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod club;

use club::{ADA, BOB, Stage, say};
use futures_lite::future::block_on;
use sotto_client::view::{Body, Chat, Command, Delivery, Measure, Problem, Standing};
use sotto_shared::id::{MessageId, UserId};

const HELD: &str = "what bob had to say";

/// Bob writes where he cannot be heard, and meanwhile `ada` does something.
async fn meanwhile(stage: &mut Stage, place: Chat, ada: Vec<Command>) {
    stage.world.go_offline(BOB);
    stage.run(BOB, Command::ShowRoom { chat: place }).await;
    stage.run(BOB, Command::say(place, HELD)).await;
    assert_eq!(waiting(stage, place).1, Delivery::Pending);
    for command in ada {
        stage.run(ADA, command).await;
    }
    stage.world.go_online(BOB);
    stage.world.settle().await;
}

/// What stands there of it.
fn waiting(stage: &Stage, place: Chat) -> (MessageId, Delivery) {
    let it = &stage.world.browsers[BOB];
    let mut rows = it.rows().into_iter();
    let found = rows.find_map(|row| match row {
        Body::Text {
            text, message, state, ..
        } if text == HELD => Some((message, state)),
        _ => None,
    });
    found.unwrap_or_else(|| panic!("it does not stand in {place:?}"))
}

fn bob(stage: &Stage) -> UserId {
    stage.world.browsers[BOB].me().unwrap()
}

/// Whether the column of the space names the channel.
fn is_listed(stage: &Stage, place: Chat) -> bool {
    let headings = stage.space(BOB).headings.into_iter();
    headings
        .flat_map(|heading| heading.channels)
        .any(|channel| channel == place.channel)
}

fn take_out(stage: &Stage, place: Chat) -> Command {
    Command::ChannelPeople {
        chat: place,
        add: Vec::new(),
        remove: vec![bob(stage)],
    }
}

#[test]
fn taken_out_of_a_private_channel_one_keeps_what_was_not_sent() {
    for seed in 0..4 {
        block_on(async {
            let mut stage = Stage::new(&format!("out of the den {seed}")).await;
            let den = stage.den;
            let out = take_out(&stage, den);
            meanwhile(&mut stage, den, vec![out]).await;
            let failed = Delivery::Failed(Problem::RoomClosed);
            // It stands there, also after a reload, in a channel that is still in the list.
            for time in ["at once", "after a reload"] {
                let (message, state) = waiting(&stage, den);
                assert_eq!(state, failed, "{time}");
                let room = stage.world.browsers[BOB].chat(den).unwrap();
                assert_eq!(
                    (room.title.as_str(), room.standing),
                    ("den", Standing::Removed),
                    "{time}"
                );
                assert!(is_listed(&stage, den), "{time}");
                // Trying again comes to the same.
                stage.run(BOB, Command::Retry { chat: den, message }).await;
                assert_eq!(waiting(&stage, den).1, failed, "{time}");
                let more = stage.world.run(BOB, Command::say(den, "more")).await;
                assert_eq!(more, Err(Problem::RoomClosed), "{time}");
                stage.world.reload(BOB);
                stage.world.settle().await;
                stage.run(BOB, Command::ShowRoom { chat: den }).await;
            }
            assert!(!stage.rows(ADA, den).await.contains(&HELD.to_owned()));
            // Let go of, the channel goes with it.
            let (message, _) = waiting(&stage, den);
            stage.run(BOB, Command::Discard { chat: den, message }).await;
            assert!(stage.world.browsers[BOB].chat(den).is_none());
            assert!(!is_listed(&stage, den));
            stage.world.reload(BOB);
            stage.world.settle().await;
            assert!(stage.world.browsers[BOB].chat(den).is_none());
            // Nothing else suffered.
            let general = stage.general;
            say(&mut stage.world, BOB, general, "elsewhere").await;
            assert!(stage.rows(ADA, general).await.contains(&"elsewhere".to_owned()));
        });
    }
}

#[test]
fn back_in_the_channel_it_is_sent_when_one_tries_again() {
    block_on(async {
        let mut stage = Stage::new("back in the den").await;
        let den = stage.den;
        let out = take_out(&stage, den);
        meanwhile(&mut stage, den, vec![out]).await;
        let add = vec![bob(&stage)];
        let remove = Vec::new();
        stage.run(ADA, Command::ChannelPeople { chat: den, add, remove }).await;
        let (message, state) = waiting(&stage, den);
        assert_eq!(
            state,
            Delivery::Failed(Problem::RoomClosed),
            "nobody sends it behind their back"
        );
        stage.run(BOB, Command::Retry { chat: den, message }).await;
        assert_eq!(waiting(&stage, den).1, Delivery::Sent);
        assert_eq!(stage.rows(ADA, den).await.last().unwrap(), HELD);
    });
}

#[test]
fn in_an_archived_channel_it_says_so_until_it_is_opened_again() {
    block_on(async {
        let mut stage = Stage::new("archived").await;
        let general = stage.general;
        let archive = |archived| Command::ArchiveChannel {
            chat: general,
            archived,
        };
        meanwhile(&mut stage, general, vec![archive(true)]).await;
        let (message, state) = waiting(&stage, general);
        assert_eq!(state, Delivery::Failed(Problem::RoomClosed));
        stage.run(ADA, archive(false)).await;
        stage.run(BOB, Command::Retry { chat: general, message }).await;
        assert_eq!(waiting(&stage, general).1, Delivery::Sent);
        assert_eq!(stage.rows(ADA, general).await.last().unwrap(), HELD);
    });
}

#[test]
fn removed_from_the_space_one_still_finds_it() {
    block_on(async {
        let mut stage = Stage::new("out of the club").await;
        let (club, den) = (stage.club, stage.den);
        let measure = Measure::Remove { user: bob(&stage) };
        let reason = String::new();
        let remove = Command::Moderate {
            room: club,
            measure,
            reason,
        };
        meanwhile(&mut stage, den, vec![remove]).await;
        for time in ["at once", "after a reload"] {
            assert_eq!(waiting(&stage, den).1, Delivery::Failed(Problem::RoomClosed), "{time}");
            assert_eq!(stage.standing(BOB), Standing::Removed, "{time}");
            assert!(is_listed(&stage, den), "{time}");
            assert!(!is_listed(&stage, stage.general), "{time}: nothing waits there");
            stage.world.reload(BOB);
            stage.world.settle().await;
            stage.run(BOB, Command::ShowRoom { chat: den }).await;
        }
        // The same in a group.
        let tea = stage.tea;
        let remove = Command::RemovePerson {
            room: tea,
            user: bob(&stage),
        };
        meanwhile(&mut stage, tea.into(), vec![remove]).await;
        let (message, state) = waiting(&stage, tea.into());
        assert_eq!(state, Delivery::Failed(Problem::RoomClosed));
        let chat = tea.into();
        stage.run(BOB, Command::Discard { chat, message }).await;
        assert_eq!(stage.world.browsers[BOB].room(tea).unwrap().standing, Standing::Removed);
    });
}

/// Who may no longer speak for the space has nothing waiting in its announcements.
#[test]
fn a_role_that_was_taken_back_sends_no_announcement_later() {
    block_on(async {
        let mut stage = Stage::new("no herald").await;
        let (club, news, user) = (stage.club, stage.news, bob(&stage));
        let give = |role| Command::SetRole { room: club, user, role };
        stage.run(ADA, give(2)).await;
        meanwhile(&mut stage, news, vec![give(1)]).await;
        let (message, state) = waiting(&stage, news);
        assert_eq!(state, Delivery::Failed(Problem::NotAllowed));
        assert_eq!(stage.rows(ADA, news).await, Vec::<String>::new());
        stage.run(ADA, give(2)).await;
        stage.run(BOB, Command::Retry { chat: news, message }).await;
        assert_eq!(stage.rows(ADA, news).await, [HELD]);
    });
}

/// The relay took it just before: then it is heard back, whatever was thought here.
#[test]
fn what_was_taken_after_all_counts_as_sent() {
    for seed in 0..6 {
        block_on(async {
            let mut stage = Stage::new(&format!("just before {seed}")).await;
            let general = stage.general;
            stage.run(BOB, Command::ShowRoom { chat: general }).await;
            stage.world.browsers[BOB].command(Command::say(general, HELD));
            stage.world.settle_for(seed * 2).await;
            stage.world.go_offline(BOB);
            let archived = true;
            stage
                .run(
                    ADA,
                    Command::ArchiveChannel {
                        chat: general,
                        archived,
                    },
                )
                .await;
            stage.world.go_online(BOB);
            stage.world.settle().await;
            let there = stage.rows(ADA, general).await.contains(&HELD.to_owned());
            let told = waiting(&stage, general).1;
            let right = if there {
                Delivery::Sent
            } else {
                Delivery::Failed(Problem::RoomClosed)
            };
            assert_eq!(told, right, "seed {seed}");
        });
    }
}
