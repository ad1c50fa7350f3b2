//! What a browser keeps, damaged: it starts all the same, and comes to rest.

use std::sync::Arc;

use sotto_shared::crypto::secret::PrivateKey;
use sotto_shared::crypto::suite::RustCrypto;
use sotto_shared::id::MessageId;

use super::bend::bend_json;
use crate::engine::{
    ChannelRecord, DraftRecord, Key, KeysRecord, LockedAccount, MessageRecord, OutgoingRecord, PersonRecord,
    PictureRecord, RoomRecord, StopRecord,
};
use crate::testing::{Snapshot, World};
use crate::view::{Body, Command};

/// Ada's browser with a bit of everything in it.
pub struct Shelf {
    snapshot: Snapshot<Arc<PrivateKey>>,
}

impl Shelf {
    pub async fn make() -> Self {
        let mut world = World::new(RustCrypto, "shelf");
        for handle in ["ada", "bob"] {
            world.newcomer(handle).await;
        }
        let room = world.group(0, "Tea", &["bob"]).await;
        for text in ["one", "two", "three"] {
            world.say(0, room, text).await;
        }
        // Said about them, read by the other, and to be gone after a while.
        world
            .run(0, Command::ShowRoom { chat: room.into() })
            .await
            .expect("her room");
        let rows = world.browsers[0].rows().into_iter();
        let messages: Vec<MessageId> = rows
            .filter_map(|row| match row {
                Body::Text { message, .. } => Some(message),
                _ => None,
            })
            .collect();
        let emoji = "👍".to_owned();
        for command in [
            Command::Edit {
                chat: room.into(),
                message: messages[0],
                text: "One".to_owned(),
            },
            Command::Delete {
                chat: room.into(),
                message: messages[1],
            },
            Command::React {
                chat: room.into(),
                message: messages[2],
                emoji,
                on: true,
            },
            Command::SetTtl { room, seconds: 3_600 },
            Command::SaveDraft {
                chat: room.into(),
                text: "fi".to_owned(),
            },
        ] {
            world.run(0, command).await.expect("her own");
        }
        world.settle().await;
        world
            .run(1, Command::ShowRoom { chat: room.into() })
            .await
            .expect("his room");
        world.browsers[1].command(Command::Looking { visible: true });
        world.browsers[1].command(Command::MarkRead { chat: room.into() });
        world.settle().await;
        world.go_offline(0);
        world.write(0, room, "four");
        world.browsers[0].command(Command::Delete {
            chat: room.into(),
            message: messages[2],
        });
        world.settle().await;
        let snapshot = world.into_snapshot();
        Self { snapshot }
    }
}

/// Bytes: which record, how it is bent (2) · the next … What is left over is put in the place of one.
pub async fn run(shelf: &Shelf, bytes: &[u8]) {
    let mut world = World::from_snapshot(RustCrypto, &shelf.snapshot, "shelf again");
    {
        let mut disk = world.browsers[0].disk.borrow_mut();
        let keys: Vec<Key> = disk.records.keys().cloned().collect();
        let (bends, rest) = bytes.split_at(bytes.len().min(6));
        for bend in bends.chunks_exact(3) {
            let key = &keys[usize::from(bend[0]) % keys.len()];
            let choice = u32::from(u16::from_be_bytes([bend[1], bend[2]]));
            if let Some(record) = disk.records.get_mut(key)
                && let Ok(json) = serde_json::from_slice(record)
            {
                *record = bend_json(json, choice).to_string().into_bytes();
            }
        }
        if let Some((which, raw)) = rest.split_first() {
            read_all(raw);
            let key = keys[usize::from(*which) % keys.len()].clone();
            disk.records.insert(key, raw.to_vec());
        }
    }
    world.settle().await;
    for room in world.browsers[0].rooms() {
        world.browsers[0].command(Command::ShowRoom { chat: room.into() });
        world.write(0, room, "five");
    }
    world.settle().await;
    world.advance(31_000);
    world.settle().await;
}

/// The readers themselves, whatever the record was meant to be.
fn read_all(bytes: &[u8]) {
    let _ = serde_json::from_slice::<PersonRecord>(bytes);
    let _ = serde_json::from_slice::<RoomRecord>(bytes);
    let _ = serde_json::from_slice::<ChannelRecord>(bytes);
    let _ = serde_json::from_slice::<MessageRecord>(bytes);
    let _ = serde_json::from_slice::<OutgoingRecord>(bytes);
    let _ = serde_json::from_slice::<KeysRecord>(bytes);
    let _ = serde_json::from_slice::<StopRecord>(bytes);
    let _ = serde_json::from_slice::<LockedAccount>(bytes);
    let _ = serde_json::from_slice::<PictureRecord>(bytes);
    let _ = serde_json::from_slice::<DraftRecord>(bytes);
}
