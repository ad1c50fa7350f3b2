#!/usr/bin/env python3
"""Writes the JSON vectors beside this file from the PyPI package `cryptography_vectors`.

The package is downloaded into a temporary folder; nothing is installed. Run it again only to move to a newer package:

    python3 shared/tests/vectors/convert.py

- rfc9180_p256_sha256_aes256gcm.json   HPKE base mode of our exact suite (KEM 0x0010, KDF 0x0001, AEAD 0x0002)
- rfc9106_argon2id.json                Argon2id 1.3: the vector of RFC 9106 §5.3, then further ones from the same file
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import zipfile

PACKAGE = "cryptography_vectors"
VERSION = "50.0.2"
HERE = pathlib.Path(__file__).parent

KEM_P256_SHA256, KDF_SHA256, AEAD_AES256GCM, MODE_BASE = 0x0010, 0x0001, 0x0002, 0
ENCRYPTIONS_KEPT = 3


def download(folder):
    """The package's wheel, fetched by pip; returns it opened as a zip file."""
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", folder, f"{PACKAGE}=={VERSION}"],
        check=True,
    )
    (wheel,) = pathlib.Path(folder).glob("*.whl")
    return zipfile.ZipFile(wheel)


def hpke_cases(text):
    """Cases of our suite in base mode, each with only its first few encryptions."""
    suite = (KEM_P256_SHA256, KDF_SHA256, AEAD_AES256GCM, MODE_BASE)
    cases = [c for c in json.loads(text) if (c["kem_id"], c["kdf_id"], c["aead_id"], c["mode"]) == suite]
    for case in cases:
        case["encryptions"] = case["encryptions"][:ENCRYPTIONS_KEPT]
    return cases


def argon2id_cases(text):
    """Cases of the NIST-like text file: a block of `name = value` lines per case, `#` starts a comment."""
    names = {
        "pass": "password",
        "salt": "salt",
        "secret": "secret",
        "ad": "associated_data",
        "output": "output",
        "iter": "iterations",
        "memcost": "memory_kib",
        "lanes": "lanes",
        "length": "output_len",
    }
    cases = []
    for line in text.splitlines():
        name, is_pair, value = (part.strip() for part in line.partition("="))
        if line.startswith("#") or not is_pair:
            continue
        if name == "COUNT":
            cases.append({"source": "pyca/cryptography", "secret": "", "associated_data": ""})
        elif name in ("iter", "memcost", "lanes", "length"):
            cases[-1][names[name]] = int(value)
        else:
            cases[-1][names[name]] = value
    cases[0]["source"] = "RFC 9106 section 5.3"
    return cases


def write(name, source, note, cases):
    """One JSON file that says where it comes from; an empty one would test nothing, so it is refused."""
    if not cases:
        sys.exit(f"{name}: the package holds no such case any more")
    file = {"source": source, "note": note, "written_by": "shared/tests/vectors/convert.py", "cases": cases}
    (HERE / name).write_text(json.dumps(file, indent=2) + "\n")
    print(f"{name}: {len(cases)} case(s)")


def main():
    with tempfile.TemporaryDirectory() as folder:
        wheel = download(folder)
        hpke = hpke_cases(wheel.read(f"{PACKAGE}/HPKE/test-vectors.json"))
        argon2id = argon2id_cases(wheel.read(f"{PACKAGE}/KDF/argon2id.txt").decode())
    write(
        "rfc9180_p256_sha256_aes256gcm.json",
        f"the test vector file that belongs to RFC 9180 (its appendix A prints a part), by PyPI {PACKAGE} {VERSION}, HPKE/test-vectors.json (Apache-2.0 OR BSD-3-Clause)",
        f"mode base; encryptions cut to the first {ENCRYPTIONS_KEPT}; all byte strings are hex",
        hpke,
    )
    write(
        "rfc9106_argon2id.json",
        f"RFC 9106 section 5.3 and others, by PyPI {PACKAGE} {VERSION}, KDF/argon2id.txt (Apache-2.0 OR BSD-3-Clause)",
        "Argon2id version 0x13; all byte strings are hex",
        argon2id,
    )


if __name__ == "__main__":
    main()
