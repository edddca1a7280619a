"""A month's watchlist as files and as rows of a table: the same again for the same snapshots, model and settings."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from loantap.data.snapshot_contract import AS_OF
from loantap.errors import InputError
from loantap.exhibits.watch_page import watch_page
from loantap.files import alone_in, replacing, sha256, staging_folder, take_place
from loantap.jsonable import jsonable
from loantap.model.persistence import SavedModel
from loantap.watchlist.month import Month, Watch
from loantap.watchlist.settings import Settings
from loantap.watchlist.worklist_files import as_written, free_path, keep_edited, kept_note, write_csv, write_excel

DIGITS = 4  # of what is computed; nobody needs more, and a reader would take them for exactness
_EXCEL_ROWS = 10_000  # nobody works through more, and writing them takes a while
_SUMMARY = "watchlist.json"
_OWN = (_SUMMARY, "index.html", *(f"{name}.csv" for name in ("watchlist", "changes", "offers", "last", "quarantine")))


@dataclass(frozen=True)
class Written:
    """A month that was written.

    Attributes:
        folder: Where its files are.
        notes: What is to be said of them.
    """

    folder: Path
    notes: tuple[str, ...]


def write_month(
    found: Watch,
    out: Path,
    *,
    model: SavedModel,
    settings: Settings,
    source: str,
    synthetic: bool,
    notes: Sequence[str],
    quarantine: pd.DataFrame,
) -> Written:
    """Write a month into OUT/YYYY-MM, in the place of what was there, whole or not at all; work lists that people have edited stay.

    Files: worklist.csv and worklist.xlsx (for people to fill in), watchlist.csv, changes.csv, offers.csv, last.csv (what became of each loan of the
    last work list, where one is given), quarantine.csv (rows that break the contract), watchlist.json (the counts, and the sums by which an edited list is recognised) and index.html. They hold no time of
    writing, so the same input gives the same bytes.

    Raises InputError where another process is writing there.

    Args:
        found: What to write.
        out: The folder of all months.
        model: What the probabilities come from.
        settings: Thresholds, and what acting saves.
        source: Where the snapshots are stored, in words.
        synthetic: Whether the snapshots were made.
        notes: What was seen when reading them.
        quarantine: Rows that break the contract, with their reasons.
    """
    month, folder = found.month, out / str(found.month.month)
    out.mkdir(parents=True, exist_ok=True)
    busy = f"{out}: another loantap is writing a watchlist there. Try again."
    with alone_in(out, busy=busy), staging_folder(out) as staging:
        sums, kept = _write_worklist(found, folder, staging, settings)
        told = [*notes, *found.notes, *kept, *([found.no_risk] if found.no_risk else [])]
        summary = _summary(
            month, model=model, source=source, synthetic=synthetic, notes=told, quarantined=len(quarantine)
        )
        tables = {"watchlist": month.watchlist, "changes": month.changes.rows, "quarantine": quarantine}
        tables |= {"offers": as_written(found.acting.offers)} | ({"last": found.became.rows} if found.became else {})
        for file, table in tables.items():
            _in_rows(table.round(DIGITS)).to_csv(staging / f"{file}.csv", index=False, lineterminator="\n")
        text = json.dumps(summary | {"written": sums}, indent=1, ensure_ascii=False, allow_nan=False)
        (staging / _SUMMARY).write_text(text + "\n", "utf-8")
        (staging / "index.html").write_text(watch_page(found, summary, settings=settings), "utf-8")
        take_place(staging, folder)
    return Written(folder, tuple(kept))


def write_listed(parts: Iterable[pd.DataFrame], path: Path) -> None:
    """Write the loans to look at, part by part, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path, private=True) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        for number, part in enumerate(parts):
            _in_rows(part.round(DIGITS)).to_csv(stream, index=False, header=not number, lineterminator="\n")


def _summary(
    month: Month, *, model: SavedModel, source: str, synthetic: bool, notes: Sequence[str], quarantined: int
) -> dict[str, Any]:
    return jsonable(
        {
            AS_OF: str(month.month), "source": source, "synthetic": synthetic, "model_version": model.version, "lights": month.lights,
            "changes": month.changes.counts, "changed": month.changes.words, "delivered": month.delivery.loans,
            "delivered_before": month.delivery.before, "delivered_again": month.delivery.again, "incomplete": month.delivery.problems,
            "not_delivered": month.delivery.untold, "unknown": month.unknown, "quarantined": quarantined, "notes": list(notes),
        }
    )  # fmt: skip


def _write_worklist(found: Watch, folder: Path, staging: Path, settings: Settings) -> tuple[dict[str, str], list[str]]:
    """Write the work list, beside those that people have edited; return the sums of what was written, and what is to be said."""
    before = folder / _SUMMARY
    written = _sums_of(before)
    keep_edited(folder, staging, written, own=_OWN)
    listed, month = found.acting.worklist, found.month.month
    csv, excel = (free_path(staging / f"worklist.{ending}", written) for ending in ("csv", "xlsx"))
    notes = [kept_note(staging / f"worklist{path.suffix}", path) for path in (csv, excel)]
    write_csv(listed, csv)
    paths = [csv]
    try:
        told = [settings.acting.words, *([found.no_risk] if found.no_risk else [])]
        if len(listed) > _EXCEL_ROWS:
            notes.append(
                f"{excel.name} holds the first {_EXCEL_ROWS:,} of {len(listed):,} loans, {csv.name} all of them."
            )
        write_excel(listed.head(_EXCEL_ROWS), excel, title=f"Work list of {month}", notes=told)
        paths.append(excel)
    except InputError as error:  # without XlsxWriter
        notes.append(f"No Excel: {error}")
    return {path.name: sha256(path) for path in paths}, [note for note in notes if note]


def _sums_of(summary: Path) -> dict[str, str]:
    """Return the sums of the lists that were written with a summary; none where it is absent or damaged, so that all lists are kept."""
    try:
        found = json.loads(summary.read_text("utf-8"))["written"]
    except (OSError, ValueError, TypeError, KeyError):
        return {}
    return found if isinstance(found, dict) else {}


def _in_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose texts hold no carriage return: alone it is not quoted, and would begin a row that somebody made up."""
    texts = table.select_dtypes(["object", "str"]).columns
    return table.assign(**{name: table[name].astype("str").str.replace("\r", " ", regex=False) for name in texts})
