"""The functions of protocol §2 and §3, and HPKE as §7 uses it, on top of the package `cryptography`."""

from __future__ import annotations

import hmac
import unicodedata

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes, hpke, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from codec import DoesNotHold, must

CURVE = ec.SECP256R1()
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
CHUNK = 16 * 1024
HPKE = hpke.Suite(hpke.KEM.P256, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)


def label(name: str) -> bytes:
    """`lp(label)`: every label begins with `sotto/1/`."""
    full = b"sotto/1/" + name.encode()
    return bytes([len(full)]) + full


def lp(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


def number(value: int, width: int) -> bytes:
    return value.to_bytes(width, "big")


def sha256(data: bytes) -> bytes:
    digest = hashes.Hash(hashes.SHA256())
    digest.update(data)
    return digest.finalize()


def H(name: str, data: bytes) -> bytes:
    """`H(label, x) = SHA-256(lp(label) ‖ x)`"""
    return sha256(label(name) + data)


def expand(key: bytes, info: bytes, length: int, digest: str) -> bytes:
    """HKDF-Expand (RFC 5869 §2.3). By hand: §3 expands a 32-byte key with SHA-512, which libraries refuse as too short."""
    out, block, index = b"", b"", 1
    while len(out) < length:
        block = hmac.digest(key, block + info + bytes([index]), digest)
        out, index = out + block, index + 1
    return out[:length]


def KDF(key: bytes, name: str, context: bytes = b"", length: int = 32) -> bytes:
    """`KDF(k, label, ctx, L) = HKDF-Expand-SHA256(k, lp(label) ‖ ctx, L)`"""
    return expand(key, label(name) + context, length, "sha256")


def open_sealed(section: str, what: str, key: bytes, name: str, context: bytes, sealed: bytes) -> bytes:
    """The reverse of `Seal(k, label, ctx, pt)`: Cobblestone-256 (§3). The commitment comes first, then every chunk; the last
    one is shorter than a whole chunk, or something was cut off."""
    salt, commitment, rest = sealed[:24], sealed[24:56], sealed[56:]
    info = b"c2sp.org/chunked-encryption@v1+" + b"AEAD_AES_256_GCM" + b"\0" + salt + label(name) + context
    okm = expand(key, info, 76, "sha512")
    must(hmac.compare_digest(okm[44:], commitment), section, f"{what} does not open: wrong key or context, or changed")
    cipher, base = AESGCM(okm[:32]), int.from_bytes(okm[32:44], "big")
    out, index = b"", 0
    while True:
        chunk, rest = rest[: CHUNK + 16], rest[CHUNK + 16 :]
        try:
            out += cipher.decrypt((base ^ index).to_bytes(12, "big"), chunk, None)
        except (InvalidTag, ValueError) as error:
            raise DoesNotHold(section, f"{what} does not open: chunk {index} was changed or is missing") from error
        if len(chunk) < CHUNK + 16:
            break
        index += 1
    return out


def seal(key: bytes, name: str, context: bytes, plain: bytes, salt: bytes) -> bytes:
    """For less than one chunk: all that a reader seals is the name of its device."""
    okm = expand(key, b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0" + salt + label(name) + context, 76, "sha512")
    return salt + okm[44:] + AESGCM(okm[:32]).encrypt(okm[32:44], plain, None)


def point(key: ec.EllipticCurvePrivateKey) -> bytes:
    """The public half, as it travels."""
    return key.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


def private_key(section: str, what: str, scalar: bytes) -> ec.EllipticCurvePrivateKey:
    value = int.from_bytes(scalar, "big")
    must(len(scalar) == 32 and 0 < value < ORDER, section, f"{what} is not a private key of P-256")
    return ec.derive_private_key(value, CURVE)


def key_id(public: bytes) -> bytes:
    return H("key-id", public)


def sign(key: ec.EllipticCurvePrivateKey, name: str, message: bytes) -> bytes:
    """`Sign(sk, label, x)`: RFC 6979, low-S, `r ‖ s`."""
    signature = key.sign(b"sotto-sig\0" + label(name) + message, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
    r, s = decode_dss_signature(signature)
    return number(r, 32) + number(min(s, ORDER - s), 32)


def verify(section: str, whose: str, public: bytes, name: str, message: bytes, signature: bytes) -> None:
    """The signature holds under this very key and label, and is the low-S one of its two forms."""
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    key = ec.EllipticCurvePublicKey.from_encoded_point(CURVE, public)
    try:
        if not (0 < r < ORDER and 0 < s <= ORDER // 2):
            raise InvalidSignature
        key.verify(encode_dss_signature(r, s), b"sotto-sig\0" + label(name) + message, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature as error:
        raise DoesNotHold(section, f"{whose} signature does not hold") from error


def open_wrap(key: ec.EllipticCurvePrivateKey, enc: bytes, ct: bytes, info: bytes) -> bytes | None:
    """HPKE base mode, single shot, empty aad (§7). None if it does not open."""
    try:
        return HPKE.decrypt(enc + ct, key, info)
    except (InvalidTag, ValueError):
        return None


def password_root(password: str, realm: str, handle: str, salt: bytes, profile: int) -> bytes:
    """§5: NFKC, then Argon2id. Only profile 1 is known; whatever else a relay asks for may be weaker."""
    must(profile == 1 and len(salt) == 16, "5", f"the relay asks for the password profile {profile}, which is not one")
    bound = H("kdf-salt", lp(realm.encode()) + lp(handle.encode()) + salt)
    argon = Argon2id(salt=bound, length=32, iterations=3, lanes=1, memory_cost=64 * 1024)
    return argon.derive(unicodedata.normalize("NFKC", password).encode())


def sign_in_key(root: bytes, realm: str) -> ec.EllipticCurvePrivateKey:
    """`AK` (§5)"""
    wide = int.from_bytes(KDF(root, "ak", lp(realm.encode()), 48), "big")
    return ec.derive_private_key(wide % (ORDER - 1) + 1, CURVE)
