//! The relay as a program: killed and started again, told to stop, and what it writes to its log.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]
#![allow(
    dead_code,
    reason = "the people and rooms of the other tests; this one needs fewer of them"
)]

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use sotto_shared::api::body::*;
use sotto_shared::api::frame::{FromRelay, ToRelay};
use sotto_shared::id::ChannelId;
use sotto_shared::log::room_log::RoomKind;

#[path = "relay/support.rs"]
#[expect(clippy::expect_used, reason = "tests")]
mod support;
use support::*;

struct Program {
    child: Child,
    address: String,
    http: reqwest::Client,
}

impl Program {
    fn start(folder: &std::path::Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_sotto-server"))
            .args(["--listen", "127.0.0.1:0"])
            .env(
                "DATABASE_URL",
                format!("sqlite://{}/deep/sotto.db?mode=rwc", folder.display()),
            )
            .env("SOTTO_PEPPER", PEPPER)
            .env("SOTTO_LOG", "trace")
            .env("RUST_LOG", "trace")
            .current_dir(folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let address = line
            .trim()
            .strip_prefix("listening on http://")
            .unwrap_or_else(|| panic!("{line}"))
            .to_owned();
        Self {
            child,
            address,
            http: reqwest::Client::new(),
        }
    }

    async fn ask<E: sotto_shared::api::Endpoint>(&self, token: &str, body: &E) -> E::Reply {
        let url = format!("http://{}/api/v1/{}", self.address, E::PATH);
        let answer = self
            .http
            .post(url)
            .bearer_auth(token)
            .json(body)
            .timeout(STUCK)
            .send()
            .await
            .unwrap();
        assert!(answer.status().is_success(), "{} {}", E::PATH, answer.status());
        serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
    }

    async fn person(&self, handle: &str) -> Person {
        let mut person = Person::new(handle);
        let grant = self.ask("", &person.registration()).await.token;
        let challenge = self.ask(&grant, &SessionStart {}).await.challenge.0;
        person.token = self
            .ask(&grant, &person.session_proof(&person.dk, &challenge))
            .await
            .token;
        person
    }

    async fn socket(&self, person: &Person) -> Socket {
        let (stream, _) = tokio_tungstenite::connect_async(format!("ws://{}/api/v1/live", self.address))
            .await
            .unwrap();
        let mut socket = Socket {
            stream,
            rooms: Vec::new(),
        };
        socket
            .send(&ToRelay::Hello {
                token: person.token.clone(),
                api: API_VERSION,
            })
            .await;
        assert!(matches!(socket.next().await, Some(FromRelay::Welcome { .. })));
        socket
    }

    async fn group(&self, ada: &Person) -> Room {
        let (mut room, mut create) = Room::new(ada, RoomKind::Group, &[]);
        create.entries.push(room.epoch(ada));
        create.wraps = room.wraps();
        self.ask(&ada.token, &create).await;
        room
    }

    fn signal(&self, name: &str) {
        assert!(
            Command::new("kill")
                .args([name, &self.child.id().to_string()])
                .status()
                .unwrap()
                .success()
        );
    }

    /// What it wrote to its log, once it has ended.
    fn log(mut self) -> String {
        let mut log = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        self.child.wait().unwrap();
        log
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn whatever_was_heard_back_survives_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let mut program = Program::start(folder.path());
    let ada = program.person("ada").await;
    let room = program.group(&ada).await;
    let mut heard = Vec::new();
    for _ in 0..3 {
        let mut socket = program.socket(&ada).await;
        socket
            .say(&(0..20).map(|_| room.message(512)).collect::<Vec<_>>())
            .await;
        for _ in 0..10 {
            heard.push(socket.message().await);
        }
        // In the middle of the others.
        program.signal("-KILL");
        program = Program::start(folder.path());
        let ask = PageGet {
            room_id: room.id,
            channel: ChannelId::MAIN,
            from: PageFrom::After(0),
            limit: 200,
        };
        let page = program.ask(&ada.token, &ask).await;
        assert!(
            heard.iter().all(|message| page.messages.contains(message)),
            "what was heard is there"
        );
        assert_eq!(page.head.seq as usize, page.messages.len());
        heard = page.messages;
    }
}

#[tokio::test]
async fn told_to_stop_it_says_goodbye_and_ends_well() {
    let folder = tempfile::tempdir().unwrap();
    let mut program = Program::start(folder.path());
    let ada = program.person("ada").await;
    let mut socket = program.socket(&ada).await;
    program.signal("-TERM");
    assert_eq!(socket.bye().await, sotto_shared::api::error::ErrorCode::Draining);
    drop(socket);
    assert!(program.child.wait().unwrap().success());
}

#[tokio::test]
async fn the_log_at_its_finest_has_the_allowed_fields_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(folder.path());
    let ada = program.person("canary-handle").await;
    let room = program.group(&ada).await;
    let mut socket = program.socket(&ada).await;
    let message = room.message(512);
    socket.say(std::slice::from_ref(&message)).await;
    socket.message().await;
    let grant = {
        let challenge = program
            .ask(
                "",
                &SignInStart {
                    handle: ada.handle.clone(),
                },
            )
            .await
            .challenge
            .0;
        program.ask("", &ada.sign_in_proof(&ada.ak, &challenge)).await
    };
    let bad = program
        .http
        .post(format!("http://{}/api/v1/canary-path?canary=query", program.address))
        .body("canary body")
        .send();
    assert_eq!(bad.await.unwrap().status().as_u16(), 404);
    socket.stream.close(None).await.unwrap();
    program.signal("-TERM");
    let (address, log) = (program.address.clone(), program.log());

    let canaries = [
        "canary".to_owned(),
        ada.token.clone(),
        grant.token,
        ada.user_id.to_string(),
        room.id.to_string(),
        serde_json::to_string(&message.envelope).unwrap()[1..30].to_owned(),
        PEPPER.to_owned(),
        "127.0.0.1".to_owned(),
        address.rsplit(':').next().unwrap().to_owned(),
    ];
    for canary in canaries {
        assert!(!log.contains(&canary), "{canary} in\n{log}");
    }
    let allowed = ["route", "method", "status", "latency_ms", "request", "code", "what"];
    let mut requests = 0;
    for line in log.lines() {
        let (_, rest) = line
            .split_once(" sotto_server")
            .unwrap_or_else(|| panic!("a line of another crate: {line}"));
        for (field, _) in rest.split_whitespace().filter_map(|word| word.split_once('=')) {
            assert!(allowed.contains(&field), "{field} in {line}");
        }
        requests += usize::from(line.contains("route="));
    }
    assert!(requests >= 8, "requests are logged: {log}");
}

#[test]
fn without_a_pepper_it_does_not_start_and_says_how_to_make_one() {
    let folder = tempfile::tempdir().unwrap();
    let run = Command::new(env!("CARGO_BIN_EXE_sotto-server"))
        .current_dir(folder.path())
        .env_remove("SOTTO_PEPPER")
        .output()
        .unwrap();
    assert!(!run.status.success());
    assert!(String::from_utf8_lossy(&run.stderr).contains("openssl rand -hex 32"));
    let help = Command::new(env!("CARGO_BIN_EXE_sotto-server"))
        .arg("--help")
        .output()
        .unwrap();
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    for flag in [
        "--database-url",
        "--listen",
        "--pepper-file",
        "--realm",
        "--client-dir",
        "--cors-origins",
        "--log",
        "--messages-per-minute",
    ] {
        assert!(help.contains(flag), "{flag}");
    }
}
