//! The wire to the worker: commands go out, changes come in. The page holds no key and opens nothing itself.
//!
//! ```text
//! dispatch(Command) ─▶ ToWorker{id} ─postMessage─▶ worker
//! Store::apply ◀Changes─ FromWorker ◀─ worker
//!        reply ◀─Done{id}─┘
//! ```

use std::cell::RefCell;
use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use js_sys::{Array, Uint8Array};
use leptos::task::spawn_local;
use wasm_bindgen::prelude::*;
use web_sys::{MessageEvent, Worker};
use zeroize::Zeroizing;

use crate::state::Store;
use crate::view::{Command, FromWorker, Outcome, Problem, ToWorker, Wired};

thread_local! {
    static WIRE: RefCell<Wire> = RefCell::default();
}

#[derive(Default)]
struct Wire {
    worker: Option<Worker>,
    ready: bool,
    next: u32,
    waiting: HashMap<u32, Rc<RefCell<Slot>>>,
    /// Commands given before the worker listened.
    queue: Vec<Zeroizing<Vec<u8>>>,
}

#[derive(Default)]
struct Slot {
    result: Option<Result<Outcome, Problem>>,
    waker: Option<Waker>,
}

/// The answer to a command. The command is already on its way; dropping this only stops listening.
pub struct Reply(Rc<RefCell<Slot>>);

impl Future for Reply {
    type Output = Result<Outcome, Problem>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut slot = self.0.borrow_mut();
        match slot.result.take() {
            Some(result) => Poll::Ready(result),
            None => {
                slot.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

/// Sends a command to the worker.
pub fn dispatch(command: Command) -> Reply {
    let slot = Rc::new(RefCell::new(Slot::default()));
    WIRE.with_borrow_mut(|wire| {
        wire.next += 1;
        let id = wire.next;
        match (ToWorker { id, command }).to_bytes() {
            Ok(bytes) => {
                wire.waiting.insert(id, slot.clone());
                // There may be a password in it.
                wire.send(Zeroizing::new(bytes));
            }
            Err(error) => slot.borrow_mut().result = Some(Err(Problem::Internal(error.to_string()))),
        }
    });
    Reply(slot)
}

/// Sends a command and hands the answer to `then`, unless what asked is gone by then.
pub fn ask(command: Command, then: impl FnOnce(Result<Outcome, Problem>) + 'static) {
    let reply = dispatch(command);
    spawn_local(async move { then(reply.await) });
}

/// Sends a command whose answer nobody waits for: what it changes comes back as changes.
pub fn tell(command: Command) {
    drop(dispatch(command));
}

impl Wire {
    fn send(&mut self, bytes: Zeroizing<Vec<u8>>) {
        match (&self.worker, self.ready) {
            (Some(worker), true) => {
                let bytes = Uint8Array::from(bytes.as_slice());
                // A worker that was terminated takes messages and stays silent; posting bytes cannot fail otherwise.
                drop(worker.post_message_with_transfer(&bytes, &Array::of1(&bytes.buffer())));
            }
            _ => self.queue.push(bytes),
        }
    }
}

#[wasm_bindgen]
extern "C" {
    /// Set by `loader.js`.
    #[wasm_bindgen(thread_local_v2, js_name = sottoWorker)]
    static LOADED_WORKER: Option<Worker>;
    /// What the worker said before this page listened.
    #[wasm_bindgen(thread_local_v2, js_name = sottoEarly)]
    static EARLY: Option<Array>;
}

/// Takes over the worker from the loader and opens what this browser keeps. `halted` is called when the worker dies.
pub fn connect(store: Store, device: String, halted: impl Fn() + 'static) {
    let Some(worker) = LOADED_WORKER.with(Clone::clone) else {
        halted();
        return;
    };
    let early_device = device.clone();
    let on_message = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
        if let Ok(bytes) = event.data().dyn_into::<Uint8Array>() {
            receive(store, &bytes.to_vec(), &device);
        }
    });
    let on_error = Closure::<dyn Fn()>::new(halted);
    worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
    WIRE.with_borrow_mut(|wire| wire.worker = Some(worker));
    // What came early goes through the same door, in the same order.
    for data in EARLY.with(Clone::clone).iter().flat_map(Array::iter) {
        if let Ok(bytes) = data.dyn_into::<Uint8Array>() {
            receive(store, &bytes.to_vec(), &early_device);
        }
    }
    // The worker lives as long as the page.
    on_message.forget();
    on_error.forget();
}

/// Ends the worker, and says whether there was one. What it still said is not heard.
pub fn end() -> bool {
    let worker = WIRE.with_borrow_mut(|wire| wire.worker.take());
    if let Some(worker) = &worker {
        worker.set_onmessage(None);
        worker.terminate();
    }
    worker.is_some()
}

fn receive(store: Store, bytes: &[u8], device: &str) {
    match FromWorker::from_bytes(bytes) {
        Ok(FromWorker::Ready) => {
            let queue = WIRE.with_borrow_mut(|wire| {
                wire.ready = true;
                std::mem::take(&mut wire.queue)
            });
            // Opening comes before anything that was asked for meanwhile.
            tell(Command::Start {
                device: device.to_owned(),
                overdue: super::lock::overdue(),
            });
            WIRE.with_borrow_mut(|wire| queue.into_iter().for_each(|bytes| wire.send(bytes)));
        }
        Ok(FromWorker::Changes(changes)) => changes.into_iter().for_each(|change| store.apply(change)),
        Ok(FromWorker::Done { id, result }) => {
            let slot = WIRE.with_borrow_mut(|wire| wire.waiting.remove(&id));
            if let Some(slot) = slot {
                let waker = {
                    let mut slot = slot.borrow_mut();
                    slot.result = Some(result);
                    slot.waker.take()
                };
                if let Some(waker) = waker {
                    waker.wake();
                }
            }
        }
        // Never the bytes themselves: they may hold messages.
        Err(error) => leptos::logging::error!("the worker said something else: {error}"),
    }
}
