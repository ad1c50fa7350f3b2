//! Pictures of people: one blob of one size for each account, under a key of its own that its owner tells where they write.
//!
//! ```text
//! plaintext = u32 length ‖ image ‖ zeros, 12,288 bytes
//! sealed    = Seal(FK, "picture", user_id ‖ picture_id, plaintext)
//! ```
//!
//! The id is random and nobody is told it but with the key, so the relay hands the blob to whoever names it. Whoever puts
//! another's id beside their own name has nothing that opens. What opened is a stranger's bytes: [`image_kind`] says whether
//! it is one of the few kinds of image that are shown.

use rand::CryptoRng;

use crate::api::limits::SEALED_PICTURE_BYTES;
use crate::codec::{Codec, Reader};
use crate::crypto::label::Label;
use crate::crypto::seal::{self, OVERHEAD_BYTES, OpenError};
use crate::file::FileKey;
use crate::id::{PictureId, UserId};
use crate::record;

const PLAIN_BYTES: usize = SEALED_PICTURE_BYTES - OVERHEAD_BYTES;
/// The image in it.
pub const MAX_PICTURE_BYTES: usize = PLAIN_BYTES - 4;
/// Of one side.
pub const MAX_PICTURE_PIXELS: u32 = 512;

record! {
    /// Where a picture lies, and what opens it.
    pub struct Picture {
        pub id: PictureId,
        pub key: FileKey,
    }
}

record! {
    /// The picture of this account.
    #[derive(Default)]
    pub struct OwnPicture = 0x0509, 1 {
        pub picture: Option<Picture>,
        /// When it was chosen or taken away, milliseconds since 1970; 0: never.
        pub at: u64,
    }
}

impl OwnPicture {
    /// Of two states the later one.
    #[must_use]
    pub fn join(&self, other: &Self) -> Self {
        crate::contacts::later(self, other, |own| own.at)
    }
}

fn context(user: &UserId, picture: &PictureId) -> Vec<u8> {
    seal::context(Label::Picture, &[user.as_bytes(), picture.as_bytes()])
}

/// `None` if the image is too large.
pub fn seal_picture<R: CryptoRng + ?Sized>(
    rng: &mut R,
    user: &UserId,
    picture: &Picture,
    image: &[u8],
) -> Option<Vec<u8>> {
    if image.len() > MAX_PICTURE_BYTES {
        return None;
    }
    let mut plain = Vec::with_capacity(PLAIN_BYTES);
    (image.len() as u32).encode(&mut plain);
    plain.extend_from_slice(image);
    plain.resize(PLAIN_BYTES, 0);
    let context = context(user, &picture.id);
    Some(seal::seal(rng, picture.key.expose(), &context, &plain))
}

/// The image of a picture that this person told.
pub fn open_picture(user: &UserId, picture: &Picture, sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
    if sealed.len() != SEALED_PICTURE_BYTES {
        return Err(OpenError);
    }
    let plain = seal::open(picture.key.expose(), &context(user, &picture.id), sealed)?;
    let mut input = Reader::new(&plain);
    let len = u32::decode(&mut input).map_err(|_| OpenError)? as usize;
    let image = input.take(len).map_err(|_| OpenError)?;
    let padding = plain.get(4 + len..).unwrap_or_default();
    if padding.iter().any(|byte| *byte != 0) {
        return Err(OpenError);
    }
    Ok(image.to_vec())
}

/// The kinds of image that are shown: still ones alone, and none that can say more than what it looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageKind {
    Webp,
    Jpeg,
}

impl ImageKind {
    pub const fn mime(self) -> &'static str {
        match self {
            Self::Webp => "image/webp",
            Self::Jpeg => "image/jpeg",
        }
    }
}

/// What kind of image the bytes say to be, if it is one that is shown and neither side is longer than
/// [`MAX_PICTURE_PIXELS`]. Looked at before anything decodes them.
pub fn image_kind(image: &[u8]) -> Option<ImageKind> {
    let (kind, sides) = match image {
        [b'R', b'I', b'F', b'F', ..] => (ImageKind::Webp, webp_sides(image)?),
        [0xff, 0xd8, 0xff, ..] => (ImageKind::Jpeg, jpeg_sides(image)?),
        _ => return None,
    };
    let fits = |side| (1..=MAX_PICTURE_PIXELS).contains(&side);
    (fits(sides.0) && fits(sides.1)).then_some(kind)
}

/// Bytes of a file, taken one after the other.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }
}

/// RIFF, and in it an optional `VP8X` and one frame, `VP8 ` or `VP8L`; nothing that moves.
fn webp_sides(image: &[u8]) -> Option<(u32, u32)> {
    let mut file = Bytes(image);
    let _riff: [u8; 4] = file.array()?;
    let len = u32::from_le_bytes(file.array()?) as usize;
    if len != file.0.len() || file.array()? != *b"WEBP" {
        return None;
    }
    let (mut canvas, mut frame) = (None, None);
    while !file.0.is_empty() {
        let name: [u8; 4] = file.array()?;
        let len = u32::from_le_bytes(file.array()?) as usize;
        let mut chunk = Bytes(file.take(len)?);
        file.take(len % 2)?;
        match &name {
            b"VP8X" if canvas.is_none() && frame.is_none() => {
                let [flags, _, _, _, w0, w1, w2, h0, h1, h2]: [u8; 10] = chunk.array()?;
                let is_animated = flags & 2 != 0;
                if is_animated {
                    return None;
                }
                let side = |bytes: [u8; 3]| 1 + u32::from_le_bytes([bytes[0], bytes[1], bytes[2], 0]);
                canvas = Some((side([w0, w1, w2]), side([h0, h1, h2])));
            }
            b"VP8 " if frame.is_none() => {
                let [tag, _, _, 0x9d, 0x01, 0x2a, w0, w1, h0, h1]: [u8; 10] = chunk.array()? else {
                    return None;
                };
                let is_whole = tag & 1 == 0;
                if !is_whole {
                    return None;
                }
                let side = |bytes| u32::from(u16::from_le_bytes(bytes) & 0x3fff);
                frame = Some((side([w0, w1]), side([h0, h1])));
            }
            b"VP8L" if frame.is_none() => {
                let [0x2f, bits @ ..]: [u8; 5] = chunk.array()? else {
                    return None;
                };
                let bits = u32::from_le_bytes(bits);
                frame = Some((1 + (bits & 0x3fff), 1 + (bits >> 14 & 0x3fff)));
            }
            b"ALPH" | b"ICCP" => {}
            _ => return None,
        }
    }
    frame.filter(|frame| canvas.is_none_or(|canvas| canvas == *frame))
}

/// Segments up to the frame's header, of the two kinds that browsers write.
fn jpeg_sides(image: &[u8]) -> Option<(u32, u32)> {
    let mut file = Bytes(image);
    let _start: [u8; 2] = file.array()?;
    loop {
        let [0xff, marker]: [u8; 2] = file.array()? else {
            return None;
        };
        let len = usize::from(u16::from_be_bytes(file.array()?)).checked_sub(2)?;
        let mut segment = Bytes(file.take(len)?);
        match marker {
            0xc0 | 0xc2 => {
                let [8, h0, h1, w0, w1, 1 | 3]: [u8; 6] = segment.array()? else {
                    return None;
                };
                let side = |bytes| u32::from(u16::from_be_bytes(bytes));
                return Some((side([w0, w1]), side([h0, h1])));
            }
            // Tables, what programs add, remarks.
            0xc4 | 0xdb | 0xdd | 0xe0..=0xef | 0xfe => {}
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn riff(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
        let mut body = b"WEBP".to_vec();
        for (name, bytes) in chunks {
            body.extend_from_slice(*name);
            body.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
            body.extend_from_slice(bytes);
            body.resize(body.len() + bytes.len() % 2, 0);
        }
        [b"RIFF".as_slice(), &(body.len() as u32).to_le_bytes(), &body].concat()
    }

    fn lossy(width: u16, height: u16) -> Vec<u8> {
        let sides = [width.to_le_bytes(), height.to_le_bytes()].concat();
        [&[0x10, 2, 0, 0x9d, 0x01, 0x2a], sides.as_slice(), &[0; 9]].concat()
    }

    fn lossless(width: u32, height: u32) -> Vec<u8> {
        let bits = (width - 1) | (height - 1) << 14;
        [&[0x2f], bits.to_le_bytes().as_slice(), &[0; 4]].concat()
    }

    fn canvas(flags: u8, width: u32, height: u32) -> Vec<u8> {
        let side = |side: u32| (side - 1).to_le_bytes()[..3].to_vec();
        [vec![flags, 0, 0, 0], side(width), side(height)].concat()
    }

    fn jpeg(frame: u8, width: u16, height: u16) -> Vec<u8> {
        let sides = [height.to_be_bytes(), width.to_be_bytes()].concat();
        let app = [0xff, 0xe0, 0, 4, 1, 2];
        let frame = [&[0xff, frame, 0, 17, 8], sides.as_slice(), &[3; 10]].concat();
        [&[0xff, 0xd8], app.as_slice(), &frame, &[0xff, 0xda]].concat()
    }

    #[test]
    fn still_images_of_two_kinds_are_taken() {
        for image in [
            riff(&[(b"VP8 ", &lossy(128, 128))]),
            riff(&[(b"VP8L", &lossless(512, 1))]),
            riff(&[
                (b"VP8X", &canvas(0x10, 128, 96)),
                (b"ALPH", b"a"),
                (b"VP8 ", &lossy(128, 96)),
            ]),
        ] {
            assert_eq!(image_kind(&image), Some(ImageKind::Webp), "{image:?}");
            for cut in 0..image.len() {
                assert_eq!(image_kind(&image[..cut]), None, "{cut} bytes of it");
            }
        }
        for frame in [0xc0, 0xc2] {
            assert_eq!(image_kind(&jpeg(frame, 128, 512)), Some(ImageKind::Jpeg));
        }
    }

    #[test]
    fn whatever_moves_is_too_large_or_is_something_else_is_not() {
        let frame = lossy(128, 128);
        for image in [
            riff(&[]),
            riff(&[(b"VP8 ", &lossy(513, 1))]),
            riff(&[(b"VP8 ", &lossy(0, 128))]),
            riff(&[(b"VP8L", &lossless(1, 513))]),
            riff(&[(b"VP8X", &canvas(2, 128, 128)), (b"VP8 ", &frame)]),
            riff(&[(b"VP8X", &canvas(0, 128, 128)), (b"ANMF", &frame)]),
            riff(&[(b"VP8X", &canvas(0, 16_384, 16_384)), (b"VP8 ", &frame)]),
            riff(&[(b"VP8 ", &frame), (b"VP8 ", &frame)]),
            riff(&[(b"VP8 ", &frame), (b"EXIF", b"where")]),
            [riff(&[(b"VP8 ", &frame)]), vec![0]].concat(),
            jpeg(0xc0, 513, 128),
            jpeg(0xc0, 0, 128),
            jpeg(0xc3, 128, 128),
            vec![0xff, 0xd8, 0xff],
            vec![0xff, 0xd8, 0xff, 0xe0, 0, 1],
            vec![0xff, 0xd8, 0xff, 0xe0, 0xff, 0xff],
            vec![0xff; 64],
            b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01".to_vec(),
            b"GIF89a\x01\0\x01\0".to_vec(),
            b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>".to_vec(),
            b"RIFF\xff\xff\xff\xffWEBP".to_vec(),
            Vec::new(),
        ] {
            assert_eq!(image_kind(&image), None, "{image:?}");
        }
    }

    fn told() -> Picture {
        Picture {
            id: PictureId::from_bytes([1; 16]),
            key: FileKey::from_bytes([2; 32]),
        }
    }

    #[test]
    fn a_picture_has_one_size_and_opens_as_the_one_of_its_owner_alone() {
        let (ada, bob) = (UserId::from_bytes([3; 32]), UserId::from_bytes([4; 32]));
        let picture = told();
        let mut rng = crate::testing::FixedRng::new("picture");
        for len in [0, 1, MAX_PICTURE_BYTES] {
            let image = vec![7; len];
            let sealed = seal_picture(&mut rng, &ada, &picture, &image).unwrap();
            assert_eq!(sealed.len(), SEALED_PICTURE_BYTES);
            assert_eq!(open_picture(&ada, &picture, &sealed).as_ref(), Ok(&image));
            assert_eq!(open_picture(&bob, &picture, &sealed), Err(OpenError));
            let other = Picture {
                id: PictureId::from_bytes([9; 16]),
                ..told()
            };
            assert_eq!(open_picture(&ada, &other, &sealed), Err(OpenError));
            assert_eq!(
                open_picture(&ada, &picture, &sealed[..sealed.len() - 1]),
                Err(OpenError)
            );
        }
        assert_eq!(
            seal_picture(&mut rng, &ada, &picture, &vec![0; MAX_PICTURE_BYTES + 1]),
            None
        );
    }

    #[test]
    fn what_is_sealed_but_not_a_length_and_zeros_does_not_open() {
        let (ada, picture) = (UserId::from_bytes([3; 32]), told());
        let mut rng = crate::testing::FixedRng::new("odd");
        let seal =
            |rng: &mut _, plain: &[u8]| seal::seal(rng, picture.key.expose(), &context(&ada, &picture.id), plain);
        let mut long = vec![0; PLAIN_BYTES];
        long[..4].copy_from_slice(&(PLAIN_BYTES as u32).to_be_bytes());
        let mut padded = vec![0; PLAIN_BYTES];
        padded[PLAIN_BYTES - 1] = 1;
        for plain in [long, padded] {
            let sealed = seal(&mut rng, &plain);
            assert_eq!(open_picture(&ada, &picture, &sealed), Err(OpenError));
        }
        let short = seal(&mut rng, &[0; 512]);
        assert_eq!(open_picture(&ada, &picture, &short), Err(OpenError));
    }

    #[test]
    fn the_later_picture_holds() {
        let (one, none) = (
            OwnPicture {
                picture: Some(told()),
                at: 3,
            },
            OwnPicture { picture: None, at: 4 },
        );
        assert_eq!((one.join(&none), none.join(&one)), (none.clone(), none));
    }
}
