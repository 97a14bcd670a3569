"""The audit elsewhere: an export verified by nothing but hashlib and the Ed25519 of cryptography, and
the stream received by rsyslog over TCP and TLS."""

import hashlib
import json
import os
import pathlib
import signal
import subprocess
import time

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from processes import Process

GATEPOST = os.environ["GATEPOST"]
RSYSLOG = "/usr/sbin/rsyslogd"


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


CONFIGURATION = """
global(workDirectory="{folder}" maxMessageSize="64k"
       defaultNetstreamDriverCAFile="{folder}/ca.pem"
       defaultNetstreamDriverCertFile="{folder}/cert.pem"
       defaultNetstreamDriverKeyFile="{folder}/key.pem")
module(load="imtcp")
template(name="parts" type="list") {{
  property(name="pri") constant(value="\t")
  property(name="app-name") constant(value="\t")
  property(name="msgid") constant(value="\t")
  property(name="structured-data") constant(value="\t")
  property(name="msg") constant(value="\n")
}}
input(type="imtcp" address="127.0.0.1" port="{port}" listenPortFileName="{folder}/port" {driver})
action(type="omfile" file="{folder}/received" template="parts")
"""
TLS = 'streamDriver.name="ossl" streamDriver.mode="1" streamDriver.authMode="anon"'


class Rsyslog:
    """rsyslogd in a folder of its own, started anew on the same port after a stop."""

    def __init__(self, folder, is_tls):
        self.folder, self.driver, self.port = folder, TLS if is_tls else "", 0
        (folder / "names").write_text("subjectAltName=IP:127.0.0.1")
        for step in (
            "req -x509 -newkey rsa:2048 -nodes -days 2 -keyout ca.key -out ca.pem -subj /CN=ca",
            "req -newkey rsa:2048 -nodes -keyout key.pem -out request -subj /CN=127.0.0.1",
            "x509 -req -in request -CA ca.pem -CAkey ca.key -CAcreateserial -days 2"
            " -extfile names -out cert.pem",
        ):
            openssl = ["openssl", *step.split()]
            subprocess.run(openssl, check=True, capture_output=True, cwd=folder)
        self.process = None

    def __enter__(self):
        said = CONFIGURATION.format(folder=self.folder, port=self.port, driver=self.driver)
        (self.folder / "conf").write_text(said)
        (self.folder / "port").unlink(missing_ok=True)
        self.process = Process(
            [RSYSLOG, "-n", "-f", self.folder / "conf", "-i", self.folder / "pid"]
        )
        if self.port:
            self.process.wait_for_port(self.port)
        self.port = self.port or int(until(lambda: read(self.folder / "port").strip()))
        return self

    def __exit__(self, *_):
        self.process.stop()

    def received(self):
        """What was received: structured data and document of each entry, in the order it came."""
        lines = read(self.folder / "received").splitlines()
        return [line.split("\t") for line in lines if "\ttest\t" not in line]


def read(path):
    return path.read_text() if path.exists() else ""


def until(look, patience=60):
    """What `look` finds, once it finds something."""
    for _ in range(patience * 20):
        if found := look():
            return found
        time.sleep(0.05)
    raise AssertionError("it did not happen")


def received_whole(received, last):
    """Every entry up to the last came, in order, and the documents make the chain that they tell of."""
    chain = {}
    for priority, program, event, structured, document in received:
        # "[gatepost@32473 name=\"value\" …]"
        fields = dict(part.split("=", 1) for part in structured[1:-1].split(" ")[1:])
        fields = {name: value.strip('"') for name, value in fields.items()}
        assert program == "gatepost" and priority in ("109", "108")
        assert json.loads(document)["event"] == event
        number = int(fields["sequence"])
        assert chain.setdefault(number, (fields["hash"], document)) == (fields["hash"], document)
    assert list(chain) == list(range(1, last + 1))
    link = hashlib.sha256(
        b"gatepost audit " + bytes.fromhex(fields["audit"].replace("-", ""))
    ).digest()
    for digest, document in chain.values():
        link = hashlib.sha256(link + document.encode()).digest()
        assert link.hex() == digest


@pytest.mark.parametrize("is_tls", [False, True])
def test_rsyslog_receives_every_entry_though_it_is_away_for_a_while(data, tmp_path, is_tls):
    folder = pathlib.Path(tmp_path, "rsyslog")
    folder.mkdir()
    rsyslog = Rsyslog(folder, is_tls)

    def stream(verb, *more):
        target = ["--syslog", "127.0.0.1", "--port", str(rsyslog.port), "--transport"]
        target += ["tls", "--ca-file", str(folder / "ca.pem")] if is_tls else ["tcp"]
        return run("audit", "stream", verb, *target, *more, "--data", data)

    def state():
        told = run("audit", "stream", "show", "-o", "json", "--data", data)
        return json.loads(told)[0]

    with rsyslog:
        assert b"was sent" in stream("test")
        stream("set", "--from-the-first")
        until(lambda: state()["behind"] == 0)
        received_whole(rsyslog.received(), state()["position"])
    for _ in range(5):
        run("audit", "export", "--data", data)
    until(lambda: state()["trouble"])
    assert b"audit: it cannot be streamed" in run("status", "--data", data)
    with rsyslog:
        until(lambda: state()["behind"] == 0, patience=120)
        until(lambda: len(rsyslog.received()) >= state()["position"])
        received_whole(rsyslog.received(), state()["position"])
    assert state()["trouble"] is None
