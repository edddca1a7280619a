"""The run before a run: which it is, and both side by side."""

from contextlib import suppress
from pathlib import Path
from typing import Any

from loantap.analysis.causes import compare_causes, compare_facts, same_loans
from loantap.analysis.changes import Changes, compare_numbers, shared_loans
from loantap.errors import InputError
from loantap.runs.checksums import check_run, need_finished
from loantap.runs.local_paths import without_folders
from loantap.runs.manifest import read_manifest
from loantap.runs.notebooks import COMPARED
from loantap.runs.record import ended_runs
from loantap.runs.results import MANIFEST, RunFolder, is_synthetic
from loantap.settings import runs_dir


def earlier_run(run: RunFolder, named: str = "") -> RunFolder | None:
    """Return the run that is named, or the finished run of record before this one: the newest with loans of the same kind, synthetic or real.

    It is looked for beside the run and, where there is none, under `runs/`; one whose files have changed is passed over. None where there
    is none, and for a bench that reads no run.

    Raises InputError for a named run that is not finished or not as its stages wrote it.
    """
    if named:
        return finished_run(Path(named))
    if not (run.path / MANIFEST).is_file():
        return None
    own = read_manifest(run.path)
    for folder in dict.fromkeys((run.path.resolve().parent, runs_dir())):
        before = [
            (one.finished_at or "", one.run_id, path) for one, path in ended_runs(folder)
            if one.status == "done" and (one.finished_at or "") <= own.started_at and one.run_id != own.run_id
            and is_synthetic(one.data) == is_synthetic(own.data)
        ]  # fmt: skip
        for _, _, path in sorted(before, reverse=True):
            with suppress(InputError):  # an earlier version noted no checksums
                if not check_run(path).differences:
                    return RunFolder(path)
    return None


def finished_run(folder: Path) -> RunFolder:
    """Return a run whose results can be compared; raises InputError for one that is not finished, or not as its stages wrote it."""
    need_finished(folder)
    return RunFolder(folder)


def compare_runs(earlier: RunFolder, later: RunFolder, *, alpha: float = 0.05) -> Changes:
    """Compare two runs; raises InputError for one without loans or a manifest."""
    manifests = earlier.manifest(), later.manifest()
    before, after = (results(run) for run in (earlier, later))
    first, second = (_identity(manifest) for manifest in manifests)
    known = [value for manifest in manifests for value in manifest.get("parameters", {}).values()]
    same = same_loans(*manifests)
    return Changes(
        earlier=first,
        later=second,
        same_loans=same,
        shared=second["loans"] if same else shared_loans(earlier.loans(), later.loans()),
        alpha=alpha,
        causes=compare_causes(*manifests).map(lambda text: without_folders(text, known)),
        numbers=compare_numbers(before, after, same_loans=same, alpha=alpha),
        facts=compare_facts(before, after),
    )


def results(run: RunFolder) -> dict[str, Any]:
    """Return by name those results of a run that are compared, as far as it has them."""
    names = [*COMPARED, *(path.stem for path in sorted((run.path / "results").glob("association_*.json")))]
    return {name: run.result(name) for name in names if run.find("results", f"{name}.json").is_file()}


def _identity(manifest: dict[str, Any]) -> dict[str, Any]:
    counts = {"loans": manifest["data"]["rows"], "defaults": manifest["data"]["defaults"]}
    return {name: manifest[name] for name in ("run_id", "finished_at")} | counts
