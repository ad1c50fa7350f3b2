//! Every right of a space by itself: whoever does not have it is refused what takes it, whoever has it alone is not.

use sotto_shared::api::error::ErrorCode;
use sotto_shared::codec::{Bytes, Codec, List};
use sotto_shared::crypto::sign::SignedBlob;
use sotto_shared::id::*;
use sotto_shared::log::channels::ChannelKind;
use sotto_shared::log::roles::{CustomRole, Permission, Rights};
use sotto_shared::log::room_log::*;

use crate::channels::*;
use crate::support::*;

const HELPER: Role = Role::Custom(CustomRole::FIRST);
const OTHER: u8 = 17;

fn sealed<const N: usize>() -> Bytes<N> {
    Bytes::new(vec![1; 300]).unwrap()
}

fn define(number: u8, rank: u8, rights: Rights) -> RoomBody {
    RoomBody::DefineRole {
        role: CustomRole::new(number).unwrap(),
        rank,
        rights,
        n: 1,
        sealed: sealed(),
    }
}

/// What takes this right, done to `who` or in a channel that everybody reads; the relay would take each of a moderator.
fn acts(right: Permission, who: &Person, newcomer: &Person) -> Vec<RoomBody> {
    let user_id = who.user_id;
    let (target, edits) = (EnvelopeHash::from_bytes([7; 32]), List::default());
    let channel = GENERAL;
    match right {
        Permission::Invite => vec![
            invite(&key()),
            RoomBody::AddMember {
                member: newcomer.here(),
                role: Role::Member,
            },
        ],
        Permission::Kick => vec![
            RoomBody::Remove {
                user_id,
                ban: false,
                cut: List::default(),
            },
            RoomBody::TimeOut { user_id, until: 60_000 },
        ],
        Permission::Ban => vec![RoomBody::Remove {
            user_id,
            ban: true,
            cut: List::default(),
        }],
        Permission::SetRole => vec![
            RoomBody::SetRole {
                user_id,
                role: Role::Member,
            },
            define(18, 5, Rights::NONE),
            define(OTHER, 5, Rights::NONE),
        ],
        Permission::Meta => vec![
            RoomBody::SetMeta { n: 1, sealed: sealed() },
            RoomBody::SetSlowMode { channel, seconds: 30 },
        ],
        Permission::Channel => vec![
            made(ChannelId::from_bytes([8; 16]), ChannelKind::Public, &[]),
            RoomBody::UpdateChannel {
                channel,
                n: 1,
                sealed: sealed(),
                archived: false,
            },
            RoomBody::UpdateChannel {
                channel,
                n: 1,
                sealed: sealed(),
                archived: true,
            },
            RoomBody::ArrangeChannels { n: 1, sealed: sealed() },
            RoomBody::SetSlowMode { channel, seconds: 30 },
        ],
        Permission::Redact => vec![RoomBody::Redact { target, edits }],
        Permission::Pin => vec![RoomBody::Pin {
            channel,
            target,
            on: true,
        }],
        // Neither is an entry: the one lets write, the other is inside the seal.
        Permission::Post | Permission::Call => Vec::new(),
    }
}

/// Rank is not what lets somebody: bob has more than cyd all along.
#[tokio::test]
async fn each_right_lets_do_what_it_is_for_and_nothing_else() {
    let Space {
        ground,
        mut room,
        ada,
        bob,
        cyd,
        eve,
    } = space().await;
    room.knows(&eve);
    let bodies = vec![
        define(16, 40, Rights::ALL),
        define(OTHER, 5, Rights::NONE),
        RoomBody::SetRole {
            user_id: bob.user_id,
            role: HELPER,
        },
        RoomBody::SetRole {
            user_id: cyd.user_id,
            role: Role::Custom(CustomRole::new(OTHER).unwrap()),
        },
    ];
    done(&ground, &mut room, &ada, bodies, None).await;
    for right in Permission::ALL {
        for body in acts(right, &cyd, &eve) {
            let what = format!("{right:?}: {body:?}");
            // Everything but this.
            let others = Rights::ALL.without(right);
            // Slow mode is also for whoever keeps the channels.
            let is_slow = matches!(body, RoomBody::SetSlowMode { .. });
            let others = if is_slow {
                others.without(Permission::Meta).without(Permission::Channel)
            } else {
                others
            };
            done(&ground, &mut room, &ada, vec![define(16, 40, others)], None).await;
            let code = refused(&ground, &room, &bob, body.clone(), vec![]).await;
            assert_eq!(code, ErrorCode::InvalidEntry, "{what}");
            assert_eq!(
                refused(&ground, &room, &cyd, body.clone(), vec![]).await,
                ErrorCode::InvalidEntry,
                "{what}, by somebody without any"
            );
            // This alone. A role that is given away has no right that its giver has not.
            done(
                &ground,
                &mut room,
                &ada,
                vec![define(16, 40, Rights::of(&[right]))],
                None,
            )
            .await;
            assert!(holds(&room, &bob, body), "{what}");
        }
    }
}

/// Whether the rules let somebody write an entry, without writing it.
fn holds(room: &Room, actor: &Person, body: RoomBody) -> bool {
    let entry = SignedBlob::from_bytes(&room.entry_only(actor, body).0).unwrap();
    room.state.extend(&[entry], &room.logs).is_ok()
}

/// Who may not write in a space writes in none of its channels, and says nothing in passing or for good.
#[tokio::test]
async fn a_role_without_words_writes_nowhere() {
    let Space {
        ground,
        mut room,
        ada,
        bob,
        ..
    } = space().await;
    let mut b = ground.socket(&bob).await;
    let mute = RoomBody::SetRole {
        user_id: bob.user_id,
        role: HELPER,
    };
    let rights = Rights::ALL.without(Permission::Post);
    done(&ground, &mut room, &ada, vec![define(16, 40, rights), mute], None).await;
    b.everything_heard().await;
    for channel in [GENERAL, RANDOM, NEWS, DEN] {
        for sent in [message(&room, channel), value(&room, channel)] {
            assert_eq!(
                refusals(&heard(&mut b, &[sent]).await),
                [ErrorCode::Forbidden],
                "{channel:?}"
            );
        }
        assert!(page(&ground, &bob, &room, channel).await.unwrap().messages.is_empty());
    }
}
