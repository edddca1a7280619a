"""The model's and the policy's file for a risk function: `loantap dossier`."""

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from loantap.cli.common import console, finished_folder
from loantap.errors import InputError
from loantap.settings import reference_dir, run_folder

if TYPE_CHECKING:
    from loantap.exhibits.dossier import Material
    from loantap.runs.manifest import Manifest

_NAME, _TITLE = "dossier", "Model and policy file"


def dossier(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder, or its name under runs/.")],
    out: Annotated[
        Path | None, typer.Option(help="The folder for both files; that of the run's report if absent.")
    ] = None,
) -> None:
    """Write the model's and the policy's file for a risk function, as Word and HTML, with blanks that people fill in."""
    from loantap.exhibits.dossier import dossier as told
    from loantap.exhibits.single_page import single_page, word_document
    from loantap.files import replacing, write_text
    from loantap.runs.checksums import folder_sha256
    from loantap.runs.record import hold_run

    with ExitStack() as stack:
        run = finished_folder(run_folder(folder) if out else stack.enter_context(hold_run(run_folder(folder))).path)
        place, manifest = _place(run, out)
        parts = told(_material(run))
        with replacing(place / f"{_NAME}.docx") as temporary:
            word_document(temporary, _TITLE, parts)
        write_text(place / f"{_NAME}.html", single_page(_TITLE, parts))
        if not out:
            manifest.report = (manifest.report or {}) | {"sha256": folder_sha256(place)}
            manifest.write(run)
    for kind, suffix in (("Word", "docx"), ("HTML", "html")):
        console.print(f"{kind + ':':<6} {place / f'{_NAME}.{suffix}'}", soft_wrap=True, highlight=False, markup=False)
    if not out:
        console.print("Fill in a copy of it elsewhere: these are among the checksums of the report, and a report that is rendered anew takes their place.", soft_wrap=True, highlight=False)  # fmt: skip


def _place(run: Path, out: Path | None) -> tuple[Path, "Manifest"]:
    """Return the folder to write into, and the run's manifest.

    Raises InputError for a report that is absent or not as it was rendered, and for a file that somebody may have filled in.
    """
    from loantap.runs.checksums import check_run

    check = check_run(run)
    if out:
        if found := [path for suffix in ("docx", "html") if (path := out / f"{_NAME}.{suffix}").exists()]:
            raise InputError(
                f"{found[0]}: expected no such file, since people fill it in. Move it away, or name another folder."
            )
        return out, check.manifest
    if check.manifest.report is None or check.report:
        raise InputError(
            f"{run}: expected the report as it was rendered, to write beside it; {check.report or 'there is none'}. Render it with: "
            f"loantap report {run}, or name a folder with --out."
        )
    return run / "report", check.manifest


def _material(run: Path) -> "Material":
    """Read what the file is made from; raises InputError for a run without a model or a policy."""
    import json

    from loantap.exhibits.dossier import RESULTS, TABLES, Material
    from loantap.model.persistence import CARD, model_version
    from loantap.runs.local_paths import without_folders
    from loantap.runs.page import Page
    from loantap.runs.results import RunFolder
    from loantap_serving.gates import judge_run

    for name in (f"model/{CARD}", "results/model.json", "results/policy.json"):
        if not (run / name).is_file():
            raise InputError(
                f"{run}: expected a run with a model and a policy, found no {name}. Make one with: loantap run"
            )
    page = Page(RunFolder(run))
    known = page.manifest["parameters"].values()
    return Material(
        manifest=without_folders(page.manifest, known),
        card=without_folders(json.loads((run / "model" / CARD).read_text("utf-8")), known),
        version=model_version(run / "model"),
        results={
            name: page.result(name)
            for name in ("model", "policy", *RESULTS)
            if (run / "results" / f"{name}.json").is_file()
        },
        tables={
            name: (page.run.exhibit(name, "tables"), page.run.table(name))
            for name in TABLES
            if (run / "results" / "tables" / f"{name}.csv").is_file()
        },
        gates=[verdict.plain() for verdict in judge_run(run)],
        supervision=(reference_dir() / "supervision.md").read_text("utf-8"),
    )
