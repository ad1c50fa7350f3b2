//! The runtime does: it performs the engine's effects in order and hands back what comes of them. It never looks inside
//! an envelope. Everything here runs in a dedicated worker, so nothing it does can make the page stutter.
//!
//! ```text
//!  page ─postMessage─▶ queue of inputs ─▶ Engine::handle ─▶ effects ─┬─▶ store   (awaited: kept before it is sent)
//!                          ▲                                         ├─▶ http    (answers come back as inputs)
//!                          └──────── replies, frames, ticks ─────────┴─▶ socket · page
//! ```

mod http;
pub mod passwords;
mod socket;
mod store;
mod system;
mod tabs;
pub mod webcrypto;

use std::cell::RefCell;
use std::rc::Rc;

use futures_channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use futures_util::StreamExt;
use js_sys::{Array, Uint8Array};
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent};
use zeroize::Zeroizing;

use crate::engine::{Ctx, Effect, Engine, Failure, Input, Loaded, gather};
use crate::view::{Change, FromWorker, Problem, ToWorker, Wired};
use socket::Socket;
use store::Store;
use tabs::Tabs;
use webcrypto::{DeviceKey, WebCrypto};

/// So long what comes in is gathered before anything of it is done.
const TOGETHER_MS: u64 = 20;

type Queue = UnboundedSender<Input<DeviceKey>>;

/// Starts the worker: listens, says so, and goes on for as long as the page lives.
pub async fn run() {
    let (queue, inputs) = unbounded();
    let scope: DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
    let listener = {
        let queue = queue.clone();
        Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            let parsed = event
                .data()
                .dyn_into::<Uint8Array>()
                .ok()
                .and_then(|bytes| ToWorker::from_bytes(&Zeroizing::new(bytes.to_vec())).ok());
            if let Some(ToWorker { id, command }) = parsed {
                // The queue lives as long as the worker.
                let _ = queue.unbounded_send(Input::Command { id, command });
            }
        })
    };
    scope.set_onmessage(Some(listener.as_ref().unchecked_ref()));
    listener.forget();
    system::on_connectivity(&scope, &queue);
    let tabs = Tabs::join(&queue);
    post(&scope, &FromWorker::Ready);
    Runtime::new(scope, queue, tabs).await.go(inputs).await;
}

struct Runtime {
    scope: DedicatedWorkerGlobalScope,
    queue: Queue,
    tabs: Tabs,
    suite: WebCrypto,
    store: Store,
    socket: Option<Socket>,
    socket_number: Rc<RefCell<u32>>,
}

impl Runtime {
    async fn new(scope: DedicatedWorkerGlobalScope, queue: Queue, tabs: Tabs) -> Self {
        Self {
            suite: WebCrypto::new(&scope),
            store: Store::default(),
            socket: None,
            socket_number: Rc::new(RefCell::new(0)),
            scope,
            queue,
            tabs,
        }
    }

    async fn go(mut self, mut inputs: UnboundedReceiver<Input<DeviceKey>>) {
        let mut rng = system::random();
        let mut engine = Engine::new(&mut rng);
        system::hold_lane(&engine.lane_name());
        let suite = self.suite.clone();
        while let Some(input) = inputs.next().await {
            let began = system::now_ms();
            let (mut next, mut effects) = (Some(input), Vec::new());
            while let Some(input) = next {
                let mut ctx = Ctx {
                    now_ms: system::now_ms(),
                    rng: &mut rng,
                    suite: &suite,
                };
                effects.extend(engine.handle(input, &mut ctx).await);
                // Of what came meanwhile as much as nobody has to wait for.
                let is_soon = system::now_ms().abs_diff(began) < TOGETHER_MS;
                next = is_soon.then(|| inputs.try_recv().ok()).flatten();
            }
            self.perform(gather(effects)).await;
        }
    }

    async fn perform(&mut self, effects: Vec<Effect<DeviceKey>>) {
        let (mut effects, mut shown) = (effects.into_iter(), Vec::new());
        while let Some(effect) = effects.next() {
            if let Effect::Save(records) = effect {
                self.show(&mut shown);
                if self.store.save(records).await.is_err() {
                    // What follows depends on having been kept: it is not done, and whoever waits is told.
                    for left in effects.by_ref() {
                        self.drop_one(left);
                    }
                    self.input(Input::StorageFull);
                }
                continue;
            }
            if let Effect::Show(change) = effect {
                shown.push(change);
                continue;
            }
            self.show(&mut shown);
            self.perform_one(effect).await;
        }
        self.show(&mut shown);
    }

    /// In one go: what hangs on many things is drawn once, not for each of them.
    fn show(&self, shown: &mut Vec<Change>) {
        if !shown.is_empty() {
            post(&self.scope, &FromWorker::Changes(std::mem::take(shown)));
        }
    }

    /// An effect that is not done after a failed save.
    fn drop_one(&self, effect: Effect<DeviceKey>) {
        match effect {
            Effect::Answer { id, .. } => post(
                &self.scope,
                &FromWorker::Done {
                    id,
                    result: Err(Problem::StorageFull),
                },
            ),
            Effect::Ask { id, .. } => self.input(Input::Reply {
                id,
                result: Err(Failure::Offline),
            }),
            Effect::Load { id, .. } => self.input(Input::Loaded {
                id,
                loaded: Loaded::default(),
            }),
            Effect::Passwords { id, .. } => self.input(Input::Passwords { id, answer: None }),
            Effect::Connect => self.input(Input::SocketClosed),
            // What has no answer is asked for anew by the engine, or shown with the next change.
            _ => {}
        }
    }

    async fn perform_one(&mut self, effect: Effect<DeviceKey>) {
        match effect {
            Effect::Save(_) => {}
            Effect::Load { id, query } => {
                let loaded = self.store.load(&query).await.unwrap_or_else(|problem| Loaded {
                    problem: Some(problem),
                    ..Loaded::default()
                });
                self.input(Input::Loaded { id, loaded });
            }
            Effect::Restore => match self.store.restore(&self.suite).await {
                Ok(kept) => self.input(Input::Restored(kept)),
                Err(problem) => {
                    self.input(Input::Restored(None));
                    self.show(&mut vec![Change::Notice(problem)]);
                }
            },
            Effect::Keep { account, key, former } => {
                if self.store.keep(&self.suite, &account, &key, &former).await.is_err() {
                    self.input(Input::StorageFull);
                }
            }
            Effect::Wipe => self.store.wipe().await,
            Effect::Lock => self.store.lock().await,
            Effect::Shut(account) => self.store.shut(&account).await,
            Effect::Ask { id, token, request } => {
                let queue = self.queue.clone();
                wasm_bindgen_futures::spawn_local(async move {
                    let result = http::ask(token.as_deref(), &request).await;
                    let _ = queue.unbounded_send(Input::Reply { id, result });
                });
            }
            Effect::Passwords { id, question } => {
                let queue = self.queue.clone();
                wasm_bindgen_futures::spawn_local(async move {
                    let answer = passwords::ask(&question).await;
                    let _ = queue.unbounded_send(Input::Passwords { id, answer });
                });
            }
            Effect::Connect => {
                let number = {
                    let mut number = self.socket_number.borrow_mut();
                    *number += 1;
                    *number
                };
                // The old socket is closed by being dropped; what it still says is not heard.
                self.socket = Socket::open(number, self.socket_number.clone(), self.queue.clone());
                if self.socket.is_none() {
                    self.input(Input::SocketClosed);
                }
            }
            Effect::Disconnect => {
                *self.socket_number.borrow_mut() += 1;
                self.socket = None;
            }
            Effect::Transmit(frame) => {
                if let (Some(socket), Ok(json)) = (&self.socket, serde_json::to_string(&frame)) {
                    socket.send(&json);
                }
            }
            Effect::Wake { after_ms } => {
                let queue = self.queue.clone();
                system::after(&self.scope, after_ms, move || {
                    let _ = queue.unbounded_send(Input::Tick);
                });
            }
            Effect::Tell(word) => self.tabs.tell(&word),
            Effect::Show(change) => self.show(&mut vec![change]),
            Effect::Answer { id, result } => post(&self.scope, &FromWorker::Done { id, result }),
        }
    }

    fn input(&self, input: Input<DeviceKey>) {
        let _ = self.queue.unbounded_send(input);
    }
}

fn post(scope: &DedicatedWorkerGlobalScope, message: &FromWorker) {
    if let Ok(bytes) = message.to_bytes() {
        let bytes = Uint8Array::from(bytes.as_slice());
        // Handed over, not copied. Fails only for values that cannot be cloned; bytes can.
        let _ = scope.post_message_with_transfer(&bytes, &Array::of1(&bytes.buffer()));
    }
}
