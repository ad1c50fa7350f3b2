"""An independent reader of Sotto, written from docs/protocol.md and docs/api.md and sharing no line with what it reads.

    reader.py http://localhost:8080 ada < password

signs in with the password alone, checks everything that the relay hands out, and prints every room's messages:

    room Sunday walk
    @ada: shall we?

and of a space every channel that the account reads: `room Club / general`.

Whatever does not hold is said with the section of the protocol that it breaks, and the exit status is 1. To the account
this is one more browser: its key stands in the log, and is forgotten when the program ends.
"""

from __future__ import annotations

import base64
import getpass
import hmac
import json
import math
import os
import re
import sys
import time
import unicodedata
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

import codec
from codec import DIRECT, SPACE, DoesNotHold, must
from crypto import (
    CURVE,
    H,
    KDF,
    key_id,
    label,
    lp,
    number,
    open_sealed,
    open_wrap,
    password_root,
    point,
    private_key,
    seal,
    sha256,
    sign,
    sign_in_key,
    verify,
)
from logs import MAIN, SUITE, Epoch, Person, Room


class Refused(Exception):
    """The relay does not do what it is asked."""

    def __init__(self, path: str, code: str) -> None:
        super().__init__(f"the relay refuses {path}: {code}")
        self.code = code


# What comes of answers that are not what docs/api.md says.
UNREADABLE = ValueError, KeyError, TypeError


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    must(b64(data) == text, "2", "bytes that are not base64url without padding")
    return data


class Relay:
    """docs/api.md"""

    def __init__(self, url: str) -> None:
        self.url, self.token = url.rstrip("/"), ""

    def ask(self, path: str, **body: Any) -> Any:
        request = urllib.request.Request(f"{self.url}/api/v1/{path}", json.dumps(body).encode(), {"Content-Type": "application/json"})
        if self.token:
            request.add_header("Authorization", f"Bearer {self.token}")
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise Refused(path, str(json.load(error).get("code"))) from error

    def rooms(self) -> list[Any]:
        """Every room of this account, and where the relay says that it stands."""
        with connect(f"ws{self.url.removeprefix('http')}/api/v1/live", max_size=None) as socket:
            socket.send(json.dumps({"type": "hello", "token": self.token, "api": 1}))
            welcome = json.loads(socket.recv(timeout=30))
        if welcome["type"] != "welcome":
            raise Refused("live", str(welcome.get("code")))
        return list(welcome["rooms"])


# ---- The account (§5) -----------------------------------------------------------------------------------------------


def user_log(body: Any, realm: str) -> Person:
    # The relay's word, but it is printed.
    must(bool(re.fullmatch("[a-z][a-z0-9_-]{2,31}", body["handle"])), "5", "the relay calls somebody what is no handle")
    genesis = unb64(body["genesis"] or "")
    return Person(unb64(body["user_id"]), body["handle"], realm, genesis, [unb64(entry) for entry in body["entries"]])


class Vault:
    """What the password opens: header → VK → root items → DVK → day items."""

    def __init__(self, me: Person, root: bytes, header: bytes, items: list[Any]) -> None:
        first = codec.vault_header(header)
        must(first.user_id == me.user_id, "5", "the vault is somebody else's")
        wraps = [wrap.sealed for wrap in first.wraps if wrap.method == codec.PASSWORD]
        must(len(wraps) == 1, "5", "the vault has no way in for the password")
        context = me.user_id + number(codec.PASSWORD, 1) + number(first.vk_gen, 4)
        self.vk = open_sealed("5", "the vault", KDF(root, "kek-pw", me.user_id), "vault-wrap", context, wraps[0])
        self.me, self.items = me, {unb64(item["item_id"]): (item["rev"], unb64(item["sealed"])) for item in items}
        must(len(self.items) == len(items), "5", "the vault has an item twice")
        listed = {item_id: item_id + number(rev, 8) + sha256(sealed) for item_id, (rev, sealed) in self.items.items()}
        self.ik = private_key("5", "the identity key of the vault", self.take(self.vk, b"identity"))
        must(point(self.ik) == me.now.ik, "5", "the vault holds another identity than the log of this account")
        self.dvk = self.take(self.vk, b"day-key")
        self.kem = [private_key("5", f"KEM key {g}", self.take(self.dvk, b"kem/" + number(g, 4))) for g in range(1, me.now.g + 1)]
        for g, (mine, logged) in enumerate(zip(self.kem, me.kem_keys), start=1):
            must(point(mine) == logged, "5", f"KEM key {g} of the vault is not the one of the log")
        self.manifest = codec.manifest(self.take(self.dvk, b"manifest"))
        former = self.item_id(self.dvk, b"former-day-keys")
        forms = {
            b"levels": codec.levels,
            b"read-marks": codec.read_marks,
            b"contacts": codec.contacts,
            b"profile": codec.own_profile,
            b"saved": codec.saved,
            b"picture": codec.own_picture,
        }
        lists = {self.item_id(self.dvk, name): form for name, form in forms.items()}
        self.pins, self.picture = {}, None
        own_picture = self.item_id(self.dvk, b"picture")
        for item_id in list(self.items):
            plain = self.open(item_id, self.dvk, self.vk)
            if item_id == former:
                must(len(plain) % 32 == 0, "15", "the former day keys are not keys")
            elif item_id in lists:
                read = lists[item_id](plain)
                if item_id == own_picture:
                    self.picture = read.picture
            elif plain[:3] == b"\x05\x02\x01":
                pin = codec.pin(plain)
                must(self.item_id(self.dvk, b"contact/" + pin.user_id) == item_id, "5", "a contact stands under another's name")
                self.pins[pin.user_id] = pin
            else:
                print(f"skipped: a vault item of a kind this reader does not know ({len(plain)} bytes)", file=sys.stderr)
        del listed[self.item_id(self.dvk, b"manifest")]
        digest = H("vault-items", b"".join(listed[item_id] for item_id in sorted(listed)))
        must(digest == self.manifest.hash, "5", "the vault does not hold what its manifest says: something is missing, too much, or older")
        # What a browser that was never here knows of the past: what the log says. One that was here knows its own counter too.
        committed = me.now.vault_rev
        must(
            self.manifest.counter >= committed,
            "5",
            f"the vault is at state {self.manifest.counter}, its log at {committed}: an older vault",
        )
        same = self.manifest.counter != committed or self.manifest.hash == me.now.vault_hash
        must(same, "5", f"the vault is in another state {committed} than the one that its log names")

    def item_id(self, key: bytes, name: bytes) -> bytes:
        return hmac.digest(KDF(key, "vault-name"), lp(name), "sha256")[:16]

    def take(self, key: bytes, name: bytes) -> bytes:
        item_id = self.item_id(key, name)
        must(item_id in self.items, "5", f"the vault lacks the item {name!r}")
        plain = self.open(item_id, key)
        del self.items[item_id]
        return plain

    def open(self, item_id: bytes, *keys: bytes) -> bytes:
        """Under the first of the keys that fits. One that fits none was changed: unknown kinds lie under the same keys."""
        rev, sealed = self.items[item_id]
        context = self.me.user_id + item_id + number(rev, 8)
        for key in keys:
            try:
                return open_sealed(
                    "5", f"the vault item {b64(item_id)}", KDF(key, "vault-item-key", item_id), "vault-item", context, sealed
                )
            except DoesNotHold as error:
                failed = error
        raise failed


def sign_in(relay: Relay, handle: str, password: str) -> tuple[str, Person, Vault, ec.EllipticCurvePrivateKey]:
    """The realm, log, vault and this browser's key of an account; the relay then takes us for one of its browsers."""
    info = relay.ask("info")
    must(info["api"] == 1, "5", f"the relay speaks version {info['api']} of the API")
    realm = info["realm"]
    start = relay.ask("sign-in/start", handle=handle)
    root = password_root(password, realm, handle, unb64(start["salt"]), start["profile"])
    nonce = os.urandom(32)
    proof = b"\x06\x01\x01" + lp(realm.encode()) + lp(handle.encode()) + unb64(start["challenge"]) + nonce
    signature = sign(sign_in_key(root, realm), "login", proof)
    grant = relay.ask("sign-in/prove", handle=handle, challenge=start["challenge"], session_nonce=b64(nonce), sig=b64(signature))
    relay.token = grant["token"]
    me = user_log(grant["log"], realm)
    must(me.handle == handle, "5", f"the relay answers with the log of @{me.handle}")
    vault = Vault(me, root, unb64(grant["vault_header"]), grant["items"])

    # This browser's key goes into the log, signed by the identity key.
    device = ec.generate_private_key(CURVE)
    dk, dk_id = point(device), key_id(point(device))
    name = b"Independent reader"
    padded = number(len(name), 1) + name + bytes(160 - len(name))
    sealed = seal(KDF(vault.dvk, "device-label-key"), "device-label", dk_id, padded, os.urandom(24))
    body = b"\1" + dk + sign(device, "device-pop", me.user_id + dk) + lp(sealed)
    seq, head = len(me.points), me.points[-1][0]
    entry = b"\x01\x02\x01" + me.user_id + number(seq, 8) + head + number(int(time.time() * 1000), 8) + body
    signature = sign(vault.ik, "user-log", entry)
    relay.ask("users/append", entries=[b64(lp(entry) + signature)])
    me.extend(seq, entry, signature)

    challenge = relay.ask("session/start")["challenge"]
    proof = b"\x06\x03\x01" + lp(realm.encode()) + me.user_id + dk_id + unb64(challenge)
    relay.token = relay.ask("session/prove", dk_id=b64(dk_id), challenge=challenge, sig=b64(sign(device, "session", proof)))["token"]
    return realm, me, vault, device


# ---- A room's keys (§7) and messages (§8) ---------------------------------------------------------------------------


@dataclass
class Row:
    """A message that holds, or what became of it, as a line to print."""

    author: str
    text: str


@dataclass
class Said:
    """A message that holds, before it is known what others say about it."""

    seq: int
    hash: bytes
    by: bytes = b""
    body: Any = None  # None: its bytes are gone, or wait for a room key
    at: int = 0  # when it was said
    until: float = math.inf  # when it is to be gone
    line: str = ""  # what is said of it in any case
    ts: int = 0  # by its author's clock, as it is
    may_redact: bool = False  # its author had that right when it was said


class Reader:
    def __init__(self, relay: Relay, handle: str, password: str) -> None:
        self.relay = relay
        self.realm, self.me, self.vault, self.device = sign_in(relay, handle, password)
        self.people: dict[bytes, Person] = {}
        if self.vault.picture:
            self.image(self.me.user_id, self.vault.picture)

    def image(self, user_id: bytes, told: Any) -> bytes:
        """§8: the picture of somebody, as an image that may be shown."""
        sealed = unb64(self.relay.ask("pictures/get", picture_id=b64(told.id))["sealed"])
        plain = codec.Cursor(open_sealed("8", "a picture", told.key, "picture", user_id + told.id, sealed))
        image = codec.data(12_284)(plain)
        must(len(plain.data) == 12_288 and not any(plain.rest()), "8", "wrong padding of a picture")
        is_webp = image[:4] == b"RIFF" and image[8:12] == b"WEBP"
        must(is_webp or image[:3] == b"\xff\xd8\xff", "8", "a picture is no WebP and no JPEG")
        return image

    def person(self, user_id: bytes) -> Person:
        """Somebody's verified log: fetched once, and held against what we pinned or know."""
        if user_id not in self.people:
            logs = self.relay.ask("users/logs", users=[{"user_id": b64(user_id), "from_seq": 0}])["logs"]
            must(len(logs) == 1, "5", "the relay does not answer with the log of somebody")
            person = user_log(logs[0], self.realm)
            must(person.user_id == user_id, "5", "the relay answers with somebody else's log")
            same = [other for other in self.people.values() if other.handle == person.handle and not self.is_former(other)]
            must(self.is_former(person) or not same, "10", f"two people are called @{person.handle}")
            if user_id == self.me.user_id:
                must(person.points[: len(self.me.points)] == self.me.points, "5", "our own log has changed its past")
            if pin := self.vault.pins.get(user_id):
                what = f"the log of @{person.handle} is not the one that was pinned"
                must(
                    pin.handle in (person.handle, "") and pin.seq < len(person.points) and person.points[pin.seq][0] == pin.head, "5", what
                )
                if pin.state == codec.VERIFIED:
                    must(person.now.ik_since == pin.ik_since, "10", f"the identity of @{person.handle} has changed since it was verified")
            must(
                person.now.closed or all(pin.user_id == user_id or pin.handle != person.handle for pin in self.vault.pins.values()),
                "10",
                f"@{person.handle} was pinned as somebody else",
            )
            self.people[user_id] = person
        return self.people[user_id]

    def is_former(self, person: Person) -> bool:
        """Whether the handle is somebody else's now: the account is closed, or the pin gave the handle up (§5)."""
        pin = self.vault.pins.get(person.user_id)
        return person.now.closed or (pin is not None and not pin.handle)

    def log(self, stands: Any) -> Room:
        """§6: a room's log, as long as the relay says that it is."""
        room_id = unb64(stands["room_id"])
        blobs: list[bytes] = []
        while True:
            page = self.relay.ask("rooms/log", room_id=b64(room_id), from_seq=len(blobs))
            blobs += [unb64(entry) for entry in page["entries"]]
            if len(blobs) > page["seq"] or not page["entries"]:
                break
        room = Room(room_id, blobs, self.person)
        must(
            stands["seq"] < len(room.hashes) and room.hashes[stands["seq"]] == unb64(stands["head"]),
            "6",
            "the log is not the one that the relay announced",
        )
        must(self.me.user_id in room.members, "6", "the relay names a room that we are not in")
        return room

    def room(self, stands: Any) -> tuple[str, list[Row]]:
        """Title and messages of a room that has one conversation."""
        [(title, rows)] = self.conversations(stands)
        return title, rows

    def conversations(self, stands: Any) -> list[tuple[str, list[Row]]]:
        """Title and messages of a room, or of every channel of a space that we read."""
        room = self.log(stands)
        keys = self.all_keys(room)
        channels = {unb64(channel["channel"]): channel for channel in stands["channels"]}
        readable = [channel for channel in room.channels or [MAIN] if room.reads(self.me.user_id, channel)]
        if room.kind == DIRECT:
            title = next(self.person(user).handle for user in room.members if user != self.me.user_id)
        else:
            title = self.name(room, keys[MAIN])
        must(channels.keys() == set(readable), "12", "the relay names other channels than those that the log lets us read")
        if room.kind != SPACE:
            return [(title, self.messages(room, keys[MAIN], channels[MAIN]) + self.reports(room))]
        for role, (n, sealed) in room.role_names.items():
            self.named(room, keys[MAIN], n, "role-name", number(role, 1), sealed)
        if room.order is not None:
            self.named(room, keys[MAIN], room.order[0], "chan-order", b"", room.order[1])
        found = []
        for id in readable:
            key, there = room.key_of(id), room.channels[id]
            meta = self.named(room, keys[key], there.n, "chan-name", id, there.sealed)
            name = str(meta["name"]) if meta else "(no name)"
            found.append((f"{title} / {name}", self.messages(room, keys[key], channels[id], id)))
        reported = self.reports(room)
        return [*found, (f"{title} (reports)", reported)] if reported else found

    def named(self, room: Room, keys: dict[int, bytes], n: int, name: str, which: bytes, sealed: bytes) -> Any:
        """§15: what is called how in a space. None where its key is not ours."""
        if n not in keys:
            return None
        context = room.room_id + which + number(n, 4)
        return json.loads(open_sealed("15", f"a {name}", KDF(keys[n], "meta-key"), name, context, sealed).rstrip(b"\0"))

    def settled(self, stands: Any) -> list[tuple[str, list[Row]]]:
        """The same, once more if somebody may have written meanwhile. What does not hold does not the second time either."""
        try:
            return self.conversations(stands)
        except DoesNotHold:
            self.people.clear()
            return self.conversations(next((room for room in self.relay.rooms() if room["room_id"] == stands["room_id"]), stands))

    def reports(self, room: Room) -> list[Row]:
        """§12a: what was reported, for whoever may act on it."""
        if room.kind == DIRECT or room.closed or not room.standing_of(self.me.user_id).rights & HEARS_REPORTS:
            return []
        rows = []
        try:
            held = self.relay.ask("reports/list", room_id=b64(room.room_id))["reports"]
        except Refused:
            # A relay can keep reports to itself, and nobody notices (§12a).
            return []
        for sealed in held:
            report_id, g = unb64(sealed["report_id"]), sealed["g"]
            must(1 <= g <= len(self.vault.kem), "12a", "a report for a key that is none of ours")
            info = label("report-wrap") + b"\x03\x03\x01" + room.room_id + report_id + self.me.user_id + number(g, 4)
            key = open_wrap(self.vault.kem[g - 1], unb64(sealed["enc"]), unb64(sealed["ct"]), info)
            if key is None:
                raise DoesNotHold("12a", "the key of a report does not open")
            context = room.room_id + report_id
            plain = codec.Cursor(open_sealed("12a", "a report", key, "sealed-report", context, unb64(sealed["sealed"])))
            signed, signature = plain.take(codec.u32(plain)), plain.take(64)
            must(len(plain.data) == padded(plain.at) and not any(plain.rest()), "12a", "wrong padding of a report")
            report = codec.report(signed)
            must(report.room_id == room.room_id and report.report_id == report_id, "12a", "a report of another room, or under another id")
            self.signed_here(room, report, "report", signed, signature)
            rows.append(Row(self.person(report.user_id).handle, f"(reports) {report.words}"))
            for shown in report.messages:
                visible, said = codec.header(shown.header), codec.content(shown.content)
                must(visible.room_id == room.room_id and said.header_hash == H("header", shown.header), "12a", "a message of elsewhere")
                self.signed_here(room, said, "msg", shown.content, shown.sig)
                text = getattr(said.body, "text", None) or getattr(said.body, "question", "")
                rows.append(Row(self.person(said.user_id).handle, f"(reported) {text}"))
        return rows

    def signed_here(self, room: Room, by: Any, name: str, signed: bytes, signature: bytes) -> None:
        """By somebody who was a member with that device at the entry that they name."""
        must(by.log_seq < len(room.hashes) and room.hashes[by.log_seq] == by.log_head, "12a", "its author knew another log: a fork")
        dk = room.authors[by.log_seq].get((by.user_id, by.dk_id))
        if dk is None:
            raise DoesNotHold("12a", "nobody who was a member with that device signed it")
        verify("12a", "its", dk, name, signed, signature)

    def keys(self, room: Room) -> dict[int, bytes]:
        """A room's own keys."""
        return self.all_keys(room)[MAIN]

    def all_keys(self, room: Room) -> dict[bytes, dict[int, bytes]]:
        """§7: our wraps, then backwards along the backlinks; each secret against the commitment in the log. The room's own
        keys, and those of every private channel of a space."""
        private = [channel for channel in room.channels if room.key_of(channel) == channel]
        all_keys: dict[bytes, dict[int, bytes]] = {key: {} for key in [MAIN, *private]}
        for wrap in self.relay.ask("rooms/wraps", room_id=b64(room.room_id), from_n=1)["wraps"]:
            n, g, channel = wrap["n"], wrap["g"], unb64(wrap["channel"])
            must(unb64(wrap["user_id"]) == self.me.user_id and channel in all_keys, "7", f"the wrap of room key {n} is somebody else's")
            epochs = room.epochs_of(channel)
            must(1 <= n <= len(epochs) and 1 <= g <= len(self.vault.kem), "7", f"a wrap of room key {n}, which the log does not have")
            epoch = epochs[n - 1]
            info = label("wrap") + b"\x03\x01\x01" + room.room_id + channel + number(n, 4) + self.me.user_id + number(g, 4) + epoch.commit
            secret = open_wrap(self.vault.kem[g - 1], unb64(wrap["enc"]), unb64(wrap["ct"]), info)
            if secret is None:
                raise DoesNotHold("7", f"the wrap of room key {n} does not open")
            self.fits(room, epoch, secret)
            all_keys[channel][n] = secret
        for channel, keys in all_keys.items():
            epochs = room.epochs_of(channel)
            is_ours = channel == MAIN or self.me.user_id in room.channels[channel].members
            must(not epochs or not is_ours or len(epochs) in keys, "7", "the relay has no wrap of the newest room key for us")
            for epoch in reversed(epochs):
                if epoch.backlink and epoch.n in keys:
                    context = self.scope(room, epoch) + number(epoch.n, 4)
                    secret = open_sealed(
                        "7", f"the backlink of room key {epoch.n}", KDF(keys[epoch.n], "back-key"), "back", context, epoch.backlink
                    )
                    near = epochs[max(0, epoch.n - 1 - FURTHEST_LINK) : epoch.n - 1]
                    to = next((older for older in reversed(near) if self.commitment(room, older, secret) == older.commit), None)
                    if to is None:
                        raise DoesNotHold("7", f"the backlink of room key {epoch.n} leads to no key that the log names")
                    keys.setdefault(to.n, secret)
        return all_keys

    def scope(self, room: Room, epoch: Epoch) -> bytes:
        """§7: a private channel's keys are bound to it."""
        return room.room_id + (b"" if epoch.channel == MAIN else epoch.channel)

    def commitment(self, room: Room, epoch: Epoch, secret: bytes) -> bytes:
        return KDF(secret, "commit", self.scope(room, epoch) + number(epoch.n, 4) + epoch.prev + epoch.roster_hash)

    def fits(self, room: Room, epoch: Epoch, secret: bytes) -> None:
        commit = self.commitment(room, epoch, secret)
        must(commit == epoch.commit, "7", f"room key {epoch.n} is not the one that @{self.person(epoch.actor).handle} committed to")

    def name(self, room: Room, keys: dict[int, bytes]) -> str:
        """§15, Meta"""
        if room.meta is None or room.meta[0] not in keys:
            return "(no name)"
        n, sealed = room.meta
        plain = open_sealed("7", "the name", KDF(keys[n], "meta-key"), "meta", room.room_id + number(n, 4), sealed)
        return str(json.loads(plain.rstrip(b"\0"))["name"])

    def messages(self, room: Room, keys: dict[int, bytes], announced: Any, channel: bytes = MAIN) -> list[Row]:
        """§8, from the first message on, in the order of Accept."""
        self.channel = channel
        self.transcript = [H("t0", room.room_id + channel)]  # T_0, T_1, …
        self.lanes: dict[tuple[bytes, bytes], tuple[int, bytes]] = {}  # (device, lane) → newest number and hash
        self.ids: set[bytes] = set()
        self.emptied: set[bytes] = set()  # hashes of those whose bytes the relay has let go of
        self.known_log = 0  # the newest entry that the writer of an earlier message knew
        self.locked = False
        self.texts: dict[tuple[bytes, bytes], int] = {}  # (device, lane) → when its newest text was said
        self.clock = int(time.time() * 1000)
        said: list[Said] = []
        while True:
            after = len(self.transcript) - 1
            page = self.relay.ask("messages/page", room_id=b64(room.room_id), channel=b64(channel), **{"from": {"after": after}}, limit=200)
            must(
                page["before"]["seq"] == after and unb64(page["before"]["t"]) == self.transcript[after],
                "8",
                f"the transcript before message {after + 1} is another",
            )
            for message in page["messages"]:
                seq = len(self.transcript)
                try:
                    must(message["seq"] == seq, "8", f"it says that it is number {message['seq']}")
                    if message.get("gone") is None:
                        said.append(self.message(room, keys, seq, unb64(message["header"]), unb64(message["envelope"])))
                    else:
                        said.append(self.emptied_message(seq, message))
                except DoesNotHold as error:
                    raise error.inside(f"message {seq}") from error
            if len(self.transcript) > page["head"]["seq"]:
                break
            must(bool(page["messages"]), "8", "the relay withholds the newest messages")
        for place in page["head"], announced:
            must(
                place["seq"] < len(self.transcript) and self.transcript[place["seq"]] == unb64(place["t"]),
                "8",
                "the transcript is not the one that the relay announced",
            )
        for entry, cut in room.cuts:
            must(
                cut.channel != channel or cut.seq < len(self.transcript) and self.transcript[cut.seq] == cut.t,
                "6 rule 6",
                f"the cut of entry {entry} does not match the transcript",
            )
        return [Row(self.person(by).handle, text) for by, text in became(said, room, self.clock)]

    def next_place(self, seq: int, envelope_hash: bytes) -> None:
        must(envelope_hash not in self.emptied, "8", "it was here before, and taken away")
        self.transcript.append(H("t", self.transcript[-1] + number(seq, 8) + envelope_hash))

    def emptied_message(self, seq: int, message: Any) -> Said:
        """§8, gone messages: the hash has its place as ever. Whether anybody had it taken away shows at the end."""
        must(message["header"] == message["envelope"] == "", "8", "it is gone, and is not")
        envelope_hash = unb64(message["gone"])
        must(len(envelope_hash) == 32, "8", "what is left of it is no hash")
        self.next_place(seq, envelope_hash)
        self.emptied.add(envelope_hash)
        return Said(seq, envelope_hash)

    def message(self, room: Room, keys: dict[int, bytes], seq: int, header: bytes, envelope: bytes) -> Said:
        visible = codec.header(header)
        must(visible.room_id == room.room_id and visible.channel == self.channel and visible.suite == SUITE, "8", "it belongs elsewhere")
        must(visible.msg_id not in self.ids, "8", "its id was used before")
        self.ids.add(visible.msg_id)
        envelope_hash = H("env", header + envelope)
        self.next_place(seq, envelope_hash)
        own = room.key_of(self.channel)
        must(1 <= visible.n <= len(room.epochs_of(own)), "8", f"it is sealed under room key {visible.n}, which the log does not have")
        if visible.n not in keys:
            self.locked = True
            return Said(seq, envelope_hash, line=LOCKED)
        # §7: a channel that everybody reads has no key of its own.
        is_public = room.kind == SPACE and own == MAIN
        root = KDF(keys[visible.n], "chan", self.channel) if is_public else keys[visible.n]
        key = KDF(root, "msg-key", room.room_id + self.channel)
        plain = codec.Cursor(open_sealed("8", "it", key, "sealed-msg", header, envelope))
        signed, signature = plain.take(codec.u32(plain)), plain.take(64)
        must(len(plain.data) == padded(plain.at) and not any(plain.rest()), "8", "wrong padding")
        said = codec.content(signed)
        must(said.header_hash == H("header", header), "8", "it was written for another header")
        must(said.log_seq < len(room.hashes) and room.hashes[said.log_seq] == said.log_head, "8", "its author knew another log: a fork")
        dk = room.writer(said.user_id, said.dk_id, self.channel, said.log_seq)
        if dk is None:
            known = (said.user_id, said.dk_id) in room.authors[said.log_seq]
            what = "its author might not write there" if known else "its author was not a member with that device"
            raise DoesNotHold("8", what)
        verify("8", "its", dk, "msg", signed, signature)
        aside = said.body.kind in ("Beacon", "Typing", "Presence")
        must(not aside, "15", "what is said in passing in the place of a message")
        author = self.person(said.user_id).handle

        lane, (ctr, head) = (said.dk_id, said.lane), (0, H("lane", said.dk_id + said.lane))
        # The beginning of a lane may lie in what we cannot read.
        if lane in self.lanes or not self.locked or said.ctr == 1:
            ctr, head = self.lanes.get(lane, (ctr, head))
            # It goes on over messages that are gone: the last of them is named.
            over = said.ctr > ctr + 1 and said.prev_own in self.emptied
            must(
                over or (said.ctr == ctr + 1 and said.prev_own == head),
                "8",
                f"it is message {said.ctr} of a lane that stood at {ctr}: something of @{author} is missing or came twice",
            )
        self.lanes[lane] = (said.ctr, envelope_hash)
        must(said.seen_seq < seq and self.transcript[said.seen_seq] == said.seen_t, "8", f"@{author} had seen another history: a fork")
        was_there = all(
            room.writer(said.user_id, said.dk_id, self.channel, at) is not None for at in range(said.log_seq, self.known_log + 1)
        )
        must(was_there, "17", f"@{author} had gone when it was put here")
        self.known_log = max(self.known_log, said.log_seq)
        at = room.clamped(said.ts, self.clock)
        text_before = self.texts.get(lane)
        if said.body.kind in TEXTS:
            self.texts[lane] = at
        what = Said(seq, envelope_hash, said.user_id, said.body, at)
        if room.is_cut_off(said.user_id, said.dk_id, self.channel, seq):
            what.line, what.body = "(void: written after the removal)", None
        elif room.timed_out(said.user_id, self.known_log, at):
            what.line, what.body = "(void: written in a time-out)", None
        elif said.body.kind in TEXTS and text_before is not None and at < text_before + 1000 * room.slowed(said.user_id, self.channel, said.log_seq):
            what.line, what.body = "(void: too soon after the text before)", None
        elif said.body.kind not in (*TEXTS, *NAMES):
            what.line, what.body = f"(skipped: a message {said.body.kind})", None
        elif said.body.kind == "React" and not is_emoji(said.body.emoji):
            what.line, what.body = "(not heard: a reaction that is no emoji)", None
        elif said.body.kind == "Poll" and (len(said.body.options) < 2 or not all(map(str.strip, [said.body.question, *said.body.options]))):
            what.line, what.body = "(not heard: a poll that asks nothing)", None
        what.ts, what.may_redact = said.ts, room.might_redact(said.user_id, said.log_seq)
        # §11: the shorter of what the message says and of what the room had agreed on.
        lives = [getattr(said.body, "ttl", 0), room.ttl_at(said.log_seq) or 0]
        if any(lives) and said.body.kind != "Delete":
            what.until = at + 1000 * min(seconds for seconds in lives if seconds)
        return what


LOCKED = "(locked)"
MOST_REACTIONS = 20
FURTHEST_LINK = 256
HEARS_REPORTS = {"REDACT", "KICK"}
TEXTS = ("Text", "FadingText", "Post", "Forwarded", "Poll")
NAMES = {"Edit": "an edit", "Delete": "a deletion", "React": "a reaction", "Vote": "a vote", "EndPoll": "the end of a poll"}


def became(all_said: list[Said], room: Room, now: int) -> Iterator[tuple[bytes, str]]:
    """§8, bodies: what has become of every message, once all of them and the log are known. Author and line, in order."""
    by_hash: dict[bytes, Said] = {}
    for said in all_said:
        by_hash.setdefault(said.hash, said)
    acts: dict[bytes, list[Said]] = {}  # by what they are about
    unheard: dict[int, str] = {}
    for act in all_said:
        if kind(act) not in NAMES:
            continue
        target = by_hash.get(act.body.target)
        if target is None or target.seq >= act.seq:
            unheard[act.seq] = "about nothing"
        elif kind(target) in NAMES:
            unheard[act.seq] = "about something said about another message"
        elif kind(act) in ("Vote", "EndPoll"):
            if is_text(target) and not is_heard_in_poll(target, act):
                unheard[act.seq] = "that is not its author's to say"
        elif kind(target) == "Poll" and kind(act) == "Edit":
            unheard[act.seq] = "about a question"
        elif is_text(target) and act.by != target.by and kind(act) != "React":
            # Whoever took it away by the log may say so here as well.
            if kind(act) == "Edit" or room.redacted.get(target.hash) != act.by:
                unheard[act.seq] = "about somebody else's message"
        if act.seq not in unheard:
            acts.setdefault(act.body.target, []).append(act)

    def deleted_by(said: Said) -> bytes | None:
        deletions = [act.by for act in acts.get(said.hash, []) if kind(act) == "Delete"]
        return room.redacted.get(said.hash) or next(iter(deletions), None)

    def swept_by(said: Said) -> tuple[bool, bytes | None]:
        """Whether it may have been an edit of what was taken away; else who named it as one."""
        heard = [
            (act.by, act.body.target, act.body.edits, act.seq) for act in all_said if kind(act) == "Delete" and act.seq not in unheard
        ]
        listed = [(*redact, math.inf) for redact in room.swept] + heard
        naming = [(by, about, last) for by, about, edits, last in listed if said.hash in edits]
        for by, about, last in naming:
            target = by_hash.get(about)
            is_text_or_gone = target is not None and not target.line and (target.body is None or is_text(target))
            if target is not None and is_text_or_gone and target.seq < said.seq < last and deleted_by(target) == by:
                return True, None
        return False, naming[0][0] if naming else None

    def is_over(said: Said) -> bool:
        return said.until <= now or deleted_by(said) is not None

    before = 0  # when the readable message before was said
    for said in all_said:
        if said.line:
            if said.line != LOCKED:
                yield said.by, said.line
        elif said.body is None:
            was_edit, namer = swept_by(said)
            by = deleted_by(said) or (None if was_edit else namer)
            if not (by or was_edit or room.had_its_time(said.seq, before, now)):
                raise DoesNotHold("8", "the relay let go of it, and nobody who may had asked for that").inside(f"message {said.seq}")
            if by:
                yield by, "(deleted a message)"
        elif is_text(said):
            by = deleted_by(said)
            if said.until > now:
                yield (by, "(deleted a message)") if by else (said.by, words(said, acts.get(said.hash, [])))
        elif said.seq in unheard:
            # It has a time as well, and goes with what it is about.
            target = by_hash.get(said.body.target)
            went = kind(said) != "Delete" and (said.until <= now or (target is not None and is_text(target) and is_over(target)))
            if not went:
                yield said.by, f"(not heard: {NAMES[kind(said)]} {unheard[said.seq]})"
        if said.body is not None:
            before = said.at


def kind(said: Said) -> str:
    return str(said.body.kind) if said.body is not None else ""


def is_text(said: Said) -> bool:
    return kind(said) in TEXTS


def is_heard_in_poll(target: Said, act: Said) -> bool:
    """§8, polls: options that are there, and one alone unless several may be chosen; ended by who asked, or who keeps order."""
    if kind(target) != "Poll":
        return False
    if kind(act) == "EndPoll":
        return act.by == target.by or act.may_redact
    chosen = act.body.choices
    return chosen >> len(target.body.options) == 0 and (bool(target.body.several) or chosen.bit_count() <= 1)


def counted(poll: Said, acts: list[Said]) -> str:
    """The question, and how many chose what."""
    last: dict[bytes, int] = {}
    over = ""
    for act in acts:
        if kind(act) == "EndPoll":
            over = " (closed)"
            break
        if kind(act) == "Vote" and (poll.body.ends == 0 or act.ts < poll.body.ends):
            last[act.by] = act.body.choices
    votes = [sum(chosen >> at & 1 for chosen in last.values()) for at in range(len(poll.body.options))]
    options = [f" | {option}: {count}" for option, count in zip(poll.body.options, votes, strict=True)]
    return str(poll.body.question) + "".join(options) + over


def words(said: Said, acts: list[Said]) -> str:
    """The text as it stands, and what people put to it."""
    edits = [act.body.text for act in acts if kind(act) == "Edit"]
    if kind(said) == "Poll":
        text = counted(said, acts)
    else:
        text = f"{edits[-1]} (edited)" if edits else str(said.body.text)
    people: dict[str, set[bytes]] = {}
    for act in acts:
        if kind(act) == "React":
            users = people.setdefault(act.body.emoji, set())
            (users.add if act.body.on else users.discard)(act.by)
    stand = [f" [{emoji} {len(users)}]" for emoji, users in people.items() if users]
    return text + "".join(stand[:MOST_REACTIONS])


def is_emoji(text: str) -> bool:
    """§8: signs beyond ASCII, no words, nothing that turns text around or hides in it."""
    turns = re.search("[\u200b\u200c\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]", text)
    return not (text.isascii() or turns or any(is_letter(char) or char.isspace() or unicodedata.category(char) == "Cc" for char in text))


def is_letter(char: str) -> bool:
    """Unicode's Alphabetic, as far as Python knows it: letters, and signs made of letters."""
    category = unicodedata.category(char)
    return category[0] == "L" or category in ("Nl", "Mc") or bool(re.match("[Ⓐ-ⓩ🄰-🅉🅐-🅩🅰-🆉]", char))


def padded(length: int) -> int:
    """§8: buckets, then Padmé, which keeps the upper bits of a length and rounds the others up."""
    for bucket in 512, 1024, 2048, 4096, 8192, 16_384:
        if length <= bucket:
            return bucket
    exponent = length.bit_length() - 1
    mask = (1 << (exponent - exponent.bit_length())) - 1
    return (length + mask) & ~mask


def printable(text: str) -> str:
    """What others wrote must not steer the terminal or look like a line of ours."""
    return re.sub(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", "\N{REPLACEMENT CHARACTER}", text).replace("\n", "\n    ")


def main() -> int:
    if len(sys.argv) != 3:
        print(__doc__)
        return 2
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    password = getpass.getpass() if sys.stdin.isatty() else sys.stdin.buffer.read().decode().removesuffix("\n")
    relay, held = Relay(sys.argv[1]), True
    try:
        reader = Reader(relay, sys.argv[2], password)
        rooms = relay.rooms()
    except DoesNotHold as error:
        print(f"does not hold: {error}", file=sys.stderr)
        return 1
    except Refused as error:
        print("The handle or the password is wrong." if error.code == "bad_proof" else error, file=sys.stderr)
        return 1
    for stands in rooms:
        try:
            found = reader.settled(stands)
        except (DoesNotHold, Refused, *UNREADABLE) as error:
            held = False
            print(printable(f"room {stands['room_id']} does not hold: {error}"), file=sys.stderr)
            continue
        for title, rows in found:
            print(f"room {printable(title)}")
            for row in rows:
                print(f"@{row.author}: {printable(row.text)}")
    relay.ask("session/end")
    return 0 if held else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (OSError, WebSocketException, *UNREADABLE) as error:
        sys.exit(f"The relay at {sys.argv[1]} cannot be reached or understood: {error!r}")
