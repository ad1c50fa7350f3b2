//! Accounts: passwords, vaults, sign-ins, and who a known handle is.

use std::collections::BTreeMap;
use std::rc::Rc;

use futures_lite::future::block_on;
use sotto_client::engine::{Failure, Reply, Request};
use sotto_client::testing::ModelRelay;
use sotto_client::testing::relay::{SignInRow, Token};
use sotto_client::testing::world::password;
use sotto_client::view::{Command, Found, Outcome, Phase, Problem, Standing, Trust};
use sotto_shared::api::B64;
use sotto_shared::api::body::*;
use sotto_shared::api::error::ErrorCode;
use sotto_shared::codec::{Bytes, Codec, List, Text};
use sotto_shared::crypto::label::Label;
use sotto_shared::crypto::password::{Normalised, Profile, derive_root};
use sotto_shared::crypto::secret::{PrivateKey, VaultKey};
use sotto_shared::crypto::sign::SignedBlob;
use sotto_shared::envelope::header::Header;
use sotto_shared::id::{ItemId, UserId};
use sotto_shared::log::user_log::{UserBody, UserEntry, possession_bytes};
use sotto_shared::testing::FixedRng;
use sotto_shared::testing::people::{NOW, REALM, key};
use sotto_shared::vault::{ItemName, Method, VaultHeader, open_item, wrap_vault_key};

use crate::eve::swapped_kem;
use crate::stage::{ADA, ReplyRule, Stage, assert_nobody, new_browser, pass_frame, pass_reply, wraps_of};

#[test]
fn a19_a_weaker_password_protection_is_asked_for() {
    block_on(async {
        let mut stage = Stage::new("a19").await;
        let lied = "it asks for a weaker password protection than this page accepts";
        let weak = Problem::ServerLied(lied.into());
        for (profile, salt, told) in [
            (0, 16, weak.clone()),
            (2, 16, weak.clone()),
            (255, 16, weak),
            (1, 0, Problem::OldPage),
            (1, 15, Problem::OldPage),
            (1, 1_000_000, Problem::OldPage),
        ] {
            let reply: ReplyRule = Box::new(move |_, _, _, mut reply| {
                if let Reply::SignInStart(start) = &mut reply {
                    (start.profile, start.salt) = (profile, B64(vec![0; salt]));
                }
                reply
            });
            stage.script(pass_frame(), reply);
            let (browser, answer) = new_browser(&mut stage).await;
            let case = format!("profile {profile}, salt of {salt}");
            assert_eq!(answer, Err(told), "{case}");
            let seen = stage.seen.borrow();
            let proved = |ask: &Request| matches!(ask, Request::SignInProve(_));
            assert!(!seen.requests.iter().any(proved), "{case}: nothing was derived");
            assert_nobody(&stage, browser, &case);
        }
    });
}

#[test]
fn a19_a_salt_of_the_relays_choice_is_no_use() {
    block_on(async {
        let mut stage = Stage::new("a19 salt").await;
        let reply: ReplyRule = Box::new(|_, _, _, mut reply| {
            if let Reply::SignInStart(start) = &mut reply {
                start.salt = B64(vec![0; 16]);
            }
            reply
        });
        stage.script(pass_frame(), reply);
        let (browser, answer) = new_browser(&mut stage).await;
        assert_eq!(answer, Err(Problem::WrongPassword));
        assert_nobody(&stage, browser, "salt");
        // Bound to realm and handle: it is not the key that somebody has worked out for all accounts at once.
        let proved = stage.seen.borrow().requests.iter().find_map(|ask| match ask {
            Request::SignInProve(proof) => Some(proof.clone()),
            _ => None,
        });
        let proof = proved.unwrap();
        let elsewhere = derive_root(
            &Normalised::new(&password("ada")),
            REALM,
            "cyd",
            &[0; 16],
            Profile::NEWEST,
        )
        .unwrap();
        let bytes = LoginProof {
            realm: Text::new(REALM).unwrap(),
            handle: Text::new("ada").unwrap(),
            challenge: proof.challenge.0.as_slice().try_into().unwrap(),
            session_nonce: proof.session_nonce.0.as_slice().try_into().unwrap(),
        }
        .to_bytes();
        let sig = proof.sig.0.as_slice().try_into().unwrap();
        let key = elsewhere.sign_in_key(REALM).public();
        assert!(sotto_shared::crypto::sign::verify(&key, Label::Login, &bytes, &sig).is_err());
    });
}

#[test]
fn a20_another_vault_or_a_part_of_it() {
    block_on(async {
        let mut stage = Stage::new("a20").await;
        let bob = stage.id("bob");
        for case in [
            "another's",
            "header of another",
            "items of another",
            "empty",
            "one less",
            "revision",
        ] {
            // Which item is which only Ada knows: each of hers is left out once.
            let many = if case == "one less" { 4 } else { 1 };
            let mut incomplete = 0;
            for at in 0..many {
                let reply: ReplyRule = Box::new(move |relay, _, _, mut reply| {
                    let Reply::SignInProve(grant) = &mut reply else {
                        return reply;
                    };
                    let account = &relay.people.0[&bob];
                    let theirs: Vec<VaultItem> = account.vault.values().cloned().collect();
                    let header = B64(account.sign_in.vault_header.clone());
                    match case {
                        "another's" => (grant.vault_header, grant.items) = (header, theirs),
                        "header of another" => grant.vault_header = header,
                        "items of another" => grant.items = theirs,
                        "empty" => grant.items.clear(),
                        "one less" => drop(grant.items.remove(at)),
                        _ => grant.items.iter_mut().for_each(|item| item.rev += 1),
                    }
                    reply
                });
                stage.script(pass_frame(), reply);
                let (browser, answer) = new_browser(&mut stage).await;
                let rolled_back = answer == Err(Problem::VaultRolledBack);
                incomplete += usize::from(rolled_back);
                assert!(
                    rolled_back || answer == Err(Problem::ServerLied("the vault".into())),
                    "{case} {at} {answer:?}"
                );
                assert_nobody(&stage, browser, case);
                let seen = stage.seen.borrow();
                let added = |ask: &Request| matches!(ask, Request::UserLogAppend(_) | Request::SessionProve(_));
                assert!(!seen.requests.iter().any(added), "{case}: no browser is added");
            }
            // Without one of the two items under the root key nothing opens; the other two are missed in what opens.
            assert_eq!(incomplete, if case == "one less" { 2 } else { 0 }, "{case}");
        }
    });
}

/// What the relay has of somebody's vault, to be shown again later.
fn vault_of(stage: &mut Stage, user: UserId) -> (SignInRow, BTreeMap<ItemId, VaultItem>) {
    let account = &stage.world.relay().people.0[&user];
    (account.sign_in.clone(), account.vault.clone())
}

fn show_vault(stage: &mut Stage, user: UserId, vault: &BTreeMap<ItemId, VaultItem>) {
    stage.world.relay().people.0.get_mut(&user).unwrap().vault = vault.clone();
}

fn told_of_an_older_vault(stage: &Stage, browser: usize) -> bool {
    stage.world.browsers[browser]
        .notices()
        .contains(&Problem::VaultRolledBack)
}

#[test]
fn a20_an_older_vault_on_a_browser_that_was_never_here() {
    block_on(async {
        let mut stage = Stage::new("a20 new").await;
        // Nobody has pinned Dan yet.
        let (ada, dan) = (stage.id("ada"), stage.id("dan"));
        let find = Command::FindPerson { handle: "dan".into() };
        stage.world.run(ADA, find).await.unwrap();
        let (_, first) = vault_of(&mut stage, ada);
        let mark = stage.world.browsers[ADA].compared(dan, Found::Same);
        stage.world.run(ADA, mark).await.unwrap();
        let (_, newest) = vault_of(&mut stage, ada);
        // The log names the newest vault since a browser came after the last change of it.
        let (second, answer) = new_browser(&mut stage).await;
        assert_eq!(answer, Ok(Outcome::Done));
        stage.world.settle().await;
        assert!(!told_of_an_older_vault(&stage, second));
        let mut mixed = first.clone();
        mixed.extend(
            newest
                .iter()
                .filter(|(id, _)| !first.contains_key(*id))
                .map(|(id, item)| (*id, item.clone())),
        );
        let mut without_pin = newest.clone();
        without_pin.retain(|id, _| first.contains_key(id));
        for (case, vault) in [("older", &first), ("mixed", &mixed), ("omitted", &without_pin)] {
            show_vault(&mut stage, ada, vault);
            stage.script(pass_frame(), pass_reply());
            let (browser, answer) = new_browser(&mut stage).await;
            assert_eq!(answer, Err(Problem::VaultRolledBack), "{case}");
            assert_nobody(&stage, browser, case);
            let added = |ask: &Request| matches!(ask, Request::UserLogAppend(_) | Request::SessionProve(_));
            assert!(
                !stage.seen.borrow().requests.iter().any(added),
                "{case}: no browser is added"
            );
        }
        show_vault(&mut stage, ada, &newest);
        assert_eq!(new_browser(&mut stage).await.1, Ok(Outcome::Done));
    });
}

#[test]
fn a20_an_older_vault_after_a_change_of_password() {
    block_on(async {
        let mut stage = Stage::new("a20 password").await;
        let ada = stage.id("ada");
        let (sign_in, vault) = vault_of(&mut stage, ada);
        let change = Command::ChangePassword {
            old: password("ada"),
            new: "quartz lantern under seven orchards".into(),
        };
        assert!(stage.world.run(ADA, change).await.is_ok());
        // The relay puts everything back, so that the old password opens it again.
        let account = stage.world.relay().people.0.get_mut(&ada).unwrap();
        (account.sign_in, account.vault) = (sign_in, vault);
        let (browser, answer) = new_browser(&mut stage).await;
        assert_eq!(answer, Err(Problem::VaultRolledBack));
        assert_nobody(&stage, browser, "the old password");
        stage.reconnect(ADA).await;
        assert!(told_of_an_older_vault(&stage, ADA));
    });
}

#[test]
fn a20_an_older_vault_on_a_browser_that_was_here_before() {
    block_on(async {
        let mut stage = Stage::new("a20 known").await;
        // Nobody has pinned Dan yet.
        let (ada, dan) = (stage.id("ada"), stage.id("dan"));
        let find = Command::FindPerson { handle: "dan".into() };
        stage.world.run(ADA, find).await.unwrap();
        let (_, first) = vault_of(&mut stage, ada);
        let mark = stage.world.browsers[ADA].compared(dan, Found::Same);
        stage.world.run(ADA, mark).await.unwrap();
        let (_, newest) = vault_of(&mut stage, ada);
        let mut without_pin = newest.clone();
        without_pin.retain(|id, _| first.contains_key(id));
        let (tea, kept) = (stage.tea, stage.world.browsers[ADA].disk.borrow().records.len());
        let texts = stage.texts(ADA, tea).await;
        for (case, vault) in [("older", &first), ("omitted", &without_pin), ("none", &BTreeMap::new())] {
            show_vault(&mut stage, ada, vault);
            stage.world.reload(ADA);
            stage.world.settle().await;
            assert!(told_of_an_older_vault(&stage, ADA), "{case}");
            assert!(
                matches!(stage.world.browsers[ADA].phase(), Phase::SignedIn { .. }),
                "{case}"
            );
            assert_eq!(stage.texts(ADA, tea).await, texts, "{case}: nothing is destroyed");
            let mark = stage.world.browsers[ADA].compared(dan, Found::Same);
            let refused = stage.world.run(ADA, mark).await;
            assert_eq!(refused, Err(Problem::VaultRolledBack), "{case}: nothing is built on it");
        }
        // The log does not name the newest vault yet; this browser has seen it, and refuses to go back.
        show_vault(&mut stage, ada, &first);
        stage.world.relay().tokens.retain(|_, token| token.user_id != ada);
        stage.reconnect(ADA).await;
        let sign_in = || Command::SignIn {
            handle: "ada".into(),
            password: password("ada"),
            stay: true,
        };
        assert_eq!(stage.world.run(ADA, sign_in()).await, Err(Problem::VaultRolledBack));
        assert!(!matches!(stage.world.browsers[ADA].phase(), Phase::SignedIn { .. }));
        assert!(stage.world.browsers[ADA].disk.borrow().records.len() >= kept);
        // With the true one it goes on where it was.
        show_vault(&mut stage, ada, &newest);
        assert_eq!(stage.world.run(ADA, sign_in()).await, Ok(Outcome::Done));
        stage.world.settle().await;
        assert_eq!(stage.texts(ADA, tea).await, texts);
    });
}

#[test]
fn a20_a_vault_and_a_log_of_different_identities() {
    block_on(async {
        let mut stage = Stage::new("a20 identity").await;
        let ada = stage.id("ada");
        let (row, vault) = vault_of(&mut stage, ada);
        // With Ada's own key, so that the log holds in itself: the vault does not speak for what it names now.
        let normalised = Normalised::new(&password("ada"));
        let root = derive_root(&normalised, REALM, "ada", &row.salt, Profile::NEWEST).unwrap();
        let header = VaultHeader::from_bytes(&row.vault_header).unwrap();
        let vault_key = header.open(&root.vault_wrap_key(&ada), &ada, Method::Password).unwrap();
        let id = ItemName::IdentityKey.id(vault_key.expose());
        let plain = open_item(vault_key.expose(), &ada, &id, vault[&id].rev, &vault[&id].sealed.0).unwrap();
        let ik = PrivateKey::from_bytes(&plain).unwrap();
        let account = stage.world.relay().people.0.get_mut(&ada).unwrap();
        let theirs = key("another identity");
        let pop = theirs.sign(Label::IdentityPossession, &possession_bytes(&ada, &theirs.public()));
        let body = UserEntry {
            user_id: ada,
            seq: account.log.seq() + 1,
            prev: account.log.head(),
            ts: NOW,
            body: UserBody::RotateIdentity {
                ik: theirs.public(),
                pop,
            },
        }
        .to_bytes();
        let sig = ik.sign(Label::UserLog, &body);
        let blob = SignedBlob { body, sig };
        account.log = account
            .log
            .extend(std::slice::from_ref(&blob))
            .unwrap()
            .prove_here()
            .unwrap();
        account.entries.push(B64(blob.to_bytes()));
        let (browser, answer) = new_browser(&mut stage).await;
        assert_eq!(answer, Err(Problem::ServerLied("the log of this account".into())));
        assert_nobody(&stage, browser, "another identity");
    });
}

#[test]
fn a20_an_older_pin_does_not_come_back() {
    block_on(async {
        let mut stage = Stage::new("a20 pin").await;
        let (ada, bob) = (stage.id("ada"), stage.id("bob"));
        let trust = |stage: &Stage| stage.world.browsers[ADA].person(bob).unwrap().trust;
        let mark = |stage: &Stage, found| stage.world.browsers[ADA].compared(bob, found);
        let nothing = mark(&stage, Found::Nothing);
        stage.world.run(ADA, nothing).await.unwrap();
        let older = stage.world.relay().people.0[&ada].vault.clone();
        let same = mark(&stage, Found::Same);
        stage.world.run(ADA, same).await.unwrap();
        assert_eq!(trust(&stage), Trust::Verified);
        for (case, vault) in [("older", older), ("none", BTreeMap::new())] {
            stage.world.relay().people.0.get_mut(&ada).unwrap().vault = vault;
            stage.reconnect(ADA).await;
            assert_eq!(trust(&stage), Trust::Verified, "{case}");
            stage.world.reload(ADA);
            stage.world.settle().await;
            assert_eq!(trust(&stage), Trust::Verified, "{case}, after a reload");
        }
    });
}

#[test]
fn a21_one_header_for_two_passwords() {
    block_on(async {
        let mut stage = Stage::new("a21").await;
        let ada = stage.id("ada");
        let header = stage.world.relay().people.0[&ada].sign_in.vault_header.clone();
        let mut theirs = VaultHeader::from_bytes(&header).unwrap();
        let own = theirs.wraps.as_slice()[0].clone();
        // A vault key of the relay's own, under a password that the relay chose.
        let root = derive_root(
            &Normalised::new("a password of the relay's"),
            REALM,
            "ada",
            &[0; 16],
            Profile::NEWEST,
        )
        .unwrap();
        let mut rng = FixedRng::new("a21");
        let vault_key = VaultKey::make(&mut rng);
        let kek = root.vault_wrap_key(&ada);
        let wrap = wrap_vault_key(&mut rng, &kek, &ada, Method::Password, 1, &vault_key).unwrap();
        let mut mixed = own.clone();
        // Its commitment and box, under the salt of the true one.
        let bytes = [&own.sealed.as_slice()[..24], &wrap.sealed.as_slice()[24..]].concat();
        mixed.sealed = Bytes::new(bytes).unwrap();
        let mut flipped = own.clone();
        let mut bytes = own.sealed.as_slice().to_vec();
        bytes[40] ^= 1;
        flipped.sealed = Bytes::new(bytes).unwrap();
        for (case, wraps) in [
            ("the relay's", vec![wrap.clone()]),
            ("the relay's first", vec![wrap, own]),
            ("mixed", vec![mixed]),
            ("commitment", vec![flipped]),
        ] {
            theirs.wraps = List::new(wraps).unwrap();
            let header = B64(theirs.to_bytes());
            let reply: ReplyRule = Box::new(move |_, _, _, mut reply| {
                if let Reply::SignInProve(grant) = &mut reply {
                    grant.vault_header = header.clone();
                }
                reply
            });
            stage.script(pass_frame(), reply);
            let (browser, answer) = new_browser(&mut stage).await;
            assert_eq!(answer, Err(Problem::ServerLied("the vault".into())), "{case}");
            assert_nobody(&stage, browser, case);
        }
    });
}

#[test]
fn a22_numbers_that_differ_stop_sending_until_somebody_decides() {
    block_on(async {
        let mut stage = Stage::new("a22 differ").await;
        let (duo, eve, mut at_eve) = (stage.duo, stage.id("eve"), stage.eve.clone());
        let compared = |stage: &Stage, found| stage.world.browsers[ADA].compared(eve, found);
        let trust = |stage: &Stage| stage.world.browsers[ADA].person(eve).unwrap().trust;
        let differ = compared(&stage, Found::Different);
        assert_eq!(stage.world.run(ADA, differ).await, Ok(Outcome::Done));
        assert_eq!(trust(&stage), Trust::Differs, "also of somebody who was never checked");
        assert_eq!(stage.standing(ADA, duo), Standing::IdentityChanged(eve));
        let same = compared(&stage, Found::Same);
        assert_eq!(stage.world.run(ADA, same.clone()).await, Ok(Outcome::Done));
        assert_eq!(stage.standing(ADA, duo), Standing::Open);

        // Another identity key: nothing that is said of the number before counts for it.
        at_eve.rotate_identity();
        stage.world.relay().enlist(&at_eve);
        let find = Command::FindPerson { handle: "eve".into() };
        stage.world.run(ADA, find.clone()).await.unwrap();
        assert_eq!(trust(&stage), Trust::Changed);
        assert_eq!(stage.world.run(ADA, same).await, Err(Problem::NumberChanged));
        assert_eq!(trust(&stage), Trust::Changed);
        let differ = compared(&stage, Found::Different);
        assert_eq!(stage.world.run(ADA, differ).await, Ok(Outcome::Done));
        assert_eq!(stage.standing(ADA, duo), Standing::IdentityChanged(eve));
        stage.script(pass_frame(), pass_reply());
        assert_eq!(
            stage.send(ADA, duo, "to the one before").await,
            Err(Problem::RoomClosed)
        );

        // A further key is no way out, nor a reload.
        at_eve.rotate_identity();
        stage.world.relay().enlist(&at_eve);
        stage.world.run(ADA, find).await.unwrap();
        stage.world.reload(ADA);
        stage.world.settle().await;
        assert_eq!(trust(&stage), Trust::Differs);
        assert_eq!(stage.standing(ADA, duo), Standing::IdentityChanged(eve));
        assert!(
            stage
                .seen
                .borrow()
                .sent
                .iter()
                .all(|sent| Header::from_bytes(&sent.header.0).unwrap().room_id != duo)
        );
        let nothing = compared(&stage, Found::Nothing);
        assert_eq!(stage.world.run(ADA, nothing).await, Ok(Outcome::Done));
        assert_eq!(stage.standing(ADA, duo), Standing::Open);
    });
}

#[test]
fn a22_nobody_whose_number_changed_is_let_in() {
    block_on(async {
        let mut stage = Stage::new("a22 let in").await;
        let (tea, eve, mut at_eve) = (stage.tea, stage.id("eve"), stage.eve.clone());
        let same = stage.world.browsers[ADA].compared(eve, Found::Same);
        assert_eq!(stage.world.run(ADA, same).await, Ok(Outcome::Done));
        at_eve.rotate_identity();
        at_eve.rotate_kem();
        stage.world.relay().enlist(&at_eve);
        stage.script(pass_frame(), pass_reply());
        let handles = || vec!["eve".to_owned()];
        let refused = Err(Problem::NotTrusted("eve".into()));
        let add = Command::AddPeople {
            room: tea,
            handles: handles(),
        };
        assert_eq!(stage.world.run(ADA, add.clone()).await, refused);
        let name = "New".to_owned();
        let group = Command::CreateGroup {
            name,
            handles: handles(),
        };
        assert_eq!(stage.world.run(ADA, group).await, refused);
        let wrapped = |stage: &Stage| {
            stage
                .seen
                .borrow()
                .requests
                .iter()
                .flat_map(wraps_of)
                .any(|(_, wrap)| wrap.user_id == eve)
        };
        assert!(!wrapped(&stage));
        // Once they have compared again.
        let same = stage.world.browsers[ADA].compared(eve, Found::Same);
        assert_eq!(stage.world.run(ADA, same).await, Ok(Outcome::Done));
        assert_eq!(stage.world.run(ADA, add).await, Ok(Outcome::Done));
        assert!(wrapped(&stage));
    });
}

#[test]
fn a22_a_pinned_handle_becomes_somebody_else() {
    block_on(async {
        let mut stage = Stage::new("a22").await;
        let (bob, dan) = (stage.id("bob"), stage.dan.clone());
        let command = stage.world.browsers[ADA].compared(bob, Found::Same);
        assert_eq!(stage.world.run(ADA, command).await, Ok(Outcome::Done));
        let as_bob = move |relay: &ModelRelay| swapped_kem(relay, "bob", &dan, "person");
        let rule = |as_bob: Rc<dyn Fn(&ModelRelay) -> UserLogBody>| -> ReplyRule {
            Box::new(move |relay, _, request, reply| match request {
                Request::UserFind(ask) if ask.handle == "bob" => Reply::UserFind(as_bob(relay)),
                _ => reply,
            })
        };
        let as_bob: Rc<dyn Fn(&ModelRelay) -> UserLogBody> = Rc::new(as_bob);
        let other = as_bob(stage.world.relay()).user_id;
        // Here, and in a browser that knows of Bob by the pin alone.
        let (browser, answer) = new_browser(&mut stage).await;
        assert_eq!(answer, Ok(Outcome::Done));
        for browser in [ADA, browser] {
            stage.script(pass_frame(), rule(Rc::clone(&as_bob)));
            let commands = [
                Command::FindPerson { handle: "bob".into() },
                Command::OpenDirect { handle: "bob".into() },
                Command::CreateGroup {
                    name: "Trap".into(),
                    handles: vec!["bob".into()],
                },
            ];
            for command in commands {
                let refused = stage.world.run(browser, command).await;
                let moved = Problem::HandleMoved {
                    handle: "bob".into(),
                    now: other,
                    verified: true,
                };
                assert_eq!(refused, Err(moved));
            }
            stage.assert_shut_out(&stage.dan, "pinned");
            let seen = stage.seen.borrow();
            let made = |ask: &Request| matches!(ask, Request::RoomCreate(_));
            assert!(!seen.requests.iter().any(made));
        }
    });
}

/// Whom one has written to, or let in, is pinned without a word: a new browser knows them too.
#[test]
fn a22_a_contact_that_was_never_checked_becomes_somebody_else_before_a_new_browser() {
    block_on(async {
        let mut stage = Stage::new("a22 unchecked").await;
        let duo = stage.world.direct(ADA, "bob").await;
        stage.world.say(ADA, duo, "hello bob").await;
        let dan = stage.dan.clone();
        let as_bob = move |relay: &ModelRelay| swapped_kem(relay, "bob", &dan, "person");
        let other = as_bob(stage.world.relay()).user_id;
        let bob = stage.id("bob");
        let reply: ReplyRule = Box::new(move |relay, _, request, reply| match request {
            Request::UserFind(ask) if ask.handle == "bob" => Reply::UserFind(as_bob(relay)),
            _ => reply,
        });
        let (browser, answer) = new_browser(&mut stage).await;
        assert_eq!(answer, Ok(Outcome::Done));
        stage.script(pass_frame(), reply);
        let find = Command::FindPerson { handle: "bob".into() };
        let moved = Problem::HandleMoved {
            handle: "bob".into(),
            now: other,
            verified: false,
        };
        for browser in [ADA, browser] {
            assert_eq!(stage.world.run(browser, find.clone()).await, Err(moved.clone()));
        }
        // The person may know better; but not for a third account.
        let accept = |user| Command::AcceptHandle {
            handle: "bob".into(),
            user,
        };
        let lie = Err(Problem::ServerLied("the keys of bob".into()));
        assert_eq!(stage.world.run(ADA, accept(bob)).await, lie);
        let Ok(Outcome::Person(person)) = stage.world.run(ADA, accept(other)).await else {
            panic!("not accepted")
        };
        assert_eq!(
            (person.id, person.trust, person.handle.as_str()),
            (other, Trust::Unverified, "bob")
        );
        assert_eq!(stage.standing(ADA, duo), Standing::PeerGone);
        assert_eq!(stage.send(ADA, duo, "to whom?").await, Err(Problem::RoomClosed));
        assert!(matches!(stage.world.run(ADA, find.clone()).await, Ok(Outcome::Person(person)) if person.id == other));
        // The other browser learns of it with the vault.
        stage.reconnect(browser).await;
        assert!(matches!(stage.world.run(browser, find).await, Ok(Outcome::Person(person)) if person.id == other));
        assert_eq!(stage.standing(browser, duo), Standing::PeerGone);
    });
}

#[test]
fn a30_a_proof_is_used_again() {
    block_on(async {
        // Under another name than its own the relay gets a proof that is good nowhere else.
        let mut stage = Stage::new("a30 realm").await;
        let reply: ReplyRule = Box::new(|_, _, _, mut reply| {
            if let Reply::Info(info) = &mut reply {
                info.realm = "evil.test".into();
            }
            reply
        });
        stage.script(pass_frame(), reply);
        let (browser, answer) = new_browser(&mut stage).await;
        assert_eq!(answer, Err(Problem::WrongPassword));
        assert_nobody(&stage, browser, "realm");

        // The proofs of a sign-in that worked, a second time, with the same challenge and with a new one.
        let mut stage = Stage::new("a30 session").await;
        let (_, answer) = new_browser(&mut stage).await;
        assert_eq!(answer, Ok(Outcome::Done));
        let requests = std::mem::take(&mut stage.seen.borrow_mut().requests);
        let relay = stage.world.relay();
        let refused = |code| {
            Err(Failure::Refused(sotto_shared::api::error::ErrorBody {
                code,
                retry_secs: None,
            }))
        };
        let mut count = 0;
        for request in requests {
            match request {
                Request::SignInProve(mut proof) => {
                    let again = Request::SignInProve(proof.clone());
                    assert_eq!(relay.answer(None, &again), refused(ErrorCode::BadProof));
                    let start = Request::SignInStart(SignInStart { handle: "ada".into() });
                    let Ok(Reply::SignInStart(start)) = relay.answer(None, &start) else {
                        panic!("no challenge")
                    };
                    proof.challenge = start.challenge;
                    let again = Request::SignInProve(proof);
                    assert_eq!(relay.answer(None, &again), refused(ErrorCode::BadProof));
                    count += 1;
                }
                Request::SessionProve(proof) => {
                    let ada = *relay.people.find("ada").unwrap().0;
                    let grant = Token {
                        user_id: ada,
                        dk_id: None,
                        created_ms: NOW,
                        expires_ms: u64::MAX,
                    };
                    relay.tokens.insert("stolen".into(), grant);
                    let again = Request::SessionProve(proof.clone());
                    assert_eq!(relay.answer(Some("stolen"), &again), refused(ErrorCode::BadProof));
                    let Ok(Reply::SessionStart(start)) =
                        relay.answer(Some("stolen"), &Request::SessionStart(SessionStart {}))
                    else {
                        panic!("no challenge")
                    };
                    let again = Request::SessionProve(SessionProve {
                        challenge: start.challenge,
                        ..proof
                    });
                    assert_eq!(relay.answer(Some("stolen"), &again), refused(ErrorCode::BadProof));
                    count += 1;
                }
                _ => {}
            }
        }
        assert_eq!(count, 2);
    });
}
