"""People sign in with a real Active Directory, by the console of the whole product."""

import http.client
import json
import re
import urllib.parse

import pytest

import kerberos
from test_server import Product

PORTS = {"starttls": 389, "ldaps": 636}
GROUP = "Gatepost help desk"


class Directory:
    """A server that asks the directory who people are."""

    def __init__(self, product, forest, tls="starttls", *more, account=True):
        self.product = product
        # The first line says where it listens; whoever waited for it has read it.
        told = "".join(product.process.lines)
        self.port = int(re.search(r"gatepost listens on http://127\.0\.0\.1:(\d+)", told).group(1))
        looked_up = ["--account", f"{kerberos.USER}@contoso.test", "--password-file", product.password]
        product(
            *["identity-provider", "add-ldap", "ad", "--title", "Contoso", "--ca-file", forest.authority],
            *["--controller", f"localhost:{PORTS[tls]}", "--tls", tls, "--domain", "contoso.test"],
            *(looked_up if account else []),
            *more,
        )
        product("role", "assign", "help-desk", "--group", f"ad:{GROUP}")

    def ask(self, method, path, body=None, cookie=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"Content-Type": "application/x-www-form-urlencoded"} if body is not None else {}
        if cookie:
            headers["Cookie"] = cookie
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer, text

    def sign_in(self, user, password=kerberos.PASSWORD):
        form = urllib.parse.urlencode({"user": user, "password": password, "next": "/devices"})
        answer, text = self.ask("POST", "/sign-in/ldap/ad", form)
        cookie = (answer.getheader("Set-Cookie") or "").split(";")[0]
        return answer.status, cookie, text

    def is_in(self, user, password=kerberos.PASSWORD):
        status, cookie, text = self.sign_in(user, password)
        if status != 303:
            assert cookie == "" and status == 403, (status, text)
            return False
        answer, text = self.ask("GET", "/devices", cookie=cookie)
        assert answer.status == 200 and "jane" in text
        return True

    def whys(self):
        """Why people were not let in, as the audit tells."""
        lines = self.product("audit", "tail", "-o", "jsonl").stdout.splitlines()
        told = [json.loads(line) for line in lines]
        return [line["details"]["why"] for line in told if line["event"] == "sign-in.failed"]


@pytest.mark.parametrize("tls", PORTS)
@pytest.mark.parametrize("account", [True, False])
def test_a_group_within_a_group_gives_the_role(tmp_path, forest, tls, account):
    with Product(tmp_path, environment=forest.environment) as product:
        directory = Directory(product, forest, tls, account=account)
        for name in ("jane", "JANE", "jane.doe@contoso.test", "CONTOSO\\jane"):
            assert directory.is_in(name), name
        # Signed in, and nothing assigned.
        status, _, text = directory.sign_in("user00")
        assert status == 403 and "may do nothing here yet" in text


@pytest.mark.parametrize("account", [True, False])
def test_somebody_is_who_the_directory_says_and_not_what_was_typed(tmp_path, forest, account):
    """Otto's user principal name is nothing like his account; the password is his own."""
    with Product(tmp_path, environment=forest.environment) as product:
        directory = Directory(product, forest, account=account)
        status, cookie, text = directory.sign_in("the.boss@contoso.test", "Correct-Horse-2")
        assert (status, cookie) == (403, "") and "Otto may do nothing here yet" in text
        status, cookie, text = directory.sign_in("jane", "Correct-Horse-2")
        assert (status, cookie) == (403, "") and "is wrong" in text


def test_everybody_is_told_the_same_and_the_audit_knows_why(tmp_path, forest):
    with Product(tmp_path, environment=forest.environment) as product:
        directory = Directory(product, forest)
        texts = set()
        for user, password, why in [
            ("jane", "wrong", "password does not fit"),
            ("jane", "", "empty"),
            ("", kerberos.PASSWORD, "empty"),
            ("nobody", kerberos.PASSWORD, "no such user"),
            ("*)(objectClass=*", kerberos.PASSWORD, "no such user"),
            ("jan*", kerberos.PASSWORD, "no such user"),
            ("jane)(|(sAMAccountName=*", kerberos.PASSWORD, "no such user"),
            ("disabled", kerberos.PASSWORD, "disabled"),
            ("expired", kerberos.PASSWORD, "expired"),
            ("newcomer", kerberos.PASSWORD, "changed first"),
        ]:
            status, cookie, text = directory.sign_in(user, password)
            assert (status, cookie) == (403, ""), user
            texts.add(text.split('role="alert">')[1].split("</div>")[0])
            assert why in directory.whys()[-1], (user, directory.whys()[-1])
        [text] = texts
        assert "wrong, or the account may not sign in" in text


def test_whoever_is_locked_out_stays_out(tmp_path, forest):
    for _ in range(10):
        assert forest.judges("locked@contoso.test", "wrong") == 49
    with Product(tmp_path, environment=forest.environment) as product:
        directory = Directory(product, forest)
        assert not directory.is_in("locked")
        assert "locked" in directory.whys()[-1]


@pytest.mark.parametrize("account", [True, False])
def test_nobody_locks_an_account_or_finds_its_password_by_trying(tmp_path, forest, account):
    """The directory locks after ten; it is asked three times, however the name is written."""
    with Product(tmp_path, environment=forest.environment) as product:
        directory = Directory(product, forest, account=account)
        for name in ("user01", "USER01", "CONTOSO\\user01"):
            status, _, text = directory.sign_in(name, "wrong")
            assert status == 403, text
        for _ in range(12):
            status, cookie, text = directory.sign_in("user01@contoso.test", "wrong")
            assert (status, cookie) == (429, "") and "try again in 20 minutes" in text
        assert "tried too often" in directory.whys()[-1]
        # The account is not locked, and nobody else waits.
        assert forest.judges("user01@contoso.test", kerberos.PASSWORD) == 0
        assert directory.is_in("jane")


@pytest.mark.parametrize("account", [True, False])
def test_what_a_group_gave_is_gone_at_the_next_sign_in_without_it(tmp_path, forest, account):
    name = f"leaver{'' if account else '2'}"
    with Product(tmp_path, environment=forest.environment) as product:
        directory = Directory(product, forest, account=account)
        status, cookie, _ = directory.sign_in(name)
        assert status == 303
        answer, _ = directory.ask("GET", "/devices", cookie=cookie)
        assert answer.status == 200
        forest.leaves("Phone people", name)
        status, _, text = directory.sign_in(name)
        assert status == 403 and "may do nothing here yet" in text
        # The session of before may do no more than a new one.
        answer, _ = directory.ask("GET", "/devices", cookie=cookie)
        assert answer.status == 403


def test_a_removed_directory_takes_its_people_and_roles_with_it(tmp_path, forest):
    with Product(tmp_path, environment=forest.environment) as product:
        directory = Directory(product, forest)
        status, cookie, _ = directory.sign_in("jane")
        assert status == 303
        product("identity-provider", "remove", "ad", "--yes")
        answer, _ = directory.ask("GET", "/devices", cookie=cookie)
        assert answer.status == 303 and answer.getheader("Location").startswith("/sign-in")
        assert json.loads(product("role", "list", "--assignments", "-o", "json").stdout) == []


def test_the_record_says_who_came_in_by_which_group(tmp_path, forest):
    with Product(tmp_path, environment=forest.environment) as product:
        directory = Directory(product, forest)
        assert directory.is_in("jane")
        lines = product("audit", "tail", "-o", "jsonl").stdout.splitlines()
        [told] = [line for line in map(json.loads, lines) if line["event"] == "sign-in.succeeded"]
        details = told["details"]
        assert details["way"] == "ad" and details["address"] == "127.0.0.1"
        assert f"help-desk by ad:{GROUP}" in details["roles"]


@pytest.mark.parametrize("account", [True, False])
def test_an_empty_password_signs_nobody_in(tmp_path, forest, account):
    """A directory lets a name without a password in as nobody, which proves nothing."""
    with Product(tmp_path, environment=forest.environment) as product:
        directory = Directory(product, forest, account=account)
        for password in ("", "\0"):
            assert not directory.is_in("jane", password)


def test_a_test_says_step_by_step_what_works(tmp_path, forest):
    with Product(tmp_path, environment=forest.environment) as product:
        directory = Directory(product, forest)
        test = ["identity-provider", "test", "ad", "-o", "json"]
        person = ["--user", "jane", "--password-file", product.password]
        steps = {s["name"]: s for s in json.loads(product(*test, *person).stdout)}
        assert all(step["state"] == "works" for step in steps.values()), steps
        assert GROUP in steps["groups"]["detail"] and "Domain Users" in steps["groups"]["detail"]

        # The first server is off: the next one judges.
        off = ["--controller", "localhost:1", "--controller", "localhost:389"]
        product(*["identity-provider", "set", "ad", *off, "--password-file", product.password])
        assert directory.is_in("jane")
        steps = json.loads(product(*test, expect=1).stdout)
        assert [s["state"] for s in steps if s["name"].startswith("server")] == ["fails", "works"]

        # The account's password is wrong: that is no fault of the person.
        product.password.write_text("wrong\n")
        product("identity-provider", "set", "ad", "--password-file", product.password)
        status, _, text = directory.sign_in("jane")
        assert status == 502 and "could not be asked" in text
        steps = json.loads(product(*test, expect=1).stdout)
        assert "the account that looks people up" in steps[1]["detail"]


def test_a_certificate_of_nobody_gets_no_password(tmp_path, forest):
    with Product(tmp_path, environment=forest.environment) as product:
        directory = Directory(product, forest)
        product(*["identity-provider", "set", "ad", "--ca-file", "", "--password-file", product.password])
        status, _, text = directory.sign_in("jane")
        assert status == 502 and "could not be asked" in text


def test_only_people_below_a_base_come_in(tmp_path, forest):
    with Product(tmp_path, environment=forest.environment) as product:
        directory = Directory(product, forest, "starttls", "--base", "OU=Berlin,DC=contoso,DC=test")
        assert not directory.is_in("jane")
        assert "no such user" in directory.whys()[-1]
