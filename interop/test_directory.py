"""Exchange's addresses found in a real Active Directory, by the whole product."""

import json
import subprocess

import pytest

import kerberos
from processes import gatepost
from test_server import Product

EXPECTED = {
    "http://ex2019.contoso.test/powershell": ("Taipei", "15.2.1748.10"),
    "https://mail.contoso.test/powershell": ("Taipei", "15.2.1748.10"),
    "http://ex2016.contoso.test/powershell": ("Taipei", "15.1.2507.6"),
    "http://ex2010.contoso.test/powershell": ("Berlin", "14.3.123.4"),
}
PORTS = {"starttls": 389, "ldaps": 636, "sealed": 389}
ACCOUNT = ["--on-premises", "http://ex2019.contoso.test/PowerShell/", "--no-check"]


@pytest.fixture(scope="module", autouse=True)
def endpoints_are_known():
    help = [gatepost(), "connector", "endpoints", "--help"]
    if subprocess.run(help, capture_output=True, stdin=subprocess.DEVNULL).returncode != 0:
        pytest.skip("this build has no `connector endpoints`")


def add(product, forest, security, *more, user=kerberos.USER, password=kerberos.PASSWORD, authority=True):
    product.password.write_text(password + "\n")
    trusted = ["--ca-file", forest.authority] if authority else []
    product(
        *["connector", "add", "lab", *ACCOUNT, *trusted],
        *["--username", f"{user}@contoso.test", "--password-file", product.password],
        *["--directory", f"localhost:{PORTS[security]}", "--directory-security", security],
        *["--kdc", "127.0.0.1:88", *more],
    )


@pytest.mark.parametrize("security", PORTS)
def test_servers_are_found(tmp_path, forest, security):
    with Product(tmp_path, environment=forest.environment) as product:
        add(product, forest, security)
        # No Exchange is there to answer; the directory does.
        check = product("connector", "check", "lab", expect=1).stdout
        assert "knows" in check, check
        endpoints = json.loads(product("connector", "endpoints", "lab", "-o", "json").stdout)
        found = {e["url"]: (e["site"], e["version"]) for e in endpoints if e["origin"] == "directory"}
        # Exchange writes no slash at the end; which of both is shown does not matter. The connector's
        # own endpoint is not shown twice.
        others = {url: about for url, about in EXPECTED.items() if "//ex2019." not in url}
        assert {url.rstrip("/").lower(): about for url, about in found.items()} == others
        assert any(e["origin"] == "configured" for e in endpoints)
        assert not any("edge" in e["url"].lower() for e in endpoints), "nobody manages through an Edge"


@pytest.mark.parametrize(
    ("user", "password", "said"),
    [
        (kerberos.USER, "wrong", "password is wrong"),
        ("nobody", kerberos.PASSWORD, "user name or password"),
        ("disabled", kerberos.PASSWORD, "have it enabled"),
    ],
)
def test_what_a_directory_refuses_is_told_in_a_sentence(tmp_path, forest, user, password, said):
    with Product(tmp_path, environment=forest.environment) as product:
        add(product, forest, "starttls", user=user, password=password)
        answer = product("connector", "check", "lab", "-o", "json", expect=1)
        [told] = [s["detail"] for s in json.loads(answer.stdout)["steps"] if s["name"] == "directory"]
        assert said in told


def test_a_certificate_of_nobody_is_not_trusted(tmp_path, forest):
    with Product(tmp_path, environment=forest.environment) as product:
        add(product, forest, "ldaps", authority=False)
        answer = product("connector", "check", "lab", "-o", "json", expect=1)
        assert "is not trusted" in answer.stdout
