//! The canonical encoding of everything that is signed or hashed: one value, one byte string, and back.
//!
//! Integers are big-endian and of fixed width, data is `u32` length + bytes, lists `u16` count + items, enums and options
//! a `u8` tag. No maps, no floats. Every length has a maximum that belongs to the field's type ([`Bytes`], [`Text`],
//! [`List`]). Decoding is strict: trailing bytes, unknown tags, flags other than 0 and 1, over-long fields and text that
//! is not UTF-8 are errors, never guesses. Every top-level struct starts with `tag: u16, version: u8` (see [`record!`]).

use crate::id::{
    BlobId, ChannelId, DeviceKeyId, EnvelopeHash, Head, InviteId, ItemId, MessageId, PictureId, ReportId, RoomId,
    UserId,
};

/// Why bytes are not a value. The bytes are the peer's fault; no detail goes back to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    #[error("the bytes end too early")]
    Short,
    #[error("bytes are left over")]
    Trailing,
    #[error("unknown struct, version, tag or flag")]
    UnknownTag,
    #[error("a field is longer than allowed")]
    TooLong,
    #[error("text is not UTF-8")]
    NotText,
}

/// A value with exactly one encoding.
pub trait Codec: Sized {
    fn encode(&self, out: &mut Vec<u8>);
    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError>;

    fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode(&mut out);
        out
    }

    /// Takes all of `bytes` or fails.
    fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut input = Reader::new(bytes);
        let value = Self::decode(&mut input)?;
        input.finish()?;
        Ok(value)
    }
}

/// A cursor over bytes that never reads past their end.
#[derive(Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub fn take(&mut self, len: usize) -> Result<&'a [u8], DecodeError> {
        let (head, rest) = self.rest.split_at_checked(len).ok_or(DecodeError::Short)?;
        self.rest = rest;
        Ok(head)
    }

    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        self.take(N)?.try_into().map_err(|_| DecodeError::Short)
    }

    pub const fn finish(self) -> Result<(), DecodeError> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(DecodeError::Trailing)
        }
    }
}

macro_rules! integer {
    ($($ty:ty),*) => {$(
        impl Codec for $ty {
            fn encode(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_be_bytes());
            }
            fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
                Ok(<$ty>::from_be_bytes(input.array()?))
            }
        }
    )*};
}
integer!(u8, u16, u32, u64);

impl<const N: usize> Codec for [u8; N] {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self);
    }
    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        input.array()
    }
}

macro_rules! ids {
    ($($ty:ty),*) => {$(
        impl Codec for $ty {
            fn encode(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(self.as_bytes());
            }
            fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
                Ok(<$ty>::from_bytes(input.array()?))
            }
        }
    )*};
}
ids!(
    UserId,
    RoomId,
    ChannelId,
    DeviceKeyId,
    MessageId,
    EnvelopeHash,
    ItemId,
    InviteId,
    ReportId,
    BlobId,
    PictureId,
    Head
);

impl Codec for bool {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }
    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match u8::decode(input)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(DecodeError::UnknownTag),
        }
    }
}

impl<T: Codec> Codec for Option<T> {
    fn encode(&self, out: &mut Vec<u8>) {
        self.is_some().encode(out);
        if let Some(value) = self {
            value.encode(out);
        }
    }
    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(if bool::decode(input)? {
            Some(T::decode(input)?)
        } else {
            None
        })
    }
}

/// The value does not fit the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("longer than {max}")]
pub struct TooLong {
    pub max: usize,
}

/// At most `MAX` bytes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bytes<const MAX: usize>(Vec<u8>);

impl<const MAX: usize> Bytes<MAX> {
    pub fn new(bytes: Vec<u8>) -> Result<Self, TooLong> {
        if bytes.len() <= MAX {
            Ok(Self(bytes))
        } else {
            Err(TooLong { max: MAX })
        }
    }
    pub fn as_slice(&self) -> &[u8] {
        &self.0
    }
    pub fn into_vec(self) -> Vec<u8> {
        self.0
    }
}

impl<const MAX: usize> Codec for Bytes<MAX> {
    fn encode(&self, out: &mut Vec<u8>) {
        // `new` keeps the length under MAX, and every MAX is far under u32.
        (self.0.len() as u32).encode(out);
        out.extend_from_slice(&self.0);
    }
    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let len = u32::decode(input)? as usize;
        if len > MAX {
            return Err(DecodeError::TooLong);
        }
        Ok(Self(input.take(len)?.to_vec()))
    }
}

/// UTF-8 text of at most `MAX` bytes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Text<const MAX: usize>(String);

impl<const MAX: usize> Text<MAX> {
    pub fn new(text: impl Into<String>) -> Result<Self, TooLong> {
        let text = text.into();
        if text.len() <= MAX {
            Ok(Self(text))
        } else {
            Err(TooLong { max: MAX })
        }
    }
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> Codec for Text<MAX> {
    fn encode(&self, out: &mut Vec<u8>) {
        (self.0.len() as u32).encode(out);
        out.extend_from_slice(self.0.as_bytes());
    }
    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let bytes = Bytes::<MAX>::decode(input)?.into_vec();
        String::from_utf8(bytes).map(Self).map_err(|_| DecodeError::NotText)
    }
}

/// At most `MAX` items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List<T, const MAX: usize>(Vec<T>);

impl<T, const MAX: usize> List<T, MAX> {
    pub fn new(items: Vec<T>) -> Result<Self, TooLong> {
        if items.len() <= MAX {
            Ok(Self(items))
        } else {
            Err(TooLong { max: MAX })
        }
    }
    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        self.0.iter()
    }
    pub fn len(&self) -> usize {
        self.0.len()
    }
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    pub fn as_slice(&self) -> &[T] {
        &self.0
    }
}

impl<T, const MAX: usize> Default for List<T, MAX> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Codec, const MAX: usize> Codec for List<T, MAX> {
    fn encode(&self, out: &mut Vec<u8>) {
        (self.0.len() as u16).encode(out);
        for item in &self.0 {
            item.encode(out);
        }
    }
    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let count = u16::decode(input)? as usize;
        if count > MAX {
            return Err(DecodeError::TooLong);
        }
        // The count is a peer's word: grow with what is really there.
        let mut items = Vec::new();
        for _ in 0..count {
            items.push(T::decode(input)?);
        }
        Ok(Self(items))
    }
}

/// Declares a struct whose encoding is its fields in order; with `= tag, version` it is top-level and begins with those.
#[macro_export]
macro_rules! record {
    ($(#[$meta:meta])* pub struct $name:ident $(= $tag:literal, $version:literal)? {
        $($(#[$field_meta:meta])* pub $field:ident : $ty:ty),* $(,)?
    }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name {
            $($(#[$field_meta])* pub $field: $ty),*
        }
        impl $crate::codec::Codec for $name {
            fn encode(&self, out: &mut Vec<u8>) {
                $(
                    let tag: u16 = $tag;
                    let version: u8 = $version;
                    $crate::codec::Codec::encode(&tag, out);
                    $crate::codec::Codec::encode(&version, out);
                )?
                $($crate::codec::Codec::encode(&self.$field, out);)*
                let _ = out;
            }
            fn decode(input: &mut $crate::codec::Reader<'_>) -> Result<Self, $crate::codec::DecodeError> {
                $(
                    let tag = <u16 as $crate::codec::Codec>::decode(input)?;
                    let version = <u8 as $crate::codec::Codec>::decode(input)?;
                    if tag != $tag || version != $version {
                        return Err($crate::codec::DecodeError::UnknownTag);
                    }
                )?
                let _ = &input;
                Ok(Self { $($field: <$ty as $crate::codec::Codec>::decode(input)?),* })
            }
        }
    };
}

/// Declares an enum whose encoding is a `u8` tag and the fields of the variant in order.
#[macro_export]
macro_rules! choice {
    ($(#[$meta:meta])* pub enum $name:ident {
        $($(#[$variant_meta:meta])* $tag:literal = $variant:ident $({ $($field:ident : $ty:ty),* $(,)? })?),* $(,)?
    }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum $name {
            $($(#[$variant_meta])* $variant $({ $($field: $ty),* })?),*
        }
        impl $crate::codec::Codec for $name {
            fn encode(&self, out: &mut Vec<u8>) {
                match self {
                    $(Self::$variant $({ $($field),* })? => {
                        out.push($tag);
                        $($($crate::codec::Codec::encode($field, out);)*)?
                    }),*
                }
            }
            fn decode(input: &mut $crate::codec::Reader<'_>) -> Result<Self, $crate::codec::DecodeError> {
                match <u8 as $crate::codec::Codec>::decode(input)? {
                    $($tag => Ok(Self::$variant $({ $($field: <$ty as $crate::codec::Codec>::decode(input)?),* })?),)*
                    _ => Err($crate::codec::DecodeError::UnknownTag),
                }
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    record! {
        pub struct Sample = 0x7f01, 1 {
            pub number: u32,
            pub flag: Option<u8>,
            pub items: List<Text<4>, 2>,
        }
    }

    fn sample() -> Sample {
        Sample {
            number: 7,
            flag: Some(9),
            items: List::new(vec![Text::new("ab").unwrap(), Text::new("").unwrap()]).unwrap(),
        }
    }

    #[test]
    fn a_record_is_tag_version_and_fields() {
        assert_eq!(
            sample().to_bytes(),
            [0x7f, 1, 1, 0, 0, 0, 7, 1, 9, 0, 2, 0, 0, 0, 2, b'a', b'b', 0, 0, 0, 0]
        );
        assert_eq!(Sample::from_bytes(&sample().to_bytes()), Ok(sample()));
    }

    #[test]
    fn whatever_is_not_exactly_the_encoding_is_refused() {
        let good = sample().to_bytes();
        let mut long = good.clone();
        long.push(0);
        assert_eq!(Sample::from_bytes(&long), Err(DecodeError::Trailing));
        for cut in 0..good.len() {
            assert!(Sample::from_bytes(&good[..cut]).is_err(), "cut at {cut}");
        }
        let mut flag = good.clone();
        flag[7] = 2;
        assert_eq!(Sample::from_bytes(&flag), Err(DecodeError::UnknownTag));
        let mut version = good.clone();
        version[2] = 2;
        assert_eq!(Sample::from_bytes(&version), Err(DecodeError::UnknownTag));
        let mut count = good.clone();
        count[10] = 3;
        assert_eq!(Sample::from_bytes(&count), Err(DecodeError::TooLong));
        let mut text = good;
        text[15] = 0xff;
        assert_eq!(Sample::from_bytes(&text), Err(DecodeError::NotText));
    }
}
