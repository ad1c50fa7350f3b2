//! What a fuzzer hands its bytes to, and the tests its corpus: nothing here may panic, whatever they are.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::LazyLock;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::people::{Person, REALM, TestRoom};
use crate::api::Endpoint;
use crate::api::body::*;
use crate::api::error::ErrorBody;
use crate::api::frame::{FromRelay, ToRelay};
use crate::codec::Codec;
use crate::crypto::kem::WrapInfo;
use crate::crypto::sign::SignedBlob;
use crate::envelope::content::{Content, MessageBody, OpenedContent};
use crate::envelope::header::Header;
use crate::id::UserId;
use crate::log::room_log::{RoomBody, RoomEntry, RoomGenesis, RoomState, room_id};
use crate::log::user_log::{UserBody, UserEntry, UserGenesis, UserLog};
use crate::vault::{Pin, VaultHeader, VaultWrap};

type Decoder = fn(&[u8]);

fn decoder<T: Codec + PartialEq + Debug>(bytes: &[u8]) {
    if let Ok(value) = T::from_bytes(bytes) {
        // One value, one encoding.
        assert_eq!(value.to_bytes(), bytes, "another encoding of {value:?}");
    }
}

macro_rules! decoders {
    ($($ty:ty),* $(,)?) => { &[$(decoder::<$ty>),*] };
}

const DECODERS: &[Decoder] = decoders![
    SignedBlob,
    UserGenesis,
    UserEntry,
    UserBody,
    RoomGenesis,
    RoomEntry,
    RoomBody,
    WrapInfo,
    Header,
    Content,
    MessageBody,
    VaultHeader,
    VaultWrap,
    Pin,
    Registration,
    VaultPutRecord,
    LoginProof,
    SessionProof,
];

/// The first byte names a type, the rest may be one.
pub fn decode(bytes: &[u8]) {
    let Some((which, rest)) = bytes.split_first() else {
        return;
    };
    DECODERS[usize::from(*which) % DECODERS.len()](rest);
    if let Ok(header) = Header::from_bytes(rest.get(..crate::envelope::header::HEADER_BYTES).unwrap_or_default()) {
        let _ = OpenedContent::parse(&rest[crate::envelope::header::HEADER_BYTES..], &header);
    }
}

fn reader<T: Serialize + DeserializeOwned + PartialEq + Debug>(bytes: &[u8]) {
    if let Ok(value) = serde_json::from_slice::<T>(bytes) {
        let written = serde_json::to_string(&value).expect("what was read is written");
        let again: T = serde_json::from_str(&written).expect("what was written is read");
        assert_eq!(again, value);
    }
}

macro_rules! readers {
    ($($endpoint:ident),* $(,)?) => {
        &[reader::<ToRelay>, reader::<FromRelay>, reader::<ErrorBody>,
          $(reader::<$endpoint>, reader::<<$endpoint as Endpoint>::Reply>),*]
    };
}

const READERS: &[Decoder] = readers![
    Info,
    Register,
    SignInStart,
    SignInProve,
    SessionStart,
    SessionProve,
    SessionEnd,
    SessionEndOthers,
    SessionList,
    VaultGet,
    VaultPut,
    UserFind,
    UserLogGet,
    UserLogAppend,
    RoomCreate,
    RoomAppend,
    RoomLogGet,
    WrapsGet,
    WrapsPut,
    PageGet,
    MessageDelete,
    SlotsGet,
];

/// The first byte names a body, an answer or a frame, the rest may be its JSON.
pub fn json(bytes: &[u8]) {
    let Some((which, rest)) = bytes.split_first() else {
        return;
    };
    READERS[usize::from(*which) % READERS.len()](rest);
}

/// Real logs, whose bytes are bent.
struct Logs {
    ada: Person,
    bob: Person,
    room: TestRoom,
}

static LOGS: LazyLock<Logs> = LazyLock::new(|| {
    let mut ada = Person::new("ada");
    let bob = Person::new("bob");
    let mut room = TestRoom::group(&ada);
    room.add(&ada, &bob, crate::log::room_log::Role::Member)
        .expect("an entry");
    room.epoch(&ada).expect("an entry");
    ada.add_device();
    ada.revoke(1);
    ada.rotate_kem();
    ada.rotate_identity();
    room.update(&bob, &ada).expect("an entry");
    room.epoch(&bob).expect("an entry");
    room.leave(&bob).expect("an entry");
    room.close(&ada).expect("an entry");
    Logs { ada, bob, room }
});

/// Entries as a relay would hand them out: taken from the real ones, in any order, with bytes changed.
/// Three bytes each: which one, where, and what is added there.
fn bent(real: &[SignedBlob], bytes: &[u8]) -> Vec<SignedBlob> {
    let bent = bytes.chunks_exact(3).take(16).filter_map(|change| {
        let mut blob = real[usize::from(change[0]) % real.len()].to_bytes();
        let at = usize::from(change[1]) % blob.len();
        blob[at] = blob[at].wrapping_add(change[2]);
        SignedBlob::from_bytes(&blob).ok()
    });
    bent.collect()
}

/// A user log with entries bent: what is taken are the real ones in their order, nothing else.
pub fn user_log(bytes: &[u8]) {
    let Logs { ada, .. } = &*LOGS;
    let entries = bent(&ada.blobs, bytes);
    let begun = UserLog::begin(&ada.genesis, &ada.id(), REALM).expect("her own");
    if let Some(log) = begun.extend(&entries).ok().and_then(|log| log.prove_here().ok()) {
        // A signature stands beside what is hashed, so a real entry with another valid signature is the real entry.
        assert_eq!(
            log.at(log.seq()).map(|(head, _)| head),
            ada.log.at(log.seq()).map(|(head, _)| head)
        );
    }
    let mut genesis = ada.genesis.clone();
    for change in bytes.chunks_exact(3) {
        let at = usize::from(change[1]) % genesis.len();
        genesis[at] = genesis[at].wrapping_add(change[2]);
    }
    if UserLog::begin(&genesis, &ada.id(), REALM).is_ok() {
        assert_eq!(genesis, ada.genesis, "another genesis under the same id");
    }
}

/// A room log with entries bent: what is taken are the real ones in their order, nothing else.
pub fn room_log(bytes: &[u8]) {
    let Logs { ada, bob, room } = &*LOGS;
    let logs: BTreeMap<UserId, UserLog> = [(ada.id(), ada.log.clone()), (bob.id(), bob.log.clone())].into();
    let begun = RoomState::begin(&room.genesis, &room.id(), &logs).expect("her own");
    let mut state = begun.prove_here().expect("hers");
    for blob in bent(&room.blobs, bytes) {
        if let Some((next, _)) = (state.extend(&[blob], &logs).ok()).and_then(|next| next.prove_here().ok()) {
            state = next;
            let real = room.state.hashes.get(state.seq as usize);
            assert_eq!(Some(&state.head), real, "an entry that nobody signed");
        }
    }
    for blob in bent(std::slice::from_ref(&room.genesis), bytes) {
        if RoomState::begin(&blob, &room_id(&blob.body), &logs).is_ok_and(|state| state.prove_here().is_ok()) {
            assert_eq!(blob.body, room.genesis.body, "a genesis that nobody signed");
        }
    }
}
