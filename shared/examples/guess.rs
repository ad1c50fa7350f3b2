//! What somebody does who has stolen the relay's database and wants the passwords: tries words, and looks whether
//! anything in the database tells the right one from the others.
//!
//! ```text
//! guess DUMP WORDS REALM [HANDLE=SALT…]     DUMP by pg_dump, a word a line, salts in hex as a live relay tells them to anybody
//! SOTTO_PEPPER=… guess …                    with the relay's secret, too
//! ```
//!
//! Run by `e2e/dictionary.spec.ts` on the database of a real relay. It derives as the client does, so what it cannot tell
//! apart is not there to be told apart.

use std::collections::BTreeMap;
use std::error::Error;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256, Sha512};
use sotto_shared::codec::Codec;
use sotto_shared::crypto::label::{Kind, Label};
use sotto_shared::crypto::password::{Normalised, Profile, derive_root};
use sotto_shared::crypto::seal;
use sotto_shared::crypto::sign::{SignedBlob, verify};
use sotto_shared::id::{ItemId, UserId};
use sotto_shared::vault::{Method, open_item};

type Fault = Box<dyn Error + Send + Sync>;

/// A sealed vault key: 32 bytes and what sealing adds.
const SEALED_KEY_BYTES: usize = 32 + seal::OVERHEAD_BYTES;

/// A line of a dump, by the names of its columns.
struct Row {
    table: String,
    cells: BTreeMap<String, Vec<u8>>,
}

struct Person {
    user_id: UserId,
    handle: String,
    salts: Vec<[u8; 16]>,
}

fn main() -> Result<(), Fault> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [dump, words, realm, salts @ ..] = args.as_slice() else {
        return Err("guess DUMP WORDS REALM [HANDLE=SALT…]".into());
    };
    let rows = read_dump(&std::fs::read_to_string(dump)?)?;
    let words = std::fs::read_to_string(words)?;
    let words: Vec<&str> = words.lines().collect();
    let mut people = people(&rows, salts)?;
    let mut cells: Vec<Vec<u8>> = rows.iter().flat_map(|row| row.cells.values().cloned()).collect();
    if let Ok(pepper) = std::env::var("SOTTO_PEPPER") {
        open_rows(&unhex(&pepper)?, &mut people, &mut cells);
    }
    let tries: Vec<(&str, &Person, &[u8; 16])> = words
        .iter()
        .flat_map(|word| {
            people
                .iter()
                .flat_map(move |person| person.salts.iter().map(move |salt| (*word, person, salt)))
        })
        .collect();
    println!("{} rows of {} people, {} tries", rows.len(), people.len(), tries.len());
    let workers = std::thread::available_parallelism()?.get();
    let found = std::thread::scope(|scope| {
        let share = |worker| tries.iter().skip(worker).step_by(workers);
        let (rows, cells) = (&rows, &cells);
        let working: Vec<_> = (0..workers)
            .map(|worker| {
                scope.spawn(move || -> Result<Vec<String>, Fault> {
                    let mut found = Vec::new();
                    for (word, person, salt) in share(worker) {
                        for how in tells(word, person, salt, realm, rows, cells)? {
                            found.push(format!("found \"{word}\" of {} by {how}", person.handle));
                        }
                    }
                    Ok(found)
                })
            })
            .collect();
        let joined = working.into_iter().map(|worker| worker.join());
        joined
            .map(|found| found.unwrap_or_else(|_| Err("a thread fell over".into())))
            .collect::<Result<Vec<_>, _>>()
    })?;
    for line in found.into_iter().flatten() {
        println!("{line}");
    }
    Ok(())
}

/// Everything in the database that is as it is because the password is this word.
fn tells(
    word: &str,
    person: &Person,
    salt: &[u8; 16],
    realm: &str,
    rows: &[Row],
    cells: &[Vec<u8>],
) -> Result<Vec<&'static str>, Fault> {
    let root = derive_root(&Normalised::new(word), realm, &person.handle, salt, Profile::One)?;
    let ak = root.sign_in_key(realm).public();
    let kek = root.vault_wrap_key(&person.user_id);
    let stands = |bytes: &[u8]| {
        cells
            .iter()
            .any(|cell| cell.windows(bytes.len()).any(|part| part == bytes))
    };
    let mut found = Vec::new();

    // The sign-in key, whole, in part, or hashed.
    let point = &ak.as_bytes()[1..];
    if [
        &point[..32],
        &point[32..],
        ak.key_id().as_bytes(),
        &Sha256::digest(ak.as_bytes()),
    ]
    .iter()
    .any(|bytes| stands(bytes))
    {
        found.push("the sign-in key");
    }
    // A signature by it.
    let signs = Label::ALL.iter().filter(|label| label.kind() == Kind::Sign);
    let blobs = cells.iter().filter_map(|cell| SignedBlob::from_bytes(cell).ok());
    if blobs.into_iter().any(|blob| {
        signs
            .clone()
            .any(|label| verify(&ak, *label, &blob.body, &blob.sig).is_ok())
    }) {
        found.push("a signature");
    }
    // The key that wraps the vault's, or something that it opens: the vault's key at any offset, or an item.
    if stands(kek.expose()) || stands(&Sha256::digest(kek.expose())) {
        found.push("the key of the vault's key");
    }
    let contexts = [1_u32, 2].map(|generation| {
        let bound = [
            person.user_id.as_bytes().as_slice(),
            &Method::Password.to_bytes(),
            &generation.to_be_bytes(),
        ];
        seal::context(Label::VaultWrap, &bound)
    });
    let mut sealed = cells.iter().flat_map(|cell| cell.windows(SEALED_KEY_BYTES));
    if sealed.any(|sealed| {
        contexts
            .iter()
            .any(|context| seal::open(kek.expose(), context, sealed).is_ok())
    }) {
        found.push("the vault's key");
    }
    let items = rows.iter().filter(|row| row.table == "vault_items").filter_map(|row| {
        let id = ItemId::from_slice(row.cells.get("item_id")?).ok()?;
        let rev = std::str::from_utf8(row.cells.get("rev")?).ok()?.parse().ok()?;
        Some((id, rev, row.cells.get("sealed")?))
    });
    for (id, rev, sealed) in items {
        if open_item(kek.expose(), &person.user_id, &id, rev, sealed).is_ok() {
            found.push("an item of the vault");
        }
    }
    // A quick hash of the word, as careless servers keep it.
    let careless: [&[&[u8]]; 5] = [
        &[word.as_bytes()],
        &[salt, word.as_bytes()],
        &[word.as_bytes(), salt],
        &[person.handle.as_bytes(), word.as_bytes()],
        &[person.user_id.as_bytes(), word.as_bytes()],
    ];
    if careless.iter().any(|parts| {
        let typed = parts.concat();
        stands(&Sha256::digest(&typed)) || stands(&Sha512::digest(&typed)) || stands(&typed)
    }) {
        found.push("a quick hash");
    }
    Ok(found)
}

fn people(rows: &[Row], salts: &[String]) -> Result<Vec<Person>, Fault> {
    let mut people = Vec::new();
    for row in rows.iter().filter(|row| row.table == "users") {
        let (Some(id), Some(handle)) = (row.cells.get("user_id"), row.cells.get("handle")) else {
            return Err("people without ids or handles".into());
        };
        let handle = String::from_utf8(handle.clone())?;
        let mut known = Vec::new();
        for salt in salts.iter().filter_map(|salt| salt.strip_prefix(&format!("{handle}="))) {
            known.push(unhex(salt)?.as_slice().try_into()?);
        }
        people.push(Person {
            user_id: UserId::from_slice(id).map_err(|_| "an id that is none")?,
            handle,
            salts: known,
        });
    }
    Ok(people)
}

/// With the pepper: what is sealed under it opens, and in it lies the salt (`server/src/pepper.rs`, `SignInRow`).
fn open_rows(pepper: &[u8], people: &mut [Person], cells: &mut Vec<Vec<u8>>) {
    let Ok(mut mac) = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(pepper) else {
        return;
    };
    mac.update(b"sotto/relay/1/seal");
    let cipher = XChaCha20Poly1305::new(&mac.finalize().into_bytes());
    let mut opened = Vec::new();
    for person in people {
        let context = [b"sotto/relay/1/sign-in".as_slice(), person.user_id.as_bytes()].concat();
        for (nonce, sealed) in cells.iter().filter_map(|cell| cell.split_first_chunk::<24>()) {
            let payload = Payload {
                msg: sealed,
                aad: &context,
            };
            let Ok(row) = cipher.decrypt(&XNonce::from(*nonce), payload) else {
                continue;
            };
            // Behind the tag and the version of the record.
            person
                .salts
                .extend(row.get(3..19).and_then(|salt| <[u8; 16]>::try_from(salt).ok()));
            opened.push(row);
        }
    }
    cells.append(&mut opened);
}

/// The rows of a dump in SQL: `COPY public.table (columns) FROM stdin;`, lines, `\.`.
fn read_dump(sql: &str) -> Result<Vec<Row>, Fault> {
    let mut rows = Vec::new();
    let mut lines = sql.lines();
    while let Some(line) = lines.next() {
        let Some((table, columns)) = line
            .strip_prefix("COPY public.")
            .and_then(|rest| rest.strip_suffix(") FROM stdin;"))
            .and_then(|rest| rest.split_once(" ("))
        else {
            continue;
        };
        for line in lines.by_ref().take_while(|line| *line != "\\.") {
            let cells = columns
                .split(", ")
                .zip(line.split('\t'))
                .filter(|(_, cell)| *cell != "\\N");
            let cells = cells.map(|(column, cell)| {
                let bytes = cell
                    .strip_prefix("\\\\x")
                    .map_or_else(|| Ok(cell.as_bytes().to_vec()), unhex)?;
                Ok((column.to_owned(), bytes))
            });
            rows.push(Row {
                table: table.to_owned(),
                cells: cells.collect::<Result<_, Fault>>()?,
            });
        }
    }
    Ok(rows)
}

fn unhex(text: &str) -> Result<Vec<u8>, Fault> {
    let digits = text.as_bytes().chunks(2);
    digits
        .map(|pair| Ok(u8::from_str_radix(std::str::from_utf8(pair)?, 16)?))
        .collect()
}
