"""A registry of images on loopback, with a password as ECR's, and a small image to push there."""

import hashlib
import io
import json
import shutil
import socket
import ssl
import subprocess
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import yaml
from absences import absent

PASSWORD = "123456789012-auth-token"  # what moto's ECR hands out for its account
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass(frozen=True)
class Registry:
    """A registry that runs: its address, and the certificate that who speaks to it has to trust."""

    address: str
    certificate: Path


@contextmanager
def registry(folder: Path) -> Iterator[Registry]:
    """Run Debian's docker-registry; only AWS with its password may come in."""
    if lacking := [name for name in ("docker-registry", "skopeo", "perl", "openssl") if shutil.which(name) is None]:
        absent(" and ".join(lacking))
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    hashed = subprocess.run(["perl", "-e", 'print crypt($ARGV[0], "\\$2b\\$04\\$abcdefghijklmnopqrstuu")', PASSWORD], capture_output=True, text=True, check=True).stdout  # fmt: skip
    (folder / "htpasswd").write_text(f"AWS:{hashed}\n")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=registry", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", folder / "key.pem", "-out", folder / "registry.pem"], capture_output=True, check=True,
    )  # fmt: skip
    settings = {
        "version": 0.1,
        "log": {"level": "error", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(folder / "store")}},
        "http": {"addr": address, "tls": {"certificate": str(folder / "registry.pem"), "key": str(folder / "key.pem")}},
        "auth": {"htpasswd": {"realm": "test", "path": str(folder / "htpasswd")}},
    }
    (folder / "registry.yml").write_text(yaml.safe_dump(settings))
    with subprocess.Popen(["docker-registry", "serve", folder / "registry.yml"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:  # fmt: skip
        try:
            trusted = ssl.create_default_context(cafile=str(folder / "registry.pem"))
            deadline = time.monotonic() + 20
            while True:
                try:
                    urlopen(f"https://{address}/v2/", timeout=2, context=trusted)
                except HTTPError:
                    break  # it wants a password
                except OSError:
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(0.05)
            yield Registry(address, folder / "registry.pem")
        finally:
            server.terminate()


def image_file(
    path: Path,
    component: str = "api",
    *,
    commit: str = COMMIT,
    content: str = "x",
    architecture: str = "amd64",
    **labels: Any,
) -> Path:
    """Write an image as `docker save` does, with one small layer and the labels of deploy/Dockerfile."""
    layer = _tar({"app/file": content.encode()})
    said = {"title": f"loantap-{component}", "version": "0.1.0", "revision": commit} | labels
    config = {
        "architecture": architecture,
        "os": "linux",
        "config": {"Labels": {f"org.opencontainers.image.{name}": text for name, text in said.items() if text}},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
        "history": [],
    }
    text = json.dumps(config).encode()
    name = f"{hashlib.sha256(text).hexdigest()}.json"
    manifest = [{"Config": name, "RepoTags": [f"localhost/loantap-{component}:0.1.0"], "Layers": ["layer.tar"]}]
    path.write_bytes(_tar({"manifest.json": json.dumps(manifest).encode(), name: text, "layer.tar": layer}))
    return path


def _tar(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()
