"""Where reports stand to be read: a plain folder, or a bucket of S3.

A file is written whole or not at all in both: a folder by a rename, S3 by how it works.
"""

import base64
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Protocol

from loantap.errors import DeployError
from loantap.files import replacing
from loantap_deploy import aws
from loantap_deploy.stack import Environment

# What a report is made of, and how a browser is told of it. Not from the mimetypes module: its answers depend on the machine.
MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8", ".csv": "text/csv; charset=utf-8",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document", ".html": "text/html; charset=utf-8",
    ".ipynb": "application/x-ipynb+json", ".jpg": "image/jpeg", ".js": "text/javascript; charset=utf-8",
    ".json": "application/json", ".pdf": "application/pdf", ".png": "image/png", ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8", ".woff": "font/woff", ".woff2": "font/woff2",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}  # fmt: skip
_LASTING = "max-age=31536000, immutable"
_FLEETING = "no-cache"


class Shelf(Protocol):
    """A place of files with names such as runs/r1/report.css."""

    address: str

    def read(self, name: str) -> bytes | None:
        """Return a file's content, or None where there is none."""

    def write(self, name: str, content: bytes, *, lasting: bool) -> None:
        """Write a file; one that is lasting will never have another content, so that readers may keep it."""

    def sizes(self, folder: str) -> dict[str, int]:
        """Return the bytes of all files below a folder by their names in it."""

    def folders(self, folder: str) -> list[str]:
        """Return the folders in a folder, each by its whole name."""


class Folder:
    """A plain folder, shared or behind a web server."""

    def __init__(self, path: Path) -> None:
        self._path = path.resolve()
        self.address = str(self._path)

    def read(self, name: str) -> bytes | None:
        """Return a file's content, or None where there is none."""
        with _disk("reading", self._path / name):
            try:
                return (self._path / name).read_bytes()
            except FileNotFoundError:
                return None

    def write(self, name: str, content: bytes, *, lasting: bool) -> None:
        """Write a file; what a reader may keep is for the web server to say."""
        with _disk("writing", self._path / name), replacing(self._path / name) as temporary:
            temporary.write_bytes(content)

    def sizes(self, folder: str) -> dict[str, int]:
        """Return the bytes of all files below a folder by their names in it."""
        top = self._path / folder
        with _disk("looking through", top):
            return {path.relative_to(top).as_posix(): path.stat().st_size for path in top.rglob("*") if path.is_file()}

    def folders(self, folder: str) -> list[str]:
        """Return the folders in a folder, each by its whole name."""
        with _disk("looking through", self._path / folder):
            found = [path.name for path in (self._path / folder).glob("*") if path.is_dir()]
        return [f"{folder}/{name}" for name in found]


class Bucket:
    """A bucket of S3; what it needs is to list it, to read and to write, and never to delete."""

    def __init__(self, name: str, *, address: str | None = None) -> None:
        self._name, self._client = name, aws.client("s3")
        self.address = (address or f"s3://{name}").rstrip("/")

    def read(self, name: str) -> bytes | None:
        """Return an object's content, or None where there is none."""
        with aws.answers(f"S3: reading {name} in bucket {self._name}"):
            try:
                content: bytes = self._client.get_object(Bucket=self._name, Key=name)["Body"].read()
            except self._client.exceptions.NoSuchKey:
                return None
        return content

    def write(self, name: str, content: bytes, *, lasting: bool) -> None:
        """Write an object; S3 refuses one that was damaged on its way."""
        with aws.answers(f"S3: writing {name} to bucket {self._name}"):
            self._client.put_object(
                Bucket=self._name,
                Key=name,
                Body=content,
                ContentType=MEDIA_TYPES[PurePosixPath(name).suffix],
                CacheControl=_LASTING if lasting else _FLEETING,
                ChecksumSHA256=base64.b64encode(hashlib.sha256(content).digest()).decode(),
            )

    def sizes(self, folder: str) -> dict[str, int]:
        """Return the bytes of all objects below a folder by their names in it."""
        top = f"{folder}/"
        with aws.answers(f"S3: listing {top} in bucket {self._name}"):
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._name, Prefix=top)
            return {
                found["Key"].removeprefix(top): found["Size"] for page in pages for found in page.get("Contents", ())
            }

    def folders(self, folder: str) -> list[str]:
        """Return the folders in a folder, each by its whole name."""
        top = f"{folder}/"
        with aws.answers(f"S3: listing {top} in bucket {self._name}"):
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._name, Prefix=top, Delimiter="/")
            return [found["Prefix"].rstrip("/") for page in pages for found in page.get("CommonPrefixes", ())]


def environment_bucket(environment: str) -> Bucket:
    """Return the bucket in which an environment keeps its reports, as its stack says; raises DeployError without one."""
    bucket, address = Environment(environment).output("ReportBucket", "ReportUrl")
    return Bucket(bucket, address=address)


@contextmanager
def _disk(doing: str, path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DeployError(
            f"{doing} {path}: {error.strerror or error}. Check the permissions and the space left, and run it again; "
            "what is done is not done twice."
        ) from error
