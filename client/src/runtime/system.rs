//! The one place that asks for time, randomness and the state of the network.

use getrandom::SysRng;
use rand::rand_core::UnwrapErr;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::DedicatedWorkerGlobalScope;

use super::Queue;
use crate::engine::Input;

/// Milliseconds since 1970.
#[expect(clippy::disallowed_methods, reason = "this is the place that hands time in")]
pub fn now_ms() -> u64 {
    js_sys::Date::now().max(0.0) as u64
}

/// The browser's randomness. A browser that has none traps the worker, which is the right end for it.
pub const fn random() -> UnwrapErr<SysRng> {
    UnwrapErr(SysRng)
}

/// Runs `what` once, after so many milliseconds.
pub fn after(scope: &DedicatedWorkerGlobalScope, ms: u64, what: impl FnOnce() + 'static) {
    let callback = Closure::once_into_js(what);
    let ms = i32::try_from(ms).unwrap_or(i32::MAX);
    let _ = scope.set_timeout_with_callback_and_timeout_and_arguments_0(callback.unchecked_ref(), ms);
}

/// The browser says that the network came or went.
pub fn on_connectivity(scope: &DedicatedWorkerGlobalScope, queue: &Queue) {
    for (name, is_online) in [("online", true), ("offline", false)] {
        let queue = queue.clone();
        let listener = Closure::<dyn FnMut()>::new(move || {
            let _ = queue.unbounded_send(if is_online { Input::Tick } else { Input::SocketClosed });
        });
        let _ = scope.add_event_listener_with_callback(name, listener.as_ref().unchecked_ref());
        listener.forget();
    }
}

/// Holds a lock named after this tab's lane for as long as the tab lives: others can see that its outbox is looked after.
pub fn hold_lane(name: &str) {
    let forever = Closure::<dyn FnMut(JsValue) -> js_sys::Promise>::new(|_| js_sys::Promise::new(&mut |_, _| {}));
    let _ = lock_manager().and_then(|locks| {
        let request: js_sys::Function = js_sys::Reflect::get(&locks, &"request".into()).ok()?.dyn_into().ok()?;
        request.call2(&locks, &name.into(), forever.as_ref()).ok()
    });
    forever.forget();
}

/// Names of the lanes of tabs that live.
pub async fn held_lanes() -> Vec<String> {
    async fn query() -> Option<Vec<String>> {
        let locks = lock_manager()?;
        let query: js_sys::Function = js_sys::Reflect::get(&locks, &"query".into()).ok()?.dyn_into().ok()?;
        let promise: js_sys::Promise = query.call0(&locks).ok()?.dyn_into().ok()?;
        let answer = wasm_bindgen_futures::JsFuture::from(promise).await.ok()?;
        let held: js_sys::Array = js_sys::Reflect::get(&answer, &"held".into()).ok()?.dyn_into().ok()?;
        let names = held
            .iter()
            .filter_map(|lock| js_sys::Reflect::get(&lock, &"name".into()).ok()?.as_string());
        Some(names.collect())
    }
    query().await.unwrap_or_default()
}

fn lock_manager() -> Option<JsValue> {
    let navigator = js_sys::Reflect::get(&js_sys::global(), &"navigator".into()).ok()?;
    js_sys::Reflect::get(&navigator, &"locks".into())
        .ok()
        .filter(|locks| !locks.is_undefined())
}
