"""Starting what a test needs, and ending it by its own process id."""

import functools
import os
import queue
import re
import socket
import subprocess
import threading


class Process:
    """A child whose output is read line by line; a test waits for a line, never for a time."""

    def __init__(self, arguments, **options):
        self.lines = []
        self._queue = queue.Queue()
        self._process = subprocess.Popen(
            [str(a) for a in arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            **options,
        )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self._process.stdout:
            self.lines.append(line)
            self._queue.put(line)
        self._queue.put(None)

    def wait_for(self, pattern, timeout=60):
        """The match of the first line that fits; an error with all lines if none comes."""
        while True:
            try:
                line = self._queue.get(timeout=timeout)
            except queue.Empty:
                line = None
            if line is None:
                raise AssertionError(f"no line fits {pattern!r} in:\n{''.join(self.lines)}")
            if match := re.search(pattern, line):
                return match

    def has_ended(self, within=0.05):
        """Whether it ends by itself in so many seconds."""
        try:
            self._process.wait(timeout=within)
        except subprocess.TimeoutExpired:
            return False
        return True

    def wait_for_port(self, port):
        """Until something listens there, for programs that do not say when they are ready."""
        for _ in range(1200):
            with socket.socket() as attempt:
                if attempt.connect_ex(("127.0.0.1", port)) == 0:
                    return
            if self.has_ended():
                break
        raise AssertionError(f"nothing listens on {port}:\n{''.join(self.lines)}")

    def kill(self):
        self._process.kill()
        self._process.wait()

    def stop(self):
        self._process.terminate()
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.kill()


class Served:
    """What one process serves until the block that it is used in ends."""

    process: Process

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stop()


class Simulated(Served):
    """One server of a simulated organization; the same seed is the same organization."""

    def __init__(self, folder, devices, authentication):
        password = folder / "simulated-password"
        password.write_text("Correct-Horse-1\n")
        self.process = Process(
            [gatepost(), "simulate", "on-premises", "--listen", "127.0.0.1:0", "--seed", 7, "--still"]
            + ["--devices", devices, "--auth", authentication]
            + ["--user", "CONTOSO\\svc-gatepost", "--password-file", password]
        )

    @functools.cached_property
    def port(self):
        """Known once it is up, so that two can start at once and grow the very same devices."""
        return int(self.process.wait_for(r"http://127\.0\.0\.1:(\d+)/PowerShell/").group(1))


def run(arguments, expect=0, **options):
    """A program that ends by itself; its output, if the exit code is the expected one."""
    done = subprocess.run(
        [str(a) for a in arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        timeout=300,
        **options,
    )
    codes = expect if isinstance(expect, tuple) else (expect,)
    assert done.returncode in codes, (
        f"{' '.join(str(a) for a in arguments)} ended with {done.returncode}\n"
        f"{done.stdout}\n{done.stderr}"
    )
    return done


def gatepost(gssapi=False):
    """The binary under test: the default build, or the one with GSSAPI."""
    return os.environ["GATEPOST_GSSAPI" if gssapi else "GATEPOST"]


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]
