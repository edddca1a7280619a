"""Which model and which run the dashboard shows."""

import os
from dataclasses import dataclass
from pathlib import Path

from loantap.errors import InputError
from loantap.report.results import MANIFEST, RunFolder, newest_run
from loantap.serve.locate import find_model
from loantap.serve.store import ModelStore
from loantap.settings import runs_dir

# How the command line tells the pages what it was given.
MODEL, RUN = "LOANTAP_DASHBOARD_MODEL", "LOANTAP_DASHBOARD_RUN"


@dataclass(frozen=True)
class Sources:
    """A model and a run, one of which may be absent.

    Attributes:
        model: The model's folder.
        run: The run.
        promoted: Whether the model is the champion of the store.
    """

    model: Path | None
    run: RunFolder | None
    promoted: bool


def find_sources(model: Path | None = None, run: Path | None = None) -> Sources:
    """Return what to show.

    Args:
        model: As in `find_model`; if None, the champion, or without one the run's own model.
        run: A run's folder; if None, the one that made the champion, or else the newest.

    Raises InputError where there is neither a model nor a run, or the given ones are not there.
    """
    store = ModelStore()
    champion = store.champion()
    shown = _run(run, made_by=store.history()[-1].run_id if champion and model is None else None)
    if model is not None:
        chosen: Path | None = find_model(model)
    elif champion is None and shown and (shown.path / "model").is_dir():
        chosen = shown.path / "model"
    else:
        chosen = champion
    if chosen is None and shown is None:
        raise InputError(f"expected a model or a run under {runs_dir()}, found neither. Make one with: loantap run")
    promoted = champion is not None and chosen is not None and chosen.resolve() == champion.resolve()
    return Sources(chosen, shown, promoted)


def given_sources() -> Sources:
    """Return what the command line asked for; what was not named is looked up anew, so that a new champion is found."""
    model, run = (os.environ.get(name) for name in (MODEL, RUN))
    return find_sources(Path(model) if model else None, Path(run) if run else None)


def _run(given: Path | None, *, made_by: str | None) -> RunFolder | None:
    if given is not None:
        if not (given / MANIFEST).is_file():
            raise InputError(
                f"{given}: expected a run's folder (it holds {MANIFEST}), found none. Name one under runs/."
            )
        return RunFolder(given.resolve())
    maker = runs_dir() / made_by if made_by else None
    return RunFolder(maker) if maker and (maker / MANIFEST).is_file() else newest_run()
