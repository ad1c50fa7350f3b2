//! Files: sealed piece by piece under a key of their own, which travels inside the message that announces them.
//!
//! ```text
//! sealed = Seal(FK, "file", room_id ‖ blob_id ‖ kind, bytes ‖ zero padding)
//! ```
//!
//! The relay sees a random blob id and a padded length. Chunks open one by one, so media can be sought in; a download is
//! complete only after the last chunk was verified, and whatever is wrong with it fails it for good.

use std::ops::Range;

use rand::CryptoRng;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::codec::{Bytes, Codec, DecodeError, Reader, Text};
use crate::crypto::label::Label;
use crate::crypto::seal::{CHUNK_BYTES, Opener, PREFIX_BYTES, SEALED_CHUNK_BYTES, Sealer, TAG_BYTES, context};
use crate::envelope::header::{padded_len, sealed_len};
use crate::id::{BlobId, RoomId};
use crate::{choice, record};

/// Longest file, in bytes before padding.
pub const MAX_FILE_BYTES: u64 = 1 << 30;
/// Zeros that [`Upload::close`] adds at a time.
const PADDING_STEP: usize = CHUNK_BYTES;

/// `FK`: seals one blob. It can be copied, since the message that it is part of can.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct FileKey([u8; 32]);

impl FileKey {
    pub fn make<R: CryptoRng + ?Sized>(rng: &mut R) -> Self {
        let mut key = Self([0; 32]);
        rng.fill_bytes(&mut key.0);
        key
    }

    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub(crate) const fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl PartialEq for FileKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for FileKey {}

impl std::fmt::Debug for FileKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FileKey(…)")
    }
}

impl Codec for FileKey {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0);
    }
    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        input.array().map(Self)
    }
}

choice! {
    /// What a blob is taken for; bound into its seal.
    #[derive(Copy)]
    pub enum FileKind {
        /// For saving, never shown.
        1 = Plain,
        2 = Image,
        3 = Audio,
        4 = Video,
        /// Recorded here, with a waveform.
        5 = Voice,
    }
}

record! {
    /// A file as the message that brings it announces it.
    pub struct File = 0x0403, 1 {
        pub blob_id: BlobId,
        pub fk: FileKey,
        /// Bytes of the file.
        pub size: u64,
        /// Bytes that were sealed: [`padded_size`] of `size`.
        pub padded: u64,
        pub kind: FileKind,
        pub name: Text<255>,
        pub mime: Text<127>,
        pub thumb: Bytes<8192>,
        /// Dimensions, length, waveform.
        pub meta: Bytes<2048>,
    }
}

/// Why a file is not taken, or not what was announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    #[error("too large")]
    TooLarge,
    #[error("not as long as was said")]
    WrongSize,
    #[error("damaged, cut, or another file")]
    Damaged,
}

/// Bytes that are sealed for a file of `size`: the length is hidden as that of messages is.
pub fn padded_size(size: u64) -> Result<u64, FileError> {
    let len = usize::try_from(size).map_err(|_| FileError::TooLarge)?;
    if size > MAX_FILE_BYTES {
        return Err(FileError::TooLarge);
    }
    Ok(padded_len(len) as u64)
}

/// Bytes of a blob at the relay, for a file of `size`.
pub fn sealed_size(size: u64) -> Result<u64, FileError> {
    padded_size(size).map(|padded| sealed_len(padded as usize) as u64)
}

fn file_context(room: &RoomId, blob: &BlobId, kind: FileKind) -> Vec<u8> {
    context(Label::File, &[room.as_bytes(), blob.as_bytes(), &kind.to_bytes()])
}

/// A file on its way out. Everything appends what can be sent to `out`, and holds less than a chunk back.
pub struct Upload {
    sealer: Option<Sealer>,
    /// Bytes of the file still to come.
    left: u64,
    padding: u64,
}

impl Upload {
    pub fn begin<R: CryptoRng + ?Sized>(
        rng: &mut R,
        room: &RoomId,
        file: &File,
        out: &mut Vec<u8>,
    ) -> Result<Self, FileError> {
        let padded = check(file)?;
        let context = file_context(room, &file.blob_id, file.kind);
        Ok(Self {
            sealer: Some(Sealer::begin(rng, &file.fk.0, &context, out)),
            left: file.size,
            padding: padded - file.size,
        })
    }

    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), FileError> {
        let left = self.left.checked_sub(bytes.len() as u64).ok_or(FileError::WrongSize)?;
        let sealer = self.sealer.as_mut().ok_or(FileError::WrongSize)?;
        sealer.push(bytes, out);
        self.left = left;
        Ok(())
    }

    /// After the last byte, again and again until it says that this was all.
    pub fn close(&mut self, out: &mut Vec<u8>) -> Result<bool, FileError> {
        if self.left > 0 {
            return Err(FileError::WrongSize);
        }
        let mut sealer = self.sealer.take().ok_or(FileError::WrongSize)?;
        let zeros = self.padding.min(PADDING_STEP as u64);
        sealer.push(&vec![0; zeros as usize], out);
        self.padding -= zeros;
        if self.padding > 0 {
            self.sealer = Some(sealer);
            return Ok(false);
        }
        sealer.finish(out);
        Ok(true)
    }
}

/// The sizes that were announced, if they fit each other.
fn check(file: &File) -> Result<u64, FileError> {
    let padded = padded_size(file.size)?;
    if file.padded == padded {
        Ok(padded)
    } else {
        Err(FileError::WrongSize)
    }
}

/// A sealed file whose chunks are opened in any order.
pub struct Chunks {
    opener: Opener,
    size: u64,
    padded: u64,
}

impl Chunks {
    /// `prefix` is how the blob begins.
    pub fn begin(room: &RoomId, file: &File, prefix: &[u8; PREFIX_BYTES]) -> Result<Self, FileError> {
        let padded = check(file)?;
        let context = file_context(room, &file.blob_id, file.kind);
        Ok(Self {
            opener: Opener::begin(&file.fk.0, &context, prefix).map_err(|_| FileError::Damaged)?,
            size: file.size,
            padded,
        })
    }

    /// How many there are: at least one.
    pub const fn count(&self) -> u64 {
        self.padded / CHUNK_BYTES as u64 + 1
    }

    /// Where a chunk lies in the blob.
    pub fn place(&self, index: u64) -> Option<Range<u64>> {
        let sealed = SEALED_CHUNK_BYTES as u64;
        let len = match index.cmp(&(self.count() - 1)) {
            std::cmp::Ordering::Less => sealed,
            std::cmp::Ordering::Equal => self.padded % CHUNK_BYTES as u64 + TAG_BYTES as u64,
            std::cmp::Ordering::Greater => return None,
        };
        let start = PREFIX_BYTES as u64 + index * sealed;
        Some(start..start + len)
    }

    /// Opens a chunk; the bytes of the file in it, without padding, are appended to `out`.
    pub fn open(&self, index: u64, sealed: &[u8], out: &mut Vec<u8>) -> Result<(), FileError> {
        let place = self.place(index).ok_or(FileError::Damaged)?;
        if place.end - place.start != sealed.len() as u64 {
            return Err(FileError::Damaged);
        }
        let start = out.len();
        self.opener.chunk(index, sealed, out).map_err(|_| FileError::Damaged)?;
        let here = self.size.saturating_sub(index * CHUNK_BYTES as u64);
        let end = start + here.min((out.len() - start) as u64) as usize;
        if out[end..].iter().any(|byte| *byte != 0) {
            out.truncate(start);
            return Err(FileError::Damaged);
        }
        out.truncate(end);
        Ok(())
    }
}

/// How far a download is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    Running,
    /// The last chunk was verified, and nothing came behind it.
    Complete,
    /// For good: what came before is not to be used either.
    Failed,
}

/// A file on its way in, from its first byte to its last.
pub struct Download {
    room: RoomId,
    file: File,
    chunks: Option<Chunks>,
    index: u64,
    /// Less than a chunk.
    rest: Vec<u8>,
    progress: Progress,
}

impl Download {
    pub fn begin(room: RoomId, file: File) -> Result<Self, FileError> {
        check(&file)?;
        Ok(Self {
            room,
            file,
            chunks: None,
            index: 0,
            rest: Vec::new(),
            progress: Progress::Running,
        })
    }

    pub const fn progress(&self) -> Progress {
        self.progress
    }

    /// The next bytes of the blob; what they hold of the file is appended to `out`.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), FileError> {
        if bytes.is_empty() {
            return Ok(());
        }
        let taken = match self.progress {
            Progress::Running => self.take(bytes, out),
            // Nothing comes behind the last chunk.
            Progress::Complete | Progress::Failed => Err(FileError::Damaged),
        };
        taken.inspect_err(|_| self.progress = Progress::Failed)
    }

    fn take(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) -> Result<(), FileError> {
        loop {
            let wanted = match &self.chunks {
                None => PREFIX_BYTES,
                Some(chunks) => match chunks.place(self.index) {
                    Some(place) => (place.end - place.start) as usize,
                    None if bytes.is_empty() => {
                        self.progress = Progress::Complete;
                        return Ok(());
                    }
                    None => return Err(FileError::Damaged),
                },
            };
            let (next, after) = bytes.split_at(bytes.len().min(wanted - self.rest.len()));
            self.rest.extend_from_slice(next);
            bytes = after;
            if self.rest.len() < wanted {
                return Ok(());
            }
            match &self.chunks {
                None => {
                    let prefix = self.rest.first_chunk().ok_or(FileError::Damaged)?;
                    self.chunks = Some(Chunks::begin(&self.room, &self.file, prefix)?);
                }
                Some(chunks) => {
                    chunks.open(self.index, &self.rest, out)?;
                    self.index += 1;
                }
            }
            self.rest.clear();
        }
    }

    /// There are no more bytes: it is complete now, or it never will be.
    pub fn end(&mut self) -> Result<(), FileError> {
        if self.progress == Progress::Complete {
            return Ok(());
        }
        self.progress = Progress::Failed;
        Err(FileError::Damaged)
    }
}
