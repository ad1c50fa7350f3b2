//! A26: whatever is done to a sealed file, a download of it fails and is never complete.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use sotto_shared::codec::{Bytes, Codec, Text};
use sotto_shared::crypto::seal::{PREFIX_BYTES, SEALED_CHUNK_BYTES};
use sotto_shared::file::{
    Chunks, Download, File, FileError, FileKey, FileKind, MAX_FILE_BYTES, Progress, Upload, padded_size, sealed_size,
};
use sotto_shared::id::{BlobId, RoomId};
use sotto_shared::testing::FixedRng;

const ROOM: RoomId = RoomId::from_bytes([1; 32]);
const CHUNK: usize = 16_384;

fn file(name: &str, size: usize) -> File {
    let mut blob = [0; 16];
    rand::Rng::fill_bytes(&mut FixedRng::new(&format!("{name}/blob")), &mut blob);
    File {
        blob_id: BlobId::from_bytes(blob),
        fk: FileKey::make(&mut FixedRng::new(&format!("{name}/key"))),
        size: size as u64,
        padded: padded_size(size as u64).unwrap(),
        kind: FileKind::Plain,
        name: Text::new(name).unwrap(),
        mime: Text::default(),
        thumb: Bytes::default(),
        meta: Bytes::default(),
    }
}

fn bytes(size: usize) -> Vec<u8> {
    (0..size).map(|at| (at / 7 % 255) as u8 + 1).collect()
}

fn sealed(file: &File) -> Vec<u8> {
    let mut out = Vec::new();
    let mut upload = Upload::begin(&mut FixedRng::new("salt"), &ROOM, file, &mut out).unwrap();
    upload.push(&bytes(file.size as usize), &mut out).unwrap();
    while !upload.close(&mut out).unwrap() {}
    assert_eq!(out.len() as u64, sealed_size(file.size).unwrap());
    out
}

/// In pieces of this size. What came out, if it is complete at the end.
fn download(file: &File, blob: &[u8], piece: usize) -> Result<Vec<u8>, FileError> {
    let mut out = Vec::new();
    let mut download = Download::begin(ROOM, file.clone())?;
    for bytes in blob.chunks(piece) {
        if let Err(error) = download.push(bytes, &mut out) {
            assert_eq!(download.progress(), Progress::Failed);
            assert!(bytes_are_a_beginning(file, &out), "nothing unverified comes out");
            // It stays failed, whatever comes.
            assert_eq!(download.push(blob, &mut Vec::new()), Err(FileError::Damaged));
            assert_eq!(download.end(), Err(FileError::Damaged));
            assert_eq!(download.progress(), Progress::Failed);
            return Err(error);
        }
    }
    let ended = download.end();
    assert_eq!(ended.is_ok(), download.progress() == Progress::Complete);
    ended.map(|()| out)
}

fn bytes_are_a_beginning(file: &File, out: &[u8]) -> bool {
    bytes(file.size as usize).starts_with(out)
}

#[track_caller]
fn fails(file: &File, blob: &[u8], case: &str) {
    for piece in [blob.len().max(1), 1000, SEALED_CHUNK_BYTES] {
        assert_eq!(
            download(file, blob, piece),
            Err(FileError::Damaged),
            "{case}, by {piece}"
        );
    }
}

/// The chunks of a blob behind its prefix.
fn parts(blob: &[u8]) -> (Vec<u8>, Vec<Vec<u8>>) {
    let (prefix, rest) = blob.split_at(PREFIX_BYTES);
    (
        prefix.to_vec(),
        rest.chunks(SEALED_CHUNK_BYTES).map(<[u8]>::to_vec).collect(),
    )
}

fn joined(prefix: &[u8], chunks: &[Vec<u8>]) -> Vec<u8> {
    [prefix, &chunks.concat()].concat()
}

#[test]
fn a26_chunks_that_are_moved_doubled_or_left_out_fail_the_download() {
    let film = file("film", 5 * CHUNK + 100);
    let blob = sealed(&film);
    assert_eq!(download(&film, &blob, 777).unwrap(), bytes(5 * CHUNK + 100));
    let (prefix, chunks) = parts(&blob);
    for at in 0..chunks.len() - 1 {
        let mut swapped = chunks.clone();
        swapped.swap(at, at + 1);
        fails(
            &film,
            &joined(&prefix, &swapped),
            &format!("{at} swapped with the next"),
        );
        let mut doubled = chunks.clone();
        doubled.insert(at, chunks[at].clone());
        fails(&film, &joined(&prefix, &doubled), &format!("{at} doubled"));
        let mut replaced = chunks.clone();
        replaced[at + 1] = chunks[at].clone();
        fails(&film, &joined(&prefix, &replaced), &format!("{at} over the next"));
    }
    for at in 0..chunks.len() {
        let mut without = chunks.clone();
        without.remove(at);
        fails(&film, &joined(&prefix, &without), &format!("{at} left out"));
    }
}

#[test]
fn a26_a_file_that_is_cut_or_extended_fails() {
    for size in [0, 1, 100, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 4 * CHUNK + 5] {
        let one = file("one", size);
        let blob = sealed(&one);
        assert_eq!(download(&one, &blob, 4096).unwrap(), bytes(size), "{size}");
        let cuts = [
            0,
            1,
            PREFIX_BYTES - 1,
            PREFIX_BYTES,
            blob.len() - 1,
            blob.len() - 16,
            blob.len() - 17,
        ];
        let at_chunks = (1..=blob.len() / SEALED_CHUNK_BYTES).map(|n| PREFIX_BYTES + n * SEALED_CHUNK_BYTES);
        for cut in cuts.into_iter().chain(at_chunks).filter(|cut| *cut < blob.len()) {
            fails(&one, &blob[..cut], &format!("{size} cut to {cut}"));
        }
        for more in [1, 16, SEALED_CHUNK_BYTES] {
            fails(
                &one,
                &[blob.clone(), vec![0; more]].concat(),
                &format!("{size} and {more} more"),
            );
            let again = &blob[blob.len() - more.min(blob.len() - PREFIX_BYTES)..];
            fails(&one, &[&blob, again].concat(), &format!("{size} and its end again"));
        }
    }
}

#[test]
fn a26_a_flipped_bit_anywhere_fails() {
    let one = file("one", 2 * CHUNK + 10);
    let blob = sealed(&one);
    let everywhere = (0..blob.len()).step_by(1009);
    for at in (0..PREFIX_BYTES).chain(everywhere).chain(blob.len() - 20..blob.len()) {
        let mut flipped = blob.clone();
        flipped[at] ^= 1;
        assert_eq!(download(&one, &flipped, 5000), Err(FileError::Damaged), "byte {at}");
    }
}

#[test]
fn a26_another_blob_room_kind_or_key_fails() {
    let (one, two) = (file("one", 3 * CHUNK), file("two", 3 * CHUNK));
    let (a, b) = (sealed(&one), sealed(&two));
    fails(&one, &b, "the other file");
    let (prefix, mut mixed) = parts(&a);
    mixed[1] = parts(&b).1[1].clone();
    fails(&one, &joined(&prefix, &mixed), "a chunk of the other file");
    // One key for both would not help either: the place is bound.
    let mut same_key = two.clone();
    same_key.fk = one.fk.clone();
    fails(&same_key, &a, "the other blob, under the same key");
    let mut kind = one.clone();
    kind.kind = FileKind::Image;
    fails(&kind, &a, "as a picture");
    let mut elsewhere = Download::begin(RoomId::from_bytes([2; 32]), one.clone()).unwrap();
    assert_eq!(
        elsewhere.push(&a, &mut Vec::new()),
        Err(FileError::Damaged),
        "in another room"
    );
    let mut key = one;
    key.fk = two.fk;
    fails(&key, &a, "under another key");
}

#[test]
fn a26_a_size_or_padding_that_is_not_true_fails() {
    let one = file("one", 1000);
    let blob = sealed(&one);
    // Sizes that do not fit each other are refused before anything is fetched.
    for (size, padded) in [
        (1000, 1000),
        (1000, 2048),
        (1025, 1024),
        (1000, 0),
        (MAX_FILE_BYTES + 1, 0),
        (u64::MAX, u64::MAX),
    ] {
        let mut lied = one.clone();
        (lied.size, lied.padded) = (size, padded);
        assert!(Download::begin(ROOM, lied.clone()).is_err(), "{size} {padded}");
        assert!(Upload::begin(&mut FixedRng::new("salt"), &ROOM, &lied, &mut Vec::new()).is_err());
    }
    // Shorter than it is: what would be padding is not zero.
    let mut shorter = one.clone();
    shorter.size = 999;
    fails(&shorter, &blob, "one byte hidden in the padding");
    // Of another padded length.
    let mut longer = one.clone();
    (longer.size, longer.padded) = (1025, 2048);
    fails(&longer, &blob, "longer than what there is");
    let mut small = one;
    (small.size, small.padded) = (100, 512);
    fails(&small, &blob, "more than was said");
}

#[test]
fn an_upload_takes_exactly_what_was_said() {
    let one = file("one", 10);
    let mut out = Vec::new();
    let mut upload = Upload::begin(&mut FixedRng::new("salt"), &ROOM, &one, &mut out).unwrap();
    upload.push(&[1; 4], &mut out).unwrap();
    assert_eq!(upload.close(&mut out), Err(FileError::WrongSize), "too early");
    assert_eq!(upload.push(&[1; 7], &mut out), Err(FileError::WrongSize), "too much");
    upload.push(&[1; 6], &mut out).unwrap();
    assert_eq!(upload.close(&mut out), Ok(true));
    assert_eq!(upload.close(&mut out), Err(FileError::WrongSize), "twice");
    assert_eq!(download(&one, &out, 50).unwrap(), [1; 10]);
}

#[test]
fn chunks_are_sought_in_any_order_and_memory_is_bounded() {
    let film = file("film", 300 * CHUNK + 77);
    let plain = bytes(300 * CHUNK + 77);
    let mut blob = Vec::new();
    let mut upload = Upload::begin(&mut FixedRng::new("salt"), &ROOM, &film, &mut blob).unwrap();
    for piece in plain.chunks(100_000) {
        let mut out = Vec::new();
        upload.push(piece, &mut out).unwrap();
        assert!(out.len() < 100_000 + 2 * SEALED_CHUNK_BYTES);
        blob.extend(out);
    }
    loop {
        let mut out = Vec::new();
        let done = upload.close(&mut out).unwrap();
        assert!(out.len() <= 66 * SEALED_CHUNK_BYTES, "padding in steps");
        blob.extend(out);
        if done {
            break;
        }
    }
    let chunks = Chunks::begin(&ROOM, &film, blob.first_chunk().unwrap()).unwrap();
    assert_eq!(chunks.place(chunks.count() - 1).unwrap().end, blob.len() as u64);
    assert_eq!((chunks.place(chunks.count()), chunks.place(u64::MAX)), (None, None));
    for index in [300, 0, 299, 17, chunks.count() - 1] {
        let place = chunks.place(index).unwrap();
        let sealed = &blob[place.start as usize..place.end as usize];
        let mut out = vec![9];
        chunks.open(index, sealed, &mut out).unwrap();
        let start = (index as usize * CHUNK).min(plain.len());
        assert_eq!(
            out[1..],
            plain[start..(start + CHUNK).min(plain.len())],
            "chunk {index}"
        );
        assert!(chunks.open(index ^ 1, sealed, &mut out).is_err(), "at another place");
        assert!(chunks.open(index, &sealed[1..], &mut out).is_err());
    }
}

#[test]
fn the_longest_file_is_taken_and_no_longer_one() {
    assert!(padded_size(MAX_FILE_BYTES).is_ok());
    assert_eq!(padded_size(MAX_FILE_BYTES + 1), Err(FileError::TooLarge));
}

#[test]
fn keys_are_the_same_by_their_bytes_alone() {
    let (one, same, other) = (
        FileKey::from_bytes([1; 32]),
        FileKey::from_bytes([1; 32]),
        FileKey::from_bytes([2; 32]),
    );
    assert!(one == same && one != other);
}

#[test]
fn padding_of_more_than_a_step_is_sealed_step_by_step() {
    let one = file("one", (1 << 20) + 1);
    assert_eq!(one.padded - one.size, 2 * CHUNK as u64 - 1);
    let mut out = Vec::new();
    let mut upload = Upload::begin(&mut FixedRng::new("salt"), &ROOM, &one, &mut out).unwrap();
    upload.push(&bytes(one.size as usize), &mut out).unwrap();
    assert_eq!((upload.close(&mut out), upload.close(&mut out)), (Ok(false), Ok(true)));
    assert_eq!(download(&one, &out, 100_000).unwrap(), bytes(one.size as usize));
}

#[test]
fn an_announcement_carries_its_key() {
    let one = file("one", 1000);
    let read = File::from_bytes(&one.to_bytes()).unwrap();
    assert!(read == one);
    let other = File {
        fk: FileKey::from_bytes([9; 32]),
        ..one.clone()
    };
    assert_ne!(other.to_bytes(), one.to_bytes());
}
