//! Bytes nobody meant: every endpoint and the socket answer them with a refusal, in time, and never with a fault.

use futures_util::SinkExt;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use sotto_shared::api::Endpoint;
use sotto_shared::api::body::*;
use sotto_shared::api::error::{ErrorBody, ErrorCode};
use sotto_shared::api::frame::FromRelay;
use sotto_shared::api::limits::{MAX_BODY_BYTES, MAX_WRAPS_BODY_BYTES};
use sotto_shared::log::room_log::RoomKind;
use tokio_tungstenite::tungstenite::Message;

use crate::support::*;

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,20}".prop_map(Value::from),
        "[A-Za-z0-9_-]{0,90}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map("[a-z_]{1,9}", inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// A good body with one value, somewhere inside, replaced.
fn bend(value: &mut Value, place: usize, with: &Value) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            let index = place % map.len();
            if let Some((_, inner)) = map.iter_mut().nth(index) {
                bend(inner, place / 7, with);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            let index = place % items.len();
            bend(&mut items[index], place / 7, with);
        }
        leaf => *leaf = with.clone(),
    }
}

#[tokio::test]
async fn no_body_makes_the_relay_fail_or_hang() {
    let ground = Ground::with(|config| {
        config.limits.register_per_hour = 1_000_000;
        config.limits.sign_in_per_minute = 1_000_000;
        config.limits.requests_per_minute = 1_000_000;
    })
    .await;
    let ada = ground.person("ada").await;
    let room = ground.group(&[&ada]).await;
    let (_, create) = Room::new(&ada, RoomKind::Group, &[]);
    let good = [
        (Info::PATH, json!({})),
        (
            Register::PATH,
            serde_json::to_value(Person::new("bob").registration()).unwrap(),
        ),
        (SignInStart::PATH, json!({"handle": "ada"})),
        (
            SignInProve::PATH,
            serde_json::to_value(ada.sign_in_proof(&ada.ak, &[1; 32])).unwrap(),
        ),
        (SessionStart::PATH, json!({})),
        (
            SessionProve::PATH,
            serde_json::to_value(ada.session_proof(&ada.dk, &[1; 32])).unwrap(),
        ),
        (SessionList::PATH, json!({})),
        (VaultGet::PATH, json!({})),
        (
            VaultPut::PATH,
            json!({"puts": [{"item_id": id_of("a"), "rev": 1, "sealed": "AAAA"}]}),
        ),
        (UserFind::PATH, json!({"handle": "ada"})),
        (
            UserLogsGet::PATH,
            json!({"users": [{"user_id": ada.user_id, "from_seq": 0}]}),
        ),
        (
            UserLogAppend::PATH,
            json!({"entries": [ada.entry_only(ada.device_body(&key()))], "puts": []}),
        ),
        (
            Rekey::PATH,
            serde_json::to_value(ada.rekey(&key(), &[], |_| {})).unwrap(),
        ),
        (SetRecovery::PATH, serde_json::to_value(ada.set_recovery(None)).unwrap()),
        (
            ResetIdentity::PATH,
            serde_json::to_value(Person::new("ada").reset(None)).unwrap(),
        ),
        (RoomCreate::PATH, serde_json::to_value(create).unwrap()),
        (
            RoomAppend::PATH,
            json!({"room_id": room.id, "entries": [room.entry_only(&ada, room.epoch_body())], "wraps": room.wraps()}),
        ),
        (RoomLogGet::PATH, json!({"room_id": room.id, "from_seq": 0})),
        (WrapsGet::PATH, json!({"room_id": room.id, "from_n": 0})),
        (WrapsPut::PATH, json!({"room_id": room.id, "wraps": room.wraps()})),
        (
            PageGet::PATH,
            json!({"room_id": room.id, "channel": sotto_shared::id::ChannelId::MAIN, "from": {"after": 0}, "limit": 10}),
        ),
        (WrapsDrop::PATH, json!({"room_id": room.id, "n": 1})),
        (HeldGet::PATH, json!({})),
        (
            RowsGet::PATH,
            json!({"table": "messages", "after": [{"bytes": "AAAA"}, {"number": 1}]}),
        ),
        (
            InviteOpen::PATH,
            json!({"room_id": room.id, "invite_id": id_of("a"), "sig": "AAAA", "from_seq": 0}),
        ),
        (
            MessageDelete::PATH,
            json!({"room_id": room.id, "channel": sotto_shared::id::ChannelId::MAIN, "msg_id": id_of("a"), "del_secret": "AAAA"}),
        ),
        (ReportsGet::PATH, json!({"room_id": room.id})),
        (ReportSettle::PATH, json!({"room_id": room.id, "report_id": id_of("a")})),
        (
            ReportSend::PATH,
            json!({"room_id": room.id, "report_id": id_of("a"), "sealed": "AAAA", "wraps": [{"user_id": ada.user_id, "g": 1, "enc": "AAAA", "ct": "AAAA"}]}),
        ),
        (
            PicturePut::PATH,
            serde_json::to_value(crate::pictures::picture()).unwrap(),
        ),
        (PictureGet::PATH, json!({"picture_id": id_of("a")})),
        (PictureDrop::PATH, json!({})),
        (
            SlotsGet::PATH,
            json!({"room_id": room.id, "channel": sotto_shared::id::ChannelId::MAIN}),
        ),
    ];
    let mut runner = TestRunner::deterministic();
    let (noise, bytes, place) = (any_json(), prop::collection::vec(any::<u8>(), 0..300), any::<usize>());
    for (path, body) in good {
        for round in 0..30 {
            let sent = match round % 3 {
                0 => bytes.new_tree(&mut runner).unwrap().current(),
                1 => serde_json::to_vec(&noise.new_tree(&mut runner).unwrap().current()).unwrap(),
                _ => {
                    let mut bent = body.clone();
                    let with = noise.new_tree(&mut runner).unwrap().current();
                    bend(&mut bent, place.new_tree(&mut runner).unwrap().current(), &with);
                    serde_json::to_vec(&bent).unwrap()
                }
            };
            let request = ground
                .http
                .post(ground.endpoint(path))
                .bearer_auth(&ada.token)
                .timeout(STUCK)
                .body(sent.clone());
            let answer = request.send().await.expect("an answer");
            let status = answer.status();
            let shown = String::from_utf8_lossy(&sent).into_owned();
            assert!(status.as_u16() < 500, "{path} {status} {shown}");
            if !status.is_success() {
                let error: ErrorBody = serde_json::from_slice(&answer.bytes().await.unwrap()).expect("an error body");
                assert_eq!(error.code.status(), status.as_u16(), "{path} {shown}");
            }
        }
    }
}

#[tokio::test]
async fn no_frame_makes_the_relay_fail_or_hang() {
    let ground = Ground::with(|config| config.limits.sockets_per_person = 1_000).await;
    let ada = ground.person("ada").await;
    let room = ground.group(&[&ada]).await;
    let good = json!({"type": "send", "messages": [room.message(512)]});
    let mut runner = TestRunner::deterministic();
    let (noise, bytes, place) = (any_json(), prop::collection::vec(any::<u8>(), 0..300), any::<usize>());
    for round in 0..60 {
        let mut socket = ground.socket(&ada).await;
        let frame = match round % 3 {
            0 => Message::binary(bytes.new_tree(&mut runner).unwrap().current()),
            1 => Message::text(noise.new_tree(&mut runner).unwrap().current().to_string()),
            _ => {
                let mut bent = good.clone();
                bend(
                    &mut bent,
                    place.new_tree(&mut runner).unwrap().current(),
                    &noise.new_tree(&mut runner).unwrap().current(),
                );
                Message::text(bent.to_string())
            }
        };
        socket.stream.send(frame).await.unwrap();
        let answer = socket.next().await;
        let refused = matches!(
            answer,
            Some(
                FromRelay::Bye {
                    code: ErrorCode::Malformed | ErrorCode::TooLarge
                } | FromRelay::Refused { .. }
                    | FromRelay::Message { .. }
            )
        );
        assert!(refused, "{answer:?}");
    }
    assert_eq!(ground.socket(&ada).await.rooms.len(), 1);
}

#[tokio::test]
async fn bodies_are_bounded_before_they_are_read() {
    let ground = Ground::new().await;
    let ada = ground.person("ada").await;
    let send = async |path: &str, bytes: usize| {
        let request = ground
            .http
            .post(ground.endpoint(path))
            .bearer_auth(&ada.token)
            .body("x".repeat(bytes));
        // The relay may close while it is still being written to; that, too, is a refusal.
        match request.send().await {
            Ok(answer) => {
                serde_json::from_slice::<ErrorBody>(&answer.bytes().await.unwrap())
                    .unwrap()
                    .code
            }
            Err(_) => ErrorCode::TooLarge,
        }
    };
    assert_eq!(send(UserFind::PATH, MAX_BODY_BYTES + 1).await, ErrorCode::TooLarge);
    assert_eq!(send(UserFind::PATH, MAX_BODY_BYTES).await, ErrorCode::Malformed);
    assert_eq!(send(WrapsPut::PATH, MAX_BODY_BYTES + 1).await, ErrorCode::Malformed);
    assert_eq!(
        send(WrapsPut::PATH, MAX_WRAPS_BODY_BYTES + 1).await,
        ErrorCode::TooLarge
    );
}

#[tokio::test]
async fn a_request_rate_beyond_all_use_is_refused_with_the_time_to_wait() {
    let ground = Ground::with(|config| config.limits.requests_per_minute = 40).await;
    let ada = ground.person("ada").await;
    let mut refused = None;
    for _ in 0..20 {
        refused = refused.or(ground.ask(Some(&ada.token), &SessionList {}).await.err());
    }
    let refused = refused.expect("a refusal");
    assert_eq!(refused.code, ErrorCode::TooFast);
    assert!(refused.retry_secs.is_some());
}
