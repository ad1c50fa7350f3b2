//! Bytes as a list of things that happen. Every sequence of bytes is one, so that a fuzzer can make them up.
//!
//! ```text
//! kind of relay · schedule (2) · operation (4) · operation (4) · …
//! operation = what · who · on what · how much happens by itself before the next
//! ```

use std::fmt;

/// Bytes of an operation, and those before the first.
pub const OP_BYTES: usize = 4;
pub const HEAD_BYTES: usize = 3;
/// Operations after this one are not looked at: a run ends.
const MAX_OPS: usize = 60;

/// Who does the harm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relay {
    /// The relay is honest. What travels may be lost, doubled, held up or overtaken; browsers crash.
    Honest,
    /// It lies as well.
    Evil,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Op {
    pub what: What,
    /// Which browser.
    pub who: u8,
    /// Which room, person or message, and how.
    pub on: u8,
    pub steps: u8,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    pub relay: Relay,
    pub schedule: u16,
    pub ops: Vec<Op>,
}

macro_rules! whats {
    ($($(#[$doc:meta])* $name:ident $weight:literal),* $(,)?) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum What { $($(#[$doc])* $name),* }

        impl What {
            /// With how many of the 256 values of a byte each is meant. What is left lets things happen by themselves,
            /// and is where later ones find room without giving the older another meaning.
            const WEIGHTS: &[(Self, usize)] = &[$((Self::$name, $weight)),*];
        }
    };
}

whats! {
    // People.
    Send 40,
    OpenDirect 4,
    NewGroup 5,
    Add 10,
    Remove 10,
    Leave 4,
    Rename 6,
    Show 8,
    Older 2,
    Read 3,
    // Browsers.
    Offline 8,
    Online 10,
    DropSocket 8,
    Reload 8,
    /// Stops dead in the middle of what it does; comes back with the next reload.
    Crash 5,
    Tab 3,
    Close 2,
    /// Signs in in an empty browser.
    SignIn 2,
    // Time.
    Wait 8,
    /// More than a day: room keys grow old.
    Day 2,
    // The network, to one browser.
    DropFrame 6,
    DoubleFrame 5,
    /// Until nothing else is under way.
    HoldFrame 6,
    LoseAsk 4,
    /// The relay has done it; nobody hears.
    LoseReply 5,
    // The relay, to one browser.
    BendFrame 6,
    BendReply 8,
    Refuse 4,
    MixRooms 2,
    OldFrame 3,
    WithholdLog 3,
    WithholdMessages 3,
    WithholdWraps 2,
    WithholdPeople 2,
    Relent 4,
    // The relay, in what it stores.
    Fork 3,
    Replay 3,
    CrossPost 2,
    SwapStored 2,
    DropStored 2,
    DropTail 2,
    DropLogTail 2,
    DropWraps 2,
    SwapWraps 2,
    // People again, and one browser that takes another away.
    Edit 8,
    Delete 4,
    React 4,
    Revoke 4,
    Nothing 0,
}

impl What {
    fn of(byte: u8) -> Self {
        let mut left = usize::from(byte);
        for (what, weight) in Self::WEIGHTS {
            if left < *weight {
                return *what;
            }
            left -= weight;
        }
        Self::Nothing
    }

    /// Every byte that means something: of a dishonest relay alone, or what happens with any.
    pub fn bytes(lies: bool) -> Vec<u8> {
        let fits = |what: Self| what != Self::Nothing && what.is_a_lie() == lies;
        (0..=u8::MAX).filter(|byte| fits(Self::of(*byte))).collect()
    }

    /// Of a dishonest relay alone.
    pub fn is_a_lie(self) -> bool {
        (Self::BendFrame as u8..=Self::SwapWraps as u8).contains(&(self as u8))
    }
}

impl Script {
    /// `None`: not even one operation.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let (head, ops) = bytes.split_at_checked(HEAD_BYTES)?;
        let ops: Vec<Op> = (ops.chunks_exact(OP_BYTES).take(MAX_OPS))
            .map(|op| Op {
                what: What::of(op[0]),
                who: op[1],
                on: op[2],
                steps: op[3],
            })
            .collect();
        let relay = if head[0] & 1 == 0 { Relay::Honest } else { Relay::Evil };
        let schedule = u16::from_be_bytes([head[1], head[2]]);
        (!ops.is_empty()).then_some(Self { relay, schedule, ops })
    }
}

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:?} relay, schedule {}", self.relay, self.schedule)?;
        for Op { what, who, on, steps } in &self.ops {
            writeln!(f, "  {what:?} who {who} on {on} steps {steps}")?;
        }
        Ok(())
    }
}

/// The same script without operation `at`. `None`: there is none.
pub fn without(bytes: &[u8], at: usize, count: usize) -> Option<Vec<u8>> {
    let from = HEAD_BYTES + at * OP_BYTES;
    let to = (from + count * OP_BYTES).min(bytes.len());
    (from + OP_BYTES <= bytes.len()).then(|| [&bytes[..from], &bytes[to..]].concat())
}
