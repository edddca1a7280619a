"""What a stage is made from, and why it has to run again."""

import ast
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from loantap.data.files_of_tables import parquet_files
from loantap.files import sha256
from loantap.runs.library import library_sha256
from loantap.runs.manifest import Basis, StageRecord, packages
from loantap.runs.notebooks import LOANS, Stage
from loantap.runs.parameters import parameters
from loantap.settings import reference_dir


def basis_of(folder: Path, stage: Stage, chosen: Mapping[str, Any], *, former: Basis) -> Basis:
    """Return what a stage would be made from now.

    Args:
        folder: The run's folder.
        stage: The stage.
        chosen: The parameters that are given to it; for the others the notebook's own values hold.
        former: What it was made from last. A file outside the project that is gone counts as unchanged: what was read, was noted.
    """
    own = {name: ast.literal_eval(known.default) for name, known in parameters(stage.path).items() if name != "run_dir"}
    inputs = {name: _sum(folder / name) for name in (*stage.needs, *stage.welcome)}
    if LOANS in stage.needs:
        counts = sorted((folder / "data" / "counts").glob("*.parquet"))
        inputs |= {f"data/counts/{path.name}": sha256(path) for path in counts}
    inputs |= {f"reference/{name}": _sum(reference_dir() / name) for name in stage.reference}
    for value in chosen.values():
        if isinstance(value, str) and value:
            found = _sum(stage.path.parent / value) or former.inputs.get(value)
            inputs |= {value: found} if found else {}
    notebook, library = sha256(stage.path), library_sha256(stage.path)
    now = own | dict(chosen)
    return Basis(notebook_sha256=notebook, library=library, parameters=now, packages=packages(), inputs=inputs)


def why_again(record: StageRecord, basis: Basis, *, asked: Collection[str] = ()) -> str | None:
    """Return why a stage has to run, in a few words, or None if it need not.

    Args:
        record: What became of it.
        basis: What it would be made from now.
        asked: Names of stages that are to run in any case.
    """
    if record.status == "failed":
        return "it had failed"
    if record.status not in ("done", "left out"):
        return record.error or "not run before"
    if record.name in asked:
        return "asked for"
    if record.fingerprint == basis.fingerprint:
        return None
    changes = [
        *(["its notebook was changed"] if record.notebook_sha256 != basis.notebook_sha256 else []),
        *(["the library was changed"] if record.library != basis.library else []),
        *_differences(record.parameters, basis.parameters),
        *_differences(record.packages, basis.packages),
        *(f"{Path(name).name} was changed" for name in _unlike(record.inputs, basis.inputs)),
    ]
    return "; ".join(changes)


def _differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    return [f"{name} {before.get(name, 'none')} → {after.get(name, 'none')}" for name in _unlike(before, after)]


def _unlike(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))


def _sum(path: Path) -> str | None:
    return sha256(path) if path.is_file() or (path.is_dir() and parquet_files(path)) else None
