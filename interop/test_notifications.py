"""What Gatepost tells, received by aiosmtpd and verified by the library of Standard Webhooks."""

import datetime
import email
import email.policy
import http.server
import ipaddress
import json
import pathlib
import queue
import ssl
import threading

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from standardwebhooks import Webhook, WebhookVerificationError

from processes import Process, Served, Simulated, free_port, gatepost, run

ACCOUNT, PASSWORD = "gatepost@contoso.com", "Mail-Horse-2"


def certificates(folder):
    """An authority, and what it says of this machine: files of both, and of the key."""
    now = datetime.datetime.now(datetime.timezone.utc)
    authority, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())

    def signed(name, public, extension):
        named = [x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, it)]) for it in (name, "ca")]
        return (
            x509.CertificateBuilder()
            .subject_name(named[0])
            .issuer_name(named[1])
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=2))
            .add_extension(extension, critical=True)
            .sign(authority, hashes.SHA256())
            .public_bytes(serialization.Encoding.PEM)
        )

    here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    files = [folder / name for name in ("ca.pem", "mail.pem", "mail.key")]
    is_authority = x509.BasicConstraints(ca=True, path_length=0)
    files[0].write_bytes(signed("ca", authority.public_key(), is_authority))
    files[1].write_bytes(signed("mail", key.public_key(), here))
    files[2].write_bytes(private)
    return files


class MailServer:
    """Takes mail only over TLS and only from the account; refuses one recipient for ever."""

    def __init__(self, folder, *, from_the_first_byte=False, without=()):
        self.mail = queue.Queue()
        self.authority, certificate, key = certificates(folder)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate, key)
        self.port = free_port()
        self.mechanisms = []
        protected = (
            dict(ssl_context=context, auth_require_tls=False)
            if from_the_first_byte
            else dict(tls_context=context, require_starttls=True, auth_require_tls=True)
        )
        self._controller = Controller(
            self,
            hostname="127.0.0.1",
            port=self.port,
            auth_required=True,
            auth_exclude_mechanism=without,
            authenticator=self.authenticate,
            decode_data=False,
            **protected,
        )

    def authenticate(self, server, session, envelope, mechanism, data):
        self.mechanisms.append(mechanism)
        good = data.login == ACCOUNT.encode() and data.password == PASSWORD.encode()
        return AuthResult(success=good, handled=good)

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody@"):
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        assert session.authenticated
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.mail.put((envelope.rcpt_tos, message))
        return "250 2.0.0 taken"

    def __enter__(self):
        self._controller.start()
        return self

    def __exit__(self, *_):
        self._controller.stop()


class Receiver:
    """Takes webhooks, and answers with the statuses it was given, then with 204."""

    def __init__(self, statuses=()):
        self.got = queue.Queue()
        statuses = list(statuses)
        got = self.got

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                got.put(({name.lower(): text for name, text in self.headers.items()}, body))
                self.send_response(statuses.pop(0) if statuses else 204)
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._server.shutdown()


class Gatepost(Served):
    def __init__(self, folder):
        self.data = folder / "data"
        self.folder = folder
        self.process = Process([gatepost(), "serve", "--data", self.data, "--listen", "127.0.0.1:0"])
        self.process.wait_for("gatepost listens on")

    def __call__(self, *arguments, expect=0):
        return run([gatepost(), *arguments, "--data", self.data], expect)

    def add_mail(self, name, server, password=PASSWORD, trusted=True, security="starttls"):
        file = self.folder / "mail-password"
        file.write_text(password + "\n")
        trust = ["--ca-file", server.authority] if trusted else []
        self(
            "notification", "channel", "add-mail", name,
            "--host", "127.0.0.1", "--port", server.port, "--username", ACCOUNT, "--security", security,
            "--password-file", file, "--from", "Gatepost <gatepost@contoso.com>", *trust,
        )  # fmt: skip

    def deliveries(self):
        listed = self("notification", "delivery", "list", "-o", "json").stdout
        return json.loads(listed)


@pytest.fixture
def server(tmp_path):
    with Gatepost(tmp_path) as server:
        yield server


def test_mail_goes_out_protected_and_signed_in(server, tmp_path):
    with MailServer(tmp_path) as mail:
        server.add_mail("mail", mail)
        tested = server("notification", "channel", "test", "mail", "--to", "help@contoso.com")
        assert "250 2.0.0 taken" in tested.stdout
        recipients, message = mail.mail.get(timeout=10)
        assert recipients == ["help@contoso.com"]
        assert message["Subject"] == "Test message from Gatepost"
        assert message["From"] == "Gatepost <gatepost@contoso.com>"
        assert message["Auto-Submitted"] == "auto-generated"
        assert message["Message-ID"].endswith("@contoso.com>") and message["Date"]
        kinds = [part.get_content_type() for part in message.walk()]
        assert kinds == ["multipart/alternative", "text/plain", "text/html"]

        refused = server("notification", "channel", "test", "mail", "--to", "nobody@contoso.com", expect=1)
        assert "no such mailbox" in refused.stdout
        server.add_mail("wrong-password", mail, password="guess")
        refused = server("notification", "channel", "test", "wrong-password", "--to", "a@b.c", expect=1)
        assert "535" in refused.stdout and "guess" not in refused.stdout
        assert "does not take the account; give its password again" in refused.stdout
        server.add_mail("untrusted", mail, trusted=False)
        refused = server("notification", "channel", "test", "untrusted", "--to", "a@b.c", expect=1)
        assert "its certificate is not trusted; give that of the authority" in refused.stdout
        assert mail.mail.empty()


def test_mail_goes_out_over_tls_from_the_first_byte_with_the_older_way_to_sign_in(server, tmp_path):
    with MailServer(tmp_path, from_the_first_byte=True, without=["PLAIN"]) as mail:
        server.add_mail("mail", mail, security="tls")
        tested = server("notification", "channel", "test", "mail", "--to", "help@contoso.com")
        assert "250 2.0.0 taken" in tested.stdout
        assert mail.mail.get(timeout=10)[0] == ["help@contoso.com"]
        assert mail.mechanisms == ["LOGIN"]


def of_the_guide():
    """What the guide tells receivers to do."""
    guide = pathlib.Path(__file__).parent.parent / "docs/guide/notifications.md"
    code = guide.read_text().split("```python\n")[1].split("```")[0]
    names = {}
    exec(code, names)
    return names["is_from_gatepost"]


def test_webhooks_are_signed_as_the_specification_says(server):
    with Receiver() as receiver:
        refused = server(
            "notification", "channel", "add-webhook", "pager", "--url", receiver.url, expect=2
        )
        assert "http" in refused.stderr
        added = server(
            "notification", "channel", "add-webhook", "pager", "--url", receiver.url, "--allow-private"
        )
        first = added.stdout.split()[-1]
        server("notification", "channel", "test", "pager")
        headers, body = receiver.got.get(timeout=10)
        assert Webhook(first).verify(body, headers)["type"] == "test"
        assert of_the_guide()(first, headers, body)
        assert not of_the_guide()(first, headers, body + b" ")
        with pytest.raises(WebhookVerificationError):
            Webhook(first).verify(body + b" ", headers)

        second = server("notification", "channel", "rotate-secret", "pager").stdout.split()[-1]
        server("notification", "channel", "test", "pager")
        headers, body = receiver.got.get(timeout=10)
        Webhook(first).verify(body, headers)
        Webhook(second).verify(body, headers)
        server("notification", "channel", "retire-secret", "pager")
        server("notification", "channel", "test", "pager")
        headers, body = receiver.got.get(timeout=10)
        Webhook(second).verify(body, headers)
        with pytest.raises(WebhookVerificationError):
            Webhook(first).verify(body, headers)


def test_a_connector_in_trouble_is_told_by_mail_and_by_webhook(server, tmp_path):
    with MailServer(tmp_path) as mail, Receiver() as receiver:
        with Simulated(tmp_path, 30, "ntlm") as exchange:
            server.add_mail("mail", mail)
            secret = server(
                "notification", "channel", "add-webhook", "pager",
                "--url", receiver.url, "--allow-private",
            ).stdout.split()[-1]  # fmt: skip
            for name, more in [
                ("english", ["--channel", "mail", "--to", "help@contoso.com"]),
                ("german", ["--channel", "mail", "--to", "hilfe@contoso.de", "--language", "de"]),
                ("chinese", ["--channel", "mail", "--to", "help@contoso.tw", "--language", "zh-Hant"]),
                ("pager", ["--channel", "pager"]),
            ]:
                topics = "connector.trouble,device.new"
                server("notification", "subscription", "add", name, "--topics", topics, *more)
            server(
                "connector", "add", "lab",
                "--on-premises", f"http://127.0.0.1:{exchange.port}/PowerShell/",
                "--auth", "ntlm", "--username", "CONTOSO\\svc-gatepost",
                "--password-file", tmp_path / "simulated-password",
            )  # fmt: skip
            server("sync", "lab", "--full", "--wait")
        # Nothing was told of the devices of the first pass; now nobody answers any more.
        server("sync", "lab", "--full", "--wait", expect=1)
        headers, body = receiver.got.get(timeout=60)
        told = Webhook(secret).verify(body, headers)
        assert told["type"] == "connector.trouble" and told["data"]["connector"] == "lab"
        messages = dict(
            (recipients[0], message) for recipients, message in (mail.mail.get(timeout=60) for _ in "123")
        )
        assert messages["help@contoso.com"]["Subject"] == "Trouble with the connector lab"
        assert messages["hilfe@contoso.de"]["Subject"] == "Störung am Konnektor lab"
        assert messages["help@contoso.tw"]["Subject"] == "連接器 lab 發生問題"
        assert receiver.got.empty() and mail.mail.empty()
        assert {one["topic"] for one in server.deliveries()} == {"connector.trouble"}
