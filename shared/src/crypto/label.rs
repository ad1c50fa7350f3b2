//! Every domain-separation label in one place, so that no two uses can collide.

macro_rules! labels {
    ($($name:ident = $text:literal, $kind:ident),* $(,)?) => {
        /// What a hash, key, signature or sealed box is for. Each is used by exactly one of the four functions named by
        /// [`Label::kind`]; the functions assert it in their signatures' tests.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Label { $($name),* }

        impl Label {
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => concat!("sotto/1/", $text)),* }
            }

            pub const fn kind(self) -> Kind {
                match self { $(Self::$name => Kind::$kind),* }
            }
        }
    };
}

/// Which function a label belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    Hash,
    Kdf,
    Sign,
    Seal,
    /// HPKE `info`.
    Wrap,
}

labels! {
    KeyId = "key-id", Hash,
    UserId = "user-id", Hash,
    RoomId = "room-id", Hash,
    UserEntryHash = "user-entry", Hash,
    EntryHash = "entry", Hash,
    RosterHash = "roster", Hash,
    HeaderHash = "header", Hash,
    EnvelopeHash = "env", Hash,
    TranscriptStart = "t0", Hash,
    Transcript = "t", Hash,
    KdfSalt = "kdf-salt", Hash,
    LaneStart = "lane", Hash,
    Mark = "mark", Hash,
    VaultItems = "vault-items", Hash,
    RecoveryCheck = "rec-check", Hash,
    InviteId = "invite-id", Hash,

    SignInKey = "ak", Kdf,
    PasswordKey = "kek-pw", Kdf,
    RecoverySignInKey = "ak-rec", Kdf,
    RecoveryKey = "kek-rec", Kdf,
    VaultItemKey = "vault-item-key", Kdf,
    VaultNameKey = "vault-name", Kdf,
    DeviceLabelKey = "device-label-key", Kdf,
    StoreKey = "store-key", Kdf,
    StoreNameKey = "store-name", Kdf,
    LockKey = "lock-key", Kdf,
    EpochMix = "mix", Kdf,
    EpochCommit = "commit", Kdf,
    BacklinkKey = "back-key", Kdf,
    MessageKey = "msg-key", Kdf,
    MetaKey = "meta-key", Kdf,
    DeleteKey = "delete-key", Kdf,
    DeleteSecret = "del", Kdf,
    SlotKey = "slot-key", Kdf,
    InviteKey = "inv", Kdf,
    InviteViewKey = "inv-view-key", Kdf,
    ChannelKey = "chan", Kdf,

    UserLog = "user-log", Sign,
    RoomLog = "room-log", Sign,
    Message = "msg", Sign,
    DevicePossession = "device-pop", Sign,
    IdentityPossession = "identity-pop", Sign,
    Login = "login", Sign,
    Session = "session", Sign,
    Register = "register", Sign,
    KeyRequest = "key-request", Sign,
    RecoveryLogin = "login-rec", Sign,
    Rekey = "rekey", Sign,
    RecoveryChange = "recovery", Sign,
    Join = "join", Sign,
    InviteOpen = "inv-open", Sign,
    Report = "report", Sign,
    InvitePeek = "inv-peek", Sign,

    SealedMessage = "sealed-msg", Seal,
    VaultWrap = "vault-wrap", Seal,
    VaultItem = "vault-item", Seal,
    DeviceLabel = "device-label", Seal,
    Backlink = "back", Seal,
    Meta = "meta", Seal,
    RoleName = "role-name", Seal,
    ChannelName = "chan-name", Seal,
    ChannelOrder = "chan-order", Seal,
    Store = "store", Seal,
    InviteView = "inv-view", Seal,
    File = "file", Seal,
    Locked = "locked", Seal,
    Reason = "reason", Seal,
    SealedReport = "sealed-report", Seal,
    Picture = "picture", Seal,

    RoomKeyWrap = "wrap", Wrap,
    ReportWrap = "report-wrap", Wrap,
}

/// `u8` length ‖ label: how a label enters a hash, key, signature or context.
pub fn prefix(label: Label) -> Vec<u8> {
    let text = label.as_str().as_bytes();
    let mut out = Vec::with_capacity(1 + text.len());
    // Every label is under 256 bytes: the test below holds it.
    out.push(text.len() as u8);
    out.extend_from_slice(text);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_two_uses_share_a_label() {
        let texts: HashSet<&str> = Label::ALL.iter().map(|label| label.as_str()).collect();
        assert_eq!(texts.len(), Label::ALL.len());
        assert!(
            texts
                .iter()
                .all(|text| text.len() < 256 && text.starts_with("sotto/1/"))
        );
    }

    #[test]
    fn no_prefix_begins_another() {
        for a in Label::ALL {
            for b in Label::ALL {
                assert!(a == b || !prefix(*a).starts_with(&prefix(*b)), "{a:?} {b:?}");
            }
        }
    }
}
