"""squid as a forward proxy that wants a user name and a password."""

import os
import pathlib
import pwd

from processes import Process, Served, free_port, run

USER, PASSWORD = "gatepost", "Proxy-Horse-1"


class Proxy(Served):
    """Tunnels to anywhere on the loopback, for the one who knows the password."""

    def __init__(self, folder: pathlib.Path):
        self.port = free_port()
        folder.mkdir(exist_ok=True)
        digest = run(["openssl", "passwd", "-apr1", PASSWORD]).stdout.strip()
        (folder / "users").write_text(f"{USER}:{digest}\n")
        self.log = folder / "access.log"
        (folder / "squid.conf").write_text(
            f"""http_port 127.0.0.1:{self.port}
pid_filename none
cache deny all
access_log stdio:{self.log}
logfile_rotate 0
cache_log /dev/stderr
coredump_dir {folder}
netdb_filename none
shutdown_lifetime 0 seconds
visible_hostname proxy.contoso.test
auth_param basic program /usr/lib/squid/basic_ncsa_auth {folder}/users
auth_param basic children 1
auth_param basic realm Contoso
acl known proxy_auth REQUIRED
http_access allow known
http_access deny all
"""
        )
        if os.geteuid() == 0:
            # squid gives up root, and must then still read and write here.
            person = pwd.getpwnam("proxy")
            for path in [folder, *folder.iterdir()]:
                os.chown(path, person.pw_uid, person.pw_gid)
            for above in folder.parents:
                if above.stat().st_uid == 0 and str(above) != "/":
                    above.chmod(above.stat().st_mode | 0o001)
        self.process = Process(["/usr/sbin/squid", "-N", "-d1", "-f", folder / "squid.conf"])
        self.process.wait_for("Accepting HTTP Socket connections")

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"
