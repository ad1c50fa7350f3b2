//! SHA-256 with a label: `H(label, x) = SHA-256(u8 length ‖ label ‖ x)`.

use sha2::{Digest, Sha256};

use super::label::{Kind, Label, prefix};

/// `H(label, parts[0] ‖ parts[1] ‖ …)`. The caller sees to it that the parts are of fixed width or self-delimiting.
pub fn hash(label: Label, parts: &[&[u8]]) -> [u8; 32] {
    debug_assert!(label.kind() == Kind::Hash);
    let mut state = Sha256::new();
    state.update(prefix(label));
    for part in parts {
        state.update(part);
    }
    state.finalize().into()
}

/// Plain SHA-256, where the protocol reveals a preimage (`del_commit`) or names an asset.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}
