"""haproxy as the array in front of servers: TCP mode, because signing in belongs to a connection."""

import csv
import pathlib
import socket

from processes import Process, Served, free_port


class Balancer(Served):
    """One address for many servers, given as ports of the loopback."""

    def __init__(self, folder: pathlib.Path, ports):
        self.port = free_port()
        self.socket = folder / "socket"
        folder.mkdir(exist_ok=True)
        configuration = folder / "haproxy.cfg"
        # A server that refuses is left at once; new connections take the others in turn.
        servers = "\n".join(
            f"    server exchange{n} 127.0.0.1:{port} check inter 100ms fall 1"
            for n, port in enumerate(ports)
        )
        configuration.write_text(
            f"""global
    stats socket {self.socket}
defaults
    mode tcp
    timeout connect 2s
    timeout client 60s
    timeout server 60s
    retries 3
    option redispatch 1
frontend array
    bind 127.0.0.1:{self.port}
    default_backend servers
backend servers
    balance roundrobin
{servers}
"""
        )
        self.process = Process(["/usr/sbin/haproxy", "-db", "-f", configuration])
        self.process.wait_for_port(self.port)

    def busy(self):
        """Which servers have a connection through the array now, by their number."""
        with socket.socket(socket.AF_UNIX) as control:
            control.connect(str(self.socket))
            control.sendall(b"show stat\n")
            answer = b"".join(iter(lambda: control.recv(65536), b"")).decode()
        rows = csv.DictReader(answer.removeprefix("# ").splitlines())
        servers = [row for row in rows if row["svname"].startswith("exchange")]
        return [number for number, row in enumerate(servers) if int(row["scur"]) > 0]
