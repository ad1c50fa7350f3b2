"""The two signed logs: a person's keys (protocol §5) and a room's members and keys (§6, §7), verified from their genesis."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import codec
from codec import (
    ANNOUNCEMENT,
    DIRECT,
    JOINED,
    MEMBER,
    MODERATOR,
    ON_APPROVAL,
    OWNER,
    PRIVATE,
    SHARED,
    SPACE,
    DoesNotHold,
    must,
)
from crypto import H, key_id, number, verify

SUITE = 1
MAIN = bytes(16)  # the only channel outside of spaces; in keys of a space its own
LATE = 16  # so many messages after a change of lifetime may be by somebody who had not heard of it


# ---- A person (§5) --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class View:
    """A person's keys after some entry of their log."""

    ik: bytes
    g: int
    kk: bytes
    devices: dict[bytes, bytes] = field(default_factory=dict)  # those that are not revoked: id → key
    ik_since: int = 0
    revocations: int = 0
    vault_rev: int = 0
    vault_hash: bytes = b""
    closed: bool = False

    def active(self) -> dict[bytes, bytes]:
        return {} if self.closed else self.devices


class Person:
    """A verified user log."""

    def __init__(self, user_id: bytes, handle: str, realm: str, genesis: bytes, entries: list[bytes]) -> None:
        self.user_id, self.handle, seq = user_id, handle, 0
        try:
            must(H("user-id", genesis) == user_id, "4", "it is not what the id is the hash of")
            first = codec.user_genesis(genesis)
            must(first.realm == realm, "5", f"it belongs to another server: {first.realm}")
            self.points = [(H("user-entry", genesis), View(first.ik, 1, first.kk))]
            self.kem_keys = [first.kk]  # of every generation, from 1 on
            self.seen: set[bytes] = set()  # devices, revoked ones too: none comes back
            for seq, blob in enumerate(entries, start=1):
                self.extend(seq, *codec.signed_blob(blob))
        except DoesNotHold as error:
            raise error.inside(f"entry {seq} of the log of @{handle}") from error

    @property
    def now(self) -> View:
        return self.points[-1][1]

    def extend(self, seq: int, body: bytes, signature: bytes) -> None:
        entry = codec.user_entry(body)
        head, view = self.points[-1]
        must(entry.user_id == self.user_id, "5", "it belongs to another log")
        must(entry.seq == seq, "5", f"it says that it is number {entry.seq}")
        must(entry.prev == head, "5", "it does not build on the entry before it")
        must(seq <= 4096, "5", "the log is too long")
        must(not view.closed, "5", "the log was closed before")
        signer, new = view.ik, entry.body
        if new.kind == "AddDevice":
            dk_id = key_id(new.dk)
            must(dk_id not in self.seen, "5", "that device was there before")
            must(len(view.devices) < 64, "5", "too many devices")
            verify("5", "the new device's", new.dk, "device-pop", self.user_id + new.dk, new.pop)
            self.seen.add(dk_id)
            view = replace(view, devices={**view.devices, dk_id: new.dk})
        elif new.kind == "RevokeDevice":
            must(new.dk_id in view.devices, "5", "it revokes a device that is not there")
            kept = {dk_id: dk for dk_id, dk in view.devices.items() if dk_id != new.dk_id}
            view = replace(view, devices=kept, revocations=view.revocations + 1)
        elif new.kind == "RotateKem":
            must(new.g == view.g + 1 and new.kk not in self.kem_keys, "5", "it is not the next KEM key")
            self.kem_keys.append(new.kk)
            view = replace(view, g=new.g, kk=new.kk)
        elif new.kind == "RotateIdentity":
            must(new.ik != view.ik, "5", "the identity stays the same")
            verify("5", "the new identity's", new.ik, "identity-pop", self.user_id + new.ik, new.pop)
            view = replace(view, ik=new.ik, ik_since=seq)
        elif new.kind == "VaultCommit":
            must(new.dk_id is None, "5", "it names a device")
            must(new.rev > view.vault_rev, "5", "it names an older vault")
            view = replace(view, vault_rev=new.rev, vault_hash=new.hash)
        else:
            view = replace(view, closed=True)
        verify("5", "its", signer, "user-log", body, signature)
        self.points.append((H("user-entry", body), view))


# ---- A room (§6) ----------------------------------------------------------------------------------------------------


@dataclass
class Member:
    role: int
    seq: int  # how far the room has seen their user log
    view: View


@dataclass
class Former:
    """Somebody who is no longer here."""

    banned: bool
    seq: int
    cut: list[Any]
    # What they had when they left.
    rank: int


@dataclass
class Invite:
    """A way in for whoever holds a link (§10)."""

    key: bytes
    role: int
    mode: int
    max_uses: int
    expires: int
    by: bytes
    uses: int = 0
    revoked: bool = False

    def is_open(self, ts: int) -> bool:
        return not self.revoked and self.uses < self.max_uses and ts <= self.expires


@dataclass
class Lifetime:
    """How long messages live from some entry on (§11)."""

    entry: int
    seconds: int  # 0: for ever
    after: int  # the newest message that was written without it, as far as its author knew


@dataclass
class Epoch:
    """What the log says of a room key (§7)."""

    n: int
    seq: int
    commit: bytes
    roster_hash: bytes
    prev: bytes
    backlink: bytes
    actor: bytes
    channel: bytes = MAIN


@dataclass(frozen=True)
class Standing:
    """What somebody of a role may do, and to whom (§6 rule 2): nobody does anything to whoever has no lower rank."""

    rank: int
    rights: frozenset[str]


NOBODY = Standing(0, frozenset())
EVERY_RIGHT = frozenset(codec.RIGHTS)
BUILT_IN = {
    MEMBER: Standing(10, frozenset({"POST", "INVITE"})),
    MODERATOR: Standing(50, EVERY_RIGHT - {"ROLE"}),
    OWNER: Standing(100, EVERY_RIGHT),
}


@dataclass
class Channel:
    """A channel of a space as the log has it."""

    kind: int
    n: int  # the epoch that its name is sealed under
    sealed: bytes
    members: set[bytes] = field(default_factory=set)  # of a private one
    epochs: list[Epoch] = field(default_factory=list)  # of a private one
    archived: bool = False
    due: bool = False  # of a private one: its key is to be changed


@dataclass(frozen=True)
class Moment:
    """Who might do what after some entry."""

    standings: dict[bytes, Standing]
    channels: dict[bytes, tuple[int, bool, frozenset[bytes]]]  # kind, archived, who is in it


# Entries that a reason may stand behind (§15).
ACCOUNTABLE = ("Remove", "Unban", "SetRole", "Redact", "TimeOut", "SetSlowMode")


class Room:
    """A verified room log. `person` gives anybody's verified user log."""

    def __init__(self, room_id: bytes, blobs: list[bytes], person: Callable[[bytes], Person]) -> None:
        self.room_id, self.person = room_id, person
        self.members: dict[bytes, Member] = {}
        self.former: dict[bytes, Former] = {}
        self.hashes: list[bytes] = []
        self.authors: list[dict[tuple[bytes, bytes], bytes]] = []  # after every entry: (person, device) → key
        self.moments: list[Moment] = []  # after every entry
        self.epochs: list[Epoch] = []
        self.cuts: list[tuple[int, Any]] = []  # entry that made it, cut
        self.revoked: dict[tuple[bytes, bytes], list[Any]] = {}  # (person, device) → cut
        self.invites: dict[bytes, Invite] = {}
        self.waiting: dict[bytes, int] = {}  # who asked to be let in → how far the room has seen their user log
        self.times: list[int] = []
        self.ttls: list[Lifetime] = []
        self.time_outs: dict[bytes, list[tuple[int, int]]] = {}  # person → entry, until when
        self.slow: list[tuple[int, bytes, int]] = []  # entry, channel, seconds
        self.custom: dict[int, Standing] = {}  # roles of a space
        self.role_names: dict[int, tuple[int, bytes]] = {}
        self.channels: dict[bytes, Channel] = {}
        self.order: tuple[int, bytes] | None = None
        self.done: tuple[int, bytes] | None = None  # the entry that a reason may be given for, and whose it is
        self.redacted: dict[bytes, bytes] = {}  # message → who took it away
        self.swept: list[tuple[bytes, bytes, list[bytes]]] = []  # who, what, and which edits of it
        self.pins: dict[bytes, list[bytes]] = {}  # by channel
        self.meta: tuple[int, bytes] | None = None
        self.closed = False
        must(bool(blobs), "6", "the log is empty")
        for seq, blob in enumerate(blobs):
            try:
                body, signature = codec.signed_blob(blob)
                signer = self.begin(body) if seq == 0 else self.extend(seq, body)
                verify("6", "its", signer, "room-log", body, signature)
            except DoesNotHold as error:
                raise error.inside(f"entry {seq} of the log") from error
            self.hashes.append(H("entry", body))
            self.moments.append(
                Moment(
                    {user: self.standing(m.role) or NOBODY for user, m in self.members.items()},
                    {id: (there.kind, there.archived, frozenset(there.members)) for id, there in self.channels.items()},
                )
            )
            self.authors.append({(user, dk_id): dk for user, m in self.members.items() for dk_id, dk in m.view.active().items()})

    def might_redact(self, user: bytes, log_seq: int) -> bool:
        """§8, polls: outside of direct messages, by the role that they had at that entry."""
        return self.kind != DIRECT and "REDACT" in self.rights_at(user, log_seq)

    def standing(self, role: int) -> Standing | None:
        """None for a role that there is not."""
        return BUILT_IN.get(role) or self.custom.get(role)

    def standing_of(self, user: bytes) -> Standing:
        return self.standing(self.members[user].role) or NOBODY

    def rights_at(self, user: bytes, seq: int) -> frozenset[str]:
        return self.moments[seq].standings.get(user, NOBODY).rights

    def writer(self, user: bytes, dk_id: bytes, channel: bytes, seq: int) -> bytes | None:
        """§15: the key of a device whose owner might write in a channel after that entry."""
        moment, rights = self.moments[seq], self.rights_at(user, seq)
        if self.kind != SPACE:
            may = channel == MAIN
        else:
            kind, archived, members = moment.channels.get(channel, (0, True, frozenset()))
            may = not archived and (kind != PRIVATE or user in members) and (kind != ANNOUNCEMENT or "META" in rights)
        return self.authors[seq].get((user, dk_id)) if may and "POST" in rights else None

    def has_channel(self, channel: bytes) -> bool:
        return channel in self.channels if self.kind == SPACE else channel == MAIN

    def reads(self, user: bytes, channel: bytes) -> bool:
        there = self.channels.get(channel)
        return self.has_channel(channel) and (there is None or there.kind != PRIVATE or user in there.members)

    def key_of(self, channel: bytes) -> bytes:
        """§7: whose keys a channel's messages are under: MAIN for the room's own."""
        there = self.channels.get(channel)
        return channel if there is not None and there.kind == PRIVATE else MAIN

    def epochs_of(self, key: bytes) -> list[Epoch]:
        if key == MAIN:
            return self.epochs
        there = self.channels.get(key)
        return there.epochs if there is not None else []

    def roster(self, key: bytes) -> bytes:
        """§7, hashed: to whom a key is wrapped."""
        there = None if key == MAIN else self.channels[key].members
        of = sorted((user, m.view) for user, m in self.members.items() if not m.view.closed and (there is None or user in there))
        return H("roster", b"".join(user + number(view.g, 4) + view.kk for user, view in of))

    def begin(self, body: bytes) -> bytes:
        """The genesis. Gives the key that must have signed it."""
        first = codec.room_genesis(body)
        must(H("room-id", body) == self.room_id, "4", "it is not what the room's id is the hash of")
        must(first.policy.suite == SUITE, "6", "an unknown suite")
        must(len(first.members) == (1 if first.kind == DIRECT else 0), "6", "the wrong number of people")
        self.kind, self.policy = first.kind, first.policy
        self.times.append(first.ts)
        for ref in [first.creator, *first.members]:
            must(ref.user_id not in self.members, "6", "somebody is named twice")
            self.members[ref.user_id] = Member(OWNER, ref.seq, self.point(ref))
            must(not self.members[ref.user_id].view.closed, "6", "somebody's account is closed")
        return self.signer(self.members[first.creator.user_id].view, first.creator_dk)

    def extend(self, seq: int, body: bytes) -> bytes:
        """Everything about an entry but its signature. Gives the key that must have signed it."""
        entry = codec.room_entry(body)
        must(entry.room_id == self.room_id, "6 rule 1", "it belongs to another room")
        must(entry.seq == seq, "6 rule 1", f"it says that it is number {entry.seq}")
        must(entry.prev == self.hashes[-1], "6 rule 1", "it does not build on the entry before it")
        must(not self.closed, "6", "the room was closed before")
        self.times.append(entry.ts)
        signer = self.follow(entry)
        if entry.body.kind not in ("Epoch", "ChannelEpoch"):
            self.done = (seq, entry.actor) if entry.body.kind in ACCOUNTABLE else None
        return signer

    def follow(self, entry: Any) -> bytes:
        if entry.body.kind == "Join":
            return self.signer(self.joins(entry, entry.body), entry.actor_dk)
        must(entry.actor in self.members, "6 rule 1", "its actor is not a member")
        actor, new = self.members[entry.actor], entry.body
        brings_own = new.kind == "UserUpdate" and new.member.user_id == entry.actor
        signer = self.signer(self.moved(new.member) if brings_own else actor.view, entry.actor_dk)
        own = self.standing(actor.role)
        must(own is not None, "6 rule 2", "its actor has a role that there is not")
        getattr(self, f"on_{new.kind}")(entry, own, new)
        return signer

    def signer(self, view: View, dk_id: bytes) -> bytes:
        key = view.active().get(dk_id)
        if key is None:
            raise DoesNotHold("6 rule 1", "its device is not active in the room's view of its owner")
        return key

    def point(self, ref: Any) -> View:
        """A person's keys at the place of their log that an entry names."""
        points = self.person(ref.user_id).points
        must(ref.seq < len(points) and points[ref.seq][0] == ref.head, "6 rule 1", "it names an entry that a user log does not have")
        view: View = points[ref.seq][1]
        return view

    def moved(self, ref: Any) -> View:
        """A view that goes on from the one the room has. On the same chain: both were looked up in one verified log."""
        member = self.members.get(ref.user_id)
        if member is None:
            raise DoesNotHold("6", "it speaks of somebody who is not a member")
        must(ref.seq > member.seq, "6 rule 1", "the room's view of somebody does not move forward")
        return self.point(ref)

    def may(self, own: Standing, right: str) -> None:
        must(right in own.rights, "6 rule 2", f"its actor may not {right}")

    def owns(self, actor: bytes) -> None:
        must(self.members[actor].role == OWNER, "6 rule 2", "its actor is no owner")

    def gives(self, own: Standing, new: int) -> bool:
        """Whether somebody who stands so may give that role."""
        there = self.standing(new)
        return there is not None and there.rank < own.rank and (new == MEMBER or there.rights <= own.rights)

    def brings(self, own: Standing, new: int) -> bool:
        """Whether they may bring people in with it: as members everybody who may at all."""
        return "INVITE" in own.rights and (new == MEMBER or self.gives(own, new))

    def outranks(self, own: Standing, user: bytes, what: str) -> None:
        must(self.standing_of(user).rank < own.rank, "6 rule 2", what)

    def changes_roster(self) -> None:
        must(self.kind != DIRECT, "6 rule 3", "the people of a direct message never change")

    def in_space(self) -> None:
        must(self.kind == SPACE, "15", "what there is in spaces alone")

    def is_newest(self, n: int, key: bytes = MAIN) -> None:
        must(0 < n == len(self.epochs_of(key)), "7", "it is not sealed under the newest room key")

    def newcomer(self, ref: Any) -> View:
        """The keys of somebody who may come in."""
        user = ref.user_id
        must(user not in self.members, "6", "it adds somebody who is there")
        must(len(self.members) < 2000, "7", "too many members")
        seen = self.waiting.get(user, 0)
        if user in self.former:
            must(not self.former[user].banned, "6", "it adds somebody who is banned")
            seen = max(seen, self.former[user].seq)
        must(ref.seq >= seen, "17", "somebody comes back with an older view")
        view = self.point(ref)
        must(not view.closed, "6", "it adds a closed account")
        return view

    def take_in(self, ref: Any, role: int, view: View) -> None:
        self.former.pop(ref.user_id, None)
        self.waiting.pop(ref.user_id, None)
        self.members[ref.user_id] = Member(role, ref.seq, view)

    def joins(self, entry: Any, new: Any) -> View:
        """§10: the one entry by somebody who is not a member. Gives the view that it brings."""
        self.changes_roster()
        must(new.member.user_id == entry.actor, "10", "it lets somebody else in")
        must(entry.actor not in self.waiting, "10", "it is by somebody who waits already")
        must(new.invite_id in self.invites, "10", "it names an invite that is not there")
        invite = self.invites[new.invite_id]
        must(invite.by in self.members and self.brings(self.standing_of(invite.by), invite.role), "10", "whoever made its invite may not bring people in any more")
        must(invite.is_open(entry.ts), "10", "its invite is over")
        view = self.newcomer(new.member)
        proof = self.room_id + new.invite_id + entry.actor + new.nonce
        verify("10", "its invite's", invite.key, "join", proof, new.inv_sig)
        invite.uses += 1
        if invite.mode == ON_APPROVAL:
            must(len(self.waiting) < 500, "15", "too many people wait")
            self.waiting[entry.actor] = new.member.seq
        else:
            self.take_in(new.member, invite.role, view)
        return view

    def keeps_owner(self, without: bytes) -> None:
        others = any(m.role == OWNER for user, m in self.members.items() if user != without)
        must(others or self.members[without].role != OWNER, "6 rule 4", "the last owner goes")

    def take_out(self, user: bytes, banned: bool, cut: list[Any]) -> None:
        rank = self.standing_of(user).rank
        member = self.members.pop(user)
        for channel in self.channels.values():
            if user in channel.members:
                channel.members.discard(user)
                channel.due = True
        self.former[user] = Former(banned, member.seq, cut, rank)

    def takes_cut(self, actor: bytes, seq: int, cut: list[Any]) -> None:
        named = {at.channel for at in cut}
        fits = len(named) == len(cut) and all(self.reads(actor, channel) for channel in named)
        must(fits, "6 rule 6", "its cut names a channel that is not there")
        self.cuts += [(seq, at) for at in cut]

    # One for each body of §15.

    def on_AddMember(self, entry: Any, own: Standing, new: Any) -> None:
        self.changes_roster()
        self.may(own, "INVITE")
        must(self.brings(own, new.role), "6 rule 2", "its actor gives a role that is not theirs to give")
        if new.member.user_id in self.waiting:
            self.may(own, "KICK")
        self.take_in(new.member, new.role, self.newcomer(new.member))

    def on_Leave(self, entry: Any, own: Standing, new: Any) -> None:
        self.changes_roster()
        if len(self.members) > 1:
            self.keeps_owner(entry.actor)
        self.take_out(entry.actor, False, [])

    def on_Remove(self, entry: Any, own: Standing, new: Any) -> None:
        self.changes_roster()
        self.may(own, "BAN" if new.ban else "KICK")
        if new.user_id in self.waiting:
            self.send_away(entry, new)
            return
        if new.user_id not in self.members:
            self.ban_former(own, new)
            return
        self.outranks(own, new.user_id, "its actor removes somebody of equal or higher rank")
        self.takes_cut(entry.actor, entry.seq, new.cut)
        self.take_out(new.user_id, bool(new.ban), new.cut)

    def ban_former(self, own: Standing, new: Any) -> None:
        """Somebody who left before they could be banned."""
        fits = new.ban and new.user_id in self.former and not self.former[new.user_id].banned
        must(fits, "6", "it removes somebody who is not there")
        former = self.former[new.user_id]
        must(former.rank < own.rank, "6 rule 2", "its actor removes somebody of equal or higher rank")
        must(not new.cut, "15", "it cuts what somebody wrote who is not there")
        former.banned = True

    def send_away(self, entry: Any, new: Any) -> None:
        """Somebody who waits is not let in. What they wrote when they were here before stays as it was."""
        self.takes_cut(entry.actor, entry.seq, new.cut)
        seen = self.waiting.pop(new.user_id)
        if new.user_id in self.former:
            former = self.former[new.user_id]
            former.banned, former.seq = bool(new.ban), seen
        elif new.ban:
            self.former[new.user_id] = Former(True, seen, [], 0)

    def on_Unban(self, entry: Any, own: Standing, new: Any) -> None:
        self.may(own, "BAN")
        must(new.user_id in self.former and self.former[new.user_id].banned, "6", "nobody is banned by that name")
        self.former[new.user_id].banned = False

    def on_SetRole(self, entry: Any, own: Standing, new: Any) -> None:
        self.changes_roster()
        self.may(own, "ROLE")
        must(new.user_id in self.members, "6", "it speaks of somebody who is not there")
        must(self.standing(new.role) is not None, "15", "a role that there is not")
        if new.user_id != entry.actor:
            self.outranks(own, new.user_id, "it takes somebody of equal rank down")
        is_owner = self.members[entry.actor].role == OWNER
        must(is_owner or self.gives(own, new.role), "6 rule 2", "its actor gives a role that is not theirs to give")
        if new.user_id == entry.actor and new.role != OWNER:
            self.keeps_owner(entry.actor)
        self.members[new.user_id].role = new.role

    def on_SetPolicy(self, entry: Any, own: Standing, new: Any) -> None:
        self.owns(entry.actor)
        must(new.policy.suite == SUITE, "6 rule 5", "a weaker or unknown suite")
        self.policy = new.policy

    def on_SetMeta(self, entry: Any, own: Standing, new: Any) -> None:
        must(self.kind != DIRECT, "6 rule 3", "a direct message has no name")
        self.may(own, "META")
        self.is_newest(new.n)
        self.meta = (new.n, new.sealed)

    def on_Epoch(self, entry: Any, own: Standing, new: Any) -> None:
        self.may(own, "POST")
        self.takes_epoch(entry, new, MAIN)

    def takes_epoch(self, entry: Any, new: Any, key: bytes) -> None:
        epochs = self.epochs_of(key)
        must(new.n == len(epochs) + 1, "7", f"epoch {new.n} does not follow {len(epochs)}")
        must(new.suite == self.policy.suite, "7", "another suite than the policy's")
        must(new.roster_hash == self.roster(key), "7", "the room key was made for other people than the members")
        must(
            bool(new.backlink) == (new.n > 1 and self.policy.history == SHARED),
            "7",
            "a backlink where none belongs, or none where one does",
        )
        epochs.append(Epoch(new.n, entry.seq, new.commit, new.roster_hash, entry.prev, new.backlink, entry.actor, key))

    def on_UserUpdate(self, entry: Any, own: Standing, new: Any) -> None:
        view, member = self.moved(new.member), self.members[new.member.user_id]
        revoked = view.revocations > member.view.revocations or (view.closed and not member.view.closed)
        must(revoked or not new.cut, "6 rule 6", "a cut without a device that was revoked")
        ranks = own.rank > self.standing_of(new.member.user_id).rank and "KICK" in own.rights
        may_cut = new.member.user_id == entry.actor or ranks
        must(may_cut or not new.cut, "6 rule 6", "a cut by somebody who may not make it")
        self.takes_cut(entry.actor, entry.seq, new.cut)
        if new.cut:
            gone = member.view.devices.keys() - view.active().keys()
            self.revoked |= {(new.member.user_id, dk_id): new.cut for dk_id in gone}
        if revoked or view.g != member.view.g or view.ik != member.view.ik:
            for channel in self.channels.values():
                channel.due |= new.member.user_id in channel.members
        member.seq, member.view = new.member.seq, view

    def on_Close(self, entry: Any, own: Standing, new: Any) -> None:
        self.owns(entry.actor)
        self.closed = True

    def on_CreateInvite(self, entry: Any, own: Standing, new: Any) -> None:
        self.changes_roster()
        self.may(own, "INVITE")
        must(self.brings(own, new.role), "6 rule 2", "its actor gives a role that is not theirs to give")
        must(H("invite-id", new.inv_pk)[:16] == new.invite_id, "10", "the invite's id is not that of its key")
        must(new.invite_id not in self.invites, "10", "the invite was there before")
        must(new.max_uses > 0 and entry.ts <= new.expires, "15", "the invite lets nobody in")
        must(sum(invite.is_open(entry.ts) for invite in self.invites.values()) < 256, "10", "too many open invites")
        self.invites[new.invite_id] = Invite(new.inv_pk, new.role, new.mode, new.max_uses, new.expires, entry.actor)

    def on_RevokeInvite(self, entry: Any, own: Standing, new: Any) -> None:
        must(new.invite_id in self.invites, "10", "it names an invite that is not there")
        invite = self.invites[new.invite_id]
        if invite.by != entry.actor:
            self.may(own, "KICK")
        must(not invite.revoked, "10", "the invite was taken back before")
        invite.revoked = True

    def on_Redact(self, entry: Any, own: Standing, new: Any) -> None:
        must(self.kind != DIRECT, "8", "in a direct message everybody deletes their own")
        self.may(own, "REDACT")
        self.redacted.setdefault(new.target, entry.actor)
        self.swept.append((entry.actor, new.target, list(new.edits)))

    def on_SetTtl(self, entry: Any, own: Standing, new: Any) -> None:
        must(self.kind != SPACE, "15", "a space has no lifetime")
        self.may(own, "ROLE")
        must(new.seconds == 0 or 30 <= new.seconds <= 366 * 86_400, "11", "a lifetime that is none")
        self.ttls.append(Lifetime(entry.seq, new.seconds, new.after))

    def on_TimeOut(self, entry: Any, own: Standing, new: Any) -> None:
        self.changes_roster()
        self.may(own, "KICK")
        if new.user_id in self.members:
            self.outranks(own, new.user_id, "it is about somebody of equal or higher rank")
        else:
            must(new.until == 0, "15", "it keeps somebody from writing who is not there")
        held = self.time_outs.setdefault(new.user_id, [])
        if new.until == 0:
            must(bool(held) and held[-1][1] > 0, "15", "it lifts a time-out that is not there")
        else:
            must(entry.ts < new.until <= entry.ts + 28 * 86_400_000, "15", "a time-out that ends too early or too late")
        held.append((entry.seq, new.until))

    def on_SetSlowMode(self, entry: Any, own: Standing, new: Any) -> None:
        self.changes_roster()
        must(bool(own.rights & {"META", "CHANNEL"}), "6 rule 2", "its actor may not META")
        must(self.has_channel(new.channel), "15", "it slows a channel down that is not there")
        must(new.seconds == 0 or 5 <= new.seconds <= 21_600, "15", "a time between texts that is none")
        self.slow.append((entry.seq, new.channel, new.seconds))

    def on_Reason(self, entry: Any, own: Standing, new: Any) -> None:
        self.changes_roster()
        must(self.done == (new.of, entry.actor), "15", "it gives a reason for what is not right before it, or not its actor's")
        must(len(self.epochs) == new.n, "7", "it is not sealed under the newest room key")

    def on_Pin(self, entry: Any, own: Standing, new: Any) -> None:
        self.may(own, "PIN")
        must(self.reads(entry.actor, new.channel), "15", "it names a channel that is not there, or not its actor's to read")
        pins = self.pins.setdefault(new.channel, [])
        must(new.on == (new.target not in pins), "15", "the message is pinned already, or is not")
        if new.on:
            must(len(pins) < 50, "15", "too many messages are pinned")
            pins.append(new.target)
        else:
            pins.remove(new.target)

    # Of spaces alone.

    def on_DefineRole(self, entry: Any, own: Standing, new: Any) -> None:
        self.in_space()
        self.may(own, "ROLE")
        before = self.custom.get(new.role)
        must(before is not None or len(self.custom) < 64, "15", "too many roles")
        must(0 < new.rank < min(own.rank, 100) and (before is None or before.rank < own.rank), "15", "a role of equal or higher rank")
        must(new.rights - (before.rights if before else set()) <= own.rights, "15", "it gives a right that its actor lacks")
        self.is_newest(new.n)
        self.custom[new.role] = Standing(new.rank, new.rights)
        self.role_names[new.role] = (new.n, new.sealed)

    def on_DropRole(self, entry: Any, own: Standing, new: Any) -> None:
        self.in_space()
        self.may(own, "ROLE")
        must(new.role in self.custom, "15", "a role that there is not")
        must(self.custom[new.role].rank < own.rank, "15", "a role of equal or higher rank")
        must(all(member.role != new.role for member in self.members.values()), "15", "a role that somebody has")
        for invite in self.invites.values():
            invite.revoked |= invite.role == new.role
        del self.custom[new.role], self.role_names[new.role]

    def on_CreateChannel(self, entry: Any, own: Standing, new: Any) -> None:
        self.in_space()
        self.may(own, "CHANNEL")
        must(new.channel != MAIN and new.channel not in self.channels, "15", "the channel was there before")
        must(len(self.channels) < 500, "15", "too many channels")
        channel = Channel(new.of, new.n, new.sealed, set(new.members))
        if new.of == PRIVATE:
            must(new.n == 1, "7", "its name is not under its own first key")
            fits = len(channel.members) == len(new.members) and channel.members <= self.members.keys() and entry.actor in channel.members
            must(fits, "15", "somebody is in it who is not there, or twice, or its maker is not")
            channel.due = True
        else:
            self.is_newest(new.n)
            must(not new.members, "15", "people are named where everybody reads")
        self.channels[new.channel] = channel

    def changeable(self, entry: Any, channel: bytes) -> Channel:
        must(channel in self.channels, "15", "a channel that is not there")
        must(self.reads(entry.actor, channel), "15", "its actor is not in that channel")
        return self.channels[channel]

    def on_UpdateChannel(self, entry: Any, own: Standing, new: Any) -> None:
        self.in_space()
        channel = self.changeable(entry, new.channel)
        self.may(own, "CHANNEL")
        self.is_newest(new.n, self.key_of(new.channel))
        must(not channel.due, "15", "it is sealed under a key that somebody has who left the channel")
        channel.n, channel.sealed, channel.archived = new.n, new.sealed, bool(new.archived)

    def on_ChannelMembers(self, entry: Any, own: Standing, new: Any) -> None:
        self.in_space()
        channel = self.changeable(entry, new.channel)
        if new.add or new.remove != [entry.actor]:
            self.may(own, "CHANNEL")
        must(channel.kind == PRIVATE, "15", "everybody reads that channel")
        add, remove = set(new.add), set(new.remove)
        once = len(add) == len(new.add) and len(remove) == len(new.remove) and bool(add or remove)
        fits = add <= self.members.keys() and not add & channel.members and remove <= channel.members
        must(once and fits, "15", "it adds or removes somebody who is there or not, or twice")
        for user in remove - {entry.actor}:
            self.outranks(own, user, "it takes somebody of equal or higher rank out of a channel")
        channel.members = channel.members - remove | add
        channel.due |= bool(remove) or (bool(add) and self.policy.history == JOINED)

    def on_ChannelEpoch(self, entry: Any, own: Standing, new: Any) -> None:
        self.in_space()
        self.may(own, "POST")
        channel = self.changeable(entry, new.channel)
        must(channel.kind == PRIVATE, "7", "a key for a channel that has none of its own")
        must(channel.due, "15", "a new key of that channel is not due")
        self.takes_epoch(entry, new, new.channel)
        channel.due = False

    def on_ArrangeChannels(self, entry: Any, own: Standing, new: Any) -> None:
        self.in_space()
        self.may(own, "CHANNEL")
        self.is_newest(new.n)
        self.order = (new.n, new.sealed)

    # What the log says of messages.

    def timed_out(self, user: bytes, known: int, at: int) -> bool:
        """§15: whether what somebody wrote then was written in the newest time-out that was known."""
        held = [until for entry, until in self.time_outs.get(user, []) if entry <= known]
        return bool(held) and at < held[-1]

    def slowed(self, user: bytes, channel: bytes, seq: int) -> int:
        """§15: seconds between two texts of one person, as the log stands at this entry."""
        if self.rights_at(user, seq) & {"KICK", "CHANNEL"}:
            return 0
        held = [seconds for entry, where, seconds in self.slow if where == channel and entry <= seq]
        return held[-1] if held else 0

    def ttl_at(self, seq: int) -> int | None:
        """§11: how many seconds a message may live whose author knew the log up to this entry."""
        held = [lifetime.seconds for lifetime in self.ttls if lifetime.entry <= seq]
        return held[-1] if held and held[-1] else None

    def clamped(self, ts: int, now: int) -> int:
        """§8: no time is later than our clock, nor earlier than the room."""
        return min(max(ts, self.times[0]), now)

    def had_its_time(self, seq: int, before: int, now: int) -> bool:
        """§8: whether the relay may have let go of this message because its time was over. `before` is when the readable
        message before it was said."""
        for lifetime, after in zip(self.ttls, [*self.ttls[1:], None]):
            held = lifetime.after < seq and (after is None or seq <= after.after + LATE)
            begins = max(self.clamped(self.times[lifetime.entry], now), before)
            if lifetime.seconds and held and begins + 1000 * lifetime.seconds <= now:
                return True
        return False

    def is_cut_off(self, user: bytes, dk_id: bytes, channel: bytes, seq: int) -> bool:
        """§6 rule 6: whether this message is void, since its author was removed or the device revoked by who had seen less."""
        former = self.former.get(user)
        cuts = [*(former.cut if former else []), *self.revoked.get((user, dk_id), [])]
        return any(cut.channel == channel and seq > cut.seq for cut in cuts)
