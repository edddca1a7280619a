"""Which model and which run the dashboard shows."""

import os
from dataclasses import dataclass
from pathlib import Path

from loantap.errors import InputError
from loantap.model.persistence import model_version
from loantap.runs.record import newest_run
from loantap.runs.results import MANIFEST, RunFolder
from loantap.settings import runs_dir
from loantap_serving.locate import find_model, find_store
from loantap_serving.store import ModelStore, Promotion

# How the command line tells the pages what it was given.
MODEL, RUN = "LOANTAP_DASHBOARD_MODEL", "LOANTAP_DASHBOARD_RUN"
RECORDS = "LOANTAP_API_RECORDS"  # where the service keeps its answers


@dataclass(frozen=True)
class Sources:
    """A model and a run, one of which may be absent.

    Attributes:
        model: The model's folder.
        run: The run.
        promoted: Whether the model is the champion, or the same as it, of the store that was named, or else the project's.
    """

    model: Path | None
    run: RunFolder | None
    promoted: bool


def find_sources(model: Path | None = None, run: Path | None = None) -> Sources:
    """Return what to show.

    Args:
        model: As in `find_model`; if None, the champion, or without one the run's own model.
        run: A run's folder; if None, the one that made the champion where that is shown, or else the newest finished one.

    Raises InputError where there is neither a model nor a run, or the given ones are not there or are damaged.
    """
    store = find_store(model)
    chosen = store.champion() if model is None else find_model(model)
    champion = _champion(store, may_be_broken=model is not None)
    promoted = chosen is not None and champion is not None and model_version(chosen) == champion.version
    shown = _run(run, made_by=champion.run_id if champion and promoted else None)
    if chosen is None and shown and (shown.path / "model").is_dir():
        chosen = shown.path / "model"
        model_version(chosen)  # raises InputError for a folder that holds no model
    if chosen is None and shown is None:
        raise InputError(f"expected a model or a run under {runs_dir()}, found neither. Make one with: loantap run")
    return Sources(chosen, shown, promoted)


def given_sources() -> Sources:
    """Return what the command line asked for; what was not named is looked up anew, so that a new champion is found."""
    model, run = (os.environ.get(name) for name in (MODEL, RUN))
    return find_sources(Path(model) if model else None, Path(run) if run else None)


def _champion(store: ModelStore, *, may_be_broken: bool) -> Promotion | None:
    try:
        history = store.history()
    except InputError:
        if may_be_broken:  # the model that was named can be shown all the same
            return None
        raise
    return history[-1] if history else None


def _run(given: Path | None, *, made_by: str | None) -> RunFolder | None:
    if given is not None:
        if not (given / MANIFEST).is_file():
            raise InputError(
                f"{given}: expected a run's folder (it holds {MANIFEST}), found none. Name one under runs/."
            )
        return RunFolder(given.resolve())
    maker = runs_dir() / made_by if made_by else None
    return RunFolder(maker) if maker and (maker / MANIFEST).is_file() else newest_run()
