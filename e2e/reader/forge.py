"""What a host can try with its answers, alone and together with a member who signs for it: stands between the reader and a
real relay, changes what comes back, and prints for each try what the reader says of it. Every check of the reader is
there for one of these. The exit status is 1 if the reader believes what it should not, or doubts what is within the rules.

    forge.py URL OWNER MEMBER < their passwords, a line each

They have a direct message, and a group that somebody was removed from after two people had said something.
"""

from __future__ import annotations

import copy
import os
import re
import sys
import time
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from codec import DoesNotHold
from crypto import CURVE, H, HPKE, KDF, key_id, label, lp, number, point, seal, sha256, sign
from letter import device_id, hash_of, letter, now, ref
from logs import MAIN, Person
from reader import Reader, Relay, b64, unb64

Lie = Callable[[str, Any, Any], None]


verdicts: list[bool] = []


class Host(Relay):
    """The real relay, and what is done to its answers."""

    lies: tuple[Lie, ...] = ()

    def __init__(self, url: str) -> None:
        super().__init__(url)
        # What the real relay does not have: by path, and the room's or person's id.
        self.made_up: dict[tuple[str, str], Any] = {}

    def ask(self, path: str, **body: Any) -> Any:
        made_up = self.made_up.get((path, body.get("room_id") or next((user["user_id"] for user in body.get("users", [])), "")))
        answer = copy.deepcopy(made_up) if made_up else super().ask(path, **body)
        for lie in self.lies:
            lie(path, body, answer)
        return answer


# ---- Things that are rightly signed -----------------------------------------------------------------------------------


def entries(*steps: tuple[Any, ...]) -> list[bytes]:
    """Entries behind the end of the log: who signs, the body, and fields that are to be wrong."""
    blobs, hashes = [], list(room.hashes)
    for by, body, *wrong in steps:
        right = {
            "room": room.room_id,
            "seq": number(len(hashes), 8),
            "prev": hashes[-1],
            "ts": now(),
            "actor": by.me.user_id,
            "dk": device_id(by),
        }
        encoded = b"\x02\x02\x01" + b"".join((right | dict(*wrong)).values()) + body
        blobs.append(lp(encoded) + sign(by.device, "room-log", encoded))
        hashes.append(H("entry", encoded))
    return blobs


def message(by: Reader, text: str, hashes: list[bytes], **wrong: bytes) -> tuple[bytes, bytes]:
    """The newest room key, log and transcript of the stage, and a lane of its own."""
    seen = len(transcript) - 1
    right = {
        "log": number(len(hashes) - 1, 8) + hashes[-1],
        "seen": number(seen, 8) + transcript[seen],
        "body": b"\1" + lp(text.encode()),
    }
    return letter(by, room.room_id, len(room.epochs), keys[len(room.epochs)], **(right | wrong))


def own_entries(by: Reader, *steps: tuple[Any, ...]) -> list[bytes]:
    """The same for a user log, signed by the identity key."""
    blobs, head, seq = [], by.me.points[-1][0], len(by.me.points)
    for body, *wrong in steps:
        fields = {"user": by.me.user_id, "seq": number(seq, 8), "prev": head, "ts": now()} | dict(*wrong)
        encoded = b"\x01\x02\x01" + b"".join(fields.values()) + body
        blobs.append(lp(encoded) + sign(by.vault.ik, "user-log", encoded))
        head, seq = H("user-entry", encoded), seq + 1
    return blobs


def own(by: Reader, *steps: tuple[Any, ...], blobs: list[bytes] | None = None) -> Lie:
    """Somebody's user log goes on with these."""
    more = [b64(blob) for blob in (blobs or own_entries(by, *steps))]

    def lie(path: str, body: Any, answer: Any) -> None:
        for log in answer["logs"] if path == "users/logs" else [answer["log"]] if path == "sign-in/prove" else []:
            if unb64(log["user_id"]) == by.me.user_id:
                log["entries"] += more

    return lie


def add_device(by: Reader, key: ec.EllipticCurvePrivateKey | None = None) -> bytes:
    key = key or ec.generate_private_key(CURVE)
    return b"\1" + point(key) + sign(key, "device-pop", by.me.user_id + point(key)) + lp(b"")


# ---- Lies -------------------------------------------------------------------------------------------------------------


def changes(at: str, change: Callable[[Any], Any]) -> Lie:
    """Whatever `change` does to the answers of one endpoint."""

    def lie(path: str, body: Any, answer: Any) -> None:
        if path == at and body.get("room_id", b64(room.room_id)) == b64(room.room_id):
            change(answer)

    return lie


def log(blobs: list[bytes]) -> list[Lie]:
    """The log goes on with these, and the relay says so everywhere."""

    def longer(answer: Any) -> None:
        answer["entries"] += [b64(blob) for blob in blobs]
        answer["seq"] += len(blobs)

    def announced(answer: Any) -> None:
        answer["seq"] += len(blobs)
        answer["head"] = b64(H("entry", blobs[-1][4:-64]))

    return [changes("rooms/log", longer), changes("stands", announced)]


def said(*messages: tuple[bytes, bytes]) -> Lie:
    """The channel goes on with these."""

    def longer(answer: Any) -> None:
        seq, t = answer["head"]["seq"], unb64(answer["head"]["t"])
        for header, envelope in messages:
            seq += 1
            t = H("t", t + number(seq, 8) + H("env", header + envelope))
            answer["messages"].append({"seq": seq, "header": b64(header), "envelope": b64(envelope)})
        answer["head"] |= {"seq": seq, "t": b64(t)}

    return changes("messages/page", longer)


def new_room(by: Reader, kind: int, people: list[bytes], suite: int = 1, named: bytes = b"") -> Lie:
    """In the place of the group: a room that has only a beginning."""
    body = (
        b"\x02\x01\x01"
        + bytes([kind])
        + ref(by.me)
        + device_id(by)
        + number(len(people), 2)
        + b"".join(people)
        + number(suite, 2)
        + b"\1"
        + now()
        + bytes(16)
    )
    room_id, blob = named or H("room-id", body), lp(body) + sign(by.device, "room-log", body)
    start = {"channel": b64(MAIN), "seq": 0, "t": b64(H("t0", room_id + MAIN))}

    def lie(path: str, asked: Any, answer: Any) -> None:
        if path == "stands":
            answer |= {"room_id": b64(room_id), "seq": 0, "head": b64(H("entry", body)), "channels": [start]}
            page = {"before": start, "messages": [], "head": start}
            answers = {"rooms/log": {"entries": [b64(blob)], "seq": 0}, "rooms/wraps": {"wraps": []}, "messages/page": page}
            host.made_up |= {(at, b64(room_id)): answer for at, answer in answers.items()}

    return lie


def judge(what: str, expected: str, verdict: str) -> None:
    """A line for each try. The places where a log stands may differ from run to run."""
    held = re.sub(r"^((entry|message) \d+[^:]*: )+", "", verdict)
    verdicts.append(held.startswith(expected))
    print(f"{'as it should' if verdicts[-1] else 'WRONG'} | {what} | {verdict}")


def attempt(what: str, expected: str, *lies: Lie) -> None:
    host.lies = lies
    stands = copy.deepcopy(group)
    for lie in lies:
        lie("stands", {}, stands)
    owner.people.clear()
    try:
        _, rows = owner.room(stands)
        judge(what, expected, "holds, " + (" after ".join(row.text for row in rows[:-3:-1]) or "nothing said"))
    except DoesNotHold as error:
        judge(what, expected, str(error))
    host.lies = ()
    host.made_up.clear()


def attempt_entry(what: str, expected: str, *steps: tuple[Any, ...]) -> None:
    attempt(what, expected, *log(entries(*steps)))


def attempt_message(what: str, expected: str, **wrong: bytes) -> None:
    attempt(what, expected, said(message(member, "within", room.hashes, **wrong)))


def attempt_sign_in(what: str, expected: str, *lies: Lie) -> None:
    other = Host(url)
    other.lies = lies
    try:
        Reader(other, owner.me.handle, passwords[0]).room(copy.deepcopy(group))
        judge(what, expected, "holds")
    except DoesNotHold as error:
        judge(what, expected, str(error))


def items(change: Callable[[list[Any]], Any]) -> Lie:
    return changes("sign-in/prove", lambda answer: change(answer["items"]))


def sealed_item(name: bytes, plain: bytes, rev: int = 1) -> dict[str, Any]:
    """An item of the owner's vault."""
    vault = owner.vault
    item_id = vault.item_id(vault.dvk, name)
    context = owner.me.user_id + item_id + number(rev, 8)
    sealed = seal(KDF(vault.dvk, "vault-item-key", item_id), "vault-item", context, plain, os.urandom(24))
    return {"item_id": b64(item_id), "rev": rev, "sealed": b64(sealed)}


def put(there: list[Any], new: dict[str, Any]) -> None:
    there[:] = [old for old in there if old["item_id"] != new["item_id"]] + [new]


def item(name: bytes, plain: bytes) -> Lie:
    """An item more in the owner's vault, or another in its place, and a manifest that goes with it."""

    def change(there: list[Any]) -> None:
        manifest = sealed_item(b"manifest", b"")
        put(there, sealed_item(name, plain))
        others = [old for old in there if old["item_id"] != manifest["item_id"]]
        listed = sorted(unb64(old["item_id"]) + number(old["rev"], 8) + sha256(unb64(old["sealed"])) for old in others)
        state = number(owner.vault.manifest.counter + 1, 8) + H("vault-items", b"".join(listed))
        put(there, sealed_item(b"manifest", b"\x05\x03\x01" + state))

    return items(change)


def without(name: bytes) -> Lie:
    gone = b64(owner.vault.item_id(owner.vault.dvk, name))
    return items(lambda there: there.remove(next(old for old in there if old["item_id"] == gone)))


def pin(of: Person, handle: str, **wrong: bytes) -> bytes:
    right = {
        "user": of.user_id,
        "handle": lp(handle.encode()),
        "seq": number(1, 8),
        "head": of.points[1][0],
        "since": number(0, 8),
        "state": b"\2",
    }
    return b"\x05\x02\x01" + b"".join((right | wrong).values())


# ---- The stage ----------------------------------------------------------------------------------------------------------

BEGUN = time.time()
url, *handles = sys.argv[1:]
passwords = [line.rstrip("\n") for line in sys.stdin]
host = Host(url)
owner, member = Reader(host, handles[0], passwords[0]), Reader(Relay(url), handles[1], passwords[1])


def longest() -> Any:
    return max(host.rooms(), key=lambda room: int(room["seq"]))


# Both new devices become known to the room, honestly.
for by in owner, member:
    room = by.log(longest())
    by.relay.ask("rooms/append", room_id=b64(room.room_id), entries=[b64(entries((by, b"\x09" + ref(by.me) + b"\0\0"))[0])], wraps=[])
group = longest()
room = member.log(group)
keys = member.keys(room)
member.room(group)
transcript = member.transcript
told = host.ask("messages/page", room_id=b64(room.room_id), channel=b64(MAIN), **{"from": {"after": 0}}, limit=200)["messages"]
hashes = [hash_of(unb64(old["header"]), unb64(old["envelope"])) for old in told]
me, you = member.me.user_id, owner.me.user_id
outsider = next(owner.person(user) for user in room.former)
n, fresh = len(room.epochs), os.urandom(32)


def epoch(n: int, *, suite: int = 1, without: int = 0, closed: bytes = b"", backlink: bytes = bytes(104)) -> bytes:
    roster = b"".join(user + number(m.view.g, 4) + m.view.kk for user, m in sorted(room.members.items())[without:] if user != closed)
    commit = KDF(fresh, "commit", room.room_id + number(n, 4) + room.hashes[-1] + H("roster", roster))
    return b"\x08" + number(n, 4) + number(suite, 2) + commit + H("roster", roster) + b"\2" + lp(backlink)


def cut(seq: int, t: bytes, channel: bytes = MAIN) -> bytes:
    return b"\0\1" + channel + number(seq, 8) + t


NO_CUT, MEMBER, OWNER = b"\0\0", b"\1", b"\3"
back = ref(outsider)

# What a member may not do.
attempt_entry("an addition within the rules", "holds, six", (member, b"\1" + back + MEMBER))
attempt_entry("an addition as owner", "§6 rule 2: its actor gives a role that is not theirs to give", (member, b"\1" + back + OWNER))
attempt_entry(
    "an addition with an invented log",
    "§6 rule 1: it names an entry that a user log does not have",
    (member, b"\1" + back[:-32] + bytes(32) + MEMBER),
)
attempt_entry("an addition with an older log", "§17: somebody comes back with an older view", (member, b"\1" + ref(outsider, 1) + MEMBER))
attempt_entry("an addition of who is there", "§6: it adds somebody who is there", (member, b"\1" + ref(owner.me) + MEMBER))
attempt_entry("making oneself owner", "§6 rule 2: its actor may not ROLE", (member, b"\5" + me + OWNER))
attempt_entry("removing the owner", "§6 rule 2: its actor may not KICK", (member, b"\3" + you + b"\0" + NO_CUT))
attempt_entry("a new name", "§6 rule 2: its actor may not META", (member, b"\7" + number(n, 4) + lp(bytes(100))))
attempt_entry("closing the room", "§6 rule 2: its actor is no owner", (member, b"\x0a"))
attempt_entry(
    "a room key for fewer people", "§7: the room key was made for other people than the members", (member, epoch(n + 1, without=1))
)
attempt_entry("a room key out of turn", "§7: epoch 4 does not follow 2", (member, epoch(n + 2)))
attempt_entry("a room key of another suite", "§7: another suite than the policy's", (member, epoch(n + 1, suite=2)))
attempt_entry(
    "a room key without a link", "§7: a backlink where none belongs, or none where one does", (member, epoch(n + 1, backlink=b""))
)
attempt_entry("a room key without wraps", "§7: the relay has no wrap of the newest room key for us", (member, epoch(n + 1)))
attempt_entry(
    "a view that goes back", "§6 rule 1: the room's view of somebody does not move forward", (member, b"\x09" + ref(owner.me, 1) + NO_CUT)
)
attempt_entry("a view of who is not there", "§6: it speaks of somebody who is not a member", (member, b"\x09" + back + NO_CUT))
grown = own_entries(owner, (add_device(owner),))
grown_ref = you + number(len(owner.me.points), 8) + H("user-entry", grown[0][4:-64])
attempt("a view within the rules", "holds, six", own(owner, blobs=grown), *log(entries((member, b"\x09" + grown_ref + NO_CUT))))
attempt(
    "a cut without a revoked device",
    "§6 rule 6: a cut without a device that was revoked",
    own(owner, blobs=grown),
    *log(entries((member, b"\x09" + grown_ref + cut(1, transcript[1])))),
)
taken = own_entries(owner, (b"\2" + next(iter(owner.me.points[1][1].devices)),))
attempt(
    "a cut by who is no higher",
    "§6 rule 6: a cut by somebody who may not make it",
    own(owner, blobs=taken),
    *log(entries((member, b"\x09" + you + number(len(owner.me.points), 8) + H("user-entry", taken[0][4:-64]) + cut(1, transcript[1])))),
)
revoked = own_entries(member, (b"\2" + next(iter(member.me.points[1][1].devices)),))
revoked_ref = me + number(len(member.me.points), 8) + H("user-entry", revoked[0][4:-64])
newest = len(transcript) - 1
for whose, by in ("oneself", member), ("who is higher", owner):
    attempt(
        f"a cut by {whose}",
        "holds, (void: written after the removal) after five",
        own(member, blobs=revoked),
        *log(entries((by, b"\x09" + revoked_ref + cut(newest - 1, transcript[newest - 1])))),
    )
attempt(
    "a cut behind everything",
    "holds, six",
    own(member, blobs=revoked),
    *log(entries((owner, b"\x09" + revoked_ref + cut(newest, transcript[newest])))),
)
closed = own_entries(member, (b"\6",))
closing = (owner, b"\x09" + me + number(len(member.me.points), 8) + H("user-entry", closed[0][4:-64]) + NO_CUT)
attempt(
    "a room key for who has closed their account",
    "§7: the room key was made for other people than the members",
    own(member, blobs=closed),
    *log(entries(closing, (owner, epoch(n + 1)))),
)
attempt(
    "a room key without who has closed their account",
    "§7: the relay has no wrap of the newest room key for us",
    own(member, blobs=closed),
    *log(entries(closing, (owner, epoch(n + 1, closed=me)))),
)
attempt_entry(
    "an entry that forks the log", "§6 rule 1: it does not build on the entry before it", (member, b"\2", {"prev": room.hashes[-2]})
)
attempt_entry("an entry with another number", "§6 rule 1: it says that it is number 99", (member, b"\2", {"seq": number(99, 8)}))
attempt_entry("an entry of another room", "§6 rule 1: it belongs to another room", (member, b"\2", {"room": bytes(32)}))
attempt_entry(
    "an entry in another's name", "§6 rule 1: its device is not active in the room's view of its owner", (member, b"\2", {"actor": you})
)
attempt_entry("an entry of who is not there", "§6 rule 1: its actor is not a member", (member, b"\2", {"actor": outsider.user_id}))
attempt_entry("an entry with bytes behind it", "§2: bytes are left over", (member, b"\2\0"))
attempt_entry("an entry that ends too early", "§2: the bytes end too early", (member, b"\3" + you[:9]))
attempt_entry(
    "an entry with an over-long name", "§2: a field of 4097 bytes where 4096 are allowed", (member, b"\7" + number(n, 4) + lp(bytes(4097)))
)
attempt_entry(
    "an entry with too many cuts", "§2: 513 items where 512 are allowed", (member, b"\3" + you + b"\0" + number(513, 2) + bytes(56 * 513))
)
attempt_entry("an entry with half a flag", "§2: 2 is not one of (0, 1)", (member, b"\3" + you + b"\2" + NO_CUT))
attempt_entry("an entry of a kind to come", "§15: a body with the tag 200, which this reader does not know", (member, b"\xc8"))
# What not even an owner may do.
attempt_entry("another suite", "§6 rule 5: a weaker or unknown suite", (owner, b"\6" + number(2, 2) + b"\1"))
attempt_entry(
    "a name under an older key", "§7: it is not sealed under the newest room key", (owner, b"\7" + number(n - 1, 4) + lp(bytes(100)))
)
attempt_entry("the last owner leaves", "§6 rule 4: the last owner goes", (owner, b"\2"))
attempt_entry("the last owner steps down", "§6 rule 4: the last owner goes", (owner, b"\5" + you + MEMBER))
attempt_entry("a role for nobody", "§6: it speaks of somebody who is not there", (owner, b"\5" + bytes(32) + MEMBER))
attempt_entry("a removal of nobody", "§6: it removes somebody who is not there", (owner, b"\3" + bytes(32) + b"\0" + NO_CUT))
attempt_entry("an unban of who is not banned", "§6: nobody is banned by that name", (owner, b"\4" + outsider.user_id))
attempt_entry(
    "a removal of an equal",
    "§6 rule 2: its actor removes somebody of equal or higher rank",
    (owner, b"\5" + me + OWNER),
    (owner, b"\3" + me + b"\0" + NO_CUT),
)
attempt_entry(
    "taking an equal down", "§6 rule 2: it takes somebody of equal rank down", (owner, b"\5" + me + OWNER), (owner, b"\5" + me + MEMBER)
)
attempt_entry(
    "an addition of who is banned",
    "§6: it adds somebody who is banned",
    (owner, b"\3" + me + b"\1" + NO_CUT),
    (owner, b"\1" + ref(member.me) + MEMBER),
)
attempt_entry("an entry after the end", "§6: the room was closed before", (owner, b"\x0a"), (owner, b"\6" + number(1, 2) + b"\1"))
attempt_entry(
    "a cut in another channel",
    "§6 rule 6: its cut names a channel that is not there",
    (owner, b"\3" + me + b"\0" + cut(1, transcript[1], bytes([9] * 16))),
)
attempt_entry("a cut of another transcript", "§6 rule 6: the cut of entry", (owner, b"\3" + me + b"\0" + cut(1, transcript[2])))
# Invites. Whoever is removed comes back by the link.
link = ec.generate_private_key(CURVE)
link_id = H("invite-id", point(link))[:16]
SOON, REMOVED = int(time.time() * 1000) + 3_600_000, (owner, b"\3" + me + b"\0" + NO_CUT)


def invite(role: bytes = MEMBER, uses: int = 2, mode: bytes = b"\1", named: bytes = link_id) -> bytes:
    return b"\x0b" + named + point(link) + role + number(uses, 4) + number(SOON, 8) + mode + lp(b"")


def join(of: Reader, *, key: ec.EllipticCurvePrivateKey = link, who: bytes = b"", back: int = 0, named: bytes = link_id) -> bytes:
    proof = room.room_id + named + (who or of.me.user_id)[:32] + bytes(16)
    return b"\x0d" + named + (who or ref(of.me, back)) + bytes(16) + sign(key, "join", proof)


JOINED, ASKED = (member, join(member)), (owner, invite(mode=b"\2"))
attempt_entry("an invite within the rules", "holds, six", (member, invite()))
attempt_entry("an invite as owner", "§6 rule 2: its actor gives a role that is not theirs to give", (member, invite(OWNER)))
attempt_entry("an invite of another key", "§10: the invite's id is not that of its key", (member, invite(named=bytes(16))))
attempt_entry("an invite for nobody", "§15: the invite lets nobody in", (member, invite(uses=0)))
attempt_entry("an invite twice", "§10: the invite was there before", (member, invite()), (owner, invite()))
attempt_entry("somebody else's invite, taken back", "§6 rule 2: its actor may not KICK", (owner, invite()), (member, b"\x0c" + link_id))
attempt_entry("a member's invite, taken back by the owner", "holds, six", (member, invite()), (owner, b"\x0c" + link_id))
attempt_entry("an invite taken back twice", "§10: the invite was taken back before", (owner, invite()), *[(owner, b"\x0c" + link_id)] * 2)
attempt_entry("an invite taken back that is not there", "§10: it names an invite that is not there", (owner, b"\x0c" + link_id))
attempt_entry("a return by invite", "holds, six", (owner, invite()), REMOVED, JOINED, (member, b"\2"))
attempt_entry("a return by an invite that is not there", "§10: it names an invite that is not there", REMOVED, JOINED)
attempt_entry(
    "a return without the link",
    "§10: its invite's signature does not hold",
    (owner, invite()),
    REMOVED,
    (member, join(member, key=member.device)),
)
attempt_entry(
    "a return with somebody else's signature",
    "§6 rule 1: its device is not active",
    (owner, invite()),
    REMOVED,
    (member, join(member), {"dk": device_id(owner)}),
)
attempt_entry("a join by who is there", "§6: it adds somebody who is there", (owner, invite()), JOINED)
attempt_entry("a join for somebody else", "§10: it lets somebody else in", (owner, invite()), REMOVED, (member, join(member, who=back)))
attempt_entry(
    "a return with an older log", "§17: somebody comes back with an older view", (owner, invite()), REMOVED, (member, join(member, back=1))
)
attempt_entry(
    "a return of who is banned", "§6: it adds somebody who is banned", (owner, invite()), (owner, b"\3" + me + b"\1" + NO_CUT), JOINED
)
attempt_entry(
    "a return by an invite that is used up", "§10: its invite is over", (owner, invite(uses=1)), REMOVED, JOINED, (member, b"\2"), JOINED
)
attempt_entry(
    "a return by an invite that was taken back", "§10: its invite is over", (owner, invite()), (owner, b"\x0c" + link_id), REMOVED, JOINED
)
attempt_entry(
    "a return after the invite's time", "§10: its invite is over", (owner, invite()), REMOVED, (*JOINED, {"ts": number(SOON + 1, 8)})
)
attempt_entry(
    "a return by one's own invite", "§10: whoever made its invite may not bring people in any more", (member, invite()), REMOVED, JOINED
)
attempt_entry(
    "a request, and somebody who acts before they are let in",
    "§6 rule 1: its actor is not a member",
    ASKED,
    REMOVED,
    JOINED,
    (member, b"\2"),
)
attempt_entry("a request twice", "§10: it is by somebody who waits already", ASKED, REMOVED, JOINED, JOINED)
attempt_entry("a request that is granted", "holds, six", ASKED, REMOVED, JOINED, (owner, b"\1" + ref(member.me) + MEMBER), (member, b"\2"))
attempt_entry(
    "a request that is granted to an older log",
    "§17: somebody comes back with an older view",
    ASKED,
    REMOVED,
    JOINED,
    (owner, b"\1" + ref(member.me, 1) + MEMBER),
)
attempt_entry("a request that is refused, and made again", "holds, six", ASKED, REMOVED, JOINED, REMOVED, JOINED)
attempt_entry(
    "a request that is refused for good",
    "§6: it adds somebody who is banned",
    ASKED,
    REMOVED,
    JOINED,
    (owner, b"\3" + me + b"\1" + NO_CUT),
    JOINED,
)
# What the log says of messages.
attempt_entry("a member who takes others' words away", "§6 rule 2: its actor may not REDACT", (member, b"\x14" + hashes[-1] + b"\0\0"))
attempt_entry("an owner who takes others' words away", "holds, (deleted a message) after five", (owner, b"\x14" + hashes[-1] + b"\0\0"))
attempt_entry("a member who sets a lifetime", "§6 rule 2: its actor may not ROLE", (member, b"\x15" + number(60, 4) + number(0, 8)))
attempt_entry("a lifetime within the rules", "holds, six", (owner, b"\x15" + number(60, 4) + number(0, 8)))
for seconds in 29, 366 * 86_400 + 1:
    attempt_entry("a lifetime that is none", "§11: a lifetime that is none", (owner, b"\x15" + number(seconds, 4) + number(0, 8)))
# What keeps order.
PIN, TIME_OUT, SLOW = (
    b"\x19" + MAIN + hashes[-1] + b"\1",
    lambda who: b"\x1f" + who + number(SOON, 8),
    lambda seconds: b"\x20" + MAIN + number(seconds, 4),
)
attempt_entry("a member who pins", "§6 rule 2: its actor may not PIN", (member, PIN))
attempt_entry("an owner who pins", "holds, six", (owner, PIN))
attempt_entry("a message that is pinned twice", "§15: the message is pinned already, or is not", (owner, PIN), (owner, PIN))
attempt_entry("a member who keeps somebody from writing", "§6 rule 2: its actor may not KICK", (member, TIME_OUT(you)))
attempt_entry("a member who is kept from writing", "holds, six", (owner, TIME_OUT(me)))
attempt_entry(
    "an end of what keeps nobody from writing",
    "§15: it lifts a time-out that is not there",
    (owner, b"\x1f" + me + number(0, 8)),
)
attempt_entry("a member who slows a conversation down", "§6 rule 2: its actor may not META", (member, SLOW(30)))
attempt_entry("an owner who slows it down", "holds, six", (owner, SLOW(30)))
attempt_entry("a time between texts that is none", "§15: a time between texts that is none", (owner, SLOW(4)))
attempt_entry(
    "a reason for what somebody else did",
    "§15: it gives a reason for what is not right before it, or not its actor's",
    (owner, SLOW(30)),
    (member, b"\x21" + number(n, 4) + number(len(room.hashes), 8) + lp(bytes(100))),
)
# Rooms that begin wrong.
attempt("a room that begins within the rules", "holds, nothing said", new_room(owner, 2, []))
attempt("a group that begins with two", "§6: the wrong number of people", new_room(owner, 2, [ref(member.me)]))
attempt("a direct message of one", "§6: the wrong number of people", new_room(owner, 1, []))
attempt("a direct message with oneself", "§6: somebody is named twice", new_room(owner, 1, [ref(owner.me)]))
attempt("a room of another suite", "§6: an unknown suite", new_room(owner, 2, [], suite=2))
attempt("a room under another's id", "§4: it is not what the room's id is the hash of", new_room(owner, 2, [], named=bytes(32)))
attempt("a room without us", "§6: the relay names a room that we are not in", new_room(member, 2, []))
# What may not stand in a user log.
attempt("a device within the rules", "holds, six", own(member, (add_device(member),)))
attempt(
    "a user log entry with another number", "§5: it says that it is number 99", own(member, (add_device(member), {"seq": number(99, 8)}))
)
attempt(
    "a user log entry that forks", "§5: it does not build on the entry before it", own(member, (add_device(member), {"prev": bytes(32)}))
)
attempt("a user log entry of somebody else", "§5: it belongs to another log", own(member, (add_device(member), {"user": you})))
attempt("a device twice", "§5: that device was there before", own(member, (add_device(member, member.device),)))
attempt("too many devices", "§5: too many devices", own(member, *[(add_device(member),) for _ in range(64)]))
attempt("a revoked device that was never there", "§5: it revokes a device that is not there", own(member, (b"\2" + bytes(32),)))
attempt("a KEM key out of turn", "§5: it is not the next KEM key", own(member, (b"\3" + number(3, 4) + point(member.device),)))
attempt("a KEM key that was there before", "§5: it is not the next KEM key", own(member, (b"\3" + number(2, 4) + member.me.now.kk,)))
attempt(
    "the same identity again",
    "§5: the identity stays the same",
    own(member, (b"\4" + member.me.now.ik + sign(member.vault.ik, "identity-pop", me + member.me.now.ik),)),
)
attempt(
    "an identity without its proof",
    "§5: the new identity's signature does not hold",
    own(member, (b"\4" + point(member.device) + sign(member.device, "identity-pop", bytes(32)),)),
)
attempt("an older vault", "§5: it names an older vault", *[own(member, *[(b"\5" + number(rev, 8) + bytes(32) + b"\0",) for rev in (2, 1)])])
attempt(
    "a vault named by a device",
    "§5: it names a device",
    own(member, (b"\5" + number(1, 8) + bytes(32) + b"\1" + bytes(32),)),
)
attempt(
    "an account that goes on after its end",
    "§5: the log was closed before",
    own(member, (b"\6",), (b"\5" + number(1, 8) + bytes(32) + b"\0",)),
)
attempt(
    "another past of our own log",
    "§5: our own log has changed its past",
    changes("users/logs", lambda answer: answer["logs"][0]["user_id"] == b64(you) and answer["logs"][0]["entries"].pop()),
)
# Somebody whom nobody has registered: a log of their own, with a device, and perhaps an end.


def stranger(realm: str, closed: bool = False) -> tuple[bytes, Lie]:
    ik, kk, dk = (ec.generate_private_key(CURVE) for _ in range(3))
    genesis = b"\x01\x01\x01" + lp(realm.encode()) + point(ik) + point(kk) + now() + bytes(16)
    user_id, head, blobs = H("user-id", genesis), H("user-entry", genesis), []
    device = b"\1" + point(dk) + sign(dk, "device-pop", user_id + point(dk)) + lp(b"")
    for seq, body in enumerate([device, b"\6"][: 1 + closed], start=1):
        encoded = b"\x01\x02\x01" + user_id + number(seq, 8) + head + now() + body
        blobs.append(b64(lp(encoded) + sign(ik, "user-log", encoded)))
        head = H("user-entry", encoded)
    answer = {"user_id": b64(user_id), "handle": "stranger", "genesis": b64(genesis), "entries": blobs}

    def lie(path: str, asked: Any, _: Any) -> None:
        host.made_up["users/logs", b64(user_id)] = {"logs": [answer]}

    return user_id + number(len(blobs), 8) + head, lie


for what, expected, (who, lie) in [
    ("somebody of this server", "holds, six", stranger(owner.realm)),
    ("somebody of another server", "§5: it belongs to another server", stranger("elsewhere")),
    ("somebody whose account is closed", "§6: it adds a closed account", stranger(owner.realm, closed=True)),
]:
    attempt(what, expected, *log(entries((member, b"\1" + who + MEMBER))), lie)
attempt("a direct message with a closed account", "§6: somebody's account is closed", new_room(owner, 1, [who]), lie)
# Wraps.
theirs = room.members[you].view
info = label("wrap") + b"\x03\x01\x01" + room.room_id + MAIN + number(n, 4) + you + number(theirs.g, 4) + room.epochs[-1].commit


def wraps(**wrong: Any) -> Lie:
    return changes("rooms/wraps", lambda answer: answer["wraps"][0].update(wrong))


def wrapped(secret: bytes) -> dict[str, str]:
    made = HPKE.encrypt(secret, ec.EllipticCurvePublicKey.from_encoded_point(CURVE, theirs.kk), info)
    return {"enc": b64(made[:65]), "ct": b64(made[65:])}


attempt("the room key, wrapped once more", "holds, six", wraps(**wrapped(keys[n])))
attempt("another room key than everybody else's", "§7: room key 2 is not the one that @alice committed to", wraps(**wrapped(fresh)))
attempt("a wrap for somebody else", "§7: the wrap of room key 2 is somebody else's", wraps(user_id=b64(me)))
attempt("a wrap of a key to come", "§7: a wrap of room key 3, which the log does not have", wraps(n=n + 1))
# Messages.
attempt_message("a message within the rules", "holds, within")
attempt_message("a message in another's name", "§8: its author was not a member with that device", user=you)
attempt_message("a message with another's device", "§8: its signature does not hold", user=you, dk=device_id(owner))
attempt_message("a message for another header", "§8: it was written for another header", header=bytes(32))
attempt_message("a message in another room", "§8: it belongs elsewhere", room=bytes(32))
attempt_message("a message under a key to come", "§8: it is sealed under room key 3, which the log does not have", n=number(n + 1, 4))
attempt_message("a message with the other form of its signature", "§8: its signature does not hold", high=b"1")
attempt_message("a message signed for something else", "§8: its signature does not hold", label=b"room-log")
attempt_message("a message with another commitment", "§8: it does not open: wrong key or context, or changed", commitment=b"1")
attempt_message("a message of another log", "§8: its author knew another log: a fork", log=number(len(room.hashes) - 1, 8) + bytes(32))
attempt_message("a message before its author came", "§8: its author was not a member with that device", log=number(0, 8) + room.hashes[0])
attempt_message("a message by who saw another history", "§8: @bob had seen another history: a fork", seen=number(1, 8) + bytes(32))
attempt_message("a message by who saw the future", "§8: @bob had seen another history: a fork", seen=number(len(transcript), 8) + bytes(32))
attempt_message("a message after one that is missing", "§8: it is message 2 of a lane that stood at 0", ctr=number(2, 8))
attempt_message("a lane that begins elsewhere", "§8: it is message 1 of a lane that stood at 0", prev=bytes(32))
attempt_message("a message with dirt in its padding", "§8: wrong padding", pad=b"1")
attempt_message("a message that is not text", "§2: text that is not UTF-8", body=b"\1" + lp(b"\xff"))
attempt_message(
    "a message of a kind to come", "holds, (skipped: a message of a kind this reader does not know (tag 200))", body=b"\xc8anything"
)
attempt("an id twice", "§8: its id was used before", said(*[message(member, "twice", room.hashes, id=bytes(16)) for _ in range(2)]))
attempt_message("a beacon in the place of a message", "§15: what is said in passing in the place of a message", body=b"\x10")
attempt_message("typing in the place of a message", "§15: what is said in passing in the place of a message", body=b"\x12")
# What is said about other messages.


def edit(target: bytes, text: str) -> bytes:
    return b"\3" + target + lp(text.encode())


def deletion(target: bytes, *edits: bytes) -> bytes:
    return b"\4" + target + number(len(edits), 2) + b"".join(edits)


def reaction(target: bytes, emoji: str, on: int = 1) -> bytes:
    return b"\5" + target + lp(emoji.encode()) + number(on, 1)


first = message(member, "first", room.hashes)
it = hash_of(*first)


def attempt_about(what: str, expected: str, *bodies: tuple[Reader, bytes], lies: tuple[Lie, ...] = ()) -> None:
    """What others hear of a message of the member, and of these about it."""
    attempt(what, expected, said(first, *[message(by, "", room.hashes, body=body) for by, body in bodies]), *lies)


def emptied(*places: int) -> Lie:
    """The host lets go of messages, counted from the first of what the channel goes on with; their hashes stay."""

    def change(answer: Any) -> None:
        for place in places:
            there = answer["messages"][len(told) + place] if len(answer["messages"]) > len(told) else {"gone": ""}
            if "gone" not in there:
                there["gone"] = b64(hash_of(unb64(there["header"]), unb64(there["envelope"])))
                there["header"] = there["envelope"] = ""

    return changes("messages/page", change)


mine, lost = (member, edit(it, "second")), "§8: the relay let go of it, and nobody who may had asked for that"
attempt_about("an edit", "holds, second (edited) after six", mine)
attempt_about("two edits", "holds, third (edited) after six", mine, (member, edit(it, "third")))
attempt_about(
    "an edit of another's message", "holds, (not heard: an edit about somebody else's message) after first", (owner, edit(it, "second"))
)
attempt_about("an edit of nothing", "holds, (not heard: an edit about nothing) after first", (member, edit(bytes(32), "second")))
attempt(
    "an edit of what comes later",
    "holds, first after (not heard: an edit about nothing)",
    said(message(member, "", room.hashes, body=edit(it, "second")), first),
)
to_act = message(member, "", room.hashes, body=edit(it, "second"))
attempt(
    "a reaction to an edit",
    "holds, (not heard: a reaction about something said about another message) after second (edited)",
    said(first, to_act, message(owner, "", room.hashes, body=reaction(hash_of(*to_act), "👍"))),
)
attempt_about("a reaction", "holds, first [👍 1] after six", (owner, reaction(it, "👍")))
attempt_about(
    "reactions, one taken back",
    "holds, first [❤️ 2] after six",
    *[(by, reaction(it, emoji)) for by in (owner, member) for emoji in ("👍", "❤️")],
    *[(by, reaction(it, "👍", 0)) for by in (owner, member)],
)
attempt_about("a reaction twice", "holds, first [👍 1] after six", *[(owner, reaction(it, "👍"))] * 2)
attempt_about("a word as a reaction", "holds, (not heard: a reaction that is no emoji) after first", (owner, reaction(it, "no")))
attempt_about(
    "many reactions",
    f"holds, first{''.join(f' [{chr(0x1F400 + i)} 1]' for i in range(20))} after six",
    *[(owner, reaction(it, chr(0x1F400 + i))) for i in range(21)],
)
attempt_about("a deletion", "holds, (deleted a message) after six", mine, (owner, reaction(it, "👍")), (member, deletion(it)))
attempt_about("an edit after the deletion", "holds, (deleted a message) after six", (member, deletion(it)), mine)
attempt_about("a deletion by another", "holds, (not heard: a deletion about somebody else's message) after first", (owner, deletion(it)))
attempt_about(
    "an edit by another of what is gone", "holds, (deleted a message) after six", (owner, edit(it, "second")), (member, deletion(it))
)
attempt_about(
    "a deletion by the log and by who wrote that entry",
    "holds, (deleted a message) after six",
    (owner, deletion(it)),
    lies=tuple(log(entries((owner, b"\x14" + it + b"\0\0")))),
)
# Polls.


def poll(question: str, options: list[str], several: int = 0, ends: int = 0) -> bytes:
    answers = number(len(options), 2) + b"".join(lp(option.encode()) for option in options)
    return b"\x08" + lp(question.encode()) + answers + number(several, 1) + number(ends, 8) + number(0, 4)


def attempt_poll(what: str, expected: str, asked: bytes, *bodies: tuple[Reader, str, int]) -> None:
    """What others hear of a poll that the member makes, and of votes in it and ends of it."""
    question = message(member, "", room.hashes, body=asked)
    about = {"vote": lambda choices: b"\x09" + hash_of(*question) + number(choices, 2), "end": lambda _: b"\x0a" + hash_of(*question)}
    attempt(what, expected, said(question, *[message(by, "", room.hashes, body=about[act](choices)) for by, act, choices in bodies]))


tea, days = poll("Tea?", ["green", "black"]), poll("Days?", ["Mon", "Tue"], several=1)
attempt_poll("a poll", "holds, Tea? | green: 0 | black: 0 after six", tea)
attempt_poll("votes", "holds, Tea? | green: 1 | black: 1 after six", tea, (owner, "vote", 1), (member, "vote", 2))
attempt_poll("a vote twice", "holds, Tea? | green: 0 | black: 1 after six", tea, (owner, "vote", 1), (owner, "vote", 2))
attempt_poll("a vote taken back", "holds, Tea? | green: 0 | black: 0 after six", tea, (owner, "vote", 1), (owner, "vote", 0))
attempt_poll("a vote for several", "holds, Days? | Mon: 1 | Tue: 1 after six", days, (owner, "vote", 3))
not_theirs = "holds, (not heard: a vote that is not its author's to say) after Tea? | green: 0 | black: 0"
attempt_poll("a vote for two of which one may be chosen", not_theirs, tea, (owner, "vote", 3))
attempt_poll("a vote for an answer that is not there", not_theirs, tea, (owner, "vote", 4))
attempt_poll("a vote after the end", "holds, Tea? | green: 1 | black: 0 (closed) after six", tea, (owner, "vote", 1), (member, "end", 0), (owner, "vote", 2))
attempt_poll("a poll whose time is over", "holds, Tea? | green: 0 | black: 0 after six", poll("Tea?", ["green", "black"], ends=1), (owner, "vote", 1))
attempt_poll("a poll with one answer", "holds, (not heard: a poll that asks nothing) after six", poll("Tea?", ["green"]))
attempt_about("a vote about a text", "holds, (not heard: a vote that is not its author's to say) after first", (owner, b"\x09" + it + b"\0\1"))
# What the host has let go of.
attempt_about("a message that is let go of", lost, lies=(emptied(0),))
attempt_about("a message that is let go of and edited", lost, mine, lies=(emptied(0),))
attempt_about("a deleted message that is let go of", "holds, (deleted a message) after six", (member, deletion(it)), lies=(emptied(0),))
attempt_about(
    "a message that a moderator took away",
    "holds, (deleted a message) after six",
    lies=(emptied(0), *log(entries((owner, b"\x14" + it + b"\0\0")))),
)
swept = deletion(it, hash_of(*to_act))
attempt(
    "a deleted message that is let go of with its edit",
    "holds, (deleted a message) after six",
    said(first, to_act, message(member, "", room.hashes, body=swept)),
    emptied(0, 1),
)
attempt(
    "an edit that is let go of without the deletion's word",
    lost,
    said(first, to_act, message(member, "", room.hashes, body=deletion(it))),
    emptied(0, 1),
)
later = message(member, "later", room.hashes)
attempt(
    "a message that is let go of as an edit of a later one",
    "holds, (deleted a message) after (deleted a message)",
    said(first, later, message(member, "", room.hashes, body=deletion(hash_of(*later), it))),
    emptied(0),
)
attempt_about("a message that is let go of as an edit of nothing", lost, (member, deletion(bytes(32), it)), lies=(emptied(0),))
lane = os.urandom(8)
chain = [message(member, "one", room.hashes, lane=lane)]
for ctr, text in (2, "two"), (3, "three"):
    chain.append(message(member, text, room.hashes, lane=lane, ctr=number(ctr, 8), prev=hash_of(*chain[-1])))
gone = [deletion(hash_of(*one)) for one in chain[:2]]
attempt("a chain that goes on", "holds, three after two", said(*chain))
attempt(
    "a chain that goes on over what is gone",
    "holds, three after (deleted a message)",
    said(*chain, *[message(member, "", room.hashes, body=body) for body in gone]),
    emptied(0, 1),
)
attempt("a chain that goes on over what was never there", "§8: it is message 3 of a lane that stood at 1", said(chain[0], chain[2]))
attempt("what was let go of, told again", "§8: it was here before, and taken away", said(first, first), emptied(0))


def half_gone(answer: Any) -> None:
    if answer["messages"]:
        answer["messages"][-1] |= {"gone": b64(hashes[-1])}


attempt("a message that is gone and is not", "§8: it is gone, and is not", changes("messages/page", half_gone))
# Lifetimes. What was said before this began is older than half a minute here.
time.sleep(max(0.0, BEGUN + 31 - time.time()))
AGED = number(room.times[0] + 1, 8)
fading = b"\2" + lp(b"fading")
attempt_message("a fading message", "holds, fading after six", body=fading + number(60, 4))
attempt_message("a fading message whose time is over", "holds, six", body=fading + number(30, 4), ts=AGED)
attempt_message(
    "a fading message that says it is older than the room", "holds, fading after six", body=fading + number(3600, 4), ts=number(0, 8)
)
attempt_message("a message that is to stay", "holds, fading after six", body=fading + number(0, 4), ts=AGED)


def lives(seconds: int, after: int = newest, **wrong: bytes) -> list[Lie]:
    """In a room where messages live so long, by somebody who knows."""
    agreed = entries((owner, b"\x15" + number(seconds, 4) + number(after, 8), {"ts": AGED}))
    return [*log(agreed), said(message(member, "within", [*room.hashes, H("entry", agreed[0][4:-64])], **wrong))]


attempt("a message in a room with a lifetime", "holds, within after six", *lives(30))
attempt("a message whose time is over", "holds, six", *lives(30, ts=AGED))
attempt("a message that would live longer than the room lets it", "holds, six", *lives(30, ts=AGED, body=fading + number(3600, 4)))
attempt("a message that lives shorter than the room lets it", "holds, six", *lives(3600, ts=AGED, body=fading + number(30, 4)))
attempt("a message whose time is not over", "holds, within after six", *lives(3600, ts=AGED))
attempt("a message that is let go of after its time", "holds, six", *lives(30), emptied(0))
attempt("a message that is let go of before its time", lost, *lives(3600), emptied(0))
attempt("a message that is let go of, from before there was a lifetime", lost, *lives(30, newest + 1), emptied(0))
attempt("a message that is let go of in a room where they stay", lost, *lives(0), emptied(0))
removed = entries((owner, b"\3" + me + b"\0" + cut(len(transcript) - 1, transcript[-1])))
later = [*room.hashes, H("entry", removed[0][4:-64])]
attempt(
    "a message behind the cut", "holds, (void: written after the removal)", *log(removed), said(message(member, "too late", room.hashes))
)
attempt(
    "a message put behind who knew of the removal",
    "§17: @bob had gone when it was put here",
    *log(removed),
    said(message(owner, "gone", later), message(member, "too late", room.hashes)),
)
attempt(
    "a message by who is gone", "§8: its author was not a member with that device", *log(removed), said(message(member, "too late", later))
)
# What the relay says by itself.
attempt(
    "a transcript that is not the messages'",
    "§8: the transcript is not the one that the relay announced",
    changes("messages/page", lambda answer: answer["head"].update(t=b64(bytes(32)))),
)
attempt("an empty log", "§6: the log is empty", changes("rooms/log", lambda answer: answer.update(entries=[])))
attempt(
    "a log cut short", "§6: the log is not the one that the relay announced", changes("rooms/log", lambda answer: answer["entries"].pop())
)
attempt(
    "a head that is not the log's",
    "§6: the log is not the one that the relay announced",
    changes("stands", lambda answer: answer.update(head=b64(bytes(32)))),
)
attempt(
    "another channel",
    "§12: the relay names other channels than those that the log lets us read",
    changes("stands", lambda answer: answer["channels"].append({"channel": b64(bytes([9] * 16)), "seq": 0, "t": b64(bytes(32))})),
)
attempt(
    "the newest message withheld",
    "§8: the relay withholds the newest messages",
    changes("messages/page", lambda answer: answer["messages"] and answer["messages"].pop()),
)
attempt(
    "a number that is skipped",
    "§8: it says that it is number 99",
    changes("messages/page", lambda answer: answer["messages"][-1].update(seq=99)),
)
attempt(
    "another transcript before the page",
    "§8: the transcript before message 1 is another",
    changes("messages/page", lambda answer: answer["before"].update(t=b64(bytes(32)))),
)
attempt("two people of one name", "§10: two people are called @twin", changes("users/logs", lambda answer: answer["logs"][0].update(handle="twin")))
attempt(
    "a name that is no handle",
    "§5: the relay calls somebody what is no handle",
    changes("users/logs", lambda answer: answer["logs"][0].update(handle="B\nroom x")),
)
outsiders = host.ask("users/logs", users=[{"user_id": b64(outsider.user_id), "from_seq": 0}])
attempt(
    "somebody else's user log",
    "§5: the relay answers with somebody else's log",
    changes("users/logs", lambda answer: answer.update(copy.deepcopy(outsiders))),
)
# The front door. `identity` is a new one that the owner's log names and the vault does not have.
identity, kem = ec.generate_private_key(CURVE), ec.generate_private_key(CURVE)
rotated = b"\4" + point(identity) + sign(identity, "identity-pop", me + point(identity))
new_kem = own(owner, (b"\3" + number(2, 4) + point(kem),))


def header(change: Callable[[bytes], bytes]) -> Lie:
    return changes("sign-in/prove", lambda answer: answer.update(vault_header=b64(change(unb64(answer["vault_header"])))))


attempt_sign_in("another version", "§5: the relay speaks version 2 of the API", changes("info", lambda answer: answer.update(api=2)))
attempt_sign_in(
    "a weaker password profile",
    "§5: the relay asks for the password profile 0, which is not one",
    changes("sign-in/start", lambda answer: answer.update(profile=0)),
)
attempt_sign_in(
    "bytes written otherwise",
    "§2: bytes that are not base64url without padding",
    changes("sign-in/start", lambda answer: answer.update(salt=answer["salt"] + "=")),
)
attempt_sign_in(
    "the log of another handle",
    "§5: the relay answers with the log of @twin",
    changes("sign-in/prove", lambda answer: answer["log"].update(handle="twin")),
)
attempt_sign_in("a vault of somebody else", "§5: the vault is somebody else's", header(lambda bytes: bytes[:3] + me + bytes[35:]))
attempt_sign_in("a vault without the password", "§5: the vault has no way in for the password", header(lambda bytes: bytes[:39] + b"\0\0"))
state = owner.vault.manifest
for what, expected, counter in [
    ("an older vault than the log names", f"§5: the vault is at state {state.counter}, its log at {state.counter + 1}", state.counter + 1),
    ("another vault than the log names", f"§5: the vault is in another state {state.counter} than", state.counter),
]:
    attempt_sign_in(what, expected, own(owner, (b"\5" + number(counter, 8) + bytes(32) + b"\0",)))
attempt_sign_in(
    "an identity that the vault lacks",
    "§5: the vault holds another identity than the log of this account",
    own(owner, (b"\4" + point(identity) + sign(identity, "identity-pop", you + point(identity)),)),
)
attempt_sign_in("a KEM key that the vault lacks", "§5: the vault lacks the item b'kem/\\x00\\x00\\x00\\x02'", new_kem)
attempt_sign_in(
    "a KEM key that is another in the vault",
    "§5: KEM key 2 of the vault is not the one of the log",
    new_kem,
    item(b"kem/" + number(2, 4), number(7, 32)),
)
attempt_sign_in("a KEM key that is none", "§5: KEM key 2 is not a private key of P-256", new_kem, item(b"kem/" + number(2, 4), bytes(32)))
attempt_sign_in("an item of a kind to come", "holds", item(b"a kind to come", b"anything"))
attempt_sign_in("former day keys within the rules", "holds", item(b"former-day-keys", bytes(64)))
attempt_sign_in("former day keys that are none", "§15: the former day keys are not keys", item(b"former-day-keys", bytes(63)))
attempt_sign_in(
    "a manifest that is none",
    "§15: not a struct 0x0503 of version 1",
    items(lambda there: put(there, sealed_item(b"manifest", b"anything"))),
)
attempt_sign_in("a vault without its manifest", "§5: the vault lacks the item b'manifest'", without(b"manifest"))
UNFIT = "§5: the vault does not hold what its manifest says: something is missing, too much, or older"
attempt_sign_in("a vault without a contact", UNFIT, without(b"contact/" + me))
attempt_sign_in(
    "a contact that the manifest does not have", UNFIT, items(lambda there: put(there, sealed_item(b"contact/" + bytes(32), b"")))
)
attempt_sign_in("an older contact", UNFIT, items(lambda there: put(there, sealed_item(b"contact/" + me, pin(member.me, handles[1])))))
attempt_sign_in("an item twice", "§5: the vault has an item twice", items(lambda there: there.append(there[0])))
attempt_sign_in("a contact within the rules", "holds", item(b"contact/" + me, pin(member.me, handles[1])))
attempt_sign_in(
    "a contact under another's name", "§5: a contact stands under another's name", item(b"contact/" + you, pin(member.me, handles[1]))
)
attempt_sign_in(
    "a contact whose log is another",
    "§5: the log of @bob is not the one that was pinned",
    item(b"contact/" + me, pin(member.me, handles[1], head=bytes(32))),
)
attempt_sign_in("a contact who has given up their name", "holds", item(b"contact/" + me, pin(member.me, "")))
attempt_sign_in(
    "a contact whose name is somebody else's",
    "§10: @bob was pinned as somebody else",
    item(b"contact/" + bytes(32), pin(outsider, handles[1], user=bytes(32))),
)
attempt_sign_in(
    "a verified contact with a new identity",
    "§10: the identity of @bob has changed since it was verified",
    item(b"contact/" + me, pin(member.me, handles[1])),
    own(member, (rotated,)),
)

# What is not possible in a direct message.
group = next(stands for stands in host.rooms() if stands["room_id"] != group["room_id"])
room = member.log(group)
known = (member, b"\x09" + ref(member.me) + NO_CUT)
attempt_entry("a new device in a direct message", "holds", known)
attempt_entry(
    "an addition to a direct message", "§6 rule 3: the people of a direct message never change", known, (member, b"\1" + back + MEMBER)
)
attempt_entry("a lifetime in a direct message", "holds", known, (member, b"\x15" + number(60, 4) + number(0, 8)))
attempt_entry("an invite to a direct message", "§6 rule 3: the people of a direct message never change", known, (member, invite()))
attempt_entry(
    "another's words in a direct message", "§8: in a direct message everybody deletes their own", known, (member, b"\x14" + bytes(34))
)
attempt_entry("a name for a direct message", "§6 rule 3: a direct message has no name", known, (member, b"\7" + number(1, 4) + lp(b"")))

sys.exit(0 if all(verdicts) else 1)
