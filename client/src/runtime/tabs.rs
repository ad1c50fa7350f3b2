//! The other tabs of this browser: what one of them has to tell, all hear at once.

use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::prelude::wasm_bindgen;
use web_sys::MessageEvent;

use super::Queue;
use crate::engine::{Input, Word};

#[wasm_bindgen]
extern "C" {
    type BroadcastChannel;
    #[wasm_bindgen(constructor)]
    fn new(name: &str) -> BroadcastChannel;
    #[wasm_bindgen(method, js_name = postMessage)]
    fn post_message(this: &BroadcastChannel, message: &str);
    #[wasm_bindgen(method, setter)]
    fn set_onmessage(this: &BroadcastChannel, listener: &js_sys::Function);
}

pub struct Tabs(BroadcastChannel);

impl Tabs {
    /// Whoever tells does not hear it themself.
    pub fn join(queue: &Queue) -> Self {
        let queue = queue.clone();
        let listener = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            let said = event.data().as_string();
            if let Some(word) = said.and_then(|json| serde_json::from_str::<Word>(&json).ok()) {
                let _ = queue.unbounded_send(Input::Told(word));
            }
        });
        let channel = BroadcastChannel::new("sotto.told");
        channel.set_onmessage(listener.as_ref().unchecked_ref());
        listener.forget();
        Self(channel)
    }

    pub fn tell(&self, word: &Word) {
        if let Ok(json) = serde_json::to_string(word) {
            self.0.post_message(&json);
        }
    }
}
