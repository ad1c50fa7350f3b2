//! A relay that lies about a space: channels in each other's place, cut, forked, reordered and told twice. `club` sets the stage.

use futures_lite::future::block_on;
use sotto_client::engine::{Reply, Request};
use sotto_client::view::{Chat, Command, Standing, Tamper};
use sotto_shared::api::B64;
use sotto_shared::api::body::{PageFrom, StoredMessage};
use sotto_shared::api::frame::FromRelay;
use sotto_shared::codec::{Codec, Text};
use sotto_shared::envelope::content::MessageBody;
use sotto_shared::envelope::header::{Header, MessageKind};
use sotto_shared::id::{ChannelId, Head};
use sotto_shared::testing::people::Person;

use crate::club::{ADA, BOB, CYD, FrameRule, ReplyRule, Stage, damaged, outgoing, pass_frame, pass_reply, say};

// --- Channels in each other's place --------------------------------------------------------------------------------------------

#[test]
fn a_message_of_one_conversation_is_served_in_another() {
    for case in [
        "public to public",
        "private to public",
        "public to private",
        "private to private",
        "group to space",
        "under another header",
    ] {
        block_on(async {
            let mut stage = Stage::new(case).await;
            let (general, random, den, lair) = (stage.general, stage.random, stage.den, stage.lair);
            let (from, to) = match case {
                "private to public" => (den, random),
                "public to private" => (general, den),
                "private to private" => (lair, den),
                "group to space" => (stage.tea.into(), random),
                _ => (general, random),
            };
            let mut message = outgoing(&stage.stored(from)[0]);
            if case == "under another header" {
                let mut header = Header::from_bytes(&message.header.0).unwrap();
                header.channel = to.channel;
                message.header = B64(header.to_bytes());
            }
            stage.put(to, &message).await;
            for browser in [ADA, BOB] {
                let rows = stage.rows(browser, to).await;
                assert_eq!(rows, ["first".to_owned(), "second".into(), damaged()], "{case}");
                assert_eq!(stage.standing(browser), Standing::Open, "{case}");
            }
            // Whoever comes later sees the same.
            let late = stage.world.sign_in("bob").await;
            let rows = stage.rows(late, to).await;
            assert_eq!(rows, ["first".to_owned(), "second".into(), damaged()], "{case}");
            // And the conversation goes on.
            say(&mut stage.world, BOB, to, "third").await;
            assert_eq!(stage.rows(ADA, to).await.last().unwrap(), "third", "{case}");
        });
    }
}

/// The page of one channel as that of another: to a browser that knows the channel another history, to an empty one nothing
/// that it could read.
#[test]
fn the_page_of_one_channel_is_served_as_that_of_another() {
    block_on(async {
        let mut stage = Stage::new("page").await;
        let (general, random) = (stage.general, stage.random);
        say(&mut stage.world, ADA, general, "only in general").await;
        let swap: ReplyRule = Box::new(move |relay, _, request, reply| match request {
            Request::PageGet(ask) if ask.channel == random.channel => {
                let mut other = ask.clone();
                other.channel = general.channel;
                relay.answer(Some("eve"), &Request::PageGet(other)).unwrap_or(reply)
            }
            _ => reply,
        });
        stage.script(pass_frame(), swap);
        let late = stage.world.sign_in("bob").await;
        let rows = stage.rows(late, random).await;
        assert!(!rows.is_empty() && rows.iter().all(|row| *row == damaged()), "{rows:?}");
        // What somebody who knows the channel says there contradicts it.
        say(&mut stage.world, ADA, random, "third").await;
        assert_eq!(stage.standing(late), Standing::Frozen(Tamper::Fork));
        assert!(!stage.rows(late, random).await.contains(&"only in general".to_owned()));
        assert_eq!(stage.standing(ADA), Standing::Open);
    });
}

/// A slot and a passing word are bound to their channel as messages are.
#[test]
fn a_slot_and_a_word_in_passing_are_served_in_another_channel() {
    block_on(async {
        let mut stage = Stage::new("slots").await;
        let (general, random) = (stage.general, stage.random);
        let moves: FrameRule = Box::new(move |_, to, frame| {
            let moved = |channel: ChannelId| {
                if channel == general.channel {
                    random.channel
                } else {
                    channel
                }
            };
            match frame {
                FromRelay::Slot {
                    room_id,
                    channel,
                    header,
                    envelope,
                } if to.browser == BOB => vec![FromRelay::Slot {
                    room_id,
                    channel: moved(channel),
                    header,
                    envelope,
                }],
                FromRelay::Ephemeral {
                    room_id,
                    channel,
                    header,
                    envelope,
                } if to.browser == BOB => vec![FromRelay::Ephemeral {
                    room_id,
                    channel: moved(channel),
                    header,
                    envelope,
                }],
                frame => vec![frame],
            }
        });
        stage.script(moves, pass_reply());
        let ada = stage.world.browsers[ADA].me().unwrap();
        stage.run(ADA, Command::Looking { visible: true }).await;
        stage.run(ADA, Command::ShowRoom { chat: general }).await;
        let profile = Command::SetProfile {
            name: "Ada".into(),
            status: String::new(),
        };
        stage.run(ADA, profile).await;
        stage.run(ADA, Command::Typing { chat: general }).await;
        let sent = stage.seen.borrow().sent.len();
        assert!(sent >= 2, "a name, a word in passing: {sent}");
        assert_eq!(stage.world.browsers[BOB].person(ada).unwrap().name, "");
        assert_eq!(stage.world.browsers[CYD].person(ada).unwrap().name, "Ada");
        assert_eq!(stage.standing(BOB), Standing::Open);
    });
}

/// A name by somebody else's hand is nobody's, and takes nothing from the one there is.
#[test]
fn a_name_is_told_by_another() {
    block_on(async {
        let mut stage = Stage::new("names").await;
        let (general, bob) = (stage.general, stage.world.browsers[BOB].me().unwrap());
        let name = |name: &str| MessageBody::Profile {
            name: Text::new(name).unwrap(),
            status: Text::new("").unwrap(),
        };
        for (case, body) in [("as bob", name("Mallory")), ("as eve", name("Eve"))] {
            let value = stage.forge(general, case, body, |header, content| {
                header.kind = MessageKind::Slot;
                (content.ctr, content.prev_own) = (content.ts, Head::from_bytes([0; 32]));
                if case == "as bob" {
                    content.user_id = bob;
                }
            });
            let (room_id, channel) = (general.room, general.channel);
            let frame = FromRelay::Slot {
                room_id,
                channel,
                header: value.header,
                envelope: value.envelope,
            };
            stage.world.relay().tell_room(&room_id, &frame);
            stage.world.settle().await;
        }
        for browser in [ADA, CYD] {
            assert_eq!(stage.world.browsers[browser].person(bob).unwrap().name, "");
            let eve = stage.world.browsers[browser].person(Person::new("eve").id()).unwrap();
            assert_eq!(eve.name, "Eve", "her own is hers to say");
        }
    });
}

// --- A channel's transcript ----------------------------------------------------------------------------------------------------

#[test]
fn a_channel_is_cut_short() {
    block_on(async {
        let mut stage = Stage::new("cut").await;
        let general = stage.general;
        // From here on bob is told of a channel that ends with its first message.
        let frame: FrameRule = Box::new(move |relay, to, mut frame| {
            if let FromRelay::Welcome { rooms, .. } = &mut frame
                && to.browser == BOB
            {
                for head in rooms.iter_mut().flat_map(|room| &mut room.channels) {
                    if head.channel == general.channel {
                        let there = relay.rooms[&general.room].channel(&general.channel).unwrap();
                        (head.seq, head.t) = (1, there.transcript[1].t);
                    }
                }
            }
            vec![frame]
        });
        let reply: ReplyRule = Box::new(move |relay, to, request, mut reply| {
            if let (Request::PageGet(ask), Reply::PageGet(page)) = (request, &mut reply)
                && to.browser == BOB
                && ask.channel == general.channel
            {
                let there = relay.rooms[&general.room].channel(&general.channel).unwrap();
                page.messages.retain(|message| message.seq == 1);
                (page.head.seq, page.head.t) = (1, there.transcript[1].t);
            }
            reply
        });
        stage.script(frame, reply);
        stage.world.drop_socket(BOB);
        stage.world.settle().await;
        stage.world.advance(2_000);
        stage.world.settle().await;
        assert_eq!(stage.standing(BOB), Standing::Frozen(Tamper::Withholding));
        assert_eq!(
            stage.rows(BOB, general).await,
            ["first", "second"],
            "what was verified stays"
        );
        assert_eq!(stage.standing(CYD), Standing::Open);
    });
}

#[test]
fn a_message_in_the_middle_of_a_channel_is_dropped() {
    block_on(async {
        let mut stage = Stage::new("dropped").await;
        let general = stage.general;
        let drops = |message: &StoredMessage| message.seq == 3;
        let frame: FrameRule = Box::new(move |_, to, frame| match &frame {
            FromRelay::Message { channel, message, .. }
                if to.browser == BOB && *channel == general.channel && drops(message) =>
            {
                Vec::new()
            }
            _ => vec![frame],
        });
        let reply: ReplyRule = Box::new(move |_, to, request, mut reply| {
            if let (Request::PageGet(ask), Reply::PageGet(page)) = (request, &mut reply)
                && to.browser == BOB
                && ask.channel == general.channel
            {
                page.messages.retain(|message| !drops(message));
            }
            reply
        });
        stage.script(frame, reply);
        for words in ["third", "fourth"] {
            say(&mut stage.world, ADA, general, words).await;
        }
        assert_eq!(stage.standing(BOB), Standing::Frozen(Tamper::Withholding));
        assert_eq!(stage.rows(BOB, general).await, ["first", "second"]);
        assert_eq!(stage.rows(CYD, general).await, ["first", "second", "third", "fourth"]);
    });
}

#[test]
fn two_histories_of_one_channel_come_out_and_those_of_others_do_not_hide_them() {
    block_on(async {
        let mut stage = Stage::new("fork").await;
        let (general, random) = (stage.general, stage.random);
        let other = stage.world.fork(&[CYD]);
        say(&mut stage.world, ADA, general, "to bob").await;
        say(&mut stage.world, CYD, general, "to nobody").await;
        assert_eq!(stage.rows(BOB, general).await, ["first", "second", "to bob"]);
        // The same in both so far.
        say(&mut stage.world, ADA, random, "third").await;
        let retold = stage.stored(random)[2].clone();
        let relay = &mut stage.world.relays[other];
        let there = relay.rooms.get_mut(&random.room).unwrap().channel_mut(&random.channel);
        let message = there.unwrap().put_message(&retold.header, &retold.envelope);
        let tell = |chat: Chat, message: StoredMessage| FromRelay::Message {
            room_id: chat.room,
            channel: chat.channel,
            message,
        };
        relay.tell_room(&random.room, &tell(random, message));
        stage.world.settle().await;
        assert_eq!(stage.rows(CYD, random).await, ["first", "second", "third"]);
        assert_eq!(stage.standing(CYD), Standing::Open);
        // What bob says in the forked one names what he has seen.
        say(&mut stage.world, BOB, general, "an answer").await;
        let answer = stage.stored(general)[3].clone();
        let relay = &mut stage.world.relays[other];
        let there = relay
            .rooms
            .get_mut(&general.room)
            .unwrap()
            .channel_mut(&general.channel);
        let message = there.unwrap().put_message(&answer.header, &answer.envelope);
        relay.tell_room(&general.room, &tell(general, message));
        stage.world.settle().await;
        assert_eq!(stage.standing(CYD), Standing::Frozen(Tamper::Fork));
        assert_eq!(stage.rows(CYD, general).await, ["first", "second", "to nobody"]);
    });
}

#[test]
fn messages_of_a_channel_are_exchanged() {
    block_on(async {
        let mut stage = Stage::new("order").await;
        let general = stage.general;
        let reply: ReplyRule = Box::new(move |_, to, request, mut reply| {
            if let (Request::PageGet(ask), Reply::PageGet(page)) = (request, &mut reply)
                && to.browser > CYD
                && ask.channel == general.channel
                && ask.from == PageFrom::End
                && let [.., one, two] = page.messages.as_mut_slice()
            {
                std::mem::swap(one, two);
                std::mem::swap(&mut one.seq, &mut two.seq);
            }
            reply
        });
        stage.script(pass_frame(), reply);
        let late = stage.world.sign_in("cyd").await;
        // The second was written by somebody who had seen the first.
        stage.rows(late, general).await;
        assert_eq!(stage.standing(late), Standing::Frozen(Tamper::Fork));
        assert!(!stage.rows(late, general).await.contains(&"second".to_owned()));
    });
}

#[test]
fn a_message_of_a_channel_comes_again() {
    block_on(async {
        let mut stage = Stage::new("again").await;
        for chat in [stage.general, stage.den] {
            let message = outgoing(&stage.stored(chat)[0]);
            stage.put(chat, &message).await;
            let late = stage.world.sign_in("bob").await;
            for browser in [ADA, BOB, late] {
                let rows = stage.rows(browser, chat).await;
                assert_eq!(rows, ["first".to_owned(), "second".into(), damaged()]);
            }
        }
    });
}
