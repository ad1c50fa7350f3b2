//! Deliveries a second of the relay, storage on, against a server that only broadcasts in memory; same process, same
//! machine, same clients. `cargo run --release -p sotto-server --example bench_relay`

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a measurement: whatever goes wrong ends it"
)]
#![allow(dead_code, reason = "the people and rooms of the tests; not all are needed here")]

use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::ws::{Message as Frame, Utf8Bytes, WebSocketUpgrade};
use axum::routing::get;
use futures_util::{SinkExt, StreamExt};
use sotto_shared::api::frame::ToRelay;
use tokio::sync::broadcast;
use tokio_tungstenite::tungstenite::Message;

#[path = "../tests/relay/support.rs"]
mod support;
use support::{Ground, Person, Socket};

const MEMBERS: usize = 100;
const SENDERS: usize = 4;
const MESSAGES: usize = 2_000;
const BATCH: usize = 10;
/// Messages a sender has under way: as a client with a full outbox would.
const IN_FLIGHT: usize = 100;

#[tokio::main]
async fn main() {
    let relay = relay().await;
    let plain = broadcast_only().await;
    let line = |what: String, value: String| println!("figure: {what:<58} {value}");
    line(
        format!("relay, {MEMBERS} members in a room, stored on disk"),
        format!("{relay:.0} deliveries/s, {:.2} times a broadcast", relay / plain),
    );
    line(
        "a broadcast in memory alone, the same run".to_owned(),
        format!("{plain:.0} deliveries/s"),
    );
}

async fn relay() -> f64 {
    let ground = Ground::with(|config| {
        config.limits.messages_per_minute = u32::MAX;
        config.limits.messages_burst = u32::MAX;
        config.limits.register_per_hour = 1_000_000;
        config.limits.sign_in_per_minute = 1_000_000;
    })
    .await;
    let mut people: Vec<Person> = Vec::new();
    for number in 0..MEMBERS {
        people.push(ground.person(&format!("person{number}")).await);
    }
    let room = ground.group(&people.iter().collect::<Vec<_>>()).await;
    let mut sockets = Vec::new();
    for person in &people {
        sockets.push(ground.socket(person).await);
    }
    let frames = |_: usize| {
        let batches = (0..MESSAGES / SENDERS / BATCH).map(|_| ToRelay::Send {
            messages: (0..BATCH).map(|_| room.message(512)).collect(),
        });
        batches
            .map(|frame| serde_json::to_string(&frame).unwrap())
            .collect::<Vec<_>>()
    };
    let frames = (0..SENDERS).map(frames).collect();
    measure(sockets, frames, BATCH).await
}

/// The least that could be called a chat server: what comes in goes out to everybody.
async fn broadcast_only() -> f64 {
    let (news, _) = broadcast::channel::<Utf8Bytes>(MESSAGES + 16);
    let live = move |upgrade: WebSocketUpgrade| {
        let news = news.clone();
        async move {
            upgrade.on_upgrade(move |socket| async move {
                let mut heard = news.subscribe();
                let (mut sink, mut stream) = socket.split();
                sink.send(Frame::Text("welcome".into())).await.unwrap();
                tokio::spawn(async move {
                    while let Ok(frame) = heard.recv().await {
                        if sink.send(Frame::Text(frame)).await.is_err() {
                            break;
                        }
                    }
                });
                while let Some(Ok(Frame::Text(text))) = stream.next().await {
                    let _ = news.send(text);
                }
            })
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/", get(live))).await });
    let mut sockets = Vec::new();
    for _ in 0..MEMBERS {
        let (mut stream, _) = tokio_tungstenite::connect_async(format!("ws://{address}/"))
            .await
            .unwrap();
        stream.next().await.unwrap().unwrap();
        sockets.push(Socket {
            stream,
            rooms: Vec::new(),
        });
    }
    // About as long as a message of the relay's as it goes out.
    let frame = "x".repeat(1_120);
    measure(
        sockets,
        (0..SENDERS).map(|_| vec![frame.clone(); MESSAGES / SENDERS]).collect(),
        1,
    )
    .await
}

/// From the first frame sent until everybody has heard every message.
async fn measure(sockets: Vec<Socket>, mut frames: Vec<Vec<String>>, messages_per_frame: usize) -> f64 {
    let started = Instant::now();
    let mut tasks = Vec::new();
    for socket in sockets {
        let own = frames.pop().unwrap_or_default();
        tasks.push(tokio::spawn(async move {
            let (mut sink, mut stream) = socket.stream.split();
            let (heard, mut hears) = tokio::sync::watch::channel(0_usize);
            let sending = tokio::spawn(async move {
                for (number, frame) in own.into_iter().enumerate() {
                    // All senders run alike, so what is heard of everybody tells how far one's own have come.
                    let sent = number * messages_per_frame * SENDERS;
                    hears
                        .wait_for(|heard| *heard + IN_FLIGHT * SENDERS >= sent)
                        .await
                        .unwrap();
                    sink.send(Message::text(frame)).await.unwrap();
                }
                sink
            });
            for count in 1..=MESSAGES {
                loop {
                    let frame = tokio::time::timeout(Duration::from_secs(60), stream.next())
                        .await
                        .expect("a message that never came");
                    match frame.expect("closed").unwrap() {
                        Message::Text(text) if text.starts_with("{\"type\":\"refused\"") => panic!("{text}"),
                        Message::Text(_) => break,
                        _ => {}
                    }
                }
                heard.send_replace(count);
            }
            sending.await.unwrap()
        }));
    }
    for task in tasks {
        let _ = task.await.unwrap();
    }
    (MEMBERS * MESSAGES) as f64 / started.elapsed().as_secs_f64()
}
