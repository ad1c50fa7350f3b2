//! Both ends of the module that knows passwords: it loads into this worker when it is first asked (`worker-entry.js`).

use js_sys::{Function, Promise, Reflect};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

use super::system;
use crate::passwords::{Answer, Question, answer};

/// Loads the module if need be. `None` if that fails.
pub async fn ask(question: &Question) -> Option<Answer> {
    let ask: Function = Reflect::get(&js_sys::global(), &"sottoAskPasswords".into())
        .ok()?
        .dyn_into()
        .ok()?;
    let question = serde_json::to_string(question).ok()?;
    let promise: Promise = ask.call1(&JsValue::UNDEFINED, &question.into()).ok()?.dyn_into().ok()?;
    let answer = JsFuture::from(promise).await.ok()?.as_string()?;
    serde_json::from_str(&answer).ok()
}

/// The other end: answers from now on.
pub fn serve() {
    let answering = Closure::<dyn Fn(String) -> Option<String>>::new(|question: String| {
        let question = serde_json::from_str(&question).ok()?;
        serde_json::to_string(&answer(&question, &mut system::random())).ok()
    });
    let _ = Reflect::set(&js_sys::global(), &"sottoAnswerPasswords".into(), answering.as_ref());
    answering.forget();
}
