"""An export of the audit, verified by nothing but hashlib and the Ed25519 of cryptography."""

import hashlib
import json
import os
import signal
import subprocess

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

GATEPOST = os.environ["GATEPOST"]


def run(*arguments):
    return subprocess.run([GATEPOST, *arguments], check=True, capture_output=True).stdout


def verify(export, key):
    """The way the guide tells it; the number of entries and of signatures."""
    lines = export.splitlines()
    head = json.loads(lines[0])
    link, number, signed = bytes.fromhex(head["previous"]), head["first"] - 1, 0
    assert link == hashlib.sha256(
        b"gatepost audit " + bytes.fromhex(head["audit"].replace("-", ""))
    ).digest()
    for line in lines[1:]:
        if line.startswith(b'{"sequence":'):
            link = hashlib.sha256(link + line.split(b'"entry":', 1)[1][:-1]).digest()
            number += 1
            assert json.loads(line)["sequence"] == number
            assert json.loads(line)["hash"] == link.hex(), number
        elif point := json.loads(line).get("checkpoint"):
            said = ["gatepost audit checkpoint", head["audit"], str(number), link.hex(), point["at"]]
            public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key))
            public.verify(bytes.fromhex(point["signature"]), "\n".join(said).encode())
            signed += 1
    assert json.loads(lines[-1])["end"] == {"last": number, "hash": link.hex()}
    return number, signed


@pytest.fixture
def data(tmp_path):
    """The data directory of a server with some entries."""
    folder = str(tmp_path / "data")
    server = subprocess.Popen(
        [GATEPOST, "serve", "--data", folder, "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE
    )
    try:
        assert b"listens on" in server.stdout.readline()
        for _ in range(5):
            run("audit", "export", "--data", folder)
        yield folder
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait()


def test_an_export_verifies_elsewhere_and_a_changed_one_does_not(data, tmp_path):
    key = run("audit", "key", "--data", data).decode().strip()
    export = run("audit", "export", "--data", data)
    entries, signed = verify(export, key)
    assert entries >= 6 and signed >= 1
    path = tmp_path / "audit.jsonl"
    path.write_bytes(export)
    told = run("audit", "verify", str(path), "--key", key)
    assert b"as it was written, up to entry %d" % entries in told
    assert b"as it was written" in run("audit", "verify", "--data", data, "--key", key)

    at = export.index(b'"entry"', export.index(b'{"sequence":3,')) + 20
    flipped = bytearray(export)
    flipped[at] ^= 1
    with pytest.raises((AssertionError, InvalidSignature, json.JSONDecodeError)):
        verify(bytes(flipped), key)
    path.write_bytes(flipped)
    refused = subprocess.run([GATEPOST, "audit", "verify", str(path)], capture_output=True)
    assert refused.returncode == 1
    assert b"(entry 3)" in refused.stderr
