//! Safety numbers: 60 digits two people compare to know that nobody sits between them.
//!
//! For each side `h_0 = v ‖ user_id ‖ ik_pk`, then `h_{i+1} = SHA-512(h_i ‖ ik_pk)`, 5,200 times; six groups of five
//! bytes, each modulo 100,000, make 30 digits. The two halves stand sorted, so both people see the same. The iterations
//! make it costly to look for a key with a similar number.

use sha2::{Digest, Sha512};

use crate::crypto::sign::PublicKey;
use crate::id::UserId;

const VERSION: u16 = 1;
const ITERATIONS: usize = 5_200;

/// Twelve groups of five digits, and the exact bytes for a QR code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SafetyNumber {
    pub groups: Vec<String>,
    /// `version[2] ‖ half[32] ‖ half[32]`, sorted.
    pub qr: Vec<u8>,
}

pub fn safety_number(mine: (&UserId, &PublicKey), theirs: (&UserId, &PublicKey)) -> SafetyNumber {
    let mut halves = [fingerprint(mine.0, mine.1), fingerprint(theirs.0, theirs.1)];
    halves.sort_unstable();
    let groups = halves
        .iter()
        .flat_map(|half| half[..30].chunks(5).map(digits))
        .collect();
    let mut qr = VERSION.to_be_bytes().to_vec();
    for half in &halves {
        qr.extend_from_slice(&half[..32]);
    }
    SafetyNumber { groups, qr }
}

fn fingerprint(user: &UserId, key: &PublicKey) -> [u8; 64] {
    let mut start = VERSION.to_be_bytes().to_vec();
    start.extend_from_slice(user.as_bytes());
    start.extend_from_slice(key.as_bytes());
    let mut state: [u8; 64] = Sha512::digest(&start).into();
    for _ in 1..ITERATIONS {
        let mut next = Sha512::new();
        next.update(state);
        next.update(key.as_bytes());
        state = next.finalize().into();
    }
    state
}

fn digits(bytes: &[u8]) -> String {
    let value = bytes.iter().fold(0_u64, |acc, byte| (acc << 8) | u64::from(*byte));
    format!("{:05}", value % 100_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_see_one_number_and_another_key_gives_another() {
        let key = |seed| crate::crypto::sign::public_key(&p256::ecdsa::SigningKey::from_slice(&[seed; 32]).unwrap());
        let (a, b) = (UserId::from_bytes([1; 32]), UserId::from_bytes([2; 32]));
        let ab = safety_number((&a, &key(1)), (&b, &key(2)));
        assert_eq!(ab, safety_number((&b, &key(2)), (&a, &key(1))));
        assert_ne!(ab, safety_number((&a, &key(1)), (&b, &key(3))));
        assert_eq!(ab.groups.len(), 12);
        assert!(ab.groups.iter().all(|group| group.len() == 5));
    }
}
