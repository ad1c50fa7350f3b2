"""The two signed logs: a person's keys (protocol §5) and a room's members and keys (§6, §7), verified from their genesis."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import codec
from codec import DIRECT, GROUP, MEMBER, MODERATOR, ON_APPROVAL, OWNER, SHARED, DoesNotHold, must
from crypto import H, key_id, number, verify

SUITE = 1
MAIN = bytes(16)  # the only channel of version 1
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


# What a role may do (§6 rule 2); owners may do everything.
RIGHTS = {MEMBER: {"POST", "INVITE"}, MODERATOR: {"POST", "INVITE", "KICK", "BAN", "META", "REDACT", "PIN", "CALL"}}


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
        self.keepers: list[set[bytes]] = []  # after every entry: who may take away what others wrote
        self.epochs: list[Epoch] = []
        self.cuts: list[tuple[int, Any]] = []  # entry that made it, cut
        self.revoked: dict[tuple[bytes, bytes], list[Any]] = {}  # (person, device) → cut
        self.invites: dict[bytes, Invite] = {}
        self.waiting: dict[bytes, int] = {}  # who asked to be let in → how far the room has seen their user log
        self.times: list[int] = []
        self.ttls: list[Lifetime] = []
        self.time_outs: dict[bytes, list[tuple[int, int]]] = {}  # person → entry, until when
        self.slow: list[tuple[int, bytes, int]] = []  # entry, channel, seconds
        self.roles: dict[bytes, list[tuple[int, int]]] = {}  # person → entry from which they have this role
        self.done: tuple[int, bytes] | None = None  # the entry that a reason may be given for, and whose it is
        self.redacted: dict[bytes, bytes] = {}  # message → who took it away
        self.swept: list[tuple[bytes, bytes, list[bytes]]] = []  # who, what, and which edits of it
        self.pins: list[bytes] = []
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
            self.keepers.append({user for user, m in self.members.items() if m.role == OWNER or "REDACT" in RIGHTS.get(m.role, set())})
            self.authors.append({(user, dk_id): dk for user, m in self.members.items() for dk_id, dk in m.view.active().items()})

    def might_redact(self, user: bytes, log_seq: int) -> bool:
        """§8, polls: outside of direct messages, by the role that they had at that entry."""
        return self.kind != DIRECT and user in self.keepers[log_seq]

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
            self.roles[ref.user_id] = [(0, OWNER)]
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
        if entry.body.kind != "Epoch":
            self.done = (seq, entry.actor) if entry.body.kind in ACCOUNTABLE else None
        for user, member in self.members.items():
            if user not in self.roles or self.roles[user][-1][1] != member.role:
                self.roles.setdefault(user, []).append((seq, member.role))
        return signer

    def follow(self, entry: Any) -> bytes:
        if entry.body.kind == "Join":
            return self.signer(self.joins(entry, entry.body), entry.actor_dk)
        must(entry.actor in self.members, "6 rule 1", "its actor is not a member")
        actor, new = self.members[entry.actor], entry.body
        brings_own = new.kind == "UserUpdate" and new.member.user_id == entry.actor
        signer = self.signer(self.moved(new.member) if brings_own else actor.view, entry.actor_dk)
        getattr(self, f"on_{new.kind}")(entry, actor.role, new)
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

    def may(self, role: int, right: str) -> None:
        must(role == OWNER or right in RIGHTS[role], "6 rule 2", f"its actor may not {right}")

    def gives(self, role: int, new: int) -> bool:
        """Whether somebody of this role may bring people in with that one. Everybody has INVITE."""
        return new == MEMBER or new < role

    def changes_roster(self) -> None:
        must(self.kind == GROUP, "6 rule 3", "the people of a direct message never change")

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
        maker = self.members.get(invite.by)
        must(maker is not None and self.gives(maker.role, invite.role), "10", "whoever made its invite may not bring people in any more")
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
        member = self.members.pop(user)
        self.former[user] = Former(banned, member.seq, cut)

    def takes_cut(self, seq: int, cut: list[Any]) -> None:
        must(len(cut) <= 1 and all(at.channel == MAIN for at in cut), "6 rule 6", "its cut names a channel that is not there")
        self.cuts += [(seq, at) for at in cut]

    # One for each body of §15.

    def on_AddMember(self, entry: Any, role: int, new: Any) -> None:
        self.changes_roster()
        self.may(role, "INVITE")
        must(self.gives(role, new.role), "6 rule 2", "its actor gives a role that is not theirs to give")
        if new.member.user_id in self.waiting:
            self.may(role, "KICK")
        self.take_in(new.member, new.role, self.newcomer(new.member))

    def on_Leave(self, entry: Any, role: int, new: Any) -> None:
        self.changes_roster()
        if len(self.members) > 1:
            self.keeps_owner(entry.actor)
        self.take_out(entry.actor, False, [])

    def on_Remove(self, entry: Any, role: int, new: Any) -> None:
        self.changes_roster()
        self.may(role, "BAN" if new.ban else "KICK")
        if new.user_id in self.waiting:
            self.send_away(entry.seq, new)
            return
        must(new.user_id in self.members, "6", "it removes somebody who is not there")
        must(self.members[new.user_id].role < role, "6 rule 2", "its actor removes somebody of equal or higher rank")
        self.takes_cut(entry.seq, new.cut)
        self.take_out(new.user_id, bool(new.ban), new.cut)

    def send_away(self, seq: int, new: Any) -> None:
        """Somebody who waits is not let in. What they wrote when they were here before stays as it was."""
        self.takes_cut(seq, new.cut)
        seen = self.waiting.pop(new.user_id)
        if new.user_id in self.former:
            former = self.former[new.user_id]
            former.banned, former.seq = bool(new.ban), seen
        elif new.ban:
            self.former[new.user_id] = Former(True, seen, [])

    def on_Unban(self, entry: Any, role: int, new: Any) -> None:
        self.may(role, "BAN")
        must(new.user_id in self.former and self.former[new.user_id].banned, "6", "nobody is banned by that name")
        self.former[new.user_id].banned = False

    def on_SetRole(self, entry: Any, role: int, new: Any) -> None:
        self.changes_roster()
        self.may(role, "ROLE")
        must(new.user_id in self.members, "6", "it speaks of somebody who is not there")
        if new.user_id != entry.actor:
            must(self.members[new.user_id].role < role, "6 rule 2", "it takes somebody of equal rank down")
        elif new.role != OWNER:
            self.keeps_owner(entry.actor)
        self.members[new.user_id].role = new.role

    def on_SetPolicy(self, entry: Any, role: int, new: Any) -> None:
        self.may(role, "ROLE")
        must(new.policy.suite == SUITE, "6 rule 5", "a weaker or unknown suite")
        self.policy = new.policy

    def on_SetMeta(self, entry: Any, role: int, new: Any) -> None:
        must(self.kind == GROUP, "6 rule 3", "a direct message has no name")
        self.may(role, "META")
        must(bool(self.epochs) and new.n == self.epochs[-1].n, "7", "it is not sealed under the newest room key")
        self.meta = (new.n, new.sealed)

    def on_Epoch(self, entry: Any, role: int, new: Any) -> None:
        self.may(role, "POST")
        roster = b"".join(user + number(m.view.g, 4) + m.view.kk for user, m in sorted(self.members.items()) if not m.view.closed)
        must(new.n == len(self.epochs) + 1, "7", f"epoch {new.n} does not follow {len(self.epochs)}")
        must(new.suite == self.policy.suite, "7", "another suite than the policy's")
        must(new.roster_hash == H("roster", roster), "7", "the room key was made for other people than the members")
        must(
            bool(new.backlink) == (new.n > 1 and self.policy.history == SHARED),
            "7",
            "a backlink where none belongs, or none where one does",
        )
        self.epochs.append(Epoch(new.n, entry.seq, new.commit, new.roster_hash, entry.prev, new.backlink, entry.actor))

    def on_UserUpdate(self, entry: Any, role: int, new: Any) -> None:
        view, member = self.moved(new.member), self.members[new.member.user_id]
        revoked = view.revocations > member.view.revocations or (view.closed and not member.view.closed)
        must(revoked or not new.cut, "6 rule 6", "a cut without a device that was revoked")
        ranks = role > member.role and (role == OWNER or "KICK" in RIGHTS[role])
        may_cut = new.member.user_id == entry.actor or ranks
        must(may_cut or not new.cut, "6 rule 6", "a cut by somebody who may not make it")
        self.takes_cut(entry.seq, new.cut)
        if new.cut:
            gone = member.view.devices.keys() - view.active().keys()
            self.revoked |= {(new.member.user_id, dk_id): new.cut for dk_id in gone}
        member.seq, member.view = new.member.seq, view

    def on_Close(self, entry: Any, role: int, new: Any) -> None:
        self.may(role, "ROLE")
        self.closed = True

    def on_CreateInvite(self, entry: Any, role: int, new: Any) -> None:
        self.changes_roster()
        self.may(role, "INVITE")
        must(self.gives(role, new.role), "6 rule 2", "its actor gives a role that is not theirs to give")
        must(H("invite-id", new.inv_pk)[:16] == new.invite_id, "10", "the invite's id is not that of its key")
        must(new.invite_id not in self.invites, "10", "the invite was there before")
        must(sum(invite.is_open(entry.ts) for invite in self.invites.values()) < 256, "10", "too many open invites")
        self.invites[new.invite_id] = Invite(new.inv_pk, new.role, new.mode, new.max_uses, new.expires, entry.actor)

    def on_RevokeInvite(self, entry: Any, role: int, new: Any) -> None:
        must(new.invite_id in self.invites, "10", "it names an invite that is not there")
        invite = self.invites[new.invite_id]
        if invite.by != entry.actor:
            self.may(role, "KICK")
        must(not invite.revoked, "10", "the invite was taken back before")
        invite.revoked = True

    def on_Redact(self, entry: Any, role: int, new: Any) -> None:
        must(self.kind == GROUP, "8", "in a direct message everybody deletes their own")
        self.may(role, "REDACT")
        self.redacted.setdefault(new.target, entry.actor)
        self.swept.append((entry.actor, new.target, list(new.edits)))

    def on_SetTtl(self, entry: Any, role: int, new: Any) -> None:
        self.may(role, "ROLE")
        must(new.seconds == 0 or 30 <= new.seconds <= 366 * 86_400, "11", "a lifetime that is none")
        self.ttls.append(Lifetime(entry.seq, new.seconds, new.after))

    def on_TimeOut(self, entry: Any, role: int, new: Any) -> None:
        self.changes_roster()
        self.may(role, "KICK")
        if new.user_id in self.members:
            must(self.members[new.user_id].role < role, "6 rule 2", "it is about somebody of equal or higher rank")
        else:
            must(new.until == 0, "15", "it keeps somebody from writing who is not there")
        held = self.time_outs.setdefault(new.user_id, [])
        if new.until == 0:
            must(bool(held) and held[-1][1] > 0, "15", "it lifts a time-out that is not there")
        else:
            must(entry.ts < new.until <= entry.ts + 28 * 86_400_000, "15", "a time-out that ends too early or too late")
        held.append((entry.seq, new.until))

    def on_SetSlowMode(self, entry: Any, role: int, new: Any) -> None:
        self.changes_roster()
        self.may(role, "META")
        must(new.channel == MAIN, "15", "it slows a channel down that is not there")
        must(new.seconds == 0 or 5 <= new.seconds <= 21_600, "15", "a time between texts that is none")
        self.slow.append((entry.seq, new.channel, new.seconds))

    def on_Reason(self, entry: Any, role: int, new: Any) -> None:
        self.changes_roster()
        must(self.done == (new.of, entry.actor), "15", "it gives a reason for what is not right before it, or not its actor's")
        must(len(self.epochs) == new.n, "7", "it is not sealed under the newest room key")
    def on_Pin(self, entry: Any, role: int, new: Any) -> None:
        self.may(role, "PIN")
        must(new.channel == MAIN, "15", "it names a channel that is not there")
        must(new.on == (new.target not in self.pins), "15", "the message is pinned already, or is not")
        if new.on:
            must(len(self.pins) < 50, "15", "too many messages are pinned")
            self.pins.append(new.target)
        else:
            self.pins.remove(new.target)

    # What the log says of messages.

    def timed_out(self, user: bytes, known: int, at: int) -> bool:
        """§15: whether what somebody wrote then was written in the newest time-out that was known."""
        held = [until for entry, until in self.time_outs.get(user, []) if entry <= known]
        return bool(held) and at < held[-1]

    def slowed(self, user: bytes, channel: bytes, seq: int) -> int:
        """§15: seconds between two texts of one person, as the log stands at this entry."""
        role = [role for entry, role in self.roles.get(user, []) if entry <= seq]
        if role and (role[-1] == OWNER or "KICK" in RIGHTS[role[-1]]):
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

    def is_cut_off(self, user: bytes, dk_id: bytes, seq: int) -> bool:
        """§6 rule 6: whether this message is void, since its author was removed or the device revoked by who had seen less."""
        former = self.former.get(user)
        cuts = [*(former.cut if former else []), *self.revoked.get((user, dk_id), [])]
        return any(seq > cut.seq for cut in cuts)
