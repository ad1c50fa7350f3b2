//! Randomness that is the same on every run and every platform: SHA-256 over a seed and a counter.

use std::convert::Infallible;

use crate::crypto::hash::sha256;

/// Looks random, is not: for tests and frozen vectors.
#[derive(Debug, Clone)]
pub struct FixedRng {
    seed: [u8; 32],
    block: u64,
    pending: Vec<u8>,
}

impl FixedRng {
    pub fn new(seed: &str) -> Self {
        Self {
            seed: sha256(seed.as_bytes()),
            block: 0,
            pending: Vec::new(),
        }
    }

    /// Gives these bytes first, then goes on as `new` would: for vectors that fix the key material of one step.
    pub fn replay(first: &[u8]) -> Self {
        let mut pending = first.to_vec();
        pending.reverse();
        Self {
            seed: sha256(first),
            block: 0,
            pending,
        }
    }

    fn byte(&mut self) -> u8 {
        if self.pending.is_empty() {
            self.pending = sha256(&[self.seed.as_slice(), &self.block.to_be_bytes()].concat()).to_vec();
            self.pending.reverse();
            self.block += 1;
        }
        self.pending.pop().expect("just filled")
    }
}

impl rand::TryRng for FixedRng {
    type Error = Infallible;
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_be_bytes(std::array::from_fn(|_| self.byte())))
    }
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_be_bytes(std::array::from_fn(|_| self.byte())))
    }
    fn try_fill_bytes(&mut self, dst: &mut [u8]) -> Result<(), Infallible> {
        dst.iter_mut().for_each(|byte| *byte = self.byte());
        Ok(())
    }
}

impl rand::TryCryptoRng for FixedRng {}
