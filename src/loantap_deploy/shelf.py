"""Where reports stand to be read: a plain folder, or a bucket of S3. Both write a file whole or not at all."""

from pathlib import Path, PurePosixPath

from loantap.files import replacing
from loantap_deploy import aws

# Not from the mimetypes module: its answers depend on the machine.
_MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8", ".csv": "text/csv; charset=utf-8",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document", ".html": "text/html; charset=utf-8",
    ".ipynb": "application/x-ipynb+json", ".jpg": "image/jpeg", ".js": "text/javascript; charset=utf-8",
    ".json": "application/json", ".pdf": "application/pdf", ".png": "image/png", ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8", ".woff": "font/woff", ".woff2": "font/woff2",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}  # fmt: skip


class Folder:
    """A plain folder, shared or behind a web server, which then says what readers may keep."""

    def __init__(self, path: Path) -> None:
        self._path = path.resolve()
        self.address = str(self._path)

    def read(self, name: str) -> bytes | None:
        """Return a file's content, or None where there is none."""
        try:
            return (self._path / name).read_bytes()
        except FileNotFoundError:
            return None

    def write(self, name: str, content: bytes, *, lasting: bool) -> None:
        """Write a file; one that is lasting will never have another content, so that readers may keep it."""
        with replacing(self._path / name) as temporary:
            temporary.write_bytes(content)

    def names(self, folder: str) -> list[str]:
        """Return the names of all files below a folder."""
        return [path.relative_to(self._path).as_posix() for path in (self._path / folder).rglob("*") if path.is_file()]


class Bucket:
    """A bucket of S3; what it needs is to list it, to read and to write, and never to delete."""

    def __init__(self, name: str, *, address: str | None = None) -> None:
        self._name, self._client = name, aws.client("s3")
        self.address = (address or f"s3://{name}").rstrip("/")

    def read(self, name: str) -> bytes | None:
        """Return an object's content, or None where there is none."""
        try:
            content: bytes = self._client.get_object(Bucket=self._name, Key=name)["Body"].read()
        except self._client.exceptions.NoSuchKey:
            return None
        return content

    def write(self, name: str, content: bytes, *, lasting: bool) -> None:
        """Write an object; S3 refuses one that was damaged on its way."""
        self._client.put_object(
            Bucket=self._name,
            Key=name,
            Body=content,
            ContentType=_MEDIA_TYPES.get(PurePosixPath(name).suffix, "application/octet-stream"),
            CacheControl="max-age=31536000, immutable" if lasting else "no-cache",
            ChecksumAlgorithm="SHA256",
        )

    def names(self, folder: str) -> list[str]:
        """Return the names of all objects below a folder."""
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._name, Prefix=f"{folder}/")
        return [found["Key"] for page in pages for found in page.get("Contents", ())]


Shelf = Folder | Bucket
