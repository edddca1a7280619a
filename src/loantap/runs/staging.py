"""Gather what a renderer needs in one folder: the website's sources, and the results and notebooks of a run."""

import os
import re
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nbformat
import yaml

from loantap.errors import RenderError
from loantap.runs.local_paths import without_folders
from loantap.runs.results import RunFolder, is_synthetic
from loantap.settings import project_root
from loantap_pages.staged import StagedSite

SYNTHETIC_NOTICE = "Synthetic data: these loans were simulated, and no real borrower is among them. Do not base a lending decision on them."


@dataclass(frozen=True)
class Staged(StagedSite):
    """The report's website, and the run that it tells of."""

    run: Path


def stage_report(run: Path, folder: Path) -> Staged:
    """Fill `folder` with the project's website and the run's figures, tables and executed notebooks, without local paths.

    Raises InputError if `run` is no run folder, RenderError if the website's sources are missing or unreadable.
    """
    manifest, root = RunFolder(run).manifest(), project_root()
    reports = root / "reports"
    if not (reports / "index.qmd").is_file():
        raise RenderError(f"expected the report's first page at {reports / 'index.qmd'}, found none")
    shutil.copytree(reports, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".*", "_site", "*_files"))
    for name in ("figures", "tables"):
        if (run / "results" / name).is_dir():
            shutil.copytree(run / "results" / name, folder / name, dirs_exist_ok=True)

    records = manifest.get("stages") or []
    left_out = {one["name"]: one.get("error") for one in records if one.get("status") == "left out"}
    for page in folder.glob("*.qmd"):
        tell_left_out(page, left_out)
    _tell_period(folder / "index.qmd", manifest)
    known = [run, root, *(manifest.get("parameters") or {}).values()]
    for path in (*folder.glob("figures/*.json"), *folder.glob("tables/*")):
        path.write_bytes(without_folders(path.read_bytes().decode(), known).encode())
    stages = [record["name"] for record in records]
    notebooks = _stage_notebooks(run / "notebooks", folder / "notebooks", stages, known)
    config_text = (root / "_quarto.yml").read_text(encoding="utf-8")
    notice = SYNTHETIC_NOTICE if is_synthetic(manifest.get("data") or {}) else None
    try:
        config = _stage_config(yaml.safe_load(config_text) or {}, notebooks)
    except (yaml.YAMLError, AttributeError) as error:
        raise RenderError(f"{root / '_quarto.yml'}: expected the settings of a Quarto website: {error}") from error
    (folder / "_quarto.yml").write_text(yaml.safe_dump(config, sort_keys=False, allow_unicode=True), encoding="utf-8")
    pages = sorted(path.relative_to(folder) for path in folder.glob("*.qmd") if not path.name.startswith("_"))
    own = {"LOANTAP_RUN": str(run), "LOANTAP_HOME": str(root), "QUARTO_PYTHON": sys.executable}
    every = (*pages, *notebooks)
    return Staged(folder, config, config_text, every, notice, os.environ | own, written_in=reports.name, run=run)


def tell_left_out(path: Path, left_out: Mapping[str, str]) -> None:
    """Put the reason in the place of a page that needs a stage which was left out; its sections stay, so that links to them lead there."""
    text = path.read_text("utf-8")
    front, _, body = text.removeprefix("---\n").partition("\n---\n")
    needed = [name for name in (yaml.safe_load(front) or {}).get("needs", ()) if name in left_out]
    if needed:
        reasons = "".join(f"- {stage_title(name)}: {left_out[name]}.\n" for name in needed)
        sections = "".join(f"[]{{{anchor}}}\n" for anchor in re.findall(r"\{(#[\w-]+)\}", body))
        why = f"What stands here otherwise was left out, since these loans cannot feed it:\n\n{reasons}\nThe other pages stand.\n"
        path.write_text(f"---\n{front}\n---\n\n{why}\n{sections}", "utf-8")


def _tell_period(path: Path, manifest: dict[str, Any]) -> None:
    """Put the years of the loans into the first page's title, which no code of the page can: front matter is read before it runs.

    Where the manifest tells none, as of a run that failed early, the title goes without.
    """
    first, last = (month[:4] for month in (manifest.get("data") or {}).get("period") or ("", ""))
    years = f" of {first}" if first == last else f" of {first} to {last}"
    text = path.read_text("utf-8").replace(" of {period}", years if first else "", 1)
    path.write_text(text, "utf-8")


def moment(manifest: Mapping[str, Any]) -> datetime:
    """Return when a run ended, or began, in UTC: the date that its documents bear, so that they are the same whenever they are made."""
    noted = manifest.get("finished_at") or manifest.get("started_at")
    return datetime.fromisoformat(noted).astimezone(UTC) if noted else datetime(1980, 1, 1, tzinfo=UTC)


def _stage_notebooks(source: Path, target: Path, stages: Sequence[str], known: Collection[object]) -> dict[Path, str]:
    """Copy executed notebooks, in the order of the stages, with front matter that names them and keeps them from running.

    They may have been executed in another place than they lie in now: their parameters say where. Returns their titles.
    """
    place = {name: number for number, name in enumerate(stages)}
    paths = sorted(source.glob("*.ipynb"), key=lambda path: (place.get(path.stem, len(place)), path.stem))
    notebooks = {path: nbformat.read(path, as_version=4) for path in paths}
    headings = {path: _take_title(notebook) or path.stem for path, notebook in notebooks.items()}
    shared = Counter(headings.values())
    staged: dict[Path, str] = {}
    for path, notebook in notebooks.items():
        named: dict[str, Any] = {"title": headings[path]}
        if shared[headings[path]] > 1:  # several stages ran the same notebook
            named = {"title": stage_title(path.stem), "subtitle": headings[path]}
        front = {**named, "code-fold": True, "execute": {"enabled": False, "echo": True, "warning": True}}
        raw = nbformat.v4.new_raw_cell(f"---\n{yaml.safe_dump(front, sort_keys=False, allow_unicode=True)}---")
        if notebook.nbformat_minor < 5:
            del raw["id"]
        notebook.cells.insert(0, raw)
        parameters = notebook.metadata.get("papermill", {}).get("parameters", {})
        target.mkdir(exist_ok=True)
        shown = nbformat.from_dict(without_folders(notebook, [*known, *parameters.values()]))
        nbformat.write(shown, target / path.name)
        staged[Path("notebooks") / path.name] = named["title"]
    return staged


def stage_title(stage: str) -> str:
    """Return the title of a stage whose notebook other stages ran too: what differs, in words."""
    kind, _, which = stage.replace("_", " ").replace("early-", "early ").partition("-")
    link = " with " if kind == "association" else ": "
    return f"{kind.capitalize()}{link}{which.replace('-', ' ')}" if which else kind.capitalize()


def _take_title(notebook: Any) -> str | None:
    """Return the notebook's first heading, and take it out: the page shows it as its title."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and (match := re.search(r"^# +(.+?)[ \t]*#*$", cell.source, re.M)):
            # The line stays, empty, so that line numbers in messages hold.
            cell.source = cell.source[: match.start()] + cell.source[match.end() :]
            return match[1]
    return None


def _stage_config(config: dict[str, Any], notebooks: dict[Path, str]) -> dict[str, Any]:
    # Staged pages lie at the top of the site.
    staged = map_texts(config, lambda text: text.removeprefix("reports/"))
    project = {key: value for key, value in (staged.get("project") or {}).items() if key != "pre-render"}
    rendered = {"output-dir": "_site", "render": ["*.qmd", *(path.as_posix() for path in notebooks)]}
    staged["project"] = {**project, **rendered, "resources": ["tables/*.csv", "*.docx", "*.xlsx"]}
    navbar = (staged.get("website") or {}).get("navbar") or {}
    for side in ("left", "right"):
        items = []
        for item in navbar.get(side) or []:
            if isinstance(item, dict) and item.get("text") == "Notebooks" and "menu" in item:
                item = {**item, "menu": [{"text": title, "href": path.as_posix()} for path, title in notebooks.items()]}
                if not notebooks:
                    continue
            items.append(item)
        if items:
            navbar[side] = items
    return staged


def map_texts(value: Any, change: Callable[[str], str]) -> Any:
    """Return what holds texts, such as settings, with each of them changed; keys stay."""
    if isinstance(value, dict):
        return {key: map_texts(item, change) for key, item in value.items()}
    if isinstance(value, list):
        return [map_texts(item, change) for item in value]
    return change(value) if isinstance(value, str) else value
