//! Sealed reports: who opens them, what they prove, and what cannot be passed off in them.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use sotto_shared::codec::{Bytes, Codec, List, Text};
use sotto_shared::crypto::label::Label;
use sotto_shared::crypto::seal;
use sotto_shared::envelope::content::{MessageBody, OpenedContent, envelope_context, message_key};
use sotto_shared::envelope::header::Header;
use sotto_shared::id::{ChannelId, ReportId};
use sotto_shared::log::room_log::Role;
use sotto_shared::report::*;
use sotto_shared::testing::FixedRng;
use sotto_shared::testing::people::{NOW, Person, TestRoom};

const ID: ReportId = ReportId::from_bytes([5; 16]);
const KEY: [u8; 32] = [6; 32];

/// Alice owns, bob and carol are members.
fn room() -> (TestRoom, [Person; 3]) {
    let people = ["alice", "bob", "carol"].map(Person::new);
    let mut room = TestRoom::group(&people[0]);
    room.add(&people[0], &people[1], Role::Member).unwrap();
    room.add(&people[0], &people[2], Role::Member).unwrap();
    room.epoch(&people[0]).unwrap();
    (room, people)
}

/// What a reader of the room has of a message: header, content, signature.
fn proof(room: &TestRoom, author: &Person, text: &str) -> Reported {
    let sealed = room.seal_text(author, text);
    let key = message_key(&room.secret().unwrap(), &room.id(), &ChannelId::MAIN);
    let plain = seal::open(key.expose(), &envelope_context(&sealed.header), &sealed.envelope).unwrap();
    let len = u32::from_be_bytes(plain[..4].try_into().unwrap()) as usize;
    OpenedContent::parse(&plain, &Header::from_bytes(&sealed.header).unwrap()).unwrap();
    Reported {
        seq: 1,
        header: Bytes::new(sealed.header).unwrap(),
        content: Bytes::new(plain[4..4 + len].to_vec()).unwrap(),
        sig: plain[4 + len..4 + len + 64].try_into().unwrap(),
    }
}

fn report(room: &TestRoom, by: &Person, messages: Vec<Reported>) -> Report {
    Report {
        room_id: room.id(),
        report_id: ID,
        user_id: by.id(),
        dk_id: by.device_id(),
        log_seq: room.state.seq,
        log_head: room.state.head,
        ts: NOW,
        words: Text::new("this is not all right").unwrap(),
        messages: List::new(messages).unwrap(),
    }
}

fn sealed(room: &TestRoom, report: &Report, signer: &Person) -> Vec<u8> {
    let bytes = report.to_bytes();
    let sig = signer.device().sign(Label::Report, &bytes);
    seal_report(&mut FixedRng::new("report"), &KEY, &room.id(), &ID, &bytes, &sig)
}

fn opened(room: &TestRoom, sealed: &[u8]) -> Option<Report> {
    let signer = |user: &_, device: &_, seq| room.state.author_key(user, device, seq);
    open_report(&KEY, &room.id(), &ID, sealed, signer)
        .ok()?
        .prove_here()
        .ok()
}

fn said(room: &TestRoom, message: &Reported) -> Option<MessageBody> {
    let signer = |user: &_, device: &_, channel: &_, seq| room.state.writer_key(user, device, channel, seq);
    let (_, content) = message.claim(&room.id(), signer)?.prove_here().ok()?;
    Some(content.body)
}

#[test]
fn a_report_opens_for_whom_it_was_made_and_proves_what_was_said() {
    let (room, [alice, bob, carol]) = room();
    let bad = proof(&room, &bob, "something rude");
    let report = report(&room, &carol, vec![bad]);
    let sealed = sealed(&room, &report, &carol);
    let info = ReportInfo {
        room_id: room.id(),
        report_id: ID,
        user_id: alice.id(),
        g: 1,
    };
    let wrapped = wrap_report_key(&mut FixedRng::new("wrap"), &alice.kk[0].public(), &info, &KEY).unwrap();
    assert_eq!(unwrap_report_key(&alice.kk[0], &info, &wrapped).unwrap(), KEY);
    assert!(unwrap_report_key(&bob.kk[0], &info, &wrapped).is_err());
    for other in [
        ReportInfo {
            report_id: ReportId::from_bytes([7; 16]),
            ..info.clone()
        },
        ReportInfo {
            user_id: bob.id(),
            ..info.clone()
        },
        ReportInfo { g: 2, ..info.clone() },
    ] {
        assert!(unwrap_report_key(&alice.kk[0], &other, &wrapped).is_err());
    }
    let read = opened(&room, &sealed).unwrap();
    assert_eq!(read, report);
    let text = Text::new("something rude").unwrap();
    assert_eq!(
        said(&room, &read.messages.as_slice()[0]),
        Some(MessageBody::Text { text })
    );
}

#[test]
fn nobody_reports_in_anothers_name_or_what_was_not_said() {
    let (room, [_, bob, carol]) = room();
    let honest = proof(&room, &bob, "something rude");
    // In bob's name, under carol's signature.
    let mut report = report(&room, &bob, vec![honest.clone()]);
    assert_eq!(opened(&room, &sealed(&room, &report, &carol)), None);
    // By somebody who is no member.
    let zoe = Person::new("zoe");
    (report.user_id, report.dk_id) = (zoe.id(), zoe.device_id());
    assert_eq!(opened(&room, &sealed(&room, &report, &zoe)), None);
    // Words that bob never signed.
    let mut content = honest.content.as_slice().to_vec();
    let at = content.len() - 2;
    content[at] ^= 1;
    let mut bent = honest.clone();
    bent.content = Bytes::new(content).unwrap();
    assert_eq!(said(&room, &bent), None);
    // Under another header.
    let mut moved = honest.clone();
    moved.header = proof(&room, &bob, "another").header;
    assert_eq!(said(&room, &moved), None);
    // Of another room.
    let mut elsewhere = TestRoom::group(&bob);
    elsewhere.add(&bob, &carol, Role::Member).unwrap();
    elsewhere.epoch(&bob).unwrap();
    assert_eq!(said(&room, &proof(&elsewhere, &bob, "something rude")), None);
    assert!(said(&room, &honest).is_some());
}

#[test]
fn a_report_is_of_one_room_and_one_id_and_its_length_says_little() {
    let (room, [_, bob, carol]) = room();
    let one = sealed(&room, &report(&room, &carol, vec![proof(&room, &bob, "a")]), &carol);
    let two = sealed(
        &room,
        &report(&room, &carol, vec![proof(&room, &bob, "aaaaaaaaaaaaaaaa")]),
        &carol,
    );
    assert_eq!(one.len(), two.len());
    let signer = |user: &_, device: &_, seq| room.state.author_key(user, device, seq);
    assert!(open_report(&KEY, &room.id(), &ReportId::from_bytes([9; 16]), &one, signer).is_err());
    let other = TestRoom::group(&carol).id();
    assert!(open_report(&KEY, &other, &ID, &one, signer).is_err());
    assert!(open_report(&[1; 32], &room.id(), &ID, &one, signer).is_err());
    for at in [0, 30, 60, one.len() - 1] {
        let mut bent = one.clone();
        bent[at] ^= 1;
        assert_eq!(opened(&room, &bent), None);
    }
    assert_eq!(opened(&room, &one[..one.len() - 1]), None);
}
