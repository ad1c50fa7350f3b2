//! Changes one thing in whatever travels as JSON: a number, a character, the length or the order of a list.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// `None`: changed like this it is not even read.
pub fn bend<T: Serialize + DeserializeOwned>(value: &T, choice: u32) -> Option<T> {
    serde_json::from_value(bend_json(serde_json::to_value(value).ok()?, choice)).ok()
}

pub fn bend_json(mut json: Value, choice: u32) -> Value {
    let mut places = 0;
    visit(&mut json, &mut |_| {
        places += 1;
        false
    });
    if places > 0 {
        let (mut at, how) = (choice % places, choice / places);
        visit(&mut json, &mut |value| {
            let here = at == 0;
            if here {
                change(value, how);
            }
            at = at.wrapping_sub(1);
            here
        });
    }
    json
}

/// Every place that can be changed, until `see` is done.
fn visit(value: &mut Value, see: &mut impl FnMut(&mut Value) -> bool) -> bool {
    match value {
        Value::Object(fields) => fields.values_mut().any(|field| visit(field, see)),
        Value::Array(items) => (!items.is_empty() && see(value)) || visit_items(value, see),
        Value::Number(_) | Value::Bool(_) => see(value),
        Value::String(text) => !text.is_empty() && see(value),
        Value::Null => false,
    }
}

fn visit_items(value: &mut Value, see: &mut impl FnMut(&mut Value) -> bool) -> bool {
    value
        .as_array_mut()
        .is_some_and(|items| items.iter_mut().any(|item| visit(item, see)))
}

fn change(value: &mut Value, how: u32) {
    let at = (how / 8) as usize;
    match value {
        Value::Number(number) => {
            let n = number.as_u64().unwrap_or_default();
            *value = Value::from(match how % 8 {
                0 => 0,
                1 | 2 => n.wrapping_add(1),
                3 | 4 => n.saturating_sub(1),
                5 => u64::from(u32::MAX),
                6 => 1 << 53,
                _ => u64::MAX,
            });
        }
        Value::Bool(flag) => *flag = !*flag,
        Value::String(text) => {
            let mut bytes = text.clone().into_bytes();
            let at = at % bytes.len();
            // Stays base64 and stays a handle.
            bytes[at] = if bytes[at] == b'a' { b'b' } else { b'a' };
            *text = String::from_utf8_lossy(&bytes).into_owned();
        }
        Value::Array(items) => {
            let at = at % items.len();
            match how % 4 {
                0 => drop(items.remove(at)),
                1 => items.insert(at, items[at].clone()),
                2 => items.swap(at, 0),
                _ => items.truncate(at),
            }
        }
        Value::Null | Value::Object(_) => {}
    }
}
