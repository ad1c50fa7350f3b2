//! Frames made of bytes: what `fuzz/` hands to the socket of a real relay, and the tests its corpus.

use futures_util::SinkExt;
use sotto_shared::api::body::API_VERSION;
use sotto_shared::api::error::ErrorCode;
use sotto_shared::api::frame::{FromRelay, ToRelay};
use tokio_tungstenite::tungstenite::Message;

use crate::support::*;

pub struct Pond {
    ground: Ground,
    /// As a browser sends them, the greeting first.
    frames: Vec<String>,
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
        })
        .await;
        let ada = ground.person("ada").await;
        let room = ground.group(&[&ada]).await;
        let frames = [
            ToRelay::Hello {
                token: ada.token.clone(),
                api: API_VERSION,
            },
            ToRelay::Send {
                messages: vec![room.message(512)],
            },
            ToRelay::Send {
                messages: vec![room.message_under(0, 512), room.message(1024)],
            },
            ToRelay::Ping,
        ];
        let frames = frames
            .iter()
            .map(|frame| serde_json::to_string(frame).unwrap())
            .collect();
        Self { ground, frames }
    }

    /// Four bytes each: which frame, where (2) and what a byte of it becomes; 0 leaves it whole. After 255 everything that is
    /// left is one frame.
    pub async fn run(&self, bytes: &[u8]) {
        let mut socket = self.ground.bare_socket().await;
        let mut rest = bytes;
        let mut greeted = rest.first().is_none_or(|first| first & 0x80 == 0);
        if greeted {
            let hello = Message::text(self.frames[0].clone());
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
                    let mut frame = self.frames[usize::from(which & 0x7f) % self.frames.len()]
                        .clone()
                        .into_bytes();
                    let at = usize::from(u16::from_be_bytes([*high, *low])) % frame.len();
                    if *to != 0 {
                        frame[at] = *to & 0x7f;
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
