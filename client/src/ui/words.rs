//! What the page says when something went wrong or changed. Short, plain, about the person's world: what happened, then what to do.

use crate::view::{ChannelKind, Delivery, Note, Over, Problem, Role, RoomKind, Step, Tamper, Trust, Unreadable};

/// What stands where words of somebody would who is blocked.
pub const OF_BLOCKED: &str = "A message of somebody you blocked.";

/// One sentence for each problem, and where it helps a second one: what to do.
pub fn problem(problem: &Problem) -> String {
    match problem {
        Problem::WrongPassword => "Handle and password do not belong together. Check both.".into(),
        Problem::NoGuests => "This server takes no guests at the moment. An account takes a minute.".into(),
        Problem::MaybeKept(handle) => format!(
            "No answer came. If you find yourself signed out, sign in as {handle} with the new password; otherwise try again."
        ),
        Problem::KeptElsewhere(handle) => {
            format!("Your account is kept, and this browser was signed out on the way. Sign in as {handle} with the new password.")
        }
        Problem::HandleTaken(handle) => format!("{handle} is taken. Choose another handle."),
        Problem::HandleMalformed => "A handle has 3 to 32 of a–z, 0–9, _ and -, and begins with a letter, but not with “guest-”.".into(),
        Problem::UnknownHandle(handle) => format!("Nobody here is called {handle}. Check the spelling with them."),
        Problem::HandleMoved { handle, verified, .. } => {
            let before = if *verified { "the one you checked" } else { "the one you knew" };
            format!(
                "{handle} is another account now than {before}. Either {handle} started over, or someone is pretending to be {handle}. Ask them another way first."
            )
        }
        Problem::WeakPassword(advice) => match advice {
            Some(advice) => format!("Too easy to guess. {advice}"),
            None => "Too easy to guess. Make it longer, or take the six words.".into(),
        },
        Problem::ThatIsYou => "That is you. Enter somebody else’s handle.".into(),
        Problem::EmptyName => "The name is empty. Give it at least one letter.".into(),
        Problem::TooLong { .. } => "Too long. Make it shorter.".into(),
        Problem::MessageTooLong => "Too long to send. Shorten it, or send it in parts.".into(),
        Problem::TooMany => "There are as many here as there may be. Take one away first.".into(),
        Problem::NotAPicture => "That is not a picture that can be used here. Choose another one.".into(),
        Problem::NoPicture => "There is no picture to show.".into(),
        Problem::TooManySaved { max } => format!("You have saved {max} messages, and there is no place for more. Remove some first."),
        Problem::TooManyPins { max } => format!("Up to {max} messages can be pinned here. Take one down first."),
        Problem::NobodyToTell => "Nobody else here can act on it: those who could wrote these messages themselves, or are gone.".into(),
        Problem::ReportTooLong => "These messages are too long for one report. Choose fewer.".into(),
        Problem::TooManyReports => "Too many reports are waiting here. Those who keep order have to go through them first.".into(),
        Problem::TooManyForwards { max } => format!("Up to {max} conversations at a time. Choose fewer."),
        Problem::TooManyMentions { max } => format!("A message can call up to {max} people by name. This one calls more."),
        Problem::TooManyPeople { max } => format!("Up to {max} people have a place here. Take somebody out first."),
        Problem::AlreadyThere(handle) => format!("{handle} is already here."),
        Problem::NotTrusted(handle) => format!(
            "The safety number of {handle} is not the one you checked, so nothing is shared with them. Compare it again first."
        ),
        Problem::NumberChanged => "The safety number changed while you looked. Compare the new one.".into(),
        Problem::BadLink => "This is not a link to a group, a space or a person, or a part of it is missing.".into(),
        Problem::BlockedByYou(handle) => {
            format!("You blocked {handle}. Take that back first: it stands under Contacts.")
        }
        Problem::Answered(handle) => {
            format!("{handle} has answered, so there is no request to cancel. What you wrote can still be deleted.")
        }
        Problem::Banned(handle) => format!("{handle} is banned here. The ban has to be lifted first."),
        Problem::OtherPerson(handle) => format!(
            "The server names another account for {handle} than this link does. Either {handle} started over, or someone is pretending to be {handle}: ask them for a new link another way."
        ),
        Problem::InviteOver(over) => invite_over(*over).into(),
        Problem::NotAllowed => "Your role here does not allow that. Ask an owner.".into(),
        Problem::NoSuchMessage => "This message is not here any more.".into(),
        Problem::PollIncomplete => "A poll needs a question and 2 to 12 answers.".into(),
        Problem::PollOver => "This poll is closed.".into(),
        Problem::NotThere(handle) => format!("{handle} is not here any more."),
        Problem::AlreadyDone => "Somebody has done this already.".into(),
        Problem::TimedOut { .. } => "You are in a time-out and cannot write here until it is over.".into(),
        Problem::RoleInUse => "Somebody has this role. Give them another one first.".into(),
        Problem::LastOwner => "You are the last owner. Make somebody an owner first.".into(),
        Problem::RoomClosed => "Nothing can be sent here now. The line above the text says why.".into(),
        Problem::Offline => "No answer from the server. Check your connection and try again.".into(),
        Problem::TooFast { retry_secs } => format!(
            "That was too often in a short time. Try again in {}.",
            seconds(*retry_secs)
        ),
        Problem::ServerTrouble => "The server cannot do this right now. Try again in a while.".into(),
        Problem::OldPage => "This page is older than the server. Load it again.".into(),
        Problem::SignedOut => "This browser was signed out from another one.".into(),
        Problem::ServerLied(what) => format!(
            "Stopped: what the server sent does not hold up ({what}). Nothing was changed here. Tell whoever runs it."
        ),
        Problem::VaultRolledBack => {
            "Stopped: the server shows an older state of your keys and contacts than there was. Nothing was changed here. Tell whoever runs it."
                .into()
        }
        Problem::MaybeChanged => {
            "No answer from the server, so the password may have changed or not. Sign in with the new one first, then with the old one."
                .into()
        }
        Problem::TookTooLong => "That took longer than ten minutes. Enter your password again.".into(),
        Problem::RecoveryKeyMistyped { group: Some(group) } => {
            format!("Group {group} cannot be right. Compare it with your copy.")
        }
        Problem::RecoveryKeyMistyped { group: None } => {
            "That is not a whole recovery key. Compare it with your copy, group by group.".into()
        }
        Problem::WrongGroups => "These are not the two groups. Look at your copy again.".into(),
        Problem::WrongRecoveryKey => "Handle and recovery key do not belong together. Check both.".into(),
        Problem::StorageFull => {
            "This browser has no space left to keep messages, so nothing was sent. Free some and try again.".into()
        }
        Problem::NewerStorage => "A newer Sotto has been in this browser. Load the page again to get it.".into(),
        Problem::Internal(what) => {
            format!("Something broke on our side ({what}). Load the page again; what you wrote is kept.")
        }
    }
}

/// Why an invite does not let in, and what to do.
pub const fn invite_over(over: Over) -> &'static str {
    match over {
        Over::Wrong => {
            "The server knows no such invite. A letter of the link may be missing: copy it once more, or ask for a new one."
        }
        Over::UsedUp => "As many people came by this invite as it was made for. Ask for a new one.",
        Over::Expired => "The time of this invite is over. Ask for a new one.",
        Over::TakenBack => "It was good once, and lets nobody in any more. Ask for a new one.",
        Over::Void => "Whoever made this invite may not bring people in any more. Ask somebody else who is in there.",
        Over::Banned => "You were taken out for good, so no invite lets you in. An owner can change that.",
        Over::NotForYou => "This invite does not let this account in. Ask whoever gave it to you.",
    }
}

/// Why a message was not sent, to stand after "Not sent:".
pub fn unsent(problem: &Problem) -> String {
    match problem {
        Problem::Offline => "no answer.".into(),
        Problem::ServerTrouble => "the server cannot take it right now.".into(),
        Problem::TooFast { retry_secs } => {
            format!("too many in a short time. It works again in {}.", seconds(*retry_secs))
        }
        Problem::NotAllowed => "your role does not allow it.".into(),
        Problem::RoomClosed => "nothing can be written here now.".into(),
        Problem::MessageTooLong => "it is too long. Shorten it, or send it in parts.".into(),
        Problem::StorageFull => "this browser has no space left.".into(),
        Problem::SignedOut => "this browser was signed out.".into(),
        Problem::OldPage => "this page is older than the server. Load it again.".into(),
        other => problem_inline(other),
    }
}

fn problem_inline(other: &Problem) -> String {
    let text = problem(other);
    let mut letters = text.chars();
    letters
        .next()
        .map(|first| first.to_lowercase().chain(letters).collect())
        .unwrap_or_default()
}

pub fn seconds(secs: u32) -> String {
    match secs {
        0 | 1 => "a second".into(),
        2..=89 => format!("{secs} seconds"),
        90..=5399 => format!("{} minutes", (secs + 30) / 60),
        _ => format!("{} hours", (secs + 1800) / 3600),
    }
}

/// A length of time as it is chosen: "10 minutes", "a week".
pub fn span(secs: u32) -> String {
    match secs {
        604_800 => "a week".into(),
        86_400 => "a day".into(),
        172_800.. => lifetime(secs),
        3_600 => "an hour".into(),
        60 => "a minute".into(),
        7_200.. => format!("{} hours", secs / 3_600),
        120.. => format!("{} minutes", secs / 60),
        _ => seconds(secs),
    }
}

/// What is left of a time, never less than there is: "24 seconds", "3 minutes", "2 days".
pub fn span_left(ms: u64) -> String {
    let secs = ms.div_ceil(1000);
    let (number, one, many) = match secs {
        0..=90 => (secs, "second", "seconds"),
        91..=5_400 => (secs.div_ceil(60), "minute", "minutes"),
        5_401..=172_800 => (secs.div_ceil(3_600), "hour", "hours"),
        _ => (secs.div_ceil(86_400), "day", "days"),
    };
    count(usize::try_from(number).unwrap_or(usize::MAX), one, many)
}

/// The same words where they stand alone.
pub fn alone(words: &str) -> String {
    let mut rest = words.chars();
    let first = rest.next().into_iter().flat_map(char::to_uppercase);
    first.collect::<String>() + rest.as_str()
}

/// How long messages live.
pub fn lifetime(secs: u32) -> String {
    match secs {
        172_800.. => format!("{} days", secs.saturating_add(43_200) / 86_400),
        86_400 => "a day".into(),
        3600 => "an hour".into(),
        60 => "a minute".into(),
        _ => seconds(secs),
    }
}

pub fn count(number: usize, one: &str, many: &str) -> String {
    if number == 1 {
        format!("1 {one}")
    } else {
        format!("{number} {many}")
    }
}

/// A message that is here and cannot be shown: why, and what happens next.
pub const fn unreadable(why: Unreadable) -> &'static str {
    match why {
        Unreadable::BeforeYouJoined => "This was written before you joined, so it was not sealed for you.",
        Unreadable::KeyOnTheWay => "A message is here; its room key is still on the way. It opens by itself.",
        Unreadable::Damaged => "A message here does not fit its signature, so it is not shown.",
        Unreadable::Gap => "Messages are missing here: the server skipped or reordered some.",
        Unreadable::TimedOut => "Somebody wrote this during a time-out, so it does not count and is not shown.",
        Unreadable::TooSoon => {
            "This came sooner behind the message before it than slow mode allows, so it is not shown."
        }
    }
}

/// What happened to the room, as pieces: names are set apart, the rest is plain.
pub enum Piece {
    Name(String),
    Span(String),
    /// A time to come.
    Until(u64),
    Plain(&'static str),
}

/// `name` gives a person's name, `me` tells whether it is the reader.
pub fn note(
    note: &Note,
    kind: RoomKind,
    name: impl Fn(&sotto_shared::id::UserId) -> String,
    me: impl Fn(&sotto_shared::id::UserId) -> bool,
) -> Vec<Piece> {
    use Piece::{Name, Plain, Span};
    let subject = |user| if me(user) { Plain("You") } else { Name(name(user)) };
    let object = |user| if me(user) { Plain("you") } else { Name(name(user)) };
    match note {
        Note::Created { by } => match kind {
            RoomKind::Direct => vec![subject(by), Plain(" started this conversation.")],
            RoomKind::Group => vec![subject(by), Plain(" made this group.")],
            RoomKind::Channel => vec![subject(by), Plain(" made this channel.")],
        },
        Note::Added { by, who } => vec![subject(by), Plain(" added "), object(who), Plain(".")],
        Note::Removed { by, who } => vec![subject(by), Plain(" removed "), object(who), Plain(".")],
        Note::Joined { who, by } => vec![subject(who), Plain(" joined by an invite of "), object(by), Plain(".")],
        Note::AskedToJoin { who, by } => vec![
            subject(who),
            Plain(" asks to be let in, by an invite of "),
            object(by),
            Plain("."),
        ],
        Note::Banned { by, who } => vec![subject(by), Plain(" removed and banned "), object(who), Plain(".")],
        Note::Unbanned { by, who } => vec![subject(by), Plain(" lifted the ban on "), object(who), Plain(".")],
        Note::TimedOut { by, who, until_ms: 0 } => {
            vec![subject(by), Plain(" ended the time-out of "), object(who), Plain(".")]
        }
        Note::TimedOut { by, who, until_ms } => vec![
            subject(by),
            Plain(" gave "),
            object(who),
            Plain(" a time-out until "),
            Piece::Until(*until_ms),
            Plain("."),
        ],
        Note::SlowMode { by, seconds: 0 } => vec![subject(by), Plain(" turned slow mode off.")],
        Note::SlowMode { by, seconds } => vec![
            subject(by),
            Plain(" turned slow mode on: one message in "),
            Span(span(*seconds)),
            Plain(" for members."),
        ],
        Note::RoleGiven { by, who, role_id } => {
            vec![subject(by), Plain(" made "), object(who), Plain(role_given(*role_id))]
        }
        Note::Left { who } => vec![subject(who), Plain(" left.")],
        Note::Renamed { by, name } => vec![subject(by), Plain(" named this group "), Name(name.clone()), Plain(".")],
        Note::NewDevice { who } if me(who) => vec![Plain("You use another browser from now on.")],
        Note::NewDevice { who } => vec![subject(who), Plain(" uses another browser from now on.")],
        Note::IdentityChanged { who } => vec![subject(who), Plain(" has a new safety number.")],
        Note::AccountClosed { who } => vec![subject(who), Plain(" closed this account.")],
        Note::Faded => vec![Plain("A message stood here that has had its time.")],
        Note::Deleted {
            by, whose: Some(whose), ..
        } => vec![subject(by), Plain(" deleted what "), object(whose), Plain(" wrote.")],
        Note::Deleted { by, by_order: true, .. } => vec![subject(by), Plain(" deleted somebody’s message.")],
        Note::Deleted { by, .. } => vec![subject(by), Plain(" deleted a message.")],
        Note::Pinned { by, .. } => vec![subject(by), Plain(" pinned a message.")],
        Note::KeyForNobody { by } => vec![
            subject(by),
            Plain(" changed the room key to one that did not open here. Another one takes its place."),
        ],
        Note::Disappearing { by, seconds: 0 } => vec![subject(by), Plain(" lets messages stay from here on.")],
        Note::Disappearing { by, seconds } => vec![
            subject(by),
            Plain(" asks everyone’s app and the server to delete messages after "),
            Span(lifetime(*seconds)),
            Plain("."),
        ],
    }
}

/// What kind of channel it is.
pub const fn channel_kind(kind: ChannelKind) -> &'static str {
    match kind {
        ChannelKind::Public => "Public",
        ChannelKind::Private => "Private",
        ChannelKind::Announcement => "Announcements",
    }
}

/// Who reads a channel of this kind, and who writes.
pub const fn channel_readers(kind: ChannelKind) -> &'static str {
    match kind {
        ChannelKind::Public => "Everybody in this space reads and writes.",
        ChannelKind::Private => "Only people who are brought in. It has a key of its own.",
        ChannelKind::Announcement => "Everybody in this space reads. Those who may speak for the space write.",
    }
}

/// What somebody was made, to stand at the end of a sentence.
pub const fn role_given(role_id: u8) -> &'static str {
    match role_id {
        1 => " a member.",
        2 => " a moderator.",
        3 => " an owner.",
        _ => " something else here.",
    }
}

pub const fn role(role: Role) -> &'static str {
    match role {
        Role::Owner => "Owner",
        Role::Moderator => "Moderator",
        Role::Member => "Member",
    }
}

pub const fn roles(role: Role) -> &'static str {
    match role {
        Role::Owner => "Owners",
        Role::Moderator => "Moderators",
        Role::Member => "Members",
    }
}

/// What the server, or somebody with its help, was caught at.
pub const fn tamper(what: Tamper) -> &'static str {
    match what {
        Tamper::InvalidEntry => "The list of members holds a change that no member was allowed to make.",
        Tamper::Fork => "Two people here were shown different histories.",
        Tamper::Withholding => "The server holds back what others here have already seen.",
        Tamper::KeyMismatch => "Different people here were handed different room keys.",
    }
}

pub const fn step(step: Step, new_account: bool) -> &'static str {
    match (step, new_account) {
        (Step::Asking, _) => "Asking the server",
        (Step::Deriving, _) => "Stretching your password",
        (Step::Keys, true) => "Registering your keys, locked with it",
        (Step::Keys, false) => "Opening your keys",
        (Step::Rooms, true) => "Moving in",
        (Step::Rooms, false) => "Fetching your rooms",
    }
}

pub const fn trust(trust: Trust) -> Option<&'static str> {
    match trust {
        Trust::Unverified => None,
        Trust::Verified => Some("Checked by you"),
        Trust::Changed => Some("New safety number"),
        Trust::Differs => Some("Safety numbers differ"),
    }
}

/// How strong a password is, from its score.
pub const fn strength(score: u8) -> &'static str {
    match score {
        0 | 1 => "Easy to guess",
        2 => "Could be guessed",
        3 => "Strong",
        _ => "Very strong",
    }
}

/// The state of a message, for those who cannot see it.
pub const fn delivery(state: &Delivery) -> &'static str {
    match state {
        Delivery::Pending => "pending",
        Delivery::Sent => "sent",
        Delivery::Failed(_) => "failed",
    }
}

/// Under one's own message: who has read it.
pub fn read_by(people: usize, kind: RoomKind) -> String {
    match kind {
        RoomKind::Direct => "Read".to_owned(),
        RoomKind::Group | RoomKind::Channel => format!("Read by {people}"),
    }
}

/// Under the newest of one's own: whom it has come to.
pub fn reached(people: usize, kind: RoomKind) -> String {
    match (people, kind) {
        (0, _) => "Sent".to_owned(),
        (_, RoomKind::Direct) => "Delivered".to_owned(),
        (people, RoomKind::Group | RoomKind::Channel) => format!("Delivered to {people}"),
    }
}

/// Who put a reaction: a few names, and how many more.
pub fn reacted(mine: bool, names: &[String], count: usize) -> String {
    let mut said: Vec<&str> = Vec::with_capacity(3);
    if mine {
        said.push("you");
    }
    said.extend(names.iter().map(String::as_str));
    said.truncate(3);
    let others = count.saturating_sub(said.len());
    let more = match others {
        0 => None,
        1 if said.is_empty() => Some("1 person".to_owned()),
        many if said.is_empty() => Some(format!("{many} people")),
        1 => Some("1 other".to_owned()),
        many => Some(format!("{many} others")),
    };
    let last = more.or_else(|| said.pop().map(str::to_owned)).unwrap_or_default();
    if said.is_empty() {
        last
    } else {
        format!("{} and {last}", said.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_reacted_is_said_by_name_as_far_as_that_is_short() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(reacted(true, &[], 1), "you");
        assert_eq!(reacted(true, &names(&["bob"]), 2), "you and bob");
        assert_eq!(reacted(false, &names(&["bob", "cleo"]), 2), "bob and cleo");
        assert_eq!(
            reacted(true, &names(&["bob", "cleo", "dora"]), 4),
            "you, bob, cleo and 1 other"
        );
        assert_eq!(
            reacted(false, &names(&["bob", "cleo", "dora", "eli"]), 7),
            "bob, cleo, dora and 4 others"
        );
        // Of those whose names are not known yet.
        assert_eq!(reacted(false, &[], 1), "1 person");
        assert_eq!(reacted(false, &[], 3), "3 people");
    }

    #[test]
    fn a_length_of_time_is_said_as_people_say_it() {
        let said = [5, 60, 600, 3_600, 21_600, 86_400, 604_800, 2_419_200].map(span);
        let words = [
            "5 seconds",
            "a minute",
            "10 minutes",
            "an hour",
            "6 hours",
            "a day",
            "a week",
            "28 days",
        ];
        assert_eq!(said, words);
        let left = [1, 1_000, 24_001, 90_000, 90_001, 3_600_000, 5_400_001, 172_800_001].map(span_left);
        let words = [
            "1 second",
            "1 second",
            "25 seconds",
            "90 seconds",
            "2 minutes",
            "60 minutes",
            "2 hours",
            "3 days",
        ];
        assert_eq!(left, words);
    }

    #[test]
    fn nothing_shouts_or_pleads() {
        let all = [
            Problem::WrongPassword,
            Problem::HandleTaken("x".into()),
            Problem::NoGuests,
            Problem::MaybeKept("x".into()),
            Problem::KeptElsewhere("x".into()),
            Problem::HandleMalformed,
            Problem::UnknownHandle("x".into()),
            Problem::WeakPassword(None),
            Problem::ThatIsYou,
            Problem::EmptyName,
            Problem::TooLong { max: 4 },
            Problem::MessageTooLong,
            Problem::TooMany,
            Problem::TooManyPeople { max: 4 },
            Problem::TooManyMentions { max: 64 },
            Problem::NotAPicture,
            Problem::NoPicture,
            Problem::TooManySaved { max: 500 },
            Problem::TooManyPins { max: 50 },
            Problem::TooManyForwards { max: 20 },
            Problem::NobodyToTell,
            Problem::ReportTooLong,
            Problem::TooManyReports,
            Problem::AlreadyThere("x".into()),
            Problem::NotTrusted("x".into()),
            Problem::NumberChanged,
            Problem::NotAllowed,
            Problem::NoSuchMessage,
            Problem::LastOwner,
            Problem::NotThere("x".into()),
            Problem::AlreadyDone,
            Problem::TimedOut { until_ms: 4 },
            Problem::RoleInUse,
            Problem::BadLink,
            Problem::BlockedByYou("x".into()),
            Problem::Answered("x".into()),
            Problem::Banned("x".into()),
            Problem::OtherPerson("x".into()),
            Problem::InviteOver(Over::Wrong),
            Problem::InviteOver(Over::UsedUp),
            Problem::InviteOver(Over::Expired),
            Problem::InviteOver(Over::TakenBack),
            Problem::InviteOver(Over::Void),
            Problem::InviteOver(Over::Banned),
            Problem::InviteOver(Over::NotForYou),
            Problem::RoomClosed,
            Problem::Offline,
            Problem::TooFast { retry_secs: 3 },
            Problem::ServerTrouble,
            Problem::OldPage,
            Problem::SignedOut,
            Problem::ServerLied("x".into()),
            Problem::VaultRolledBack,
            Problem::MaybeChanged,
            Problem::TookTooLong,
            Problem::RecoveryKeyMistyped { group: Some(1) },
            Problem::RecoveryKeyMistyped { group: None },
            Problem::WrongGroups,
            Problem::WrongRecoveryKey,
            Problem::StorageFull,
            Problem::NewerStorage,
            Problem::Internal("x".into()),
        ];
        for one in all {
            for text in [problem(&one), unsent(&one)] {
                assert!(text.ends_with('.'), "{text}");
                let lower = text.to_lowercase();
                for word in ["!", "please", "oops", "decrypt", "epoch", "session", "error"] {
                    assert!(!lower.contains(word), "{text}");
                }
            }
        }
    }
}
