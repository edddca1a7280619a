"""Publish a run's report so that readers see the former one, or the new one, and nothing between.

Each report comes under a path of its own, which nobody knows yet; its record is written when all of it is there; then the
list shows it; and at last one file leads to it. What breaks off earlier changes nothing for a reader.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from loantap.errors import DeployError, InputError
from loantap_deploy.report_files import RECORD, Edition, Report
from loantap_deploy.report_pages import LATEST, LIST, MARK, latest_page, list_page
from loantap_deploy.shelf import Shelf

_THREADS = 8  # what is waited for is the network
_ATTEMPTS = 20


@dataclass(frozen=True)
class Published:
    """What publishing came to.

    Attributes:
        address: What readers open for the latest report.
        path: Where this report stands.
        uploaded: How many of its files were written; the others were there.
        changed: Whether anything was written.
        former: The report that was the latest before, where that was another one.
    """

    address: str
    path: str
    uploaded: int
    changed: bool
    former: Edition | None


def publish_report(report: Report, shelf: Shelf) -> Published:
    """Put a report on the shelf and make it the latest.

    Raises InputError if something else stands where the list or the latest would be written; DeployError, with readers where
    they were, if the shelf cannot be read or written.
    """
    _check_place(shelf)
    try:
        uploaded = _add(report, shelf)
        there, listed = _list(shelf)
    except DeployError as error:
        raise DeployError(f"{error}\nThe latest report is the one it was.") from error
    page, before = latest_page(report.edition), shelf.read(LATEST)
    if switched := page != before:
        shelf.write(LATEST, page, lasting=False)
    return Published(
        address=f"{shelf.address}/{LATEST}",
        path=report.edition.path,
        uploaded=uploaded,
        changed=bool(uploaded) or listed or switched,
        former=next((edition for edition in there if switched and latest_page(edition) == before), None),
    )


def editions(shelf: Shelf) -> list[Edition]:
    """Return all reports that are there whole, the newest run first."""
    with ThreadPoolExecutor(_THREADS) as pool:
        paths = [path for found in pool.map(shelf.folders, shelf.folders("runs")) for path in found]
        found = [edition for edition in pool.map(lambda path: _record(shelf, path), paths) if edition]
    return sorted(found, key=lambda edition: (edition.finished_at, edition.published_at, edition.path), reverse=True)


def _check_place(shelf: Shelf) -> None:
    """Refuse a place where something else is served: its first page would be lost."""
    for name in (LIST, LATEST):
        content = shelf.read(name)
        if content is not None and MARK not in content:
            raise InputError(
                f"{shelf.address}/{name}: expected none, or one that loantap wrote, found another. "
                "Give the reports a place of their own."
            )


def _add(report: Report, shelf: Shelf) -> int:
    """Write what is missing of a report, its record last; return how many files were.

    A file that is there with its size is the right one: the path follows from the content, and files are written whole.
    """
    path = report.edition.path
    there = shelf.sizes(path)
    missing = {name: content for name, content in report.files.items() if there.get(name) != len(content)}
    with ThreadPoolExecutor(_THREADS) as pool:
        list(pool.map(lambda name: shelf.write(f"{path}/{name}", missing[name], lasting=True), missing))
    if _record(shelf, path) is None:
        record = report.edition.model_dump_json(indent=1) + "\n"
        shelf.write(f"{path}/{RECORD}", record.encode(), lasting=False)
    return len(missing)


def _record(shelf: Shelf, path: str) -> Edition | None:
    """Return what is recorded of a report, or None if it is not there whole."""
    content = shelf.read(f"{path}/{RECORD}")
    try:
        edition = Edition.model_validate_json(content or b"")
    except ValueError:
        return None
    return edition if edition.path == path else None


def _list(shelf: Shelf) -> tuple[list[Edition], bool]:
    """Write the list until it shows all that is there; return that, and whether the list was changed.

    Others may publish at the same time. Whoever writes the list last has looked once more after that, so no report is lost from it.
    """
    for attempt in range(_ATTEMPTS):
        there = editions(shelf)
        page = list_page(there)
        if page == shelf.read(LIST):
            return there, attempt > 0
        shelf.write(LIST, page, lasting=False)
    raise DeployError(
        f"{shelf.address}/{LIST}: expected it to stay as it was written, but something else changes it each time. End that, and publish again."
    )
