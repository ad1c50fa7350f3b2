//! Putting channels and headings into another order. Every step gives the whole arrangement, which is what the space keeps.

use sotto_shared::id::ChannelId;

use crate::view::Heading;

/// The nameless heading, always first: channels under no heading.
pub const NONE: u16 = 0;

/// Where a channel stands: its heading's place, and its own under it.
fn place(headings: &[Heading], channel: ChannelId) -> Option<(usize, usize)> {
    headings.iter().enumerate().find_map(|(at, heading)| {
        let under = heading.channels.iter().position(|other| *other == channel)?;
        Some((at, under))
    })
}

/// Puts a channel under a heading, before what stands at `at` there; past the end, last.
pub fn put(headings: &[Heading], channel: ChannelId, under: u16, at: usize) -> Option<Vec<Heading>> {
    let mut now = headings.to_vec();
    if let Some((heading, here)) = place(&now, channel) {
        now[heading].channels.remove(here);
    }
    let target = now.iter_mut().find(|heading| heading.id == under)?;
    target.channels.insert(at.min(target.channels.len()), channel);
    (now != headings).then_some(now)
}

/// Puts a channel in the place of another one, which moves on; dropped from above, behind it.
pub fn drop_on(headings: &[Heading], channel: ChannelId, on: ChannelId) -> Option<Vec<Heading>> {
    let (heading, at) = place(headings, on)?;
    // Once it is taken out, what stood below it has moved up by one: the same number is then behind the other.
    put(headings, channel, headings[heading].id, at)
}

/// One step up or down; past the end of a heading, into the next one. `shown` tells which channels stand in the list.
pub fn step(
    headings: &[Heading],
    channel: ChannelId,
    down: bool,
    shown: impl Fn(ChannelId) -> bool,
) -> Option<Vec<Heading>> {
    let (heading, here) = place(headings, channel)?;
    let channels = &headings[heading].channels;
    let beside = if down {
        (here + 1..channels.len()).find(|at| shown(channels[*at]))
    } else {
        (0..here).rev().find(|at| shown(channels[*at]))
    };
    if let Some(at) = beside {
        return put(headings, channel, headings[heading].id, at);
    }
    let next = if down { heading + 1 } else { heading.checked_sub(1)? };
    let next = headings.get(next)?;
    put(headings, channel, next.id, if down { 0 } else { next.channels.len() })
}

/// One step up or down for a heading. The nameless one stays first.
pub fn step_heading(headings: &[Heading], id: u16, down: bool) -> Option<Vec<Heading>> {
    let here = headings.iter().position(|heading| heading.id == id)?;
    let there = if down { here + 1 } else { here.checked_sub(1)? };
    place_heading(headings, id, there)
}

/// Puts a heading in the place of another one.
pub fn drop_heading_on(headings: &[Heading], id: u16, on: u16) -> Option<Vec<Heading>> {
    place_heading(headings, id, headings.iter().position(|heading| heading.id == on)?)
}

fn place_heading(headings: &[Heading], id: u16, there: usize) -> Option<Vec<Heading>> {
    if id == NONE || there >= headings.len() || headings.get(there)?.id == NONE {
        return None;
    }
    let mut now = headings.to_vec();
    let here = now.iter().position(|heading| heading.id == id)?;
    let heading = now.remove(here);
    now.insert(there, heading);
    (now != headings).then_some(now)
}

/// A new heading, last and empty.
pub fn add(headings: &[Heading], name: String) -> Option<Vec<Heading>> {
    let id = (1..=u16::MAX).find(|id| headings.iter().all(|heading| heading.id != *id))?;
    let mut now = with_none(headings);
    now.push(Heading {
        id,
        name,
        channels: Vec::new(),
    });
    Some(now)
}

pub fn rename(headings: &[Heading], id: u16, name: String) -> Option<Vec<Heading>> {
    let mut now = headings.to_vec();
    now.iter_mut().find(|heading| heading.id == id && id != NONE)?.name = name;
    (now != headings).then_some(now)
}

/// Takes a heading away. Its channels stay, under none.
pub fn remove(headings: &[Heading], id: u16) -> Option<Vec<Heading>> {
    if id == NONE {
        return None;
    }
    let mut now = with_none(headings);
    let here = now.iter().position(|heading| heading.id == id)?;
    let gone = now.remove(here);
    if let Some(none) = now.iter_mut().find(|heading| heading.id == NONE) {
        none.channels.extend(gone.channels);
    }
    Some(now)
}

fn with_none(headings: &[Heading]) -> Vec<Heading> {
    let mut now = headings.to_vec();
    if now.iter().all(|heading| heading.id != NONE) {
        now.insert(
            0,
            Heading {
                id: NONE,
                name: String::new(),
                channels: Vec::new(),
            },
        );
    }
    now
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u8) -> ChannelId {
        ChannelId::from_bytes([number; 16])
    }

    fn heading(id_: u16, channels: &[u8]) -> Heading {
        Heading {
            id: id_,
            name: if id_ == NONE { String::new() } else { format!("h{id_}") },
            channels: channels.iter().map(|number| id(*number)).collect(),
        }
    }

    fn start() -> Vec<Heading> {
        vec![heading(0, &[1]), heading(5, &[2, 3]), heading(2, &[4])]
    }

    fn orders(headings: &[Heading]) -> Vec<(u16, Vec<u8>)> {
        headings
            .iter()
            .map(|heading| {
                let channels = heading.channels.iter().map(|channel| channel.as_bytes()[0]);
                (heading.id, channels.collect())
            })
            .collect()
    }

    fn all(_: ChannelId) -> bool {
        true
    }

    #[test]
    fn a_channel_steps_through_its_heading_and_into_the_next() {
        let one = step(&start(), id(2), true, all).unwrap();
        assert_eq!(orders(&one), [(0, vec![1]), (5, vec![3, 2]), (2, vec![4])]);
        let two = step(&one, id(2), true, all).unwrap();
        assert_eq!(orders(&two), [(0, vec![1]), (5, vec![3]), (2, vec![2, 4])]);
        let back = step(&two, id(2), false, all).unwrap();
        assert_eq!(orders(&back), orders(&one));
        assert!(step(&start(), id(1), false, all).is_none());
        assert!(step(&start(), id(4), true, all).is_none());
        assert!(step(&start(), id(9), true, all).is_none());
    }

    #[test]
    fn what_is_not_in_the_list_is_stepped_over() {
        let headings = vec![heading(0, &[1, 2, 3])];
        let now = step(&headings, id(1), true, |channel| channel != id(2)).unwrap();
        assert_eq!(orders(&now), [(0, vec![2, 3, 1])]);
    }

    #[test]
    fn a_channel_dropped_on_another_takes_its_place() {
        let headings = vec![heading(0, &[1, 2, 3, 4])];
        let down = drop_on(&headings, id(1), id(3)).unwrap();
        assert_eq!(orders(&down), [(0, vec![2, 3, 1, 4])]);
        let up = drop_on(&headings, id(4), id(2)).unwrap();
        assert_eq!(orders(&up), [(0, vec![1, 4, 2, 3])]);
        let elsewhere = drop_on(&start(), id(1), id(3)).unwrap();
        assert_eq!(orders(&elsewhere), [(0, vec![]), (5, vec![2, 1, 3]), (2, vec![4])]);
        assert!(drop_on(&headings, id(1), id(1)).is_none());
    }

    #[test]
    fn headings_change_places_and_the_nameless_one_stays_first() {
        let now = step_heading(&start(), 2, false).unwrap();
        assert_eq!(orders(&now), [(0, vec![1]), (2, vec![4]), (5, vec![2, 3])]);
        assert!(step_heading(&now, 2, false).is_none());
        assert!(step_heading(&start(), 2, true).is_none());
        assert!(step_heading(&start(), NONE, true).is_none());
        assert!(drop_heading_on(&start(), 2, NONE).is_none());
        let dropped = drop_heading_on(&start(), 2, 5).unwrap();
        assert_eq!(orders(&dropped), orders(&now));
    }

    #[test]
    fn a_heading_comes_and_goes_and_no_channel_is_lost() {
        let now = add(&start(), "new".into()).unwrap();
        assert_eq!(
            now.last().map(|heading| (heading.id, heading.name.as_str())),
            Some((1, "new"))
        );
        let gone = remove(&now, 5).unwrap();
        assert_eq!(orders(&gone), [(0, vec![1, 2, 3]), (2, vec![4]), (1, vec![])]);
        assert!(remove(&gone, NONE).is_none());
        // Where there was none without a name.
        let only = remove(&[heading(3, &[7])], 3).unwrap();
        assert_eq!(orders(&only), [(0, vec![7])]);
        let named = rename(&start(), 2, "other".into()).unwrap();
        assert_eq!(named[2].name, "other");
        assert!(rename(&start(), NONE, "other".into()).is_none());
    }

    #[test]
    fn moving_to_a_heading_keeps_the_rest() {
        let now = put(&start(), id(1), 2, usize::MAX).unwrap();
        assert_eq!(orders(&now), [(0, vec![]), (5, vec![2, 3]), (2, vec![4, 1])]);
        assert!(put(&start(), id(1), 77, 0).is_none());
    }
}
