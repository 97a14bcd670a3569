"""Our client, as the whole product, against a server made of psrpcore, pyspnego and pyOpenSSL."""

import datetime
import json
import os
import uuid

import pytest
from psrpcore.types import PSCustomObject, PSDateTime, PSEnumBase, PSGuid, PSType

import kerberos
from exchange_server import Cmdlets, Options, Server
from processes import Process, Served, free_port, gatepost, run

# One more than Exchange gives to those who do not ask for all, for the main story; few elsewhere.
ALL, FEW = 1001, 60
DIRECTORY = "Microsoft.Exchange.Data.Directory.SystemConfiguration"
NAMES = ["Ocampo, Jorge", "Müller, Änne", "王小明", "O'Neil", "Плотникова, Ольга"]


@PSType(type_names=[f"{DIRECTORY}.DeviceAccessState", "System.Enum", "System.ValueType"])
class DeviceAccessState(PSEnumBase):
    Unknown = 0
    Allowed = 1
    Blocked = 2
    Quarantined = 3
    DeviceDiscovery = 4


@PSType(type_names=[f"{DIRECTORY}.DeviceAccessStateReason", "System.Enum", "System.ValueType"])
class DeviceAccessStateReason(PSEnumBase):
    Global = 1
    Individual = 2
    DeviceRule = 3


STATES = [
    (DeviceAccessState.Allowed, "allowed"),
    (DeviceAccessState.Blocked, "blocked"),
    (DeviceAccessState.Quarantined, "quarantined"),
    (DeviceAccessState.DeviceDiscovery, "discovery"),
]
REASONS = [
    (DeviceAccessStateReason.Global, "global"),
    (DeviceAccessStateReason.Individual, "individual"),
    (DeviceAccessStateReason.DeviceRule, "rule"),
]
FIRST_SYNC = datetime.datetime(2024, 2, 29, 23, 59, 58, tzinfo=datetime.timezone.utc)


def owner(n):
    return NAMES[n % len(NAMES)] + f" {n}"


def guid(n):
    return uuid.uuid5(uuid.NAMESPACE_OID, f"device {n}")


def device(n):
    escaped = owner(n).replace(",", "\\,")
    name = f"iPhone§ID{n:06}"
    return PSCustomObject(
        PSTypeName=f"{DIRECTORY}.MobileDevice",
        FriendlyName="line\r\nbreak\x01 & <tag>" if n % 7 == 0 else f"Phone {n}",
        DeviceId=f"ID{n:06}",
        DeviceType="iPhone",
        DeviceModel="iPhone14C5",
        DeviceOS="iOS 17.4 21E219",
        DeviceUserAgent="Apple-iPhone14C5/2104.219",
        DeviceAccessState=STATES[n % 4][0],
        DeviceAccessStateReason=REASONS[n % 3][0],
        FirstSyncTime=PSDateTime.fromtimestamp(FIRST_SYNC.timestamp() + n, datetime.timezone.utc),
        ClientType="EAS",
        DeviceActiveSyncVersion="16.1",
        Identity=f"contoso.com/Users/{owner(n)}/ExchangeActiveSyncDevices/{name}",
        DistinguishedName=f"CN={name},CN=ExchangeActiveSyncDevices,CN={escaped},CN=Users,DC=contoso,DC=com",
        Guid=PSGuid(str(guid(n))),
        SomethingNew="kept",
    )


def statistics(n):
    return PSCustomObject(
        PSTypeName="Microsoft.Exchange.Management.Tasks.MobileDeviceConfiguration",
        Guid=PSGuid(str(guid(n))),
        DeviceID=f"ID{n:06}",
        LastSuccessSync=PSDateTime(2026, 11, 1, 12, 0, n % 60, tzinfo=datetime.timezone.utc),
        LastSyncAttemptTime=PSDateTime(2026, 11, 1, 12, 30, n % 60, tzinfo=datetime.timezone.utc),
        DevicePolicyApplied="Default",
        DevicePolicyApplicationStatus="AppliedInFull",
    )


NUMBER = {str(guid(n)): n for n in range(ALL)}


def get_statistics(parameters, values):
    identities = [str(v) for v in values] or [str(parameters.get("Identity") or "")]
    if "Mailbox" in parameters:
        identities = [
            str(guid(n)) for n in range(ALL) if owner(n).replace(",", "\\,") in str(parameters["Mailbox"])
        ]
    for identity in identities:
        number = NUMBER.get(identity.lower())
        if number is None:
            yield ManagementObjectNotFoundException(f"{identity} couldn't be found")
        else:
            yield statistics(number)


class ManagementObjectNotFoundException(Exception):
    pass


def cmdlets(count=FEW):
    """The least an organization may offer: two cmdlets."""
    return Cmdlets(
        {
            "Get-MobileDevice": lambda parameters, _: (
                device(n) for n in range(count if "ResultSize" in parameters else min(count, 1000))
            ),
            "Get-MobileDeviceStatistics": get_statistics,
        }
    )


@pytest.fixture(scope="session")
def realm(tmp_path_factory):
    with kerberos.KeyDistributionCentre(tmp_path_factory.mktemp("kdc")) as centre:
        os.environ.update({k: v for k, v in centre.environment.items() if k.startswith("KRB5")})
        yield centre


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    files = str(folder / "certificate.pem"), str(folder / "key.pem")
    run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
        + ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
        + ["-out", files[0], "-keyout", files[1]]
    )
    return files


@pytest.fixture(autouse=True)
def ntlm_user(tmp_path, monkeypatch):
    users = tmp_path / "users"
    users.write_text("CONTOSO:svc-gatepost:Correct-Horse-1\n")
    monkeypatch.setenv("NTLM_USER_FILE", str(users))


class Product(Served):
    """A Gatepost server in a folder of its own, driven by its command line."""

    def __init__(self, folder, gssapi=False, environment=None):
        folder.mkdir(exist_ok=True)
        self.folder, self.binary = folder / "data", gatepost(gssapi)
        self.password = folder / "password"
        self.password.write_text(kerberos.PASSWORD + "\n")
        self.process = Process(
            [self.binary, "serve", "--data", self.folder, "--listen", "127.0.0.1:0"],
            env={**os.environ, **(environment or {})},
        )
        self.process.wait_for("gatepost listens on")

    def __call__(self, *arguments, expect=0):
        return run([self.binary, *arguments, "--data", self.folder], expect=expect)

    def add(self, server, *options, scheme="http", password=True):
        url = f"{scheme}://localhost:{server.port}/PowerShell/"
        secret = ["--password-file", self.password] if password else []
        self("connector", "add", "lab", "--on-premises", url, "--no-check", *secret, *options)

    def devices(self):
        lines = self("device", "list", "-o", "jsonl").stdout.splitlines()
        return {line["guid"]: line for line in map(json.loads, lines)}, len(lines)


def check_whole_inventory(product, server, count=FEW):
    """Every partnership exactly once with every field right, twice; nothing left behind."""
    for _ in range(2):
        product("sync", "lab", "--full", "--wait")
        devices, lines = product.devices()
        assert lines == len(devices) == count
    for n in range(count):
        line = devices[str(guid(n))]
        expected = {
            "device_id": f"ID{n:06}",
            "friendly_name": "line\r\nbreak\x01 & <tag>" if n % 7 == 0 else f"Phone {n}",
            "identity": f"contoso.com/Users/{owner(n)}/ExchangeActiveSyncDevices/iPhone§ID{n:06}",
            "user": owner(n),
            "display_name": f"{owner(n)}_iPhone",
            "access_state": STATES[n % 4][1],
            "access_reason": REASONS[n % 3][1],
            "os": "iOS 17.4 21E219",
            "client_type": "EAS",
            "client_version": "16.1",
            "policy": "Default",
            "policy_status": "AppliedInFull",
            "last_success_sync": f"2026-11-01T12:00:{n % 60:02}Z",
            "first_sync": (FIRST_SYNC + datetime.timedelta(seconds=n)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        assert {name: line[name] for name in expected} == expected
    assert server.terminated == server.commands, "every pipeline was terminated"
    assert not server.shells and server.deleted, "every shell was deleted"
    identities = [p["Identity"] for _, p in server.cmdlets.received if "Identity" in p]
    assert all(identities), "no identity was empty"


NTLM = ["--auth", "ntlm", "--username", "CONTOSO\\svc-gatepost"]


@pytest.mark.parametrize("boundary_space", [True, False])
def test_ntlm_sealed_over_plain_http(tmp_path, boundary_space):
    options = Options(boundary_space=boundary_space)
    with Server(options, cmdlets(ALL)) as server, Product(tmp_path) as product:
        product.add(server, *NTLM)
        check_whole_inventory(product, server, ALL)
        assert server.sealed_requests > 10


def test_negotiate_falls_to_ntlm_without_a_realm(tmp_path):
    with Server(Options(scheme="Negotiate"), cmdlets()) as server, Product(tmp_path) as product:
        product.add(server, "--auth", "negotiate", "--username", "CONTOSO\\svc-gatepost")
        check_whole_inventory(product, server)


KERBEROS = ["--auth", "kerberos", "--username", f"{kerberos.REALM}\\{kerberos.USER}"]


@pytest.mark.parametrize("gssapi", [False, True], ids=["sspi", "gssapi"])
@pytest.mark.parametrize("secret", ["password", "keytab"])
def test_kerberos_sealed_over_plain_http(tmp_path, realm, gssapi, secret):
    options = [*KERBEROS, "--kdc", f"127.0.0.1:{realm.port}"]
    if secret == "keytab":
        options += ["--keytab", realm.user_keytab]
    with (
        Server(Options(scheme="Kerberos"), cmdlets()) as server,
        Product(tmp_path, gssapi, realm.environment) as product,
    ):
        product.add(server, *options, password=secret == "password")
        check_whole_inventory(product, server)
        assert server.sealed_requests > 10


@pytest.mark.parametrize("scheme", ["Kerberos", "Negotiate"])
@pytest.mark.parametrize("source", ["cache", "client-keytab"])
def test_gssapi_takes_what_the_system_has(tmp_path, realm, scheme, source):
    environment = {**realm.environment, "KRB5CCNAME": f"FILE:{tmp_path}/cache"}
    if source == "cache":
        run(["kinit", "-k", "-t", realm.user_keytab, kerberos.USER], env=environment)
    else:
        environment["KRB5_CLIENT_KTNAME"] = f"FILE:{realm.user_keytab}"
    with (
        Server(Options(scheme=scheme), cmdlets()) as server,
        Product(tmp_path, True, environment) as product,
    ):
        product.add(server, "--auth", scheme.lower(), password=False)
        check_whole_inventory(product, server)
        assert server.sealed_requests > 10


@pytest.mark.parametrize("tls_1_3", [False, True], ids=["tls-1.2", "tls-1.3"])
def test_channel_binding_is_required(tmp_path, certificate, tls_1_3):
    options = Options(certificate=certificate, require_channel_binding=True, tls_1_3=tls_1_3)
    with Server(options, cmdlets()) as server, Product(tmp_path) as product:
        product.add(server, *NTLM, "--ca-file", certificate[0], scheme="https")
        check_whole_inventory(product, server)


def test_kerberos_channel_binding_by_gssapi(tmp_path, certificate, realm):
    options = Options(scheme="Kerberos", certificate=certificate, require_channel_binding=True)
    with (
        Server(options, cmdlets()) as server,
        Product(tmp_path, True, realm.environment) as product,
    ):
        product.add(
            server,
            *KERBEROS,
            *["--ca-file", certificate[0]],
            scheme="https",
        )
        check_whole_inventory(product, server)


@pytest.mark.parametrize("scheme", ["NTLM", "Kerberos"])
def test_another_channel_binding_is_refused(tmp_path, certificate, realm, scheme):
    """So the one that is required above is really sent."""
    options = Options(
        scheme=scheme,
        certificate=certificate,
        require_channel_binding=True,
        foreign_channel_binding=True,
    )
    with (
        Server(options, cmdlets()) as server,
        Product(tmp_path, scheme == "Kerberos", realm.environment) as product,
    ):
        account = NTLM if scheme == "NTLM" else KERBEROS
        product.add(server, *account, "--ca-file", certificate[0], scheme="https")
        product("sync", "lab", "--full", "--wait", expect=1)
        assert not server.commands


def fingerprint(certificate):
    answer = run(["openssl", "x509", "-in", certificate[0], "-noout", "-fingerprint", "-sha256"])
    return answer.stdout.strip().split("=")[1].replace(":", "").lower()


def test_a_pinned_certificate_needs_no_authority_and_no_other_will_do(tmp_path, certificate):
    with Server(Options(certificate=certificate), cmdlets()) as server:
        with Product(tmp_path / "right") as product:
            product.add(server, *NTLM, "--pin", fingerprint(certificate), scheme="https")
            check_whole_inventory(product, server)
        asked = server.commands
        with Product(tmp_path / "wrong") as product:
            product.add(server, *NTLM, "--pin", "ab" * 32, scheme="https")
            answer = product("sync", "lab", "--full", "--wait", expect=1)
            assert "pinned" in answer.stderr + answer.stdout, answer.stderr
        assert server.commands == asked


def test_tls_1_2_that_renegotiates_after_the_request(tmp_path, certificate):
    options = Options(
        scheme="Basic",
        basic="CONTOSO\\svc-gatepost:Correct-Horse-1",
        certificate=certificate,
        renegotiate=True,
    )
    with Server(options, cmdlets()) as server, Product(tmp_path) as product:
        product.add(
            server,
            *["--auth", "basic", "--username", "CONTOSO\\svc-gatepost", "--ca-file", certificate[0]],
            scheme="https",
        )
        check_whole_inventory(product, server)
        assert server.renegotiations > 10


def test_fragments_of_one_byte(tmp_path):
    with Server(Options(fragment_data_bytes=1), cmdlets(3)) as server, Product(tmp_path) as product:
        product.add(server, *NTLM)
        check_whole_inventory(product, server, 3)


@pytest.mark.parametrize("receive", [1, 2, 4, 7])
def test_connection_cut_in_a_receive(tmp_path, receive):
    with Server(Options(cut_in_receive=receive), cmdlets()) as server, Product(tmp_path) as product:
        product.add(server, *NTLM)
        # The cut may fail one attempt; what counts is that nothing is lost or told twice.
        product("sync", "lab", "--full", "--wait", expect=(0, 1))
        product("sync", "lab", "--full", "--wait")
        devices, lines = product.devices()
        assert lines == len(devices) == FEW


def refused(product, server, *options, **more):
    """What is said of a connector that cannot work."""
    product.add(server, *options, **more)
    return product("sync", "lab", "--full", "--wait", expect=1).stderr


def test_errors_say_what_to_do(tmp_path, certificate):
    with Server(Options(), cmdlets()) as server:
        with Product(tmp_path / "password") as product:
            product.password.write_text("wrong\n")
            assert "password is wrong" in refused(product, server, *NTLM)
        with Product(tmp_path / "scheme") as product:
            assert "offers NTLM" in refused(product, server, *KERBEROS)
        with Product(tmp_path / "tls") as product:
            assert "speaks HTTPS" in refused(product, server, *NTLM, scheme="https")
    with Server(Options(certificate=certificate), cmdlets()) as server:
        with Product(tmp_path / "certificate") as product:
            assert "is not trusted" in refused(product, server, *NTLM, scheme="https")
    with Product(tmp_path / "nobody") as product:
        assert "cannot reach" in refused(product, server, *NTLM)
    basic = Options(scheme="Basic", basic="CONTOSO\\svc-gatepost:Correct-Horse-1")
    with Server(basic, cmdlets()) as server, Product(tmp_path / "basic") as product:
        user = ["--username", "CONTOSO\\svc-gatepost"]
        assert "use https" in refused(product, server, "--auth", "automatic", *user)


@pytest.mark.parametrize("gssapi", [False, True], ids=["sspi", "gssapi"])
def test_errors_of_kerberos_say_what_to_do(tmp_path, realm, gssapi):
    centre = ["--kdc", f"127.0.0.1:{realm.port}"]
    with Server(Options(scheme="Kerberos"), cmdlets()) as server:

        def say(name, *options, password=kerberos.PASSWORD, environment=realm.environment):
            with Product(tmp_path / name, gssapi, environment) as product:
                product.password.write_text(password)
                return refused(product, server, *options)

        assert "password is wrong" in say("password", *KERBEROS, *centre, password="wrong")
        nobody = ["--auth", "kerberos", "--username", f"nobody@{kerberos.REALM}"]
        assert "user name or" in say("nobody", *nobody, *centre)
        assert "setspn" in say("spn", *KERBEROS, *centre, "--spn", "HTTP/other.contoso.test")
        # Nobody listens there: GSSAPI reads of it in krb5.conf, the other is told.
        silent = free_port()
        text = realm.configuration.read_text().replace(str(realm.port), str(silent))
        (tmp_path / "krb5.conf").write_text(text)
        environment = {**realm.environment, "KRB5_CONFIG": str(tmp_path / "krb5.conf")}
        away = say("kdc", *KERBEROS, "--kdc", f"127.0.0.1:{silent}", environment=environment)
        assert "no Kerberos server answered" in away
