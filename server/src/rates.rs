//! How fast is too fast: per network before a person is known, per device after; reports, of which few fit, per person.

use std::hash::Hash;
use std::net::IpAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use governor::clock::Reference;
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use lru::LruCache;
use sotto_shared::id::{DeviceKeyId, RoomId, UserId};

use crate::clock::Clock;
use crate::config::Limits;
use crate::problem::Problem;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// IPv4 /24 or IPv6 /48: one household or office, not one machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network([u8; 7]);

impl Network {
    pub fn of(address: IpAddr) -> Self {
        let mut prefix = [0; 7];
        match address.to_canonical() {
            IpAddr::V4(v4) => {
                prefix[0] = 4;
                prefix[1..4].copy_from_slice(&v4.octets()[..3]);
            }
            IpAddr::V6(v6) => {
                prefix[0] = 6;
                prefix[1..].copy_from_slice(&v6.octets()[..6]);
            }
        }
        Self(prefix)
    }
}

/// A bucket per key that fills steadily (GCRA).
pub struct Rate<K: Hash + Eq + Clone> {
    limiter: RateLimiter<K, HashMapStateStore<K>, Clock, NoOpMiddleware<Duration>>,
    clock: Clock,
}

impl<K: Hash + Eq + Clone> Rate<K> {
    fn new(quota: Quota, burst: u32, clock: &Clock) -> Self {
        let limiter = RateLimiter::hashmap_with_clock(quota.allow_burst(at_least_one(burst)), clock.clone());
        Self {
            limiter,
            clock: clock.clone(),
        }
    }

    /// Takes one.
    pub fn take(&self, key: &K) -> Result<(), Problem> {
        self.take_n(key, 1)
    }

    /// Takes `n` or nothing. More than fit at all count as a full bucket.
    pub fn take_n(&self, key: &K, n: usize) -> Result<(), Problem> {
        let Some(n) = u32::try_from(n).ok().and_then(NonZeroU32::new) else {
            return Ok(());
        };
        let verdict = match self.limiter.check_key_n(key, n) {
            Ok(verdict) => verdict,
            Err(too_many) => match NonZeroU32::new(too_many.0).map(|most| self.limiter.check_key_n(key, most)) {
                Some(Ok(verdict)) => verdict,
                _ => Ok(()),
            },
        };
        verdict.map_err(|not_yet| {
            let wait = not_yet
                .earliest_possible()
                .duration_since(governor::clock::Clock::now(&self.clock));
            Problem::TooFast {
                retry_secs: (wait.as_u64() / 1_000_000_000 + 1).try_into().unwrap_or(u32::MAX),
            }
        })
    }
}

fn at_least_one(n: u32) -> NonZeroU32 {
    NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN)
}

pub struct Rates {
    pub register: Rate<Network>,
    pub guests: Rate<Network>,
    pub sign_in: Rate<Network>,
    /// By hash of the token.
    pub requests: Rate<[u8; 32]>,
    pub messages: Rate<DeviceKeyId>,
    pub ephemeral: Rate<DeviceKeyId>,
    pub entries: Rate<DeviceKeyId>,
    pub wraps: Rate<DeviceKeyId>,
    pub invites: Rate<DeviceKeyId>,
    pub peeks: Rate<Network>,
    pub reports: Rate<UserId>,
    pub reports_in_room: Rate<(RoomId, UserId)>,
    pub lockout: Lockout,
}

impl Rates {
    pub fn new(limits: &Limits, clock: &Clock) -> Self {
        let minute = |n: u32| Quota::per_minute(at_least_one(n));
        let hour = |n: u32| Quota::per_hour(at_least_one(n));
        let day = |n: u32| Quota::with_period(DAY / at_least_one(n).get()).unwrap_or_else(|| hour(n));
        Self {
            register: Rate::new(hour(limits.register_per_hour), limits.register_per_hour, clock),
            guests: Rate::new(hour(limits.guests_per_hour), limits.guests_per_hour, clock),
            sign_in: Rate::new(minute(limits.sign_in_per_minute), limits.sign_in_per_minute, clock),
            requests: Rate::new(
                minute(limits.requests_per_minute),
                limits.requests_per_minute / 4,
                clock,
            ),
            messages: Rate::new(minute(limits.messages_per_minute), limits.messages_burst, clock),
            ephemeral: Rate::new(
                minute(limits.ephemeral_per_minute),
                limits.ephemeral_per_minute / 4,
                clock,
            ),
            entries: Rate::new(hour(limits.entries_per_hour), limits.entries_per_hour / 2, clock),
            wraps: Rate::new(minute(limits.wraps_per_minute), limits.wraps_per_minute, clock),
            invites: Rate::new(minute(limits.invites_per_minute), limits.invites_per_minute, clock),
            peeks: Rate::new(minute(limits.peeks_per_minute), limits.peeks_per_minute / 2, clock),
            reports: Rate::new(hour(limits.reports_per_hour), limits.reports_per_hour, clock),
            reports_in_room: Rate::new(
                day(limits.reports_in_room_per_day),
                limits.reports_in_room_per_day,
                clock,
            ),
            lockout: Lockout::new(clock),
        }
    }

    /// Forgets whoever has been quiet, so that memory follows the people who are here.
    pub fn forget_the_quiet(&self) {
        self.register.limiter.retain_recent();
        self.guests.limiter.retain_recent();
        self.sign_in.limiter.retain_recent();
        self.requests.limiter.retain_recent();
        self.messages.limiter.retain_recent();
        self.ephemeral.limiter.retain_recent();
        self.entries.limiter.retain_recent();
        self.wraps.limiter.retain_recent();
        self.invites.limiter.retain_recent();
        self.peeks.limiter.retain_recent();
        self.reports.limiter.retain_recent();
        self.reports_in_room.limiter.retain_recent();
    }
}

/// Wrong passwords slow down the network they came from, for that handle alone: nobody can lock somebody else out.
pub struct Lockout {
    failures: Mutex<LruCache<([u8; 32], Network), Failures>>,
    clock: Clock,
}

#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    last_ms: u64,
    until_ms: u64,
}

const FREE_TRIES: u32 = 5;
const LONGEST_LOCK_SECS: u64 = 900;
const FORGIVEN_AFTER_MS: u64 = 60 * 60 * 1000;
const MAX_REMEMBERED: usize = 50_000;

impl Lockout {
    fn new(clock: &Clock) -> Self {
        Self {
            failures: Mutex::new(LruCache::new(
                NonZeroUsize::new(MAX_REMEMBERED).unwrap_or(NonZeroUsize::MIN),
            )),
            clock: clock.clone(),
        }
    }

    /// Whether `subject` may be tried from `network` now.
    pub fn check(&self, subject: [u8; 32], network: Network) -> Result<(), Problem> {
        let now = self.clock.now_ms();
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        match failures.peek(&(subject, network)) {
            Some(failures) if failures.until_ms > now => Err(Problem::TooFast {
                retry_secs: ((failures.until_ms - now) / 1000 + 1).try_into().unwrap_or(u32::MAX),
            }),
            _ => Ok(()),
        }
    }

    /// From the sixth failure on, each doubles the wait.
    pub fn failed(&self, subject: [u8; 32], network: Network) {
        let now = self.clock.now_ms();
        let mut all = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let failures = all.get_or_insert_mut((subject, network), || Failures {
            count: 0,
            last_ms: now,
            until_ms: 0,
        });
        if now.saturating_sub(failures.last_ms) > FORGIVEN_AFTER_MS {
            failures.count = 0;
        }
        failures.count = failures.count.saturating_add(1);
        failures.last_ms = now;
        if failures.count > FREE_TRIES {
            let secs = 1_u64
                .checked_shl(failures.count - FREE_TRIES)
                .map_or(LONGEST_LOCK_SECS, |secs| secs.min(LONGEST_LOCK_SECS));
            failures.until_ms = now + secs * 1000;
        }
    }

    pub fn succeeded(&self, subject: [u8; 32], network: Network) {
        self.failures
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop(&(subject, network));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_passwords_lock_a_handle_for_one_network_and_not_for_others() {
        let clock = Clock::manual(1_000_000);
        let lockout = Lockout::new(&clock);
        let (here, there) = (Network::of([10, 0, 0, 1].into()), Network::of([10, 0, 1, 1].into()));
        for _ in 0..FREE_TRIES {
            lockout.failed([1; 32], here);
            assert!(lockout.check([1; 32], here).is_ok());
        }
        lockout.failed([1; 32], here);
        assert!(matches!(
            lockout.check([1; 32], here),
            Err(Problem::TooFast { retry_secs: 1..=3 })
        ));
        assert!(lockout.check([1; 32], there).is_ok());
        assert!(lockout.check([2; 32], here).is_ok());
        clock.advance(Duration::from_secs(3));
        assert!(lockout.check([1; 32], here).is_ok());
        lockout.succeeded([1; 32], here);
        lockout.failed([1; 32], here);
        assert!(lockout.check([1; 32], here).is_ok());
    }

    #[test]
    fn a_lock_never_grows_past_a_quarter_of_an_hour() {
        let clock = Clock::manual(0);
        let lockout = Lockout::new(&clock);
        let here = Network::of([10, 0, 0, 1].into());
        for _ in 0..200 {
            lockout.failed([1; 32], here);
        }
        assert!(matches!(lockout.check([1; 32], here), Err(Problem::TooFast { retry_secs }) if retry_secs <= 901));
    }

    #[test]
    fn a_rate_refuses_with_the_seconds_to_wait() {
        let clock = Clock::manual(1_000_000);
        let rate = Rate::new(Quota::per_minute(at_least_one(60)), 2, &clock);
        assert!(rate.take_n(&1, 2).is_ok());
        assert!(matches!(rate.take(&1), Err(Problem::TooFast { retry_secs: 1..=2 })));
        assert!(rate.take(&2).is_ok());
        clock.advance(Duration::from_secs(1));
        assert!(rate.take(&1).is_ok());
    }
}
