//! Frames and bodies made of bytes: what `fuzz/` hands to a real relay, and the tests its corpus.

use futures_util::SinkExt;
use sotto_shared::api::body::*;
use sotto_shared::api::error::ErrorCode;
use sotto_shared::api::frame::{FromRelay, Outgoing, ToRelay};
use sotto_shared::api::{B64, Endpoint};
use sotto_shared::codec::Codec;
use sotto_shared::crypto::hash::sha256;
use sotto_shared::envelope::header::Header;
use sotto_shared::id::{ChannelId, InviteId, MessageId, PictureId, ReportId};
use sotto_shared::log::room_log::RoomBody;
use tokio_tungstenite::tungstenite::Message;

use crate::support::*;

pub struct Pond {
    ground: Ground,
    token: String,
    /// As a browser sends them, the greeting first; bodies with the path they go to.
    frames: Vec<(Option<&'static str>, String)>,
}

fn frame(frame: &ToRelay) -> (Option<&'static str>, String) {
    (None, serde_json::to_string(frame).unwrap())
}

fn body<E: Endpoint>(body: &E) -> (Option<&'static str>, String) {
    (Some(E::PATH), serde_json::to_string(body).unwrap())
}

impl Pond {
    pub async fn make() -> Self {
        let ground = Ground::with(|config| {
            let limits = &mut config.limits;
            limits.sockets_per_person = 1_000;
            limits.max_connections = 100_000;
            limits.requests_per_minute = 1_000_000;
            limits.messages_per_minute = 1_000_000;
            limits.messages_burst = 1_000_000;
            limits.ephemeral_per_minute = 1_000_000;
        })
        .await;
        let ada = ground.person("ada").await;
        let bob = ground.person("bob").await;
        let room = ground.group(&[&ada, &bob]).await;
        let (room_id, channel) = (room.id, ChannelId::MAIN);
        // One that can be deleted.
        let (mut message, secret) = (room.message(512), [4; 32]);
        let mut header = Header::from_bytes(&message.header.0).unwrap();
        header.del_commit = sha256(&secret);
        message.header = B64(header.to_bytes());
        let value = room.value(MessageId::from_bytes([5; 16]));
        let send = |messages: Vec<Outgoing>| frame(&ToRelay::Send { messages });
        let frames = vec![
            frame(&ToRelay::Hello {
                token: ada.token.clone(),
                api: API_VERSION,
            }),
            send(vec![room.message(512)]),
            send(vec![room.message_under(0, 512), room.message(1024)]),
            frame(&ToRelay::Ping),
            send(vec![message.clone()]),
            send(vec![value.clone()]),
            send(vec![room.word()]),
            send(vec![
                room.word(),
                room.message(512),
                room.value_under(9, MessageId::from_bytes([6; 16])),
                value,
            ]),
            frame(&ToRelay::KeyRequest {
                room_id,
                request: B64(random::<200>().to_vec()),
            }),
            body(&MessageDelete {
                room_id,
                channel,
                msg_id: msg_id(&message),
                del_secret: B64(secret.to_vec()),
            }),
            body(&SlotsGet {
                room_id,
                channel,
                before: Some(1),
            }),
            body(&ReportsGet { room_id }),
            body(&ReportSettle {
                room_id,
                report_id: ReportId::from_bytes([5; 16]),
            }),
            body(&ReportSend {
                room_id,
                report_id: ReportId::from_bytes([5; 16]),
                sealed: B64(vec![1; 584]),
                wraps: vec![ReportWrap {
                    user_id: ada.user_id,
                    g: 1,
                    enc: B64(vec![4; 65]),
                    ct: B64(vec![1; 48]),
                }],
            }),
            body(&crate::pictures::picture()),
            body(&PictureGet {
                picture_id: PictureId::from_bytes([5; 16]),
            }),
            body(&PictureDrop {}),
            body(&PageGet {
                room_id,
                channel,
                from: PageFrom::Before(1 << 60),
                limit: 10,
            }),
            body(&HeldGet {}),
            body(&RowsGet {
                table: "messages".to_owned(),
                after: vec![Cell::Bytes(B64(room_id.as_bytes().to_vec())), Cell::Number(1)],
            }),
            body(&RowsGet {
                table: "users".to_owned(),
                after: Vec::new(),
            }),
            body(&InviteOpen {
                room_id,
                invite_id: InviteId::from_bytes([7; 16]),
                sig: B64(random::<64>().to_vec()),
                from_seq: 0,
            }),
            body(&RoomAppend {
                room_id,
                entries: vec![room.entry_only(&bob, RoomBody::Leave)],
                wraps: Vec::new(),
            }),
            body(&WrapsPut {
                room_id,
                wraps: room.wraps(),
            }),
            body(&WrapsDrop {
                room_id,
                channel: ChannelId::MAIN,
                n: 1,
            }),
            body(&VaultPut {
                puts: vec![VaultItem {
                    item_id: id_of("pond"),
                    rev: 1,
                    sealed: B64(vec![1; 40]),
                }],
            }),
            body(&ada.set_recovery(None)),
            body(&SignInStart {
                handle: "ada".to_owned(),
            }),
            body(&ada.sign_in_proof(&ada.ak, &[1; 32])),
        ];
        Self {
            ground,
            token: ada.token.clone(),
            frames,
        }
    }

    /// Four bytes each: which frame or body, where (2) and what a byte of it becomes; 0 leaves it whole. After 255 everything
    /// that is left is one frame.
    pub async fn run(&self, bytes: &[u8]) {
        let mut socket = self.ground.bare_socket().await;
        let mut rest = bytes;
        let mut greeted = rest.first().is_none_or(|first| first & 0x80 == 0);
        if greeted {
            let hello = Message::text(self.frames[0].1.clone());
            socket.stream.send(hello).await.unwrap();
            let welcome = socket.next().await;
            assert!(matches!(welcome, Some(FromRelay::Welcome { .. })), "{welcome:?}");
        }
        while let Some((which, after)) = rest.split_first() {
            let frame = match (which, after) {
                (255, raw) => {
                    rest = &[];
                    match std::str::from_utf8(raw) {
                        Ok(text) => Message::text(text.to_owned()),
                        Err(_) => Message::binary(raw.to_vec()),
                    }
                }
                (which, [high, low, to, after @ ..]) => {
                    rest = after;
                    let (path, whole) = &self.frames[usize::from(which & 0x7f) % self.frames.len()];
                    let mut frame = whole.clone().into_bytes();
                    let at = usize::from(u16::from_be_bytes([*high, *low])) % frame.len();
                    if *to != 0 {
                        frame[at] = *to & 0x7f;
                    }
                    if let Some(path) = path {
                        self.ask(path, frame).await;
                        continue;
                    }
                    Message::text(String::from_utf8(frame).unwrap())
                }
                _ => break,
            };
            // It may have closed by now.
            if socket.stream.send(frame).await.is_err() {
                break;
            }
            greeted = true;
        }
        if !greeted {
            return;
        }
        // Everything is answered: by a pong behind it, or by a goodbye.
        let ping = Message::text(serde_json::to_string(&ToRelay::Ping).unwrap());
        if socket.stream.send(ping).await.is_ok() {
            loop {
                match socket.next().await {
                    None | Some(FromRelay::Pong) => break,
                    Some(FromRelay::Bye { code } | FromRelay::Refused { code, .. }) => {
                        assert!(
                            !matches!(code, ErrorCode::Internal | ErrorCode::Unavailable),
                            "{code:?}"
                        );
                    }
                    Some(_) => {}
                }
            }
        }
    }

    /// An answer or a refusal, and never a fault.
    async fn ask(&self, path: &str, body: Vec<u8>) {
        let http = &self.ground.http;
        let request = http
            .post(self.ground.endpoint(path))
            .bearer_auth(&self.token)
            .body(body);
        let answer = request.timeout(STUCK).send().await.unwrap();
        assert!(!answer.status().is_server_error(), "{path}: {}", answer.status());
    }
}

#[tokio::test]
async fn frames_that_were_found_are_answered_again() {
    let pond = Pond::make().await;
    let folder = format!("{}/../fuzz/corpus/socket", env!("CARGO_MANIFEST_DIR"));
    let mut count = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        pond.run(&std::fs::read(file.unwrap().path()).unwrap()).await;
        count += 1;
    }
    assert!(count > 0);
}
