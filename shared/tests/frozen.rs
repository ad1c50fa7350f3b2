//! Sotto's own formats, frozen: the same keys and the same randomness give the same bytes, for ever. What fails here would
//! not be read by the clients that are out there.
//!
//! To see what the file would be: `SOTTO_BLESS=1 cargo test -p sotto-shared --features testing --test frozen -- --nocapture`.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use serde_json::json;
use sotto_shared::api::body::{InviteProof, LoginProof, PeekProof, Registration, SessionProof, VaultPutRecord};
use sotto_shared::codec::{Bytes, Codec, List, Text};
use sotto_shared::crypto::label::Label;
use sotto_shared::crypto::secret::{DayVaultKey, EpochSecret, VaultKey, WrapKey, derive};
use sotto_shared::crypto::sign::{SignedBlob, VerifyJob, verify};
use sotto_shared::crypto::{epoch, kem, seal};
use sotto_shared::envelope::content::{Content, MessageBody, OpenedContent, envelope_context, lane_start, message_key};
use sotto_shared::envelope::header::Header;
use sotto_shared::envelope::transcript::Transcript;
use sotto_shared::file::{Download, File, FileKey, FileKind, Progress, Upload};
use sotto_shared::id::{BlobId, ChannelId, EnvelopeHash, Head, InviteId, PictureId, ReportId};
use sotto_shared::link::{Link, invite_key, open_card};
use sotto_shared::log::room_log::{Cut, EpochReason, History, JoinMode, Policy, Role, RoomBody, RoomState, invite_id};
use sotto_shared::log::user_log::{UserBody, UserGenesis, UserLog};
use sotto_shared::picture::{Picture, open_picture, seal_picture};
use sotto_shared::report::{Report, seal_report};
use sotto_shared::safety::safety_number;
use sotto_shared::testing::people::{NOW, Person, REALM, TestRoom, key};
use sotto_shared::testing::{FixedRng, hex, unhex};
use sotto_shared::vault::{ItemName, Method, Pin, PinState, VaultHeader, open_item, wrap_vault_key};

struct Book(Vec<(String, String)>);

impl Book {
    fn note(&mut self, name: &str, bytes: impl AsRef<[u8]>) {
        self.0.push((name.into(), hex(bytes.as_ref())));
    }

    fn blob(&mut self, name: &str, blob: &SignedBlob) {
        self.note(name, blob.to_bytes());
    }
}

/// A user log with every kind of entry, and a room log with every kind of entry.
fn made() -> Book {
    let mut book = Book(Vec::new());
    let mut alice = Person::new("alice");
    let (bob, carol) = (Person::new("bob"), Person::new("carol"));
    book.note("key.identity.private", *alice.ik.to_bytes());
    book.note("key.identity.public", alice.ik.public().as_bytes());
    book.note("key.device.id", alice.device_id().as_bytes());

    // --- A user log ---
    book.note("user.genesis", &alice.genesis);
    book.note("user.id", alice.id().as_bytes());
    let second = alice.add_device();
    alice.rotate_kem();
    alice.rotate_identity();
    alice
        .append(UserBody::VaultCommit {
            rev: 7,
            hash: [7; 32],
            dk_id: None,
        })
        .unwrap();
    alice
        .append(UserBody::VaultCommit {
            rev: 8,
            hash: [8; 32],
            dk_id: None,
        })
        .unwrap();
    alice.revoke(second);
    for (index, blob) in alice.blobs.iter().enumerate() {
        book.blob(&format!("user.entry.{}", index + 1), blob);
    }
    book.note("user.head", alice.log.head().as_bytes());
    book.note("user.entry.close", alice.entry(UserBody::Close).to_bytes());

    // --- A room log ---
    let mut room = TestRoom::group(&alice);
    room.add(&alice, &bob, Role::Moderator).unwrap();
    room.add(&bob, &carol, Role::Member).unwrap();
    room.epoch(&alice).unwrap();
    room.epoch(&alice).unwrap();
    let name = epoch::seal_meta(
        &mut FixedRng::new("meta"),
        &room.secret().unwrap(),
        &room.id(),
        2,
        b"Kitchen",
    );
    room.act(
        &bob,
        RoomBody::SetMeta {
            n: 2,
            sealed: Bytes::new(name).unwrap(),
        },
    )
    .unwrap();
    room.set_role(&alice, &carol, Role::Owner).unwrap();
    let policy = Policy {
        suite: 1,
        history: History::Joined,
    };
    room.act(&carol, RoomBody::SetPolicy { policy }).unwrap();
    let mut bob_later = bob.clone();
    bob_later.rotate_kem();
    room.update(&carol, &bob_later).unwrap();
    let cut = Cut {
        channel: ChannelId::MAIN,
        seq: 3,
        transcript: Head::from_bytes([0x7c; 32]),
    };
    let remove = RoomBody::Remove {
        user_id: bob.id(),
        ban: true,
        cut: List::new(vec![cut]).unwrap(),
    };
    room.act(&alice, remove).unwrap();
    room.unban(&alice, &bob).unwrap();
    room.leave(&carol).unwrap();
    room.epoch(&alice).unwrap();
    room.close(&alice).unwrap();
    book.blob("room.genesis", &room.genesis);
    book.note("room.id", room.id().as_bytes());
    for (index, blob) in room.blobs.iter().enumerate() {
        book.blob(&format!("room.entry.{}", index + 1), blob);
    }
    book.note("room.head", room.state.head.as_bytes());
    book.note("room.roster_hash", room.state.roster_hash());
    let direct = TestRoom::direct(&alice, &bob);
    book.blob("direct.genesis", &direct.genesis);
    book.note("direct.id", direct.id().as_bytes());

    // --- Room keys ---
    for (index, secret) in room.secrets.iter().enumerate() {
        book.note(&format!("epoch.{}.secret", index + 1), secret);
        book.note(&format!("epoch.{}.commit", index + 1), room.state.epochs[index].commit);
    }
    let first = epoch::next_secret(None, &EpochSecret::from_bytes([1; 32]));
    book.note("epoch.first_of_01", first.expose());
    book.note(
        "epoch.next_of_02",
        epoch::next_secret(Some(&first), &EpochSecret::from_bytes([2; 32])).expose(),
    );
    let link = epoch::seal_backlink(
        &mut FixedRng::new("link"),
        &first,
        &room.id(),
        2,
        &EpochSecret::from_bytes([3; 32]),
    );
    book.note("epoch.backlink", link);

    // --- A message ---
    let mut small = TestRoom::group(&alice);
    small.epoch(&alice).unwrap();
    let message = small.seal_text(&alice, "Hello, wörld");
    let message_key = message_key(&small.secret().unwrap(), &small.id(), &ChannelId::MAIN);
    book.note("message.key", message_key.expose());
    book.note("message.header", &message.header);
    book.note(
        "message.header_hash",
        Header::from_bytes(&message.header).unwrap().hash(),
    );
    let plain = seal::open(
        message_key.expose(),
        &envelope_context(&message.header),
        &message.envelope,
    )
    .unwrap();
    let used = plain.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    book.note("message.plaintext_without_padding", &plain[..used]);
    book.note("message.envelope", &message.envelope);
    book.note("message.hash", message.hash.as_bytes());
    book.note("message.lane_start", lane_start(&alice.device_id(), &[1; 8]).as_bytes());
    let start = Transcript::start(&small.id(), &ChannelId::MAIN);
    book.note("transcript.0", start.t.as_bytes());
    let after = start.then(&message.hash);
    book.note("transcript.1", after.t.as_bytes());
    book.note(
        "transcript.2",
        after.then(&EnvelopeHash::from_bytes([2; 32])).t.as_bytes(),
    );
    let (info, wrapped) = small.wrap_for(&alice);
    book.note("wrap.info", info.info());
    book.note("wrap.enc", &wrapped.enc);
    book.note("wrap.ct", &wrapped.ct);
    book.note("wrap.secret", small.secret().unwrap().expose());
    for label in [
        Label::MetaKey,
        Label::DeleteKey,
        Label::DeleteSecret,
        Label::StoreKey,
        Label::DeviceLabelKey,
    ] {
        book.note(
            &format!("derive.{}", label.as_str()),
            derive(&[5; 32], label, &[b"context"]).expose(),
        );
    }

    // --- The vault ---
    let (vault_key, day_key) = (VaultKey::from_bytes([0x11; 32]), DayVaultKey::from_bytes([0x22; 32]));
    let header = vault_header(&alice, &vault_key);
    book.note("vault.header", header.to_bytes());
    let pin = Pin {
        user_id: bob.id(),
        handle: Text::new("bob").unwrap(),
        seq: bob.log.seq(),
        head: bob.log.head(),
        ik_since: 0,
        state: PinState::Verified,
    };
    for (name, item, key) in [
        ("identity", ItemName::IdentityKey, vault_key.expose()),
        ("day_key", ItemName::DayKey, vault_key.expose()),
        ("kem_key", ItemName::KemKey(2), day_key.expose()),
        ("contact", ItemName::Contact(bob.id()), day_key.expose()),
        ("levels", ItemName::Levels, day_key.expose()),
        ("read_marks", ItemName::ReadMarks, day_key.expose()),
    ] {
        book.note(&format!("vault.{name}.id"), item.id(key).as_bytes());
        let sealed = item.seal(&mut FixedRng::new(name), key, &alice.id(), 3, &pin.to_bytes());
        book.note(&format!("vault.{name}.sealed"), sealed);
    }
    book.note("vault.pin", pin.to_bytes());

    // --- Safety number ---
    let number = safety_number((&alice.id(), &alice.ik.public()), (&bob.id(), &bob.ik.public()));
    book.0.push(("safety.groups".into(), number.groups.join(" ")));
    book.note("safety.qr", number.qr);

    // --- What is signed to come in ---
    let realm = Text::new(REALM).unwrap();
    let registration = Registration {
        realm: realm.clone(),
        handle: Text::new("alice").unwrap(),
        salt: [0x5a; 16],
        profile: 1,
        ak: key("alice/ak").public(),
        genesis: Bytes::new(alice.genesis.clone()).unwrap(),
        device: Bytes::new(alice.blobs[0].to_bytes()).unwrap(),
        vault_header: Bytes::new(header.to_bytes()).unwrap(),
        items: List::new(vec![VaultPutRecord {
            item_id: ItemName::DayKey.id(vault_key.expose()),
            sealed: Bytes::new(vec![1, 2, 3]).unwrap(),
        }])
        .unwrap(),
    };
    let login = LoginProof {
        realm: realm.clone(),
        handle: Text::new("alice").unwrap(),
        challenge: [0xc4; 32],
        session_nonce: [0x5e; 32],
    };
    let session = SessionProof {
        realm,
        user_id: alice.id(),
        dk_id: alice.device_id(),
        challenge: [0xc4; 32],
    };
    for (name, label, bytes, signer) in [
        (
            "registration",
            Label::Register,
            registration.to_bytes(),
            key("alice/ak"),
        ),
        ("login", Label::Login, login.to_bytes(), key("alice/ak")),
        ("session", Label::Session, session.to_bytes(), alice.device().clone()),
    ] {
        book.note(&format!("proof.{name}.sig"), signer.sign(label, &bytes));
        book.note(&format!("proof.{name}"), bytes);
    }
    book
}

fn vault_header(alice: &Person, vault_key: &VaultKey) -> VaultHeader {
    let wraps = [(Method::Password, [0x33; 32]), (Method::Recovery, [0x44; 32])].map(|(method, kek)| {
        let mut rng = FixedRng::new(&format!("{method:?}"));
        wrap_vault_key(&mut rng, &WrapKey::from_bytes(kek), &alice.id(), method, 1, vault_key).unwrap()
    });
    VaultHeader {
        user_id: alice.id(),
        vk_gen: 1,
        wraps: List::new(wraps.into()).unwrap(),
    }
}

#[test]
fn what_is_made_today_is_what_was_made_before() {
    let book = made();
    let cases: Vec<_> = book
        .0
        .iter()
        .map(|(name, hex)| json!({ "name": name, "hex": hex }))
        .collect();
    let source =
        "Sotto's own formats, from the fixed keys and randomness of shared/src/testing; see shared/tests/frozen.rs";
    common::holds_against("own.json", &common::json_cases(source, &cases));
}

/// A room in which every kind of entry about order stands.
fn made_of_order() -> Book {
    let mut book = Book(Vec::new());
    let [alice, bob] = ["alice", "bob"].map(Person::new);
    let mut room = TestRoom::group(&alice);
    room.add(&alice, &bob, Role::Member).unwrap();
    room.epoch(&alice).unwrap();
    let until = NOW + 3_600_000;
    let user_id = bob.id();
    room.act(&alice, RoomBody::TimeOut { user_id, until }).unwrap();
    let (of, secret, id) = (room.state.seq, room.secret().unwrap(), room.id());
    let mut rng = FixedRng::new("reason");
    let sealed = epoch::seal_reason(&mut rng, &secret, &id, 1, of, "Three times – enough".as_bytes());
    let sealed = Bytes::new(sealed).unwrap();
    room.act(&alice, RoomBody::Reason { n: 1, of, sealed }).unwrap();
    let channel = ChannelId::MAIN;
    room.act(&alice, RoomBody::SetSlowMode { channel, seconds: 30 })
        .unwrap();
    book.blob("room.genesis", &room.genesis);
    book.note("room.id", id.as_bytes());
    for (index, blob) in room.blobs.iter().enumerate() {
        book.blob(&format!("room.entry.{}", index + 1), blob);
    }
    book.note("room.head", room.state.head.as_bytes());
    book.note("epoch.1.secret", secret.expose());
    let report = Report {
        room_id: id,
        report_id: ReportId::from_bytes([5; 16]),
        user_id: bob.id(),
        dk_id: bob.device_id(),
        log_seq: room.state.seq,
        log_head: room.state.head,
        ts: NOW,
        words: Text::new("Not all right").unwrap(),
        messages: List::default(),
    };
    let bytes = report.to_bytes();
    let sig = bob.device().sign(Label::Report, &bytes);
    book.note("report", &bytes);
    let (key, mut rng) = ([6; 32], FixedRng::new("report"));
    book.note(
        "report.sealed",
        seal_report(&mut rng, &key, &id, &report.report_id, &bytes, &sig),
    );
    book
}

#[test]
fn what_is_said_of_order_today_is_what_was_said_before() {
    let cases: Vec<_> = (made_of_order().0.iter())
        .map(|(name, hex)| json!({ "name": name, "hex": hex }))
        .collect();
    let source = "Sotto's entries about time-outs, slow mode and reasons; see shared/tests/frozen.rs";
    common::holds_against("moderation.json", &common::json_cases(source, &cases));
}

/// A room with invites of both kinds, the way in by each, and a file.
fn made_of_invites_and_files() -> Book {
    let mut book = Book(Vec::new());
    let [alice, bob, carol] = ["alice", "bob", "carol"].map(Person::new);
    let mut room = TestRoom::group(&alice);
    room.epoch(&alice).unwrap();
    room.invite(&alice, "open door", Role::Moderator, JoinMode::Member)
        .unwrap();
    room.invite(&alice, "front desk", Role::Member, JoinMode::Approval)
        .unwrap();
    room.join("open door", &bob).unwrap();
    room.join("front desk", &carol).unwrap();
    room.add(&bob, &carol, Role::Member).unwrap();
    let invite_id = room.invite_id("open door");
    room.act(&bob, RoomBody::RevokeInvite { invite_id }).unwrap();
    book.blob("room.genesis", &room.genesis);
    book.note("room.id", room.id().as_bytes());
    for (index, blob) in room.blobs.iter().enumerate() {
        book.blob(&format!("room.entry.{}", index + 1), blob);
    }
    book.note("room.head", room.state.head.as_bytes());
    let secret = TestRoom::invite_secret("open door");
    book.note("invite.secret", secret.expose());
    book.note("invite.key", *invite_key(&secret, &room.id()).to_bytes());
    book.note("invite.id", invite_id.as_bytes());
    let link = Link::Invite {
        room_id: room.id(),
        secret,
    };
    book.0.push(("invite.link".into(), link.to_string()));
    let contact = Link::Contact {
        user_id: alice.id(),
        handle: "alice".into(),
    };
    book.0.push(("contact.link".into(), contact.to_string()));
    let proof = InviteProof {
        realm: Text::new(REALM).unwrap(),
        room_id: room.id(),
        invite_id,
        user_id: bob.id(),
    };
    book.note("invite.proof", proof.to_bytes());
    let proof = PeekProof {
        realm: Text::new(REALM).unwrap(),
        room_id: room.id(),
        invite_id,
        at: NOW,
    };
    book.note("invite.peek", proof.to_bytes());

    let file = frozen_file();
    book.note("file.announced", file.to_bytes());
    let mut sealed = Vec::new();
    let mut upload = Upload::begin(&mut FixedRng::new("file"), &room.id(), &file, &mut sealed).unwrap();
    upload.push(b"a file", &mut sealed).unwrap();
    assert_eq!(upload.close(&mut sealed), Ok(true));
    book.note("file.sealed", sealed);
    let picture = frozen_picture();
    book.note("picture.told", picture.to_bytes());
    let sealed = seal_picture(&mut FixedRng::new("picture"), &alice.id(), &picture, b"an image").unwrap();
    book.note("picture.sealed", sealed);
    book
}

fn frozen_file() -> File {
    File {
        blob_id: BlobId::from_bytes([0xb1; 16]),
        fk: FileKey::from_bytes([0xf1; 32]),
        size: 6,
        padded: 512,
        kind: FileKind::Plain,
        name: Text::new("notes.txt").unwrap(),
        mime: Text::new("text/plain").unwrap(),
        thumb: Bytes::default(),
        meta: Bytes::default(),
    }
}

fn frozen_picture() -> Picture {
    Picture {
        id: PictureId::from_bytes([0xb2; 16]),
        key: FileKey::from_bytes([0xf2; 32]),
    }
}

#[test]
fn invites_and_files_are_made_as_before() {
    let book = made_of_invites_and_files();
    let cases: Vec<_> = (book.0.iter().map(|(name, hex)| json!({ "name": name, "hex": hex }))).collect();
    let source = "Sotto's invites, links and files; see shared/tests/frozen.rs";
    common::holds_against("invites.json", &common::json_cases(source, &cases));
}

#[test]
fn frozen_invites_let_in_and_a_frozen_file_opens() {
    let frozen = Frozen::parse(include_str!("vectors/invites.json"));
    let people = ["alice", "bob", "carol"].map(Person::new);
    let logs: std::collections::BTreeMap<_, _> =
        people.iter().map(|person| (person.id(), person.log.clone())).collect();
    let genesis = SignedBlob::from_bytes(&frozen.get("room.genesis")).unwrap();
    let id = sotto_shared::id::RoomId::from_bytes(frozen.array("room.id"));
    let room = RoomState::begin(&genesis, &id, &logs).unwrap().prove_here().unwrap();
    let (room, _) = room
        .extend(&frozen.blobs("room.entry"), &logs)
        .unwrap()
        .prove_here()
        .unwrap();
    assert_eq!(room.head.as_bytes().to_vec(), frozen.get("room.head"));
    assert_eq!(room.members[&people[1].id()].role, Role::Moderator);
    assert!(room.members.contains_key(&people[2].id()));
    let Ok(Link::Invite { room_id, secret }) = frozen.text("invite.link").parse() else {
        panic!("the link is one");
    };
    let invite = &room.invites[&InviteId::from_bytes(frozen.array("invite.id"))];
    assert!(room_id == id && invite.revoked && invite.uses == 1);
    assert_eq!(invite.key, invite_key(&secret, &id).public());
    let card = open_card(&secret, &id, &invite_id(&invite.key), invite.card.as_slice()).unwrap();
    assert_eq!(card.title.as_str(), "open door");

    let mut out = Vec::new();
    let file = File::from_bytes(&frozen.get("file.announced")).unwrap();
    let mut download = Download::begin(id, file).unwrap();
    download.push(&frozen.get("file.sealed"), &mut out).unwrap();
    assert_eq!(
        (download.progress(), out.as_slice()),
        (Progress::Complete, b"a file".as_slice())
    );
    let picture = Picture::from_bytes(&frozen.get("picture.told")).unwrap();
    let image = open_picture(&people[0].id(), &picture, &frozen.get("picture.sealed"));
    assert_eq!(image.as_deref(), Ok(b"an image".as_slice()));
}

/// The frozen file, as somebody reads it who cannot make it again.
struct Frozen(Vec<(String, String)>);

impl Frozen {
    fn load() -> Self {
        Self::parse(include_str!("vectors/own.json"))
    }

    fn parse(json: &str) -> Self {
        let file: serde_json::Value = serde_json::from_str(json).unwrap();
        let text = |case: &serde_json::Value, field: &str| case[field].as_str().unwrap().to_owned();
        let cases = file["cases"].as_array().unwrap();
        Self(
            cases
                .iter()
                .map(|case| (text(case, "name"), text(case, "hex")))
                .collect(),
        )
    }

    fn get(&self, name: &str) -> Vec<u8> {
        let (_, hex) = self
            .0
            .iter()
            .find(|(found, _)| found == name)
            .unwrap_or_else(|| panic!("no {name}"));
        unhex(hex)
    }

    /// What was noted as text.
    fn text(&self, name: &str) -> &str {
        let (_, text) = self.0.iter().find(|(found, _)| found == name).unwrap();
        text
    }

    fn blobs(&self, prefix: &str) -> Vec<SignedBlob> {
        let read = |index: usize| {
            let name = format!("{prefix}.{index}");
            let found = self.0.iter().find(|(found, _)| *found == name)?;
            Some(SignedBlob::from_bytes(&unhex(&found.1)).unwrap())
        };
        (1..).map_while(read).collect()
    }

    fn array<const N: usize>(&self, name: &str) -> [u8; N] {
        self.get(name).try_into().unwrap()
    }
}

#[test]
fn frozen_logs_still_verify() {
    let frozen = Frozen::load();
    let genesis = UserGenesis::from_bytes(&frozen.get("user.genesis")).unwrap();
    assert_eq!(genesis.user_id().as_bytes().as_slice(), frozen.get("user.id"));
    let log = UserLog::begin(&frozen.get("user.genesis"), &genesis.user_id(), REALM).unwrap();
    let log = log.extend(&frozen.blobs("user.entry")).unwrap().prove_here().unwrap();
    assert_eq!(
        (log.seq(), log.head().as_bytes().to_vec()),
        (7, frozen.get("user.head"))
    );

    let mut logs = std::collections::BTreeMap::new();
    for person in [Person::new("bob"), Person::new("carol")] {
        let mut person = person;
        person.rotate_kem();
        logs.insert(person.id(), person.log);
    }
    logs.insert(genesis.user_id(), log);
    let genesis = SignedBlob::from_bytes(&frozen.get("room.genesis")).unwrap();
    let id = sotto_shared::id::RoomId::from_bytes(frozen.array("room.id"));
    let room = RoomState::begin(&genesis, &id, &logs).unwrap().prove_here().unwrap();
    let (room, events) = room
        .extend(&frozen.blobs("room.entry"), &logs)
        .unwrap()
        .prove_here()
        .unwrap();
    assert_eq!(room.head.as_bytes().to_vec(), frozen.get("room.head"));
    assert!(room.closed && events.len() == 13, "{}", events.len());
    for (index, info) in room.epochs.iter().enumerate() {
        let secret = EpochSecret::from_bytes(frozen.array(&format!("epoch.{}.secret", index + 1)));
        assert!(epoch::fits(&secret, &id, info), "epoch {}", info.n);
        if info.n == 2 {
            let before = epoch::open_backlink(&secret, &id, 2, info.backlink.as_slice()).unwrap();
            assert_eq!(before.expose().as_slice(), frozen.get("epoch.1.secret"));
            let (n, sealed) = room.meta.as_ref().unwrap();
            assert_eq!(
                epoch::open_meta(&secret, &id, *n, sealed.as_slice()).unwrap(),
                b"Kitchen"
            );
        }
    }
    assert!(matches!(
        events[3].body,
        RoomBody::Epoch {
            reason: EpochReason::First,
            ..
        }
    ));
}

#[test]
fn a_frozen_message_still_opens() {
    let frozen = Frozen::load();
    let (header_bytes, envelope) = (frozen.get("message.header"), frozen.get("message.envelope"));
    let header = Header::from_bytes(&header_bytes).unwrap();
    assert_eq!(header.hash().to_vec(), frozen.get("message.header_hash"));
    let plain = seal::open(
        &frozen.array("message.key"),
        &envelope_context(&header_bytes),
        &envelope,
    )
    .unwrap();
    let opened = OpenedContent::parse(&plain, &header).unwrap();
    let content: Content = opened
        .claim(&Person::new("alice").devices[0].public())
        .unwrap()
        .prove_here()
        .unwrap();
    assert_eq!(content.ts, NOW);
    assert_eq!(
        content.body,
        MessageBody::Text {
            text: Text::new("Hello, wörld").unwrap()
        }
    );
}

#[test]
fn a_frozen_vault_still_opens() {
    let frozen = Frozen::load();
    let alice = Person::new("alice");
    let header = VaultHeader::from_bytes(&frozen.get("vault.header")).unwrap();
    for (method, kek) in [(Method::Password, [0x33; 32]), (Method::Recovery, [0x44; 32])] {
        let opened = header.open(&WrapKey::from_bytes(kek), &alice.id(), method).unwrap();
        assert!(opened == VaultKey::from_bytes([0x11; 32]));
        let other = if method == Method::Password {
            Method::Recovery
        } else {
            Method::Password
        };
        assert!(header.open(&WrapKey::from_bytes(kek), &alice.id(), other).is_err());
    }
    let id = sotto_shared::id::ItemId::from_bytes(frozen.array("vault.contact.id"));
    let sealed = frozen.get("vault.contact.sealed");
    let open = |person: &Person, rev| open_item(&[0x22; 32], &person.id(), &id, rev, &sealed);
    assert_eq!(*open(&alice, 3).unwrap(), frozen.get("vault.pin"));
    assert!(open(&alice, 2).is_err(), "an older revision");
    assert!(open(&Person::new("bob"), 3).is_err(), "another person's vault");
    assert!(Pin::from_bytes(&frozen.get("vault.pin")).is_ok());
}

#[test]
fn a_frozen_wrap_and_frozen_proofs_still_hold() {
    let frozen = Frozen::load();
    let mut alice = Person::new("alice");
    let wrapped = kem::Wrapped {
        enc: frozen.get("wrap.enc"),
        ct: frozen.get("wrap.ct"),
    };
    assert_eq!((wrapped.enc.len(), wrapped.ct.len()), (65, 48));
    alice.rotate_kem();
    let open = |kk| kem::unwrap(kk, &frozen.get("wrap.info"), &wrapped);
    assert_eq!(*open(&alice.kk[1]).unwrap(), frozen.get("wrap.secret"));
    assert!(open(&alice.kk[0]).is_err(), "the generation before");
    for (name, label, signer) in [
        ("registration", Label::Register, key("alice/ak")),
        ("login", Label::Login, key("alice/ak")),
        ("session", Label::Session, alice.device().clone()),
    ] {
        let (message, sig) = (
            frozen.get(&format!("proof.{name}")),
            frozen.array(&format!("proof.{name}.sig")),
        );
        assert!(
            VerifyJob {
                key: signer.public(),
                label,
                message: message.clone(),
                sig
            }
            .check(),
            "{name}"
        );
        for other in Label::ALL
            .iter()
            .copied()
            .filter(|other| other.kind() == label.kind() && *other != label)
        {
            assert!(
                verify(&signer.public(), other, &message, &sig).is_err(),
                "{name} as {other:?}"
            );
        }
    }
}
