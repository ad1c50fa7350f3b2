"""The two signed logs: a person's keys (protocol §5) and a room's members and keys (§6, §7), verified from their genesis."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import codec
from codec import DIRECT, GROUP, MEMBER, MODERATOR, OWNER, SHARED, DoesNotHold, must
from crypto import H, key_id, number, verify

SUITE = 1
MAIN = bytes(16)  # the only channel of version 1


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
            if new.dk_id is not None:
                must(new.dk_id in view.active(), "5", "its device is not active")
                signer = view.devices[new.dk_id]
            must(new.rev > view.vault_rev, "5", "it names an older vault")
            view = replace(view, vault_rev=new.rev)
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
RIGHTS = {MEMBER: {"POST", "INVITE"}, MODERATOR: {"POST", "INVITE", "KICK", "BAN", "META"}}


class Room:
    """A verified room log. `person` gives anybody's verified user log."""

    def __init__(self, room_id: bytes, blobs: list[bytes], person: Callable[[bytes], Person]) -> None:
        self.room_id, self.person = room_id, person
        self.members: dict[bytes, Member] = {}
        self.former: dict[bytes, Former] = {}
        self.hashes: list[bytes] = []
        self.authors: list[dict[tuple[bytes, bytes], bytes]] = []  # after every entry: (person, device) → key
        self.epochs: list[Epoch] = []
        self.cuts: list[tuple[int, Any]] = []  # entry that made it, cut
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
            self.authors.append({(user, dk_id): dk for user, m in self.members.items() for dk_id, dk in m.view.active().items()})

    def begin(self, body: bytes) -> bytes:
        """The genesis. Gives the key that must have signed it."""
        first = codec.room_genesis(body)
        must(H("room-id", body) == self.room_id, "4", "it is not what the room's id is the hash of")
        must(first.policy.suite == SUITE, "6", "an unknown suite")
        must(len(first.members) == (1 if first.kind == DIRECT else 0), "6", "the wrong number of people")
        self.kind, self.policy = first.kind, first.policy
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

    def changes_roster(self) -> None:
        must(self.kind == GROUP, "6 rule 3", "the people of a direct message never change")

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
        user = new.member.user_id
        must(new.role == MEMBER or new.role < role, "6 rule 2", "its actor gives a role that is not theirs to give")
        must(user not in self.members, "6", "it adds somebody who is there")
        must(len(self.members) < 2000, "7", "too many members")
        if user in self.former:
            before = self.former.pop(user)
            must(not before.banned, "6", "it adds somebody who is banned")
            must(new.member.seq >= before.seq, "17", "somebody comes back with an older view")
        view = self.point(new.member)
        must(not view.closed, "6", "it adds a closed account")
        self.members[user] = Member(new.role, new.member.seq, view)

    def on_Leave(self, entry: Any, role: int, new: Any) -> None:
        self.changes_roster()
        if len(self.members) > 1:
            self.keeps_owner(entry.actor)
        self.take_out(entry.actor, False, [])

    def on_Remove(self, entry: Any, role: int, new: Any) -> None:
        self.changes_roster()
        self.may(role, "BAN" if new.ban else "KICK")
        must(new.user_id in self.members, "6", "it removes somebody who is not there")
        must(self.members[new.user_id].role < role, "6 rule 2", "its actor removes somebody of equal or higher rank")
        self.takes_cut(entry.seq, new.cut)
        self.take_out(new.user_id, bool(new.ban), new.cut)

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
        roster = b"".join(user + number(m.view.g, 4) + m.view.kk for user, m in sorted(self.members.items()))
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
        self.takes_cut(entry.seq, new.cut)
        member.seq, member.view = new.member.seq, view

    def on_Close(self, entry: Any, role: int, new: Any) -> None:
        self.may(role, "ROLE")
        self.closed = True
