//! Several steps done as one: whatever they keep is written down at once, since a store takes as long for one record as for
//! fifty. What follows a writing still follows it; a writing may come earlier than it was asked for, never later.

use super::Effect;

/// The effects of several steps, in order, with as few writings as can be.
pub fn gather<K>(effects: Vec<Effect<K>>) -> Vec<Effect<K>> {
    let mut gathered: Vec<Effect<K>> = Vec::with_capacity(effects.len());
    // The writing that later ones may join.
    let mut open = None;
    for effect in effects {
        match effect {
            Effect::Save(records) => match open.and_then(|at: usize| gathered.get_mut(at)) {
                Some(Effect::Save(all)) => all.extend(records),
                _ => {
                    open = Some(gathered.len());
                    gathered.push(Effect::Save(records));
                }
            },
            // These see what was kept before, or begin anew.
            Effect::Load { .. }
            | Effect::Restore
            | Effect::Keep { .. }
            | Effect::Wipe
            | Effect::Lock
            | Effect::Shut(_) => {
                open = None;
                gathered.push(effect);
            }
            _ => gathered.push(effect),
        }
    }
    gathered
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::record::{Key, Record};
    use sotto_shared::id::UserId;

    fn save(who: u8) -> Effect<()> {
        let key = Key::Person(UserId::from_bytes([who; 32]));
        Effect::Save(vec![Record { key, value: None }])
    }

    fn wake(after_ms: u64) -> Effect<()> {
        Effect::Wake { after_ms }
    }

    fn words(effects: Vec<Effect<()>>) -> Vec<String> {
        let word = |effect: &Effect<()>| match effect {
            Effect::Save(records) => format!("save {}", records.len()),
            Effect::Wake { after_ms } => format!("wake {after_ms}"),
            Effect::Wipe => "wipe".into(),
            other => panic!("{other:?}"),
        };
        gather(effects).iter().map(word).collect()
    }

    #[test]
    fn writings_join_the_first_of_them_and_nothing_goes_before_its_own() {
        let steps = vec![wake(0), save(1), wake(1), save(2), wake(2), save(3)];
        assert_eq!(words(steps), ["wake 0", "save 3", "wake 1", "wake 2"]);
    }

    #[test]
    fn what_is_removed_is_not_written_before() {
        let steps = vec![save(1), wake(1), Effect::Wipe, save(2), wake(2), save(3)];
        assert_eq!(words(steps), ["save 1", "wake 1", "wipe", "save 2", "wake 2"]);
    }
}
