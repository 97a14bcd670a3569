"""A real Active Directory: Debian's Samba on the loopback, with Exchange's objects in it.

LDAP has fixed ports (389, 636), and only root may open them; where that is not to be had, the tests
that need a directory are left out and say so.
"""

import os
import pathlib
import socket
import ssl

import pytest

from kerberos import Realm
from processes import Process, run

PORTS = (88, 389, 464, 636, 3268, 3269)
HERE = pathlib.Path(__file__).parent


class ActiveDirectory(Realm):
    """One forest in a folder, served until its block ends."""

    def __init__(self, folder: pathlib.Path):
        leave_out_unless_possible()
        super().__init__(folder, 88)
        self.authority = folder / "ca.pem"
        self.computer_keytab = folder / "computer.keytab"
        self.write_certificates()
        # Samba's modules belong to the system's Python, not to the environment of these tests.
        run(["/usr/bin/python3", HERE / "samba_forest.py", folder], env=self.environment)
        arguments = ["--foreground", "--no-process-group", "--model=single"]
        options = ["--debug-stdout", "--configfile", folder / "etc" / "smb.conf"]
        self.process = Process(["/usr/sbin/samba", *arguments, *options], env=self.environment)
        for port in (88, 389, 636):
            self.process.wait_for_port(port)

    def judges(self, name, password):
        """The result code of signing in by LDAP, past every limit of ours (RFC 4511 section 4.2)."""
        context = ssl.create_default_context(cafile=self.authority)
        with socket.create_connection(("127.0.0.1", 636)) as plain:
            with context.wrap_socket(plain, server_hostname="localhost") as connection:
                sign_in = element(0x02, b"\x03") + element(0x04, name.encode())
                sign_in += element(0x80, password.encode())
                connection.sendall(element(0x30, element(0x02, b"\x01") + element(0x60, sign_in)))
                answer = connection.recv(4096)
        # A response has the result code as its first enumeration.
        return answer[answer.index(b"\x0a\x01") + 2]

    def leaves(self, group, member):
        """Somebody is no longer in a group."""
        database = self.folder / "private" / "sam.ldb"
        samba_tool = ["/usr/bin/samba-tool", "group", "removemembers", group, member]
        run([*samba_tool, "-H", database, "-s", self.folder / "etc" / "smb.conf"], env=self.environment)

    def write_certificates(self):
        """An authority of its own, and a certificate with the names that are connected to."""
        folder = self.folder
        names = "DNS:dc01.contoso.test,DNS:contoso.test,DNS:localhost,IP:127.0.0.1"
        openssl = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
        run(
            [*openssl, "-subj", "/CN=Contoso Root", "-keyout", folder / "ca.key", "-out", self.authority]
            + ["-addext", "keyUsage=critical,keyCertSign"]
        )
        run(
            [*openssl, "-subj", "/CN=dc01.contoso.test", "-addext", f"subjectAltName={names}"]
            + ["-addext", "basicConstraints=critical,CA:FALSE"]
            + ["-CA", self.authority, "-CAkey", folder / "ca.key"]
            + ["-keyout", folder / "server.key", "-out", folder / "server.pem"]
        )
        (folder / "server.key").chmod(0o600)


def element(tag, value):
    """One element of BER, shorter than 128 bytes."""
    assert len(value) < 128
    return bytes([tag, len(value)]) + value


def leave_out_unless_possible():
    if os.geteuid() != 0:
        pytest.skip("a directory needs the fixed port 389, and so root")
    for port in PORTS:
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError as error:
            pytest.skip(f"a directory needs the fixed port {port}: {error}")
