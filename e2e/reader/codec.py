"""The canonical encoding (protocol §2) and the layouts that a reader meets (§15). Decoding is strict.

A layout is written down as the page of the protocol writes it: field by field, in order. Bytes that are signed or hashed
are never encoded again from what was decoded: a check always goes over what came in.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec


class DoesNotHold(Exception):
    """A check failed. Says which section of the protocol asks for it, and what was found."""

    def __init__(self, section: str, what: str, where: str = "") -> None:
        super().__init__(f"{where}§{section}: {what}")
        self.section, self.what, self.where = section, what, where

    def inside(self, where: str) -> DoesNotHold:
        return DoesNotHold(self.section, self.what, f"{where}: {self.where}")


def must(holds: bool, section: str, what: str) -> None:
    if not holds:
        raise DoesNotHold(section, what)


class Cursor:
    """Bytes that are read once, from front to back, to the very end."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, count: int) -> bytes:
        must(count <= len(self.data) - self.at, "2", "the bytes end too early")
        self.at += count
        return self.data[self.at - count : self.at]

    def rest(self) -> bytes:
        return self.take(len(self.data) - self.at)

    def end(self) -> None:
        must(self.at == len(self.data), "2", "bytes are left over")


Field = Callable[[Cursor], Any]


def integer(width: int) -> Field:
    return lambda c: int.from_bytes(c.take(width), "big")


u8, u16, u32, u64 = integer(1), integer(2), integer(4), integer(8)


def raw(count: int) -> Field:
    return lambda c: c.take(count)


def data(most: int) -> Field:
    """`b<most>`"""

    def field(c: Cursor) -> bytes:
        count = u32(c)
        must(count <= most, "2", f"a field of {count} bytes where {most} are allowed")
        return c.take(count)

    return field


def text(most: int) -> Field:
    """`t<most>`"""

    def field(c: Cursor) -> str:
        try:
            return str(data(most)(c), "utf-8", "strict")
        except UnicodeDecodeError as error:
            raise DoesNotHold("2", "text that is not UTF-8") from error

    return field


def items(most: int, of: Field) -> Field:
    """`l<most>`"""

    def field(c: Cursor) -> list[Any]:
        count = u16(c)
        must(count <= most, "2", f"{count} items where {most} are allowed")
        return [of(c) for _ in range(count)]

    return field


def one_of(*allowed: int) -> Field:
    """A `u8` that is one of these."""

    def field(c: Cursor) -> int:
        value: int = u8(c)
        must(value in allowed, "2", f"{value} is not one of {allowed}")
        return value

    return field


flag = one_of(0, 1)


def optional(of: Field) -> Field:
    """`o`"""
    return lambda c: of(c) if flag(c) else None


def public_key(c: Cursor) -> bytes:
    """`key`: 65 bytes, uncompressed, on the curve (§2)."""
    point = c.take(65)
    try:
        if point[0] != 4:
            raise ValueError
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except ValueError as error:
        raise DoesNotHold("2", "a public key that is not a point of P-256") from error
    return point


def fields(**layout: Field) -> Field:
    """Fields one after the other."""
    return lambda c: SimpleNamespace(**{name: field(c) for name, field in layout.items()})


def tagged(bodies: dict[int, tuple[str, Field]], unknown: bool = False) -> Field:
    """`u8` tag, then the fields of that body. `unknown`: bodies that this reader does not know are let through."""

    def field(c: Cursor) -> SimpleNamespace:
        tag = u8(c)
        if tag in bodies:
            kind, layout = bodies[tag]
            return SimpleNamespace(kind=kind, **vars(layout(c)))
        must(unknown, "15", f"a body with the tag {tag}, which this reader does not know")
        c.rest()
        return SimpleNamespace(kind=f"of a kind this reader does not know (tag {tag})")

    return field


def record(tag: int, **layout: Field) -> Callable[[bytes], Any]:
    """A top-level struct, version 1: `u16` tag, `u8` version, fields, and nothing behind them."""

    def decode(encoded: bytes) -> Any:
        c = Cursor(encoded)
        must((u16(c), u8(c)) == (tag, 1), "15", f"not a struct {tag:#06x} of version 1")
        value = fields(**layout)(c)
        c.end()
        return value

    return decode


def signed_blob(encoded: bytes) -> tuple[bytes, bytes]:
    """`SignedBlob`: what was signed, and the signature."""
    c = Cursor(encoded)
    body, signature = data(65_536)(c), c.take(64)
    c.end()
    return body, signature


# ---- §15 ------------------------------------------------------------------------------------------------------------

hash32, id32, id16 = raw(32), raw(32), raw(16)
nothing = fields()

USER_BODIES = {
    1: ("AddDevice", fields(dk=public_key, pop=raw(64), label=data(256))),
    2: ("RevokeDevice", fields(dk_id=id32)),
    3: ("RotateKem", fields(g=u32, kk=public_key)),
    4: ("RotateIdentity", fields(ik=public_key, pop=raw(64))),
    5: ("VaultCommit", fields(rev=u64, hash=hash32, dk_id=optional(id32))),
    6: ("Close", nothing),
}
user_genesis = record(0x0101, realm=text(253), ik=public_key, kk=public_key, created=u64, nonce=raw(16))
user_entry = record(0x0102, user_id=id32, seq=u64, prev=hash32, ts=u64, body=tagged(USER_BODIES))

DIRECT, GROUP, SPACE = 1, 2, 3
SHARED, JOINED = 1, 2
MEMBER, MODERATOR, OWNER = 1, 2, 3
policy = fields(suite=u16, history=one_of(SHARED, JOINED))
member_ref = fields(user_id=id32, seq=u64, head=hash32)
CUSTOM = range(16, 256)  # roles of a space
role = one_of(MEMBER, MODERATOR, OWNER, *CUSTOM)
RIGHTS = ("INVITE", "KICK", "BAN", "ROLE", "META", "CHANNEL", "REDACT", "POST", "PIN", "CALL")


def rights(c: Cursor) -> frozenset[str]:
    """A `u16` with a bit for each right; others are refused."""
    bits = u16(c)
    must(bits < 1 << len(RIGHTS), "15", "a right that there is not")
    return frozenset(right for at, right in enumerate(RIGHTS) if bits >> at & 1)


PUBLIC, PRIVATE, ANNOUNCEMENT = 1, 2, 3
named = items(1000, id32)
cut = items(512, fields(channel=id16, seq=u64, t=hash32))
AS_MEMBER, ON_APPROVAL = 1, 2
edits = items(64, hash32)

ROOM_BODIES = {
    1: ("AddMember", fields(member=member_ref, role=role)),
    2: ("Leave", nothing),
    3: ("Remove", fields(user_id=id32, ban=flag, cut=cut)),
    4: ("Unban", fields(user_id=id32)),
    5: ("SetRole", fields(user_id=id32, role=role)),
    6: ("SetPolicy", fields(policy=policy)),
    7: ("SetMeta", fields(n=u32, sealed=data(4096))),
    8: ("Epoch", fields(n=u32, suite=u16, commit=hash32, roster_hash=hash32, reason=one_of(1, 2, 3, 4, 5), backlink=data(256))),
    9: ("UserUpdate", fields(member=member_ref, cut=cut)),
    10: ("Close", nothing),
    11: (
        "CreateInvite",
        fields(
            invite_id=id16, inv_pk=public_key, role=role, max_uses=u32, expires=u64, mode=one_of(AS_MEMBER, ON_APPROVAL), card=data(1024)
        ),
    ),
    12: ("RevokeInvite", fields(invite_id=id16)),
    13: ("Join", fields(invite_id=id16, member=member_ref, nonce=raw(16), inv_sig=raw(64))),
    14: ("DefineRole", fields(role=one_of(*CUSTOM), rank=u8, rights=rights, n=u32, sealed=data(1024))),
    15: ("DropRole", fields(role=one_of(*CUSTOM))),
    16: (
        "CreateChannel",
        fields(channel=id16, of=one_of(PUBLIC, PRIVATE, ANNOUNCEMENT), members=named, n=u32, sealed=data(2048)),
    ),
    17: ("UpdateChannel", fields(channel=id16, n=u32, sealed=data(2048), archived=flag)),
    18: (
        "ChannelEpoch",
        fields(channel=id16, n=u32, suite=u16, commit=hash32, roster_hash=hash32, reason=one_of(1, 2, 3, 4, 5), backlink=data(256)),
    ),
    19: ("ChannelMembers", fields(channel=id16, add=named, remove=named)),
    20: ("Redact", fields(target=hash32, edits=edits)),
    21: ("SetTtl", fields(seconds=u32, after=u64)),
    22: ("ArrangeChannels", fields(n=u32, sealed=data(32_768))),
    25: ("Pin", fields(channel=id16, target=hash32, on=flag)),
    31: ("TimeOut", fields(user_id=id32, until=u64)),
    32: ("SetSlowMode", fields(channel=id16, seconds=u32)),
    33: ("Reason", fields(n=u32, of=u64, sealed=data(1024))),
}
room_genesis = record(
    0x0201,
    kind=one_of(DIRECT, GROUP, SPACE),
    creator=member_ref,
    creator_dk=id32,
    members=items(1, member_ref),
    policy=policy,
    ts=u64,
    nonce=raw(16),
)
room_entry = record(0x0202, room_id=id32, seq=u64, prev=hash32, ts=u64, actor=id32, actor_dk=id32, body=tagged(ROOM_BODIES))

DURABLE = 1
header = record(0x0401, suite=u16, kind=one_of(DURABLE), room_id=id32, channel=id16, n=u32, msg_id=id16, ttl_class=u8, del_commit=hash32)
MESSAGE_BODIES = {
    1: ("Text", fields(text=text(32_768))),
    2: ("FadingText", fields(text=text(32_768), ttl=u32)),
    3: ("Edit", fields(target=hash32, text=text(32_768))),
    4: ("Delete", fields(target=hash32, edits=edits)),
    5: ("React", fields(target=hash32, emoji=text(64), on=flag)),
    6: (
        "Post",
        fields(
            text=text(32_768), ttl=u32, reply=optional(hash32), thread=optional(hash32), everyone=flag, mentions=items(64, id32)
        ),
    ),
    7: ("Forwarded", fields(text=text(32_768), ttl=u32)),
    8: ("Poll", fields(question=text(1024), options=items(12, text(256)), several=flag, ends=u64, ttl=u32)),
    9: ("Vote", fields(target=hash32, choices=u16)),
    10: ("EndPoll", fields(target=hash32)),
    16: ("Beacon", nothing),
    18: ("Typing", nothing),
    19: ("Presence", fields(state=one_of(1, 2, 3, 4))),
    17: ("Receipt", fields(read=u64)),
    20: ("Profile", fields(name=text(64), status=text(128))),
    21: ("Picture", fields(picture=optional(fields(id=id16, key=raw(32))))),
}
content = record(
    0x0402,
    header_hash=hash32,
    user_id=id32,
    dk_id=id32,
    lane=raw(8),
    ctr=u64,
    prev_own=hash32,
    log_seq=u64,
    log_head=hash32,
    seen_seq=u64,
    seen_t=hash32,
    ts=u64,
    body=tagged(MESSAGE_BODIES, unknown=True),
)
reported = fields(seq=u64, header=data(107), content=data(65_536), sig=raw(64))
report = record(
    0x0304,
    room_id=id32,
    report_id=id16,
    user_id=id32,
    dk_id=id32,
    log_seq=u64,
    log_head=hash32,
    ts=u64,
    words=text(4096),
    messages=items(40, reported),
)

PASSWORD, RECOVERY = 1, 2
vault_header = record(0x0501, user_id=id32, vk_gen=u32, wraps=items(4, fields(method=one_of(PASSWORD, RECOVERY), sealed=data(160))))
UNVERIFIED, VERIFIED, CHANGED = 1, 2, 3
pin = record(0x0502, user_id=id32, handle=text(32), seq=u64, head=hash32, ik_since=u64, state=one_of(UNVERIFIED, VERIFIED, CHANGED))
saved = record(0x0505, items=items(500, fields(room_id=id32, channel=id16, target=hash32, at=u64)))
manifest = record(0x0503, counter=u64, hash=hash32)
EVERYTHING, MENTIONS, NOTHING = 1, 2, 3
usual = fields(direct=flag, mentions=flag, groups=flag, spaces=flag, at=u64)
choice = fields(room_id=id32, channel=optional(id16), level=optional(one_of(EVERYTHING, MENTIONS, NOTHING)), until=u64, at=u64)
levels = record(0x0504, usual=usual, choices=items(512, choice))
ACCEPTED, UNDECIDED, ASKED, DECLINED, BLOCKED, REMOVED = 1, 2, 3, 4, 5, 6
contacts = record(
    0x0506, people=items(1400, fields(user_id=id32, state=one_of(ACCEPTED, UNDECIDED, ASKED, DECLINED, BLOCKED, REMOVED), since=u64))
)
own_picture = record(0x0509, picture=optional(fields(id=id16, key=raw(32))), at=u64)
own_profile = record(0x0508, name=text(64), status=text(128), at=u64)
read_mark = fields(room_id=id32, channel=id16, thread=optional(id32), turn=u32, read=u64, at=u64)
read_marks = record(0x0507, marks=items(640, read_mark))
