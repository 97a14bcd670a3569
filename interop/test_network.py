"""The product on a network as it is in real life: a proxy, an array that loses a server, and an
Active Directory that is not ours."""

import json

import pytest

import kerberos
from balancer import Balancer
from exchange_server import Options, Server
from processes import Simulated
from proxy import PASSWORD, USER, Proxy
from test_server import FEW, Product, check_whole_inventory, cmdlets, refused

ACCOUNT = "CONTOSO\\svc-gatepost"
ACCOUNTS = ["--auth", "ntlm", "--username", ACCOUNT]
# So many that one pass is longer than it takes to notice that it has begun.
DEVICES = 2_000


@pytest.fixture(autouse=True)
def ntlm_user(tmp_path, monkeypatch):
    users = tmp_path / "users"
    users.write_text("CONTOSO:svc-gatepost:Correct-Horse-1\n")
    monkeypatch.setenv("NTLM_USER_FILE", str(users))


@pytest.fixture(scope="module")
def proxy(tmp_path_factory):
    with Proxy(tmp_path_factory.mktemp("proxy")) as proxy:
        yield proxy


def test_through_a_proxy_with_a_password(tmp_path, proxy):
    password = tmp_path / "proxy-password"
    password.write_text(PASSWORD + "\n")
    options = ["--proxy", proxy.address, "--proxy-username", USER, "--proxy-password-file", password]
    with Server(Options(), cmdlets()) as server, Product(tmp_path) as product:
        product.add(server, *ACCOUNTS, *options)
        check_whole_inventory(product, server)
        assert f"CONNECT localhost:{server.port}" in proxy.log.read_text()


def test_what_a_proxy_refuses_is_told_in_a_sentence(tmp_path, proxy):
    password = tmp_path / "proxy-password"
    password.write_text("wrong\n")
    named = ["--proxy-username", USER, "--proxy-password-file", password]
    with Server(Options(), cmdlets()) as server:
        for name, options in [("wrong", named), ("none", [])]:
            with Product(tmp_path / name) as product:
                said = refused(product, server, *ACCOUNTS, "--proxy", proxy.address, *options)
                assert f"proxy {proxy.address} did not open a tunnel" in said
                assert "wants a user name and password" in said
        assert not server.commands, "nothing went past the proxy"


def status(product):
    """The one sync there is, as it stands."""
    jobs = json.loads(product("job", "list", "-o", "json").stdout)
    [job] = [job for job in jobs if job["kind"] != "install"]
    return job


def test_an_array_that_loses_a_server_in_mid_pass(tmp_path):
    with (
        Simulated(tmp_path, DEVICES, "ntlm") as first,
        Simulated(tmp_path, DEVICES, "ntlm") as second,
        Balancer(tmp_path / "array", [first.port, second.port]) as array,
        Product(tmp_path) as product,
    ):
        product.add(array, *ACCOUNTS)
        product("sync", "lab")
        while (job := status(product))["step"] != "reading devices" or not job["done"]:
            assert job["state"] in ("waiting", "running"), job
        busy = array.busy()
        assert busy, "the pass reads through the array"
        for number in busy:
            (first, second)[number].process.kill()
        assert len(busy) == 1, "a pass holds on to one server"
        product("job", "wait", status(product)["id"])
        devices, lines = product.devices()
        assert lines == len(devices) == DEVICES
        assert all(line["gone_since"] is None for line in devices.values())


@pytest.mark.parametrize("gssapi", [False, True], ids=["sspi", "gssapi"])
@pytest.mark.parametrize("account", ["user", "computer"])
def test_kerberos_of_an_active_directory(tmp_path, forest, monkeypatch, account, gssapi):
    """A person with a password, and a computer account with its keytab."""
    for name in ("KRB5_CONFIG", "KRB5_KTNAME"):
        monkeypatch.setenv(name, forest.environment[name])
    options = ["--auth", "kerberos", "--kdc", "127.0.0.1:88"]
    if account == "user":
        options += ["--username", f"{kerberos.USER}@contoso.test"]
    else:
        options += ["--username", f"CM01$@{kerberos.REALM}", "--keytab", forest.computer_keytab]
    with (
        Server(Options(scheme="Kerberos"), cmdlets()) as server,
        Product(tmp_path, gssapi, forest.environment) as product,
    ):
        product.password.write_text(kerberos.PASSWORD + "\n")
        product.add(server, *options, password=account == "user")
        check_whole_inventory(product, server)
        assert server.sealed_requests > 10


def test_what_a_domain_controller_refuses_is_told_in_a_sentence(tmp_path, forest, monkeypatch):
    for name in ("KRB5_CONFIG", "KRB5_KTNAME"):
        monkeypatch.setenv(name, forest.environment[name])
    options = ["--auth", "kerberos", "--kdc", "127.0.0.1:88"]
    with Server(Options(scheme="Kerberos"), cmdlets()) as server:

        def say(user, password):
            with Product(tmp_path / user, environment=forest.environment) as product:
                product.password.write_text(password)
                return refused(product, server, *options, "--username", f"{user}@contoso.test")

        assert "password is wrong" in say(kerberos.USER, "wrong")
        assert "cannot sign in" in say("disabled", kerberos.PASSWORD)
        assert not server.commands
