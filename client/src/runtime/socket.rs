//! The live socket. Dropping it closes it; a socket that was replaced is not heard any more.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use sotto_shared::api::frame::FromRelay;
use sotto_shared::api::limits::HEARTBEAT_SECS;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent, WebSocket};

use super::{Queue, http, system};
use crate::engine::Input;

pub struct Socket {
    socket: WebSocket,
    timer: i32,
    _listeners: Vec<Closure<dyn FnMut(MessageEvent)>>,
    _beat: Closure<dyn FnMut()>,
}

impl Socket {
    /// `number` names this socket; events count only while `current` is the same.
    pub fn open(number: u32, current: Rc<RefCell<u32>>, queue: Queue) -> Option<Self> {
        // "http" → "ws", "https" → "wss".
        let url = format!("{}/api/v1/live", http::relay()).replacen("http", "ws", 1);
        let socket = WebSocket::new(&url).ok()?;
        let heard_ms = Rc::new(Cell::new(system::now_ms()));
        let ended = Rc::new(Cell::new(false));
        let is_current = {
            let current = current.clone();
            move || *current.borrow() == number
        };
        let end = {
            let (queue, is_current, ended) = (queue.clone(), is_current.clone(), ended);
            move || {
                if is_current() && !ended.replace(true) {
                    let _ = queue.unbounded_send(Input::SocketClosed);
                }
            }
        };
        let mut listeners = Vec::new();
        let mut listen = |name: &str, listener: Closure<dyn FnMut(MessageEvent)>| {
            let _ = socket.add_event_listener_with_callback(name, listener.as_ref().unchecked_ref());
            listeners.push(listener);
        };
        {
            let (queue, is_current) = (queue.clone(), is_current.clone());
            listen(
                "open",
                Closure::new(move |_| {
                    if is_current() {
                        let _ = queue.unbounded_send(Input::SocketOpen);
                    }
                }),
            );
        }
        {
            let (heard_ms, is_current) = (heard_ms.clone(), is_current.clone());
            listen(
                "message",
                Closure::new(move |event: MessageEvent| {
                    heard_ms.set(system::now_ms());
                    // A frame that is none is the relay's fault and of no use to anybody.
                    let frame = event
                        .data()
                        .as_string()
                        .and_then(|json| serde_json::from_str::<FromRelay>(&json).ok());
                    if let Some(frame) = frame
                        && is_current()
                    {
                        let _ = queue.unbounded_send(Input::Frame(frame));
                    }
                }),
            );
        }
        {
            let end = end.clone();
            listen("close", Closure::new(move |_| end()));
        }
        let beat = {
            let socket = socket.clone();
            Closure::<dyn FnMut()>::new(move || {
                let silent_ms = system::now_ms().saturating_sub(heard_ms.get());
                if silent_ms > 2 * HEARTBEAT_SECS * 1000 {
                    let _ = socket.close();
                    // `close` waits for the other side, which is not there.
                    end();
                } else if socket.ready_state() == WebSocket::OPEN {
                    let _ = socket.send_with_str(r#"{"type":"ping"}"#);
                }
            })
        };
        let scope: DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
        let every_ms = i32::try_from(HEARTBEAT_SECS * 1000).unwrap_or(i32::MAX);
        let timer = scope
            .set_interval_with_callback_and_timeout_and_arguments_0(beat.as_ref().unchecked_ref(), every_ms)
            .unwrap_or_default();
        Some(Self {
            socket,
            timer,
            _listeners: listeners,
            _beat: beat,
        })
    }

    pub fn send(&self, json: &str) {
        // A socket that is not open has said so, or will: what matters is kept and sent again.
        let _ = self.socket.send_with_str(json);
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let scope: DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
        scope.clear_interval_with_handle(self.timer);
        for (name, listener) in ["open", "message", "close"].iter().zip(&self._listeners) {
            let _ = self
                .socket
                .remove_event_listener_with_callback(name, listener.as_ref().unchecked_ref());
        }
        let _ = self.socket.close();
    }
}
