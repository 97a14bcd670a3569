"""A real MIT key distribution centre on a free port of the loopback."""

import os
import pathlib

from processes import Process, Served, free_port, run

REALM = "CONTOSO.TEST"
USER, PASSWORD = "svc-gatepost", "Correct-Horse-1"
SERVICE = "HTTP/localhost"


class Realm(Served):
    """A realm in a folder, for those who ask its centre on a port of the loopback."""

    def __init__(self, folder: pathlib.Path, port):
        self.folder, self.port = folder, port
        self.configuration = folder / "krb5.conf"
        self.service_keytab = folder / "service.keytab"
        self.configuration.write_text(
            f"""[libdefaults]
default_realm = {REALM}
dns_lookup_kdc = false
dns_lookup_realm = false
dns_canonicalize_hostname = false
rdns = false
udp_preference_limit = 1
[realms]
{REALM} = {{
  kdc = 127.0.0.1:{port}
}}
[domain_realm]
localhost = {REALM}
.contoso.test = {REALM}
"""
        )

    @property
    def environment(self):
        return {
            **os.environ,
            "KRB5_CONFIG": str(self.configuration),
            "KRB5_KTNAME": str(self.service_keytab),
        }


class KeyDistributionCentre(Realm):
    """One realm with one user, one service and a keytab for each."""

    def __init__(self, folder: pathlib.Path):
        super().__init__(folder, free_port())
        self.user_keytab = folder / "user.keytab"
        self.write()
        run(["/usr/sbin/kdb5_util", "create", "-s", "-r", REALM, "-P", "master"], env=self.environment)
        self.admin(f"addprinc -pw {PASSWORD} {USER}")
        self.admin(f"addprinc -randkey {SERVICE}")
        self.admin(f"ktadd -k {self.service_keytab} {SERVICE}")
        self.admin(f"ktadd -norandkey -k {self.user_keytab} {USER}")
        self.process = Process(["/usr/sbin/krb5kdc", "-n"], env=self.environment)
        self.process.wait_for("commencing operation")

    @property
    def environment(self):
        return {**super().environment, "KRB5_KDC_PROFILE": str(self.folder / "kdc.conf")}

    def admin(self, command):
        run(["/usr/sbin/kadmin.local", "-r", REALM, "-q", command], env=self.environment)

    def write(self):
        (self.folder / "kdc.conf").write_text(
            f"""[kdcdefaults]
kdc_listen = 127.0.0.1:{self.port}
kdc_tcp_listen = 127.0.0.1:{self.port}
[realms]
{REALM} = {{
  database_name = {self.folder}/principal
  key_stash_file = {self.folder}/stash
  supported_enctypes = aes256-cts-hmac-sha1-96:normal
  default_principal_flags = +preauth
}}
[logging]
kdc = STDERR
"""
        )
