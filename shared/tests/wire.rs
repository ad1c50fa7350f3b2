//! JSON bodies and frames: what is written is read back, and no text makes a reader panic.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::collections::BTreeSet;
use std::fmt::Debug;

use common::gen_values::Gen;
use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sotto_shared::api::body::*;
use sotto_shared::api::error::{ErrorBody, ErrorCode};
use sotto_shared::api::frame::{FromRelay, ItemRev, Outgoing, ToRelay};
use sotto_shared::api::{B64, Endpoint};
use sotto_shared::log::standing::InviteStanding;

const CODES: [ErrorCode; 18] = [
    ErrorCode::Malformed,
    ErrorCode::UnsupportedVersion,
    ErrorCode::TooLarge,
    ErrorCode::NotSignedIn,
    ErrorCode::BadProof,
    ErrorCode::HandleTaken,
    ErrorCode::BadHandle,
    ErrorCode::NotFound,
    ErrorCode::Forbidden,
    ErrorCode::InvalidEntry,
    ErrorCode::StaleHead,
    ErrorCode::StaleItem,
    ErrorCode::WrongEpoch,
    ErrorCode::Duplicate,
    ErrorCode::TooFast,
    ErrorCode::Draining,
    ErrorCode::Unavailable,
    ErrorCode::Internal,
];

fn b64(rng: &mut Gen) -> B64 {
    B64(rng.vec(300))
}

fn text(rng: &mut Gen) -> String {
    rng.text::<60>().as_str().to_owned()
}

fn some<T>(rng: &mut Gen, one: impl Fn(&mut Gen) -> T) -> Vec<T> {
    (0..rng.below(4)).map(|_| one(rng)).collect()
}

fn wrap(rng: &mut Gen) -> Wrap {
    Wrap {
        channel: rng.channel(),
        n: rng.u32(),
        user_id: rng.user(),
        g: rng.u32(),
        enc: b64(rng),
        ct: b64(rng),
    }
}

fn channel_head(rng: &mut Gen) -> ChannelHead {
    ChannelHead {
        channel: rng.channel(),
        seq: rng.u64(),
        t: rng.head(),
    }
}

fn room_head(rng: &mut Gen) -> RoomHead {
    RoomHead {
        room_id: rng.room(),
        seq: rng.u64(),
        head: rng.head(),
        channels: some(rng, channel_head),
    }
}

fn item(rng: &mut Gen) -> VaultItem {
    VaultItem {
        item_id: rng.item(),
        rev: rng.u64(),
        sealed: b64(rng),
    }
}

fn user_log(rng: &mut Gen) -> UserLogBody {
    let genesis = if rng.coin() { Some(b64(rng)) } else { None };
    UserLogBody {
        user_id: rng.user(),
        handle: text(rng),
        genesis,
        entries: some(rng, b64),
    }
}

fn stored(rng: &mut Gen) -> StoredMessage {
    let gone = if rng.coin() { Some(rng.envelope()) } else { None };
    StoredMessage {
        gone,
        seq: rng.u64(),
        header: b64(rng),
        envelope: b64(rng),
    }
}

fn cell(rng: &mut Gen) -> Cell {
    match rng.below(5) {
        0 => Cell::Nothing,
        1 => Cell::Number(rng.u64()),
        2 => Cell::Text(text(rng)),
        3 => Cell::Bytes(b64(rng)),
        _ => Cell::Digest {
            bytes: rng.u64(),
            sha256: b64(rng),
        },
    }
}

fn held_table(rng: &mut Gen) -> HeldTable {
    HeldTable {
        table: text(rng),
        columns: some(rng, |rng| Column {
            name: text(rng),
            kind: rng.one(&[
                ColumnKind::Handle,
                ColumnKind::Id,
                ColumnKind::Time,
                ColumnKind::Counter,
                ColumnKind::Key,
                ColumnKind::Open,
                ColumnKind::Sealed,
            ]),
        }),
        sums: some(rng, |rng| HeldSum {
            room_id: if rng.coin() { Some(rng.room()) } else { None },
            rows: rng.u64(),
            bytes: rng.u64(),
        }),
    }
}

fn to_relay(rng: &mut Gen) -> ToRelay {
    match rng.below(4) {
        0 => ToRelay::Hello {
            token: text(rng),
            api: rng.u32(),
        },
        1 => ToRelay::Send {
            messages: some(rng, |rng| Outgoing {
                header: b64(rng),
                envelope: b64(rng),
            }),
        },
        2 => ToRelay::KeyRequest {
            room_id: rng.room(),
            request: b64(rng),
        },
        _ => ToRelay::Ping,
    }
}

fn from_relay(rng: &mut Gen) -> FromRelay {
    let retry_secs = if rng.coin() { Some(rng.u32()) } else { None };
    match rng.below(12) {
        11 => FromRelay::Vault {
            items: some(rng, |rng| ItemRev {
                item_id: rng.item(),
                rev: rng.u64(),
            }),
        },
        10 => FromRelay::KeyRequest {
            room_id: rng.room(),
            request: b64(rng),
        },
        8 => FromRelay::Ephemeral {
            room_id: rng.room(),
            channel: rng.channel(),
            header: b64(rng),
            envelope: b64(rng),
        },
        9 => FromRelay::Slot {
            room_id: rng.room(),
            channel: rng.channel(),
            header: b64(rng),
            envelope: b64(rng),
        },
        0 => FromRelay::Welcome {
            rooms: some(rng, room_head),
            closed: some(rng, |rng| rng.user()),
            user_log_seq: rng.u64(),
            now_ms: rng.u64(),
        },
        1 => FromRelay::Message {
            room_id: rng.room(),
            channel: rng.channel(),
            message: stored(rng),
        },
        2 => FromRelay::Log {
            room_id: rng.room(),
            from_seq: rng.u64(),
            entries: some(rng, b64),
        },
        3 if rng.below(2) == 0 => FromRelay::Wraps { room_id: rng.room() },
        3 => FromRelay::Reports { room_id: rng.room() },
        4 => FromRelay::UserLog {
            user_id: rng.user(),
            seq: rng.u64(),
        },
        5 => FromRelay::Refused {
            room_id: rng.room(),
            msg_id: rng.message_id(),
            code: rng.one(&CODES),
            retry_secs,
        },
        6 => FromRelay::Pong,
        _ => FromRelay::Bye { code: rng.one(&CODES) },
    }
}

fn survives<T: Serialize + DeserializeOwned + PartialEq + Debug>(text: &str) {
    if let Ok(value) = serde_json::from_str::<T>(text) {
        let again = serde_json::to_string(&value).unwrap();
        assert_eq!(serde_json::from_str::<T>(&again).unwrap(), value, "{text}");
    }
}

/// Runs a generic function for every type that crosses the wire.
macro_rules! each_type {
    ($function:ident, $argument:expr) => {
        sotto_shared::every_endpoint!(each_type @asked $function, $argument;);
        each_type!(
            $function, $argument;
            VaultItem, UserLogFrom, UserLogBody, SessionInfo, Wrap, RoomHead, ChannelHead, PageFrom, StoredMessage, ErrorBody, ErrorCode,
            ToRelay, FromRelay, Outgoing, B64, HeldTable, HeldSum, Column, ColumnKind, Cell, SlotValue,
            ReportWrap, SealedReport
        );
    };
    (@asked $function:ident, $argument:expr; $($ask:ident),*) => {
        $($function::<$ask>($argument); $function::<<$ask as Endpoint>::Reply>($argument);)*
    };
    ($function:ident, $argument:expr; $($ty:ty),*) => { $($function::<$ty>($argument);)* };
}

/// A few values of every type, as JSON, each checked to read back as it was.
fn samples(rng: &mut Gen) -> Vec<Value> {
    let mut out = Vec::new();
    macro_rules! sample {
        ($($value:expr),* $(,)?) => {$({
            let value = $value;
            let text = serde_json::to_string(&value).unwrap();
            assert_eq!(read_like(&value, &text), value, "{text}");
            out.push(serde_json::from_str(&text).unwrap());
        })*};
    }
    let code = rng.one(&CODES);
    let retry_secs = if rng.coin() { Some(rng.u32()) } else { None };
    let from = match rng.below(3) {
        0 => PageFrom::After(rng.u64()),
        1 => PageFrom::Before(rng.u64()),
        _ => PageFrom::End,
    };
    sample!(
        to_relay(rng),
        from_relay(rng),
        ErrorBody { code, retry_secs },
        Empty {},
        Info {},
        SessionEnd {},
        SessionEndOthers {},
        SessionList {},
        VaultGet {},
        from,
        InfoReply {
            realm: text(rng),
            api: rng.u32(),
            now_ms: rng.u64(),
            guests: rng.below(2) == 0
        },
        Register {
            registration: b64(rng),
            ak_sig: b64(rng),
            ik_sig: b64(rng)
        },
        SignInStart { handle: text(rng) },
        SignInChallenge {
            salt: b64(rng),
            profile: rng.u8(),
            challenge: b64(rng),
            expires_ms: rng.u64()
        },
        SignInProve {
            handle: text(rng),
            challenge: b64(rng),
            session_nonce: b64(rng),
            sig: b64(rng),
            recovery: rng.below(2) > 0
        },
        SignInGrant {
            token: text(rng),
            vault_header: b64(rng),
            items: some(rng, item),
            log: user_log(rng)
        },
        Grant { token: text(rng) },
        SessionStart {},
        SessionChallenge { challenge: b64(rng) },
        SessionProve {
            dk_id: rng.device(),
            challenge: b64(rng),
            sig: b64(rng)
        },
        SessionGrant {
            token: text(rng),
            expires_ms: rng.u64()
        },
        SessionListReply {
            sessions: some(rng, |rng| SessionInfo {
                dk_id: rng.device(),
                created_ms: rng.u64(),
                seen_ms: rng.u64()
            }),
        },
        HeldGet {},
        Held {
            tables: some(rng, held_table)
        },
        RowsGet {
            table: text(rng),
            after: some(rng, cell)
        },
        Rows {
            rows: some(rng, |rng| some(rng, cell)),
            more: rng.coin()
        },
        VaultGetReply {
            header: b64(rng),
            items: some(rng, item)
        },
        VaultPut { puts: some(rng, item) },
        UserFind { handle: text(rng) },
        UserLogsGet {
            users: some(rng, |rng| UserLogFrom {
                user_id: rng.user(),
                from_seq: rng.u64()
            })
        },
        UserLogsReply {
            logs: some(rng, user_log)
        },
        UserLogAppend {
            entries: some(rng, b64),
            puts: some(rng, item)
        },
        Rekey {
            change: b64(rng),
            ak_sig: b64(rng),
            ik_sig: b64(rng)
        },
        SetRecovery {
            change: b64(rng),
            ik_sig: b64(rng)
        },
        ResetIdentity {
            registration: b64(rng),
            ak_sig: b64(rng),
            ik_sig: b64(rng),
            close: (rng.below(2) > 0).then(|| b64(rng))
        },
        RoomCreate {
            genesis: b64(rng),
            entries: some(rng, b64),
            wraps: some(rng, wrap)
        },
        RoomAppend {
            room_id: rng.room(),
            entries: some(rng, b64),
            wraps: some(rng, wrap)
        },
        RoomLogGet {
            room_id: rng.room(),
            from_seq: rng.u64()
        },
        RoomLogReply {
            entries: some(rng, b64),
            seq: rng.u64()
        },
        InviteOpen {
            room_id: rng.room(),
            invite_id: rng.invite_id(),
            sig: b64(rng),
            from_seq: rng.u64()
        },
        InvitePeek {
            room_id: rng.room(),
            invite_id: rng.invite_id(),
            at_ms: rng.u64(),
            sig: b64(rng)
        },
        InvitePeekReply {
            standing: rng.one(&[
                InviteStanding::Open,
                InviteStanding::UsedUp,
                InviteStanding::Expired,
                InviteStanding::Revoked,
                InviteStanding::Void
            ]),
            card: b64(rng),
            by: text(rng),
            members: rng.u32(),
            expires_ms: rng.u64(),
            approval: rng.below(2) == 1
        },
        WrapsGet {
            room_id: rng.room(),
            from_n: rng.u32()
        },
        WrapsReply { wraps: some(rng, wrap) },
        WrapsPut {
            room_id: rng.room(),
            wraps: some(rng, wrap)
        },
        WrapsDrop {
            channel: sotto_shared::id::ChannelId::MAIN,
            room_id: rng.room(),
            n: rng.u32()
        },
        PageGet {
            room_id: rng.room(),
            channel: rng.channel(),
            from,
            limit: rng.u32()
        },
        Page {
            before: channel_head(rng),
            messages: some(rng, stored),
            head: channel_head(rng)
        },
        SlotsGet {
            room_id: rng.room(),
            channel: rng.channel(),
            before: rng.coin().then(|| rng.u64())
        },
        SlotsReply {
            slots: some(rng, |rng| SlotValue {
                header: b64(rng),
                envelope: b64(rng)
            }),
            before: rng.coin().then(|| rng.u64())
        },
        MessageDelete {
            room_id: rng.room(),
            channel: rng.channel(),
            msg_id: rng.message_id(),
            del_secret: b64(rng)
        },
        ReportSend {
            room_id: rng.room(),
            report_id: rng.report_id(),
            sealed: b64(rng),
            wraps: some(rng, |rng| ReportWrap {
                user_id: rng.user(),
                g: rng.u32(),
                enc: b64(rng),
                ct: b64(rng)
            })
        },
        ReportsGet { room_id: rng.room() },
        ReportsReply {
            reports: some(rng, |rng| SealedReport {
                report_id: rng.report_id(),
                sealed: b64(rng),
                g: rng.u32(),
                enc: b64(rng),
                ct: b64(rng)
            }),
            open: rng.u32()
        },
        ReportSettle {
            room_id: rng.room(),
            report_id: rng.report_id()
        },
        PicturePut {
            picture_id: rng.picture_id(),
            sealed: b64(rng)
        },
        PictureGet {
            picture_id: rng.picture_id()
        },
        PictureReply { sealed: b64(rng) },
        PictureDrop {},
    );
    out
}

fn read_like<T: DeserializeOwned>(_: &T, text: &str) -> T {
    serde_json::from_str(text).unwrap()
}

/// Something in it is of another kind, missing, extra or out of range.
fn spoil(rng: &mut Gen, value: &mut Value) {
    let odd = rng.one(&[
        json!(null),
        json!(true),
        json!(-1),
        json!(1.5),
        json!(18_446_744_073_709_551_615_u64),
        json!(""),
        json!("="),
        json!("AA=="),
        json!("AB"),
        json!("\u{0}"),
        json!([]),
        json!({}),
        json!([[[[]]]]),
        json!({"type": "ping"}),
    ]);
    match value {
        Value::Object(fields) if !fields.is_empty() && rng.below(4) > 0 => {
            let name = fields.keys().nth(rng.below(fields.len())).unwrap().clone();
            match rng.below(4) {
                0 => drop(fields.remove(&name)),
                1 => drop(fields.insert("surprise".into(), odd)),
                _ => spoil(rng, fields.get_mut(&name).unwrap()),
            }
        }
        Value::Array(items) if !items.is_empty() && rng.below(4) > 0 => {
            let at = rng.below(items.len());
            spoil(rng, &mut items[at]);
        }
        _ => *value = odd,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn bodies_and_frames_read_back_and_no_json_panics(seed: u64) {
        let rng = &mut Gen::new(seed);
        for mut value in samples(rng) {
            let text = value.to_string();
            each_type!(survives, &text);
            let broken = String::from_utf8_lossy(&rng.damage(text.as_bytes())).into_owned();
            each_type!(survives, &broken);
            spoil(rng, &mut value);
            each_type!(survives, &value.to_string());
        }
    }

    #[test]
    fn random_text_is_refused_in_peace(text in "\\PC{0,80}", braces in "[\\[\\]{}\",:0-9a-z]{0,60}") {
        each_type!(survives, &text);
        each_type!(survives, &braces);
    }

    #[test]
    fn bytes_in_json_have_one_spelling(seed: u64, text in "[A-Za-z0-9_+/=-]{0,12}") {
        let bytes = b64(&mut Gen::new(seed));
        let spelt = serde_json::to_string(&bytes).unwrap();
        prop_assert_eq!(serde_json::from_str::<B64>(&spelt).unwrap(), bytes);
        let quoted = format!("\"{text}\"");
        if let Ok(read) = serde_json::from_str::<B64>(&quoted) {
            prop_assert_eq!(serde_json::to_string(&read).unwrap(), quoted);
        }
    }
}

#[test]
fn nesting_without_end_is_refused() {
    for open in ["[", "{\"a\":", "{\"rooms\":["] {
        let deep = open.repeat(100_000);
        each_type!(survives, &deep);
    }
}

#[test]
fn a_request_with_an_unknown_field_is_refused_and_an_answer_with_one_is_not() {
    // A newer client must not believe that an older relay did what it does not know; an older client reads a newer relay.
    assert!(serde_json::from_str::<UserFind>(r#"{"handle":"ada"}"#).is_ok());
    assert!(serde_json::from_str::<UserFind>(r#"{"handle":"ada","more":1}"#).is_err());
    assert!(serde_json::from_str::<ToRelay>(r#"{"type":"hello","token":"t","api":1,"more":1}"#).is_err());
    assert!(serde_json::from_str::<FromRelay>(r#"{"type":"bye","code":"draining","more":1}"#).is_ok());
    assert!(serde_json::from_str::<InfoReply>(r#"{"realm":"r","api":1,"now_ms":1,"more":1}"#).is_ok());
}

#[test]
fn error_codes_are_spelt_in_snake_case_and_map_to_a_refusal() {
    let spelt: BTreeSet<String> = CODES.iter().map(|code| serde_json::to_string(code).unwrap()).collect();
    assert_eq!(spelt.len(), CODES.len());
    assert!(spelt.contains("\"stale_head\"") && spelt.contains("\"not_signed_in\""));
    assert!(CODES.iter().all(|code| (400..600).contains(&code.status())));
    assert!(serde_json::from_str::<ErrorCode>("\"unheard_of\"").is_err());
}

#[test]
fn no_two_endpoints_share_a_path() {
    fn path<T: Endpoint>(paths: &mut Vec<&'static str>) {
        paths.push(T::PATH);
    }
    let mut paths = Vec::new();
    sotto_shared::every_endpoint!(each_type path, &mut paths;);
    let distinct: BTreeSet<&str> = paths.iter().copied().collect();
    assert_eq!(distinct.len(), paths.len());
    assert!(
        paths
            .iter()
            .all(|path| path.bytes().all(|c| c.is_ascii_lowercase() || c == b'/' || c == b'-'))
    );
}
