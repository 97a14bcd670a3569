"""A small remote-PowerShell server that shares no code with ours.

PSRP by psrpcore, signing in and sealing by pyspnego, TLS by pyOpenSSL; SOAP is written here. It
knows the cmdlets it is given and can misbehave to order.
"""

import base64
import dataclasses
import hashlib
import re
import select
import socket
import struct
import threading
import uuid
import xml.etree.ElementTree as ElementTree

import psrpcore
import spnego
import spnego.channel_bindings
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL
from psrpcore.types import (
    ErrorCategory,
    ErrorCategoryInfo,
    NETException,
)

SHELL = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
SOAP = "http://www.w3.org/2003/05/soap-envelope"
ADDRESSING = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
TRANSFER = "http://schemas.xmlsoap.org/ws/2004/09/transfer"
WSMAN = "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"
RESOURCE = "http://schemas.microsoft.com/powershell/Microsoft.Exchange"
POWERSHELL = "http://schemas.microsoft.com/powershell"
NAMES = {"s": SOAP, "a": ADDRESSING, "rsp": SHELL, "w": WSMAN, "ps": POWERSHELL}


@dataclasses.dataclass
class Options:
    """How the server behaves."""

    scheme: str = "NTLM"  # as in WWW-Authenticate: NTLM, Negotiate, Kerberos, Basic
    basic: str | None = None  # user:password, for Basic
    certificate: tuple[str, str] | None = None  # certificate and key, PEM files
    require_channel_binding: bool = False
    foreign_channel_binding: bool = False  # as if somebody stood in between with a certificate
    renegotiate: bool = False  # TLS 1.2, a new handshake after each request was read
    tls_1_3: bool = False
    fragment_data_bytes: int = 32_000
    cut_in_receive: int | None = None  # close the connection instead of the n-th Receive answer
    boundary_space: bool = True  # Exchange writes "-- Encrypted Boundary"


class Cmdlets:
    """What the server knows: a function by cmdlet name, which yields objects."""

    def __init__(self, functions):
        self.functions = {name.lower(): function for name, function in functions.items()}
        self.received = []

    def run(self, pipeline, description, values):
        command = description.commands[0]
        parameters = {str(name): value for name, value in command.parameters}
        self.received.append((command.command_text, parameters))
        function = self.functions.get(command.command_text.lower())
        if command.is_script or function is None:
            exception = NETException(
                f"The term '{command.command_text}' is not recognized as the name of a cmdlet."
            )
            exception.PSObject.type_names.insert(
                0, "System.Management.Automation.CommandNotFoundException"
            )
            category = ErrorCategoryInfo(
                Category=ErrorCategory.ObjectNotFound, Reason="CommandNotFoundException"
            )
            pipeline.write_error(exception, category, fully_qualified_error_id="CommandNotFoundException")
            return
        for value in function(parameters, values):
            if isinstance(value, Exception):
                category = ErrorCategoryInfo(
                    Category=ErrorCategory.NotSpecified, Reason=type(value).__name__
                )
                identifier = (
                    "[Server=EX01,RequestId=00000000-0000-0000-0000-000000000001,"
                    "TimeStamp=11/21/2026 10:00:00 AM] "
                    f"[FailureCategory=Cmdlet-{type(value).__name__}] 1082ECE3,Get.It"
                )
                pipeline.write_error(
                    NETException(str(value)), category, fully_qualified_error_id=identifier
                )
            else:
                pipeline.write_output(value)


class Shell:
    """One runspace pool and its pipelines. The outputs wait in queues until a Receive."""

    def __init__(self, options, cmdlets, creation):
        self.options, self.cmdlets = options, cmdlets
        self.pool = psrpcore.ServerRunspacePool()
        self.pipelines, self.inputs = {}, {}
        self.outputs = {None: []}
        self.take(creation, None)

    def start(self, data, pipeline):
        self.outputs[pipeline] = []
        self.pipelines[pipeline] = psrpcore.ServerPipeline(self.pool, pipeline)
        self.take(data, pipeline)

    def take(self, data, pipeline):
        self.pool.receive_data(
            psrpcore.PSRPPayload(data, psrpcore.StreamType.default, pipeline)
        )
        while event := self.pool.next_event():
            self.happened(event)
        # Header 21 bytes: so many bytes of a message travel in each fragment.
        while payload := self.pool.data_to_send(21 + self.options.fragment_data_bytes):
            self.outputs.setdefault(payload.pipeline_id, []).append(payload.data)

    def happened(self, event):
        pipeline = getattr(event, "pipeline_id", None)
        if isinstance(event, psrpcore.CreatePipelineEvent):
            self.pipelines[pipeline].start()
            self.inputs[pipeline] = []
            if event.pipeline.no_input:
                self.finish(pipeline)
        elif isinstance(event, psrpcore.PipelineInputEvent):
            self.inputs[pipeline].append(event.data)
        elif isinstance(event, psrpcore.EndOfPipelineInputEvent):
            self.finish(pipeline)

    def finish(self, pipeline):
        running = self.pipelines[pipeline]
        self.cmdlets.run(running, running.metadata, self.inputs[pipeline])
        running.complete()


class Server:
    """Listens on a free port of the loopback until it is closed."""

    def __init__(self, options, cmdlets):
        self.options, self.cmdlets = options, cmdlets
        self.shells, self.receives, self.terminated, self.commands = {}, 0, 0, 0
        self.deleted, self.sealed_requests, self.renegotiations = 0, 0, 0
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # A mere close would let the one more caller in that accept is waiting for.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        try:
            Connection(self, client).run()
        except (ConnectionError, SSL.Error, OSError):
            pass
        finally:
            client.close()

    def soap(self, body):
        """One WSMan request in, one answer out: (status, text), or None to cut the connection."""
        with self.lock:
            return self.answer(ElementTree.fromstring(body))

    def answer(self, envelope):
        action = envelope.find("s:Header/a:Action", NAMES).text.rsplit("/", 1)[-1]
        message = envelope.find("s:Header/a:MessageID", NAMES).text
        selector = envelope.find("s:Header/w:SelectorSet/w:Selector", NAMES)
        body = envelope.find("s:Body", NAMES)
        if action == "Create":
            resource = envelope.find("s:Header/w:ResourceURI", NAMES).text
            assert resource == RESOURCE, resource
            creation = base64.b64decode(body.find("rsp:Shell/ps:creationXml", NAMES).text)
            identifier = str(uuid.uuid4()).upper()
            self.shells[identifier] = Shell(self.options, self.cmdlets, creation)
            return reply(
                message,
                f"{TRANSFER}/CreateResponse",
                f'<x:ResourceCreated xmlns:x="{TRANSFER}"><a:Address>http://localhost/</a:Address>'
                f"<a:ReferenceParameters><w:ResourceURI>{RESOURCE}</w:ResourceURI><w:SelectorSet>"
                f'<w:Selector Name="ShellId">{identifier}</w:Selector></w:SelectorSet>'
                "</a:ReferenceParameters></x:ResourceCreated>"
                f'<rsp:Shell xmlns:rsp="{SHELL}"><rsp:ShellId>{identifier}</rsp:ShellId></rsp:Shell>',
            )
        shell = self.shells.get(selector.text) if selector is not None else None
        if shell is None:
            return fault(message, 2150858843, "the shell was not found on the server")
        return getattr(self, action.lower())(message, body, shell, selector.text)

    def command(self, message, body, shell, _):
        line = body.find("rsp:CommandLine", NAMES)
        identifier = uuid.UUID(line.get("CommandId"))
        self.commands += 1
        shell.start(base64.b64decode(line.find("rsp:Arguments", NAMES).text), identifier)
        return reply(
            message,
            f"{SHELL}/CommandResponse",
            f'<rsp:CommandResponse xmlns:rsp="{SHELL}"><rsp:CommandId>{str(identifier).upper()}'
            "</rsp:CommandId></rsp:CommandResponse>",
        )

    def send(self, message, body, shell, _):
        stream = body.find("rsp:Send/rsp:Stream", NAMES)
        identifier = stream.get("CommandId")
        shell.take(base64.b64decode(stream.text), uuid.UUID(identifier) if identifier else None)
        return reply(
            message, f"{SHELL}/SendResponse", f'<rsp:SendResponse xmlns:rsp="{SHELL}"/>'
        )

    def receive(self, message, body, shell, _):
        self.receives += 1
        if self.receives == self.options.cut_in_receive:
            return None
        desired = body.find("rsp:Receive/rsp:DesiredStream", NAMES)
        identifier = uuid.UUID(desired.get("CommandId")) if desired.get("CommandId") else None
        waiting = shell.outputs.get(identifier, [])
        if not waiting:
            return fault(message, 2150858793, "The WS-Management service cannot complete the operation within the time specified in OperationTimeout.")
        attribute = f' CommandId="{str(identifier).upper()}"' if identifier else ""
        streams, size = [], 0
        while waiting and size < 90_000:
            data = base64.b64encode(waiting.pop(0)).decode()
            size += len(data)
            streams.append(f'<rsp:Stream Name="stdout"{attribute}>{data}</rsp:Stream>')
        state = ""
        if identifier and not waiting and shell.pipelines[identifier].state.name == "Completed":
            state = f'<rsp:CommandState{attribute} State="{SHELL}/CommandState/Done"/>'
        return reply(
            message,
            f"{SHELL}/ReceiveResponse",
            f'<rsp:ReceiveResponse xmlns:rsp="{SHELL}">{"".join(streams)}{state}</rsp:ReceiveResponse>',
        )

    def signal(self, message, body, shell, _):
        code = body.find("rsp:Signal/rsp:Code", NAMES).text
        self.terminated += code.lower().endswith("terminate")
        return reply(
            message, f"{SHELL}/SignalResponse", f'<rsp:SignalResponse xmlns:rsp="{SHELL}"/>'
        )

    def delete(self, message, _body, _shell, identifier):
        self.deleted += 1
        del self.shells[identifier]
        return reply(message, f"{TRANSFER}/DeleteResponse", "")


class Connection:
    """One TCP connection: HTTP/1.1, perhaps inside TLS, with its own security context."""

    def __init__(self, server, client):
        self.server, self.options = server, server.options
        self.stream, self.buffer = client, b""
        self.context, self.is_signed_in = None, False
        self.binding = None
        if self.options.certificate:
            self.stream, self.binding = tls(self.options, client)

    def run(self):
        while True:
            headers, body = self.read()
            if self.options.renegotiate:
                self.renegotiate()
            status, more, content_type, answer = self.handle(headers, body)
            if status is None:
                return
            self.write(status, more, content_type, answer)

    def handle(self, headers, body):
        token = None
        if "authorization" in headers:
            scheme, _, value = headers["authorization"].partition(" ")
            if scheme == "Basic" and self.options.scheme == "Basic":
                given = base64.b64decode(value).decode()
                self.is_signed_in = given == self.options.basic
            elif scheme == self.options.scheme:
                token = base64.b64decode(value)
        more = {}
        if token is not None and not self.is_signed_in:
            more = self.step(token)
        if not self.is_signed_in:
            offered = 'Basic realm="interop"' if self.options.scheme == "Basic" else self.options.scheme
            return 401, more or {"WWW-Authenticate": offered}, "text/html", b"<html>401</html>"
        if not body:
            return 200, more, "application/soap+xml;charset=UTF-8", b""
        return self.soap(headers, body, more)

    def step(self, token):
        """One leg of signing in; the headers of the answer."""
        if self.context is None:
            protocol = {"NTLM": "ntlm", "Negotiate": "negotiate", "Kerberos": "kerberos"}
            self.context = spnego.server(
                hostname="localhost",
                service="HTTP",
                protocol=protocol[self.options.scheme],
                channel_bindings=self.binding if self.options.require_channel_binding else None,
            )
        try:
            answer = self.context.step(token)
        except (spnego.exceptions.SpnegoError, AttributeError):
            # The second is how python-gssapi says that a channel binding does not fit.
            self.context = None
            return {}
        self.is_signed_in = self.context.complete
        if answer:
            return {"WWW-Authenticate": f"{self.options.scheme} {base64.b64encode(answer).decode()}"}
        return {}

    def soap(self, headers, body, more):
        sealed = headers.get("content-type", "").startswith("multipart/encrypted")
        if sealed:
            self.server.sealed_requests += 1
            header, data = unframe(body)
            body = self.context.unwrap_winrm(header, data)
        elif self.options.certificate is None and self.options.scheme != "Basic":
            return 401, {"WWW-Authenticate": self.options.scheme}, "text/html", b"not sealed"
        answer = self.server.soap(body)
        if answer is None:
            return None, None, None, None
        status, text = answer
        if not sealed:
            return status, more, "application/soap+xml;charset=UTF-8", text
        protocol = "Kerberos" if self.options.scheme == "Kerberos" else "SPNEGO"
        content_type = (
            f'multipart/encrypted;protocol="application/HTTP-{protocol}-session-encrypted"'
            ';boundary="Encrypted Boundary"'
        )
        return status, more, content_type, self.frame(text, protocol)

    def frame(self, text, protocol):
        wrapped = self.context.wrap_winrm(text)
        boundary = b"-- Encrypted Boundary" if self.options.boundary_space else b"--Encrypted Boundary"
        return b"".join(
            [
                boundary,
                b"\r\nContent-Type: application/HTTP-%s-session-encrypted\r\n" % protocol.encode(),
                b"OriginalContent: type=application/soap+xml;charset=UTF-8;Length=%d\r\n"
                % (len(text) + wrapped.padding_length),
                boundary,
                b"\r\nContent-Type: application/octet-stream\r\n",
                struct.pack("<i", len(wrapped.header)) + wrapped.header + wrapped.data,
                boundary,
                b"--\r\n",
            ]
        )

    def renegotiate(self):
        """What IIS does for a directory that negotiates client certificates."""
        self.stream.set_verify(SSL.VERIFY_PEER, lambda *_: True)
        before = self.stream.total_renegotiations()
        assert self.stream.renegotiate()
        retry(self.stream, self.stream.do_handshake)
        # That was the request for it; reading is what carries it out.
        while self.stream.renegotiate_pending():
            try:
                self.stream.recv(1, socket.MSG_PEEK)
            except SSL.WantReadError:
                if self.stream.renegotiate_pending():
                    select.select([self.stream], [], [], 30)
        assert self.stream.total_renegotiations() == before + 1
        self.server.renegotiations += 1

    def read(self):
        while b"\r\n\r\n" not in self.buffer:
            self.buffer += self.receive()
            if not b"POST ".startswith(self.buffer[:5]):
                raise ConnectionError("not HTTP")
        head, _, rest = self.buffer.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        assert headers.get("accept-encoding") == "identity", headers
        length = int(headers.get("content-length", 0))
        while len(rest) < length:
            rest += self.receive()
        self.buffer = rest[length:]
        return headers, rest[:length]

    def receive(self):
        if isinstance(self.stream, SSL.Connection):
            data = retry(self.stream, lambda: self.stream.recv(65_536))
        else:
            data = self.stream.recv(65_536)
        if not data:
            raise ConnectionError("closed")
        return data

    def write(self, status, more, content_type, body):
        reasons = {200: "OK", 401: "Unauthorized", 500: "Internal Server Error"}
        head = [f"HTTP/1.1 {status} {reasons[status]}", f"Content-Length: {len(body)}"]
        head += [f"Content-Type: {content_type}"] + [f"{n}: {v}" for n, v in more.items()]
        data = "\r\n".join(head).encode() + b"\r\n\r\n" + body
        if isinstance(self.stream, SSL.Connection):
            view = memoryview(data)
            while view:
                sent = retry(self.stream, lambda chunk=view[:16_384]: self.stream.send(bytes(chunk)))
                view = view[sent:]
        else:
            self.stream.sendall(data)


def tls(options, client):
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    if not options.tls_1_3:
        context.set_max_proto_version(SSL.TLS1_2_VERSION)
    certificate, key = options.certificate
    context.use_certificate_file(certificate)
    context.use_privatekey_file(key)
    # OpenSSL wants it of a server that asks for a client's certificate when renegotiating.
    context.set_session_id(b"interop")
    client.setblocking(False)
    connection = SSL.Connection(context, client)
    connection.set_accept_state()
    retry(connection, connection.do_handshake)
    parsed = x509.load_pem_x509_certificate(open(certificate, "rb").read())
    digest = hashlib.sha256(parsed.public_bytes(Encoding.DER)).digest()
    if options.foreign_channel_binding:
        digest = digest[::-1]
    binding = spnego.channel_bindings.GssChannelBindings(
        application_data=b"tls-server-end-point:" + digest
    )
    return connection, binding


def retry(connection, step):
    """pyOpenSSL reports that it wants the other side: wait for it and go on."""
    while True:
        try:
            return step()
        except SSL.WantReadError:
            select.select([connection], [], [], 30)
        except SSL.WantWriteError:
            select.select([], [connection], [], 30)
        except SSL.ZeroReturnError:
            return b""


def unframe(body):
    """Header and data of a sealed request."""
    match = re.search(rb"Length=(\d+)\r\n.*?application/octet-stream\r\n", body, re.S)
    sealed = body[match.end() :]
    length = struct.unpack("<i", sealed[:4])[0]
    end = re.search(rb"--\s*Encrypted Boundary--\r\n$", sealed).start()
    return sealed[4 : 4 + length], sealed[4 + length : end]


def reply(message, action, body):
    text = (
        f'<s:Envelope xml:lang="en-US" xmlns:s="{SOAP}" xmlns:a="{ADDRESSING}" xmlns:w="{WSMAN}">'
        "<s:Header>"
        f"<a:Action>{action}</a:Action><a:MessageID>uuid:{uuid.uuid4()}</a:MessageID>"
        f"<a:RelatesTo>{message}</a:RelatesTo></s:Header><s:Body>{body}</s:Body></s:Envelope>"
    )
    return 200, text.encode()


def fault(message, code, text):
    status, body = reply(
        message,
        f"{WSMAN[: WSMAN.rindex('/')]}/fault",
        "<s:Fault><s:Code><s:Value>s:Receiver</s:Value></s:Code>"
        f'<s:Reason><s:Text xml:lang="en-US">{text}</s:Text></s:Reason><s:Detail>'
        '<f:WSManFault xmlns:f="http://schemas.microsoft.com/wbem/wsman/1/wsmanfault" '
        f'Code="{code}" Machine="ex01"><f:Message>{text}</f:Message></f:WSManFault></s:Detail></s:Fault>',
    )
    return 500, body


__all__ = ["Cmdlets", "Options", "Server"]
