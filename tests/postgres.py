"""A PostgreSQL server of the tests' own: in a temporary folder, on a free port of loopback."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PASSWORD = "p@ss:w/rd'1"  # one that a careless URL, log or message would show


def server_programs() -> Path | None:
    """Return the folder of initdb and pg_ctl (Debian keeps it off the PATH), or None."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    known = [str(found[-1])] if found else []
    if path := shutil.which("initdb") or (known[0] if known else None):
        return Path(path).parent
    return None


@contextmanager
def postgres_server(folder: Path) -> Iterator[int]:
    """Start a server and yield its port; stop it afterwards."""
    programs = server_programs()
    assert programs is not None
    folder.mkdir(parents=True, exist_ok=True)
    # The server refuses to run as root.
    user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if user:
        shutil.chown(folder, "postgres")
        for parent in folder.parents:
            if parent.stat().st_uid == 0 and not parent.stat().st_mode & 0o001:
                parent.chmod(parent.stat().st_mode | 0o011)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    secret = folder / "password"
    secret.write_text(PASSWORD)
    secret.chmod(0o644)
    data = folder / "data"

    def run(*words: object) -> None:
        done = subprocess.run([*user, *map(str, words)], capture_output=True, text=True, cwd=folder, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    run(programs / "initdb", "-D", data, "-U", "analyst", "-A", "scram-sha-256", f"--pwfile={secret}", "-E", "UTF8")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -k {folder} -c fsync=off"
    run(programs / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", options, "start")
    try:
        yield port
    finally:
        run(programs / "pg_ctl", "-D", data, "-m", "immediate", "stop")
