"""What of a run is published: its rendered report, whole, and nothing else."""

import hashlib
import posixpath
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from pydantic import AwareDatetime, BaseModel, Field

from loantap.errors import InputError
from loantap.runs.manifest import Manifest, now, read_manifest
from loantap.runs.render import PDF_NAME
from loantap.runs.results import is_synthetic
from loantap.runs.seal import content_sha256, listed, results_sha256
from loantap_deploy.shelf import MEDIA_TYPES

FIRST_PAGE = "index.html"
RECORD = "run.json"
_DIGITS = 12
_LINKS = ("href", "src", "data", "poster", "action", "xlink:href")
_ELSEWHERE = ("http", "https", "mailto", "data", "javascript")


class FileRecord(BaseModel):
    """What a published file has to be."""

    sha256: str
    size: int


class Edition(BaseModel):
    """A run's report as it was rendered once: what `run.json` holds beside it."""

    run_id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")  # a part of addresses
    finished_at: AwareDatetime
    published_at: AwareDatetime
    kind: str
    synthetic: bool
    rows: int
    files: dict[str, FileRecord]

    @property
    def path(self) -> str:
        """Return where it stands.

        The content is part of the path. Readers may keep a file for a year, so a report that is rendered again must not come
        under the address of the former one; and two who publish different reports of a run cannot get into each other's way.
        """
        return f"runs/{self.run_id}/{self.sha256[:_DIGITS]}"

    @property
    def sha256(self) -> str:
        """Return what a rendering is told from another by."""
        return content_sha256({name: file.sha256 for name, file in self.files.items()})


@dataclass(frozen=True)
class Report:
    """A finished run's report: what is said of it, and its files."""

    edition: Edition
    files: Mapping[str, bytes]


def read_report(run: Path) -> Report:
    """Return the report of the run folder `run`, read once, so that what is checked is what is published.

    Raises InputError if the run is not finished, or its report is missing, of other results than the run's, not whole, or holds
    what is no part of a report.
    """
    manifest, folder = read_manifest(run), run / "report"
    _check_finished(run, manifest)
    again = f"Render it again with: loantap report {run}"
    if folder.is_symlink() or not (folder / FIRST_PAGE).is_file() or not (folder / PDF_NAME).is_file():
        raise InputError(f"{folder}: expected a rendered report with {FIRST_PAGE} and {PDF_NAME}, found none. {again}")
    before = folder.stat().st_ino
    files, problems = _read_files(folder)
    problems += [problem for name in files if name.endswith(".html") for problem in _links_outside(name, files)]
    if problems:
        raise InputError(f"{folder}: this is no report to publish:{listed(problems)}\n{again}")
    if not folder.is_dir() or folder.stat().st_ino != before:
        raise InputError(f"{folder}: the report was rendered again while it was read. Publish it again.")
    edition = _edition(run, manifest, files)
    rendered = manifest.report or {}
    if rendered.get("results") != results_sha256(manifest):
        raise InputError(f"{folder}: the report was rendered from other results than the run's present ones. {again}")
    if rendered.get("sha256") != edition.sha256:
        raise InputError(
            f"{folder}: expected the report as it was rendered, but files were changed, added or taken away since, or nobody noted "
            f"what was rendered. {again}"
        )
    return Report(edition, files)


def _check_finished(run: Path, manifest: Manifest) -> None:
    if manifest.status != "done" or manifest.finished_at is None:
        raise InputError(
            f"{run}: expected a finished run, this one's status is {manifest.status}. Go on with: loantap run --resume {run}"
        )


def _edition(run: Path, manifest: Manifest, files: Mapping[str, bytes]) -> Edition:
    data = manifest.data
    try:
        return Edition.model_validate(
            {
                "run_id": manifest.run_id,
                "finished_at": manifest.finished_at,
                "published_at": now(),
                "kind": data.get("kind"),
                "synthetic": is_synthetic(data),
                "rows": data.get("rows"),
                "files": {
                    name: FileRecord(sha256=hashlib.sha256(content).hexdigest(), size=len(content))
                    for name, content in sorted(files.items())
                },
            }
        )
    except ValueError as error:
        raise InputError(f"{run}: expected a manifest that loantap wrote, but: {error}. Start a new run.") from error


def _read_files(folder: Path) -> tuple[dict[str, bytes], list[str]]:
    """Return the content of all files of a report, and what is wrong with others."""
    files: dict[str, bytes] = {}
    problems: list[str] = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_dir() and not path.is_symlink() and not path.name.startswith("."):
            continue  # its files come by themselves
        if problem := _problem(path, name):
            problems.append(f"{name!r}: {problem}")
        else:
            files[name] = path.read_bytes()
    return files, problems


def _problem(path: Path, name: str) -> str | None:
    """Return why a file is no part of a report, or None if it may be."""
    if path.name.startswith(".") or not name.isprintable() or name == RECORD:
        return "a report has no file of this name"
    if path.is_symlink() or not path.is_file():  # a link could lead to anything
        return "expected a plain file, found a link or something else"
    if path.suffix not in MEDIA_TYPES:
        return f"expected one of {' '.join(MEDIA_TYPES)}; a report has no file of another kind"
    return None


def _links_outside(page: str, files: Mapping[str, bytes]) -> Iterator[str]:
    """Yield the links of a page that lead to no file of the report; a folder is none, since nobody would serve its index."""
    parser = _Links()
    parser.feed(files[page].decode("utf-8", errors="replace"))
    for link in sorted(set(parser.found)):
        if not _leads_somewhere(page, link, files):
            yield f"{page}: its link {link!r} leads to no file of the report"


def _leads_somewhere(page: str, link: str, files: Collection[str]) -> bool:
    try:
        parts = urlsplit(link.strip())
    except ValueError:
        return False
    if parts.scheme or parts.netloc:
        return parts.scheme in ("", *_ELSEWHERE)
    target = posixpath.normpath(posixpath.join(PurePosixPath(page).parent, unquote(parts.path)))
    return not parts.path or target in files


class _Links(HTMLParser):
    """Everything that a page links to or loads."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if name in _LINKS and value]
