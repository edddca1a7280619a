"""The checksums of a run: what each stage wrote, so that nothing changes behind the manifest's back."""

import hashlib
import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from loantap.errors import InputError
from loantap.files import sha256
from loantap.runs.library import library_sha256
from loantap.runs.manifest import FOLDERS, Manifest, StageRecord, read_manifest
from loantap.runs.record import is_held
from loantap.settings import notebooks_dir

DRAFT = ".draft"  # of a run's folder: holds a folder for each stage at work
_SHOWN = 10


@dataclass(frozen=True)
class Check:
    """What a run's folder looks like beside its manifest."""

    manifest: Manifest
    files: dict[str, str]  # how files differ from what their stages wrote, by their path in the folder
    strangers: list[str]  # files among them that no stage wrote
    outdated: list[str]  # finished stages whose results do not belong to those of the others, each in a sentence
    ended: str  # how the run did not end; empty if it did
    report: str  # how the report differs from what was rendered from these results; empty if it does not
    library: list[str]  # the finished stages whose source in the library is another by now; no fault of the record

    @property
    def differences(self) -> list[str]:
        """Return all that differs, the report's apart, each in a sentence."""
        owners = self.manifest.owners()
        return [
            *(f"{name} {told} since stage {' and '.join(owners[name])} wrote it" for name, told in self.files.items()),
            *(f"{name}: no stage wrote it; move it out of the run" for name in self.strangers),
            *self.outdated,
            *([self.ended] if self.ended else []),
        ]


def check_run(folder: Path, manifest: Manifest | None = None) -> Check:
    """Compare a run's folder with its manifest; raises InputError if it holds no run, or one without checksums."""
    manifest = manifest or read_manifest(folder)
    if any(record.status == "done" and not record.files for record in manifest.stages):
        raise InputError(f"{folder}: an earlier version made this run and noted no checksums. Start a new run.")
    owners = manifest.owners()
    differences = {name: _told(folder / name, manifest.stage(stages[0]).files[name]) for name, stages in owners.items()}
    ended = ""
    if manifest.status == "running":
        how = "is at work; check it when it has ended" if is_held(folder) else "was killed before it ended"
        ended = f"manifest.json: the run {how}"
    finished = [record for record in manifest.stages if record.status == "done" and record.library]
    known = {record.name: notebooks_dir() / record.notebook for record in finished}
    digests = {path: library_sha256(path) for path in set(known.values()) if path.is_file()}
    return Check(
        manifest=manifest,
        files={name: words for name, words in differences.items() if words},
        strangers=[name for name in stage_files(folder) if name not in owners],
        outdated=[text for record in manifest.stages for text in outdated(manifest, record)],
        ended=ended,
        report=_report(folder, manifest),
        library=[
            record.name for record in finished if digests.get(known[record.name], record.library) != record.library
        ],
    )


def need_unchanged(folder: Path) -> Check:
    """Return the check of a run whose results are as its stages wrote them.

    Raises InputError, which names every difference, for another.
    """
    check = check_run(folder)
    if differences := check.differences:
        raise InputError(
            f"{folder}: expected the files of the run as its stages wrote them, but:{listed(differences)}\n"
            f"What has changed is made again by: loantap run --resume {folder}"
        )
    return check


def need_finished(folder: Path) -> Check:
    """Return the check of a finished run, as `need_unchanged` does; raises InputError for one that is not finished, too."""
    check = need_unchanged(folder)
    if check.manifest.status != "done":
        raise InputError(
            f"{folder}: expected a finished run, it is {check.manifest.status}. Go on with: loantap run --resume {folder}"
        )
    return check


def need_unchanged_model(folder: Path) -> None:
    """Raise InputError if the model in a run's folder is not the one that its stage wrote."""
    model = {name: noted for record in read_manifest(folder).stages for name, noted in record.files.items() if name.startswith("model/")}  # fmt: skip
    if differences := [
        f"{name} {difference}" for name, noted in model.items() if (difference := _told(folder / name, noted))
    ]:
        raise InputError(
            f"{folder}: expected the model as the run wrote it, but:{listed(differences)}\n"
            f"It is made again by: loantap run --resume {folder}"
        )


def listed(texts: list[str]) -> str:
    """Return texts as lines of a list, the first of them if there are many."""
    more = f"\n- and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    return "".join(f"\n- {text}" for text in texts[:_SHOWN]) + more


def drop_changed(folder: Path, manifest: Manifest, will_run: Collection[str]) -> None:
    """Take away what is not as its stages wrote it, and note that these have to run again.

    Raises InputError, with nothing changed, for files that no stage wrote, or none that is to run would make again.
    """
    check, owners = check_run(folder, manifest), manifest.owners()
    kept = {name for name in check.files if not set(owners[name]) <= set(will_run)}
    if kept or check.strangers:
        differences = replace(
            check, files={name: check.files[name] for name in kept}, outdated=[], ended=""
        ).differences
        advice = "\nResume without --only: it makes again what has changed." if kept else ""
        raise InputError(
            f"{folder}: expected the files of the run as its stages wrote them, but:{listed(differences)}{advice}"
        )
    for name, difference in check.files.items():
        for owner in owners[name]:
            manifest.stage(owner).status, manifest.stage(owner).error = "pending", f"{name} {difference}"
            manifest.status = "partial"
    manifest.write(folder)
    for name in check.files:
        if (folder / name).is_dir():
            shutil.rmtree(folder / name)
        else:
            (folder / name).unlink(missing_ok=True)


def drop_stage(folder: Path, manifest: Manifest, record: StageRecord) -> None:
    """Take a stage that the run has no more out of its manifest, and away what that stage alone has written."""
    manifest.stages = [other for other in manifest.stages if other is not record]
    manifest.status = "partial"
    for name in record.files.keys() - manifest.owners().keys():
        (folder / name).unlink(missing_ok=True)
    manifest.write(folder)


def draft_of(folder: Path, stage: str) -> Path:
    """Return where a stage at work writes."""
    return folder / DRAFT / stage


def settle(folder: Path, manifest: Manifest, record: StageRecord) -> None:
    """Note what a stage has written and move it into the run; what it wrote in a former attempt and no longer does, goes.

    It is noted first, so that a run that is killed between the two is completed by `finish_move`.
    """
    draft = draft_of(folder, record.name)
    sums = {name: sha256(draft / name) for name in stage_files(draft)}
    others = {name for other in manifest.stages if other is not record for name in other.files}
    for name in record.files.keys() - sums.keys() - others:
        (folder / name).unlink(missing_ok=True)
    record.files = sums
    for other in manifest.stages:  # a file that several stages fill is, for all of them, what the last one made of it
        other.files |= {name: found for name, found in sums.items() if name in other.files}
    manifest.write(folder)
    _move(draft, folder, manifest)


def keep_notebook(folder: Path, record: StageRecord) -> None:
    """Keep the executed notebook of a stage that failed, as far as it came, and nothing else of what it wrote."""
    name, draft = f"notebooks/{record.name}.ipynb", draft_of(folder, record.name)
    if (draft / name).is_file():
        record.files[name] = sha256(draft / name)
        (folder / "notebooks").mkdir(exist_ok=True)
        (draft / name).replace(folder / name)
    _drop(draft)


def finish_move(folder: Path, manifest: Manifest) -> None:
    """Move what is noted from the places of stages at work into the run, and drop what is not: a killed stage's."""
    for draft in sorted((folder / DRAFT).glob("*")):
        _move(draft, folder, manifest)
    shutil.rmtree(folder / DRAFT, ignore_errors=True)


def _move(draft: Path, folder: Path, manifest: Manifest) -> None:
    noted = {name: found for record in manifest.stages for name, found in record.files.items()}
    for name in stage_files(draft):
        if noted.get(name) == sha256(draft / name):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (draft / name).replace(folder / name)
    _drop(draft)


def _drop(draft: Path) -> None:
    shutil.rmtree(draft, ignore_errors=True)
    with suppress(OSError):  # another stage is at work
        draft.parent.rmdir()


def results_sha256(manifest: Manifest) -> str:
    """Return one sha256 of all that a run's stages wrote: what a report is made from."""
    return content_sha256({name: found for record in manifest.stages for name, found in record.files.items()})


def content_sha256(sums: Mapping[str, str]) -> str:
    """Return one sha256 of files from those of each by name: of what sha256sum would write, sorted by name."""
    return hashlib.sha256("".join(f"{one}  {name}\n" for name, one in sorted(sums.items())).encode()).hexdigest()


def folder_sha256(folder: Path) -> str:
    """Return the `content_sha256` of all files below a folder."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return content_sha256({path.relative_to(folder).as_posix(): sha256(path) for path in files})


def stage_files(folder: Path) -> Iterator[str]:
    """Yield the files of a run, or of a stage at work, that a manifest is to know; names with a dot in front are Jupyter's and such."""
    for part in FOLDERS:
        for path in sorted((folder / part).rglob("*")):
            name = path.relative_to(folder)
            if (path.is_file() or path.is_symlink()) and not any(part.startswith(".") for part in name.parts):
                yield name.as_posix()


def _told(path: Path, noted: str) -> str | None:
    if not path.is_file():
        return "is missing"
    return None if sha256(path) == noted else "was changed"


def outdated(manifest: Manifest, record: StageRecord) -> Iterator[str]:
    """Yield how a finished stage's results do not belong to those of the other stages."""
    if record.status != "done":
        return
    for name, noted in record.inputs.items():
        makers = manifest.owners().get(name)
        if makers and manifest.stage(makers[0]).files[name] != noted:
            yield f"stage {record.name}: made from another {name}, which stage {', '.join(makers)} has made anew since"


def _report(folder: Path, manifest: Manifest) -> str:
    if manifest.report is None:
        return ""
    if not (folder / "report").is_dir() or folder_sha256(folder / "report") != manifest.report.get("sha256"):
        return "report: its files are not those that were rendered"
    if manifest.report.get("results") != results_sha256(manifest):
        return "report: it was rendered from other results than the run's present ones"
    return ""
