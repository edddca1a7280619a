"""Render a run's report: a website and a PDF, with Quarto where it is installed, else with the built-in renderer."""

import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from loantap.errors import InputError, MissingToolError, RenderError
from loantap.files import staging_folder, take_place
from loantap.runs.checksums import folder_sha256
from loantap.runs.quarto import MINIMUM_VERSION, Quarto, find_quarto, installed_quartos, render_with_quarto
from loantap.runs.staging import Staged, stage_report
from loantap.runs.word import WORD_NAME, write_word
from loantap.runs.workbook import WORKBOOK_NAME, write_workbook
from loantap_pages.errors import MissingProgramError, PageError

PDF_NAME = "loantap-insights.pdf"

__all__ = ["Quarto", "RenderedReport", "find_quarto", "render_report"]


@dataclass(frozen=True)
class RenderedReport:
    """Where a rendered report lies, what rendered it, how long that took, and what Quarto warned of."""

    engine: str
    html: Path
    pdf: Path
    seconds: float
    sha256: str
    warnings: tuple[str, ...] = ()


def render_report(run: Path, *, engine: Literal["auto", "quarto", "builtin"] = "auto") -> RenderedReport:
    """Render the report of the run folder `run` into `run/report`, whole or not at all.

    "auto" takes Quarto 1.9 or newer where it is found and the built-in renderer where it is not; a Quarto that fails
    is an error, never a reason to fall back. The former report stays in place until the new one is complete.

    Raises InputError if `run` is no run folder, MissingToolError if the engine asked for is not installed, and
    RenderError, with file and line where they are known, if rendering fails.
    """
    started = time.perf_counter()
    run = Path(run).resolve()
    quarto, note = _choose(engine)
    if not run.is_dir():
        raise InputError(f"{run}: expected a run folder, found none. Give the folder that `loantap run` wrote.")
    # Quarto renders nothing in a folder whose name starts with a dot, so the staging folder has a plain name.
    with staging_folder(run, prefix="rendering-") as folder:
        staged = stage_report(run, folder / "site")
        write_workbook(staged)
        try:
            used, warnings = _render(staged, quarto)
        except PageError as error:
            raise RenderError(str(error)) from error
        except MissingProgramError as error:
            raise MissingToolError(str(error)) from error
        used += note
        for name in (WORD_NAME, WORKBOOK_NAME):
            if (staged.folder / name).is_file():  # a page that only Quarto can run has no Word document
                shutil.copy2(staged.folder / name, staged.output / name)
        for name in ("index.html", PDF_NAME):
            if not (staged.output / name).is_file():
                raise RenderError(
                    f"reports/index.qmd: {used} wrote no {name}. Expected `format: html` and "
                    f"`typst` with `output-file: {Path(PDF_NAME).stem}` in its front matter."
                )
        sums = folder_sha256(staged.output)
        take_place(staged.output, run / "report")
    report = run / "report"
    return RenderedReport(used, report / "index.html", report / PDF_NAME, time.perf_counter() - started, sums, warnings)


def _render(staged: Staged, quarto: Quarto | None) -> tuple[str, tuple[str, ...]]:
    if quarto:
        return f"quarto {quarto.version}", render_with_quarto(quarto, staged)
    from loantap_pages.site import render_site

    return render_site(staged, on_page=lambda page: write_word(staged, page)), ()


def _choose(engine: str) -> tuple[Quarto | None, str]:
    """Return the Quarto to use, or none for the built-in renderer and a note on why a Quarto was passed over."""
    if engine == "builtin":
        return None, ""
    if engine not in ("auto", "quarto"):
        raise InputError(f"engine: expected auto, quarto or builtin, got {engine!r}")
    installed = installed_quartos()
    if quarto := next((quarto for quarto in installed if quarto.supported), None):
        return quarto, ""
    needed = ".".join(map(str, MINIMUM_VERSION))
    too_old = "; ".join(f"{quarto} is too old, {needed} or newer is needed" for quarto in installed)
    if engine == "quarto":
        reason = too_old or "no quarto was found in QUARTO_PATH, on PATH or beside the interpreter"
        raise MissingToolError(
            f"{reason}. Install Quarto 1.9 or newer (https://quarto.org, or: make quarto), or use --engine builtin."
        )
    return None, too_old and f"; {too_old}"
