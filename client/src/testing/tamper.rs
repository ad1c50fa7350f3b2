//! Where a dishonest relay, or a bad network, gets its hands in.

use sotto_shared::api::frame::{FromRelay, ToRelay};
use sotto_shared::id::UserId;

use super::relay::ModelRelay;
use crate::engine::{Failure, Reply, Request};

/// Whom the relay speaks with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// Index of the browser in its world.
    pub browser: usize,
    /// `None` before anybody is signed in there.
    pub user: Option<UserId>,
}

/// Sees everything that passes between the relay and the browsers, and may change, drop, double, hold back or invent it.
/// The relay's stored state is at hand as well. Left alone, every method lets things pass.
pub trait Tamper {
    /// Before the relay sees a request. An answer given here is the relay's answer.
    fn request(&mut self, _: &mut ModelRelay, _from: Peer, _: &mut Request) -> Option<Result<Reply, Failure>> {
        None
    }

    /// Before an answer leaves. [`Failure::Offline`] is an answer that got lost.
    fn reply(
        &mut self,
        _: &mut ModelRelay,
        _to: Peer,
        _: &Request,
        reply: Result<Reply, Failure>,
    ) -> Result<Reply, Failure> {
        reply
    }

    /// Before the relay hears a frame.
    fn heard(&mut self, _: &mut ModelRelay, _from: Peer, frame: ToRelay) -> Vec<ToRelay> {
        vec![frame]
    }

    /// Before a frame leaves.
    fn frame(&mut self, _: &mut ModelRelay, _to: Peer, frame: FromRelay) -> Vec<FromRelay> {
        vec![frame]
    }

    /// Nothing is under way any more: what was held back, with the browser it goes to.
    fn quiet(&mut self, _: &mut ModelRelay) -> Vec<(usize, FromRelay)> {
        Vec::new()
    }
}

/// Lets everything pass.
#[derive(Debug, Clone, Copy, Default)]
pub struct Honest;

impl Tamper for Honest {}
