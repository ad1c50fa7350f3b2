//! Items of the vault that are one list each: what two browsers wrote apart from each other is joined.

use serde::{Deserialize, Serialize};
use sotto_shared::attention::{Levels, Marks};
use sotto_shared::codec::Codec;
use sotto_shared::contacts::{Contacts, OwnProfile};
use sotto_shared::crypto::suite::Suite;
use sotto_shared::picture::OwnPicture;
use sotto_shared::vault::{ItemName, SavedList};

use super::{Engine, Out};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Book {
    Levels,
    ReadMarks,
    Contacts,
    Profile,
    Saved,
    Picture,
}

/// A list as it is here, encoded.
pub(crate) struct Held {
    pub plain: Vec<u8>,
    /// The revision of it at the relay; 0 = not there yet.
    pub rev: u64,
}

impl Held {
    pub fn new(plain: &[u8], rev: u64) -> Self {
        Self {
            plain: plain.to_vec(),
            rev,
        }
    }
}

impl Book {
    pub const ALL: [Self; 6] = [
        Self::Levels,
        Self::ReadMarks,
        Self::Contacts,
        Self::Profile,
        Self::Saved,
        Self::Picture,
    ];

    pub const fn name(self) -> ItemName {
        match self {
            Self::Levels => ItemName::Levels,
            Self::ReadMarks => ItemName::ReadMarks,
            Self::Contacts => ItemName::Contacts,
            Self::Profile => ItemName::Profile,
            Self::Saved => ItemName::Saved,
            Self::Picture => ItemName::Picture,
        }
    }

    pub fn is_readable(self, plain: &[u8]) -> bool {
        match self {
            Self::Levels => Levels::from_bytes(plain).is_ok(),
            Self::ReadMarks => Marks::from_bytes(plain).is_ok(),
            Self::Contacts => Contacts::from_bytes(plain).is_ok(),
            Self::Profile => OwnProfile::from_bytes(plain).is_ok(),
            Self::Saved => SavedList::from_bytes(plain).is_ok(),
            Self::Picture => OwnPicture::from_bytes(plain).is_ok(),
        }
    }

    /// Of two states what holds. None if the other cannot be read.
    pub fn join(self, ours: &[u8], theirs: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Levels => {
                let theirs = Levels::from_bytes(theirs).ok()?;
                Some(Levels::from_bytes(ours).unwrap_or_default().join(&theirs).to_bytes())
            }
            Self::ReadMarks => {
                let theirs = Marks::from_bytes(theirs).ok()?;
                Some(Marks::from_bytes(ours).unwrap_or_default().join(&theirs).to_bytes())
            }
            Self::Contacts => {
                let theirs = Contacts::from_bytes(theirs).ok()?;
                Some(Contacts::from_bytes(ours).unwrap_or_default().join(&theirs).to_bytes())
            }
            Self::Profile => {
                let theirs = OwnProfile::from_bytes(theirs).ok()?;
                Some(
                    OwnProfile::from_bytes(ours)
                        .unwrap_or_default()
                        .join(&theirs)
                        .to_bytes(),
                )
            }
            Self::Saved => {
                let theirs = SavedList::from_bytes(theirs).ok()?;
                Some(super::saved::join(&SavedList::from_bytes(ours).unwrap_or_default(), &theirs).to_bytes())
            }
            Self::Picture => {
                let theirs = OwnPicture::from_bytes(theirs).ok()?;
                let ours = OwnPicture::from_bytes(ours).unwrap_or_default();
                Some(ours.join(&theirs).to_bytes())
            }
        }
    }
}

impl<S: Suite> Engine<S> {
    /// The vault was read: what it says of people and conversations holds here, too.
    pub(super) fn books_came(&mut self, out: &mut Out<S::DeviceKey>) {
        self.contacts_came(out);
        self.profile_came(out);
        self.own_picture_came(out);
        self.levels_came(out);
        self.marks_came(out);
    }
}
