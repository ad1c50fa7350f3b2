//! Every key the app listens to, in one table: what is done with a key and what the list of keys prints are the same.

/// What a key asks the app for, wherever one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    Switch,
    Keys,
    Next,
    Before,
    NextUnread,
    BeforeUnread,
    OldestUnread,
    /// Closes the panel; without one, what is on screen counts as read.
    Leave,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Around,
    Reading,
    Writing,
}

impl Part {
    pub const ALL: [Self; 3] = [Self::Around, Self::Reading, Self::Writing];

    pub const fn title(self) -> &'static str {
        match self {
            Self::Around => "Getting around",
            Self::Reading => "Reading",
            Self::Writing => "Writing",
        }
    }
}

pub struct Shortcut {
    pub part: Part,
    pub says: &'static str,
    /// Ctrl, or ⌘ on Apple's.
    pub command: bool,
    pub alt: bool,
    pub shift: bool,
    /// As the browser calls it.
    pub key: &'static str,
    /// What the app does; nothing where a part of the page has the key to itself.
    pub act: Option<Act>,
}

const fn plain(part: Part, key: &'static str, says: &'static str, act: Option<Act>) -> Shortcut {
    Shortcut {
        part,
        says,
        command: false,
        alt: false,
        shift: false,
        key,
        act,
    }
}

const fn command(part: Part, key: &'static str, says: &'static str, act: Act) -> Shortcut {
    Shortcut {
        command: true,
        ..plain(part, key, says, Some(act))
    }
}

const fn alt(part: Part, key: &'static str, says: &'static str, act: Act) -> Shortcut {
    Shortcut {
        alt: true,
        ..plain(part, key, says, Some(act))
    }
}

const fn shift(part: Part, key: &'static str, says: &'static str, act: Option<Act>) -> Shortcut {
    Shortcut {
        shift: true,
        ..plain(part, key, says, act)
    }
}

pub const TABLE: &[Shortcut] = &[
    command(
        Part::Around,
        "k",
        "Jump to a conversation, a channel or a person",
        Act::Switch,
    ),
    alt(Part::Around, "ArrowDown", "Next conversation", Act::Next),
    alt(Part::Around, "ArrowUp", "Conversation before", Act::Before),
    Shortcut {
        shift: true,
        ..alt(
            Part::Around,
            "ArrowDown",
            "Next one with something unread",
            Act::NextUnread,
        )
    },
    Shortcut {
        shift: true,
        ..alt(
            Part::Around,
            "ArrowUp",
            "The one before with something unread",
            Act::BeforeUnread,
        )
    },
    command(Part::Around, "/", "This list", Act::Keys),
    shift(
        Part::Reading,
        "PageUp",
        "Oldest unread message",
        Some(Act::OldestUnread),
    ),
    plain(
        Part::Reading,
        "Escape",
        "Close the panel; then count everything here as read",
        Some(Act::Leave),
    ),
    plain(Part::Reading, "ArrowUp", "Walk through messages, up", None),
    plain(Part::Reading, "ArrowDown", "Walk through messages, down", None),
    plain(Part::Reading, "Home", "The oldest message that is here", None),
    plain(Part::Reading, "End", "The newest message", None),
    plain(Part::Reading, "Enter", "What can be done with a message", None),
    plain(Part::Writing, "Enter", "Send; on a touch screen, new line", None),
    shift(Part::Writing, "Enter", "New line", None),
    Shortcut {
        command: true,
        ..plain(Part::Writing, "Enter", "Send, on a touch screen too", None)
    },
    plain(Part::Writing, "ArrowUp", "Edit what you wrote last", None),
    plain(Part::Writing, "@", "Call somebody by name", None),
    plain(Part::Writing, "#", "Name a channel", None),
    plain(Part::Writing, ":", "Find an emoji", None),
    plain(Part::Writing, "/", "List the commands", None),
    plain(Part::Writing, "Escape", "Stop editing, or answering", None),
];

/// A key that was pressed.
#[derive(Debug, Clone, Copy)]
pub struct Pressed<'a> {
    pub key: &'a str,
    pub command: bool,
    pub alt: bool,
    pub shift: bool,
}

/// What the app does with it.
pub fn act(pressed: Pressed<'_>) -> Option<Act> {
    TABLE.iter().find(|one| one.is(pressed)).and_then(|one| one.act)
}

impl Shortcut {
    fn is(&self, pressed: Pressed<'_>) -> bool {
        // Where a sign lies on a keyboard, and with what key one gets at it, differs from country to country.
        let sign = self.key.chars().all(|c| c.is_ascii_punctuation());
        self.act.is_some()
            && self.key.eq_ignore_ascii_case(pressed.key)
            && self.command == pressed.command
            && self.alt == pressed.alt
            && (sign || self.shift == pressed.shift)
    }

    /// As it is printed: one word a key.
    pub fn printed(&self, apple: bool) -> Vec<&'static str> {
        let held = [
            (self.command, if apple { "⌘" } else { "Ctrl" }),
            (self.alt, if apple { "⌥" } else { "Alt" }),
            (self.shift, if apple { "⇧" } else { "Shift" }),
        ];
        let mut words: Vec<_> = held
            .into_iter()
            .filter(|(held, _)| *held)
            .map(|(_, word)| word)
            .collect();
        words.push(match self.key {
            "ArrowUp" => "↑",
            "ArrowDown" => "↓",
            "PageUp" => "Page Up",
            "Escape" => "Esc",
            "k" => "K",
            other => other,
        });
        words
    }
}

/// How the keys of an act are printed, for beside its name.
pub fn printed(wanted: Act, apple: bool) -> Vec<&'static str> {
    let one = TABLE.iter().find(|one| one.act == Some(wanted));
    one.map(|one| one.printed(apple)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pressed(one: &Shortcut) -> Pressed<'static> {
        Pressed {
            key: one.key,
            command: one.command,
            alt: one.alt,
            shift: one.shift,
        }
    }

    #[test]
    fn every_key_of_the_table_does_what_stands_beside_it() {
        for one in TABLE.iter().filter(|one| one.act.is_some()) {
            assert_eq!(act(pressed(one)), one.act, "{}", one.says);
            assert!(!one.printed(false).is_empty());
        }
    }

    #[test]
    fn a_key_alone_is_not_what_it_is_with_another_one_held() {
        let k = Pressed {
            key: "k",
            command: false,
            alt: false,
            shift: false,
        };
        assert_eq!(act(k), None);
        assert_eq!(act(Pressed { command: true, ..k }), Some(Act::Switch));
        // With Caps Lock.
        assert_eq!(
            act(Pressed {
                command: true,
                key: "K",
                ..k
            }),
            Some(Act::Switch)
        );
        assert_eq!(
            act(Pressed {
                command: true,
                shift: true,
                ..k
            }),
            None
        );
        // A slash that needs Shift, as on many keyboards.
        let slash = Pressed {
            command: true,
            shift: true,
            key: "/",
            ..k
        };
        assert_eq!(act(slash), Some(Act::Keys));
    }

    #[test]
    fn keys_are_printed_as_they_stand_on_the_keyboard() {
        assert_eq!(printed(Act::Switch, false), ["Ctrl", "K"]);
        assert_eq!(printed(Act::NextUnread, true), ["⌥", "⇧", "↓"]);
        assert_eq!(printed(Act::OldestUnread, false), ["Shift", "Page Up"]);
    }
}
