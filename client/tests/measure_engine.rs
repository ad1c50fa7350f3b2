//! Figures of the engine in a real browser's worker, with the browser's own cryptography. `./dev bench` runs this; absolute
//! times say little about another machine, so every figure stands beside one of the same run.
#![cfg(target_arch = "wasm32")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)]

use js_sys::{Array, Object, Promise, Uint8Array};
use sotto_client::engine::Ctx;
use sotto_client::engine::measure::OpenRoom;
use sotto_client::runtime::webcrypto::{WebCrypto, object};
use sotto_shared::api::B64;
use sotto_shared::api::body::StoredMessage;
use sotto_shared::crypto::kem;
use sotto_shared::crypto::sign::{VerifyJob, signed_bytes};
use sotto_shared::crypto::suite::{RustCrypto, Suite, UnwrapJob};
use sotto_shared::log::room_log::Role;
use sotto_shared::testing::FixedRng;
use sotto_shared::testing::people::{Person, TestRoom};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::{console_log, wasm_bindgen_test, wasm_bindgen_test_configure};
use web_sys::{CryptoKey, SubtleCrypto};

wasm_bindgen_test_configure!(run_in_dedicated_worker);

const MESSAGES: usize = 5_000;
const MEMBERS: usize = 500;
const ROUNDS: usize = 3;

/// The best of a few rounds: the rest is other people's noise.
struct Best(f64);

impl Best {
    const fn new() -> Self {
        Self(f64::INFINITY)
    }
    fn since(&mut self, began: f64) {
        self.0 = self.0.min(js_sys::Date::now() - began);
    }
}

fn line(what: &str, value: &str) {
    console_log!("figure: {what:<58} {value}");
}

fn suite() -> WebCrypto {
    let suite = WebCrypto::new(&js_sys::global().unchecked_into());
    assert!(suite.subtle().is_some(), "the test page is a secure context");
    suite
}

/// What the browser needs for one `verify`, made beforehand.
struct Prepared {
    key: CryptoKey,
    sig: Uint8Array,
    message: Uint8Array,
}

async fn import(subtle: &SubtleCrypto, job: &VerifyJob) -> CryptoKey {
    let algorithm: Object = object(&[("name", "ECDSA".into()), ("namedCurve", "P-256".into())]);
    let bytes = Uint8Array::from(job.key.as_bytes().as_slice());
    let promise = subtle
        .import_key_with_object("raw", &bytes, &algorithm, true, &Array::of1(&"verify".into()))
        .unwrap();
    JsFuture::from(promise).await.unwrap().unchecked_into()
}

async fn verify_bare(subtle: &SubtleCrypto, prepared: &[Prepared]) {
    let algorithm = object(&[("name", "ECDSA".into()), ("hash", "SHA-256".into())]);
    let all = Array::new();
    for one in prepared {
        let promise = subtle
            .verify_with_object_and_buffer_source_and_buffer_source(&algorithm, &one.key, &one.sig, &one.message)
            .unwrap();
        all.push(&promise);
    }
    let verdicts: Array = JsFuture::from(Promise::all(&all)).await.unwrap().unchecked_into();
    assert!(verdicts.iter().all(|verdict| verdict.is_truthy()));
}

#[wasm_bindgen_test]
async fn opening_a_backlog() {
    let (alice, bob) = (Person::new("alice"), Person::new("bob"));
    let mut room = TestRoom::group(&alice);
    room.add(&alice, &bob, Role::Member).unwrap();
    room.epoch(&alice).unwrap();
    let messages: Vec<StoredMessage> = (0..MESSAGES)
        .map(|index| {
            let author = if index % 2 == 0 { &alice } else { &bob };
            let sealed = room.seal_text(
                author,
                &format!("Message {index}, about as long as people write in a chat."),
            );
            StoredMessage {
                seq: index as u64 + 1,
                header: B64(sealed.header),
                envelope: B64(sealed.envelope),
                gone: None,
            }
        })
        .collect();
    let open = OpenRoom::new(room.state.clone(), &room.genesis, room.secret().unwrap());
    let suite = suite();
    let subtle = suite.subtle().unwrap();
    let jobs = open.jobs(&messages).unwrap();
    let keys = [import(subtle, &jobs[0]).await, import(subtle, &jobs[1]).await];
    let prepared: Vec<Prepared> = jobs
        .iter()
        .enumerate()
        .map(|(index, job)| Prepared {
            key: keys[index % 2].clone(),
            sig: Uint8Array::from(job.sig.as_slice()),
            message: Uint8Array::from(signed_bytes(job.label, &job.message).as_slice()),
        })
        .collect();
    let (mut bare, mut opened) = (Best::new(), Best::new());
    for _ in 0..ROUNDS {
        let began = js_sys::Date::now();
        verify_bare(subtle, &prepared).await;
        bare.since(began);
        let given = messages.clone();
        let began = js_sys::Date::now();
        assert_eq!(open.open(given, &suite).await, MESSAGES);
        opened.since(began);
    }
    // Our own code, on a tenth of them: it shows what the browser's is worth.
    let few = messages[..MESSAGES / 10].to_vec();
    let began = js_sys::Date::now();
    assert_eq!(open.open(few, &RustCrypto).await, MESSAGES / 10);
    let own = (js_sys::Date::now() - began) * 10.0;
    line(
        &format!("{MESSAGES} bare verify calls of the browser"),
        &format!("{:.0} ms", bare.0),
    );
    line(
        &format!("{MESSAGES} messages opened and verified"),
        &format!(
            "{:.0} ms, {:.2} times the bare verify calls",
            opened.0,
            opened.0 / bare.0
        ),
    );
    line(
        "the same without the browser's cryptography",
        &format!("{own:.0} ms, {:.1} times", own / opened.0),
    );
}

#[wasm_bindgen_test]
async fn rekeying_a_large_group() {
    let owner = Person::new("owner");
    let mut room = TestRoom::group(&owner);
    let mut last = None;
    for number in 1..MEMBERS {
        let member = Person::new(&format!("member{number}"));
        room.add(&owner, &member, Role::Member).unwrap();
        last = Some(member);
    }
    room.epoch(&owner).unwrap();
    let secret = room.secret().unwrap();
    let open = OpenRoom::new(room.state.clone(), &room.genesis, room.secret().unwrap());
    let suite = suite();
    let mut rng = FixedRng::new("measure");
    let (mut ours, mut browsers) = (Best::new(), Best::new());
    let mut wraps = Vec::new();
    for _ in 0..ROUNDS {
        let began = js_sys::Date::now();
        let mut ctx = Ctx {
            now_ms: 0,
            rng: &mut rng,
            suite: &RustCrypto,
        };
        assert_eq!(open.wrap_for_all(&secret, &mut ctx).await.unwrap().len(), MEMBERS);
        ours.since(began);
        let began = js_sys::Date::now();
        let mut ctx = Ctx {
            now_ms: 0,
            rng: &mut rng,
            suite: &suite,
        };
        wraps = open.wrap_for_all(&secret, &mut ctx).await.unwrap();
        browsers.since(began);
    }
    // They are wraps indeed.
    let member = last.unwrap();
    let wrap = wraps.iter().find(|wrap| wrap.user_id == member.id()).unwrap();
    let (info, _) = room.wrap_for(&member);
    let job = UnwrapJob {
        info: info.info(),
        wrapped: kem::Wrapped {
            enc: wrap.enc.0.clone(),
            ct: wrap.ct.0.clone(),
        },
    };
    let opened = RustCrypto.unwrap_all(&member.kk[0], &[job]).await.remove(0).unwrap();
    assert_eq!(opened.as_slice(), secret.expose());
    line(
        &format!("a new room key for {MEMBERS} members"),
        &format!("{:.0} ms, {:.2} of our own code alone", browsers.0, browsers.0 / ours.0),
    );
}
