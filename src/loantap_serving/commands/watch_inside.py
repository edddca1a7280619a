"""A month watched where its tables lie: `loantap watch --into`."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from loantap.cli.common import console
from loantap.errors import InputError
from loantap.progress import step
from loantap.watchlist.settings import read_settings
from loantap_serving.month_files import write_listed
from loantap_sources.watch_table import TableWatch, listed, watch_into

if TYPE_CHECKING:
    import numpy as np

    from loantap.model.persistence import SavedModel
    from loantap_sources.connectors.config import Config

_NOT_HERE = "Work list, offers, changes of lights and probabilities within 12 months need single loans: watch without --into for them."


def watch_inside(
    snapshots: str | None,
    applications: str | None,
    into: str,
    model: "SavedModel",
    declared: "Config",
    month: "np.datetime64 | None",
    out: Path,
    *,
    say: Callable[[str], None],
    **accepted: bool,
) -> TableWatch:
    """Watch two tables inside the warehouse, and write the loans to look at into OUT/YYYY-MM/INTO.csv."""
    tables = [(text or "").partition(":") for text in (snapshots, applications)]
    if any(kind != "table" or not name for kind, _, name in tables):
        raise InputError("--into goes with tables: name both, as --snapshots table:NAME --applications table:NAME.")
    settings = read_settings()
    with step(console, "watching inside the warehouse"):
        done = watch_into(model, declared, tables[0][2], tables[1][2], into, as_of=month, settings=settings, **accepted)
        write_listed(listed(declared, into, settings), out / done.month / f"{into}.csv")
    for note in (*done.notes, *done.delivery.untold, _NOT_HERE):
        say(f"Note: {note}")
    for problem in done.delivery.problems:
        say(f"Incomplete, accepted: {problem}.")
    counts = " + ".join(f"{loans:,} {light}" for light, loans in done.lights.items() if loans)
    say(f"{done.month}: {done.delivery.loans:,} loans delivered = {counts or '0'}.")
    say(f"Buckets of days past due since the month before: {done.moves}.")
    return done
