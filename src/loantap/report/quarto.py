"""Find Quarto, and render a staged website with it."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from loantap.errors import MissingToolError, RenderError
from loantap.report.staging import Staged

MINIMUM_VERSION = (1, 9)
LINKS_FILTER = Path(__file__).parent / "builtin" / "links.lua"


@dataclass(frozen=True)
class Quarto:
    """An installed Quarto."""

    path: Path
    version: str

    @property
    def supported(self) -> bool:
        """Tell whether it is new enough for the report."""
        return tuple(int(part) for part in self.version.split(".")[:2]) >= MINIMUM_VERSION

    @property
    def too_old(self) -> str:
        """Say that it is too old, and what is needed."""
        return (
            f"Quarto {self.version} at {self.path} is too old, {'.'.join(map(str, MINIMUM_VERSION))} or newer is needed"
        )


def find_quarto() -> Quarto | None:
    """Return the Quarto that renders the report: the first that is new enough, or None.

    Raises what `installed_quartos` raises.
    """
    return next((quarto for quarto in installed_quartos() if quarto.supported), None)


def installed_quartos() -> list[Quarto]:
    """Return the Quarto that QUARTO_PATH names; else those on PATH and beside the interpreter, of any age.

    Raises MissingToolError if QUARTO_PATH names nothing that can run, RenderError if a Quarto does not tell its version.
    """
    if named := os.environ.get("QUARTO_PATH"):
        found = shutil.which(named) or shutil.which("quarto", path=os.pathsep.join([named, str(Path(named) / "bin")]))
        if not found:
            raise MissingToolError(
                f"QUARTO_PATH={named}: expected the quarto program or its folder, found none. Correct it or unset it."
            )
        return [_ask(Path(found))]
    beside = str(Path(sys.executable).parent)
    candidates = [shutil.which("quarto"), shutil.which("quarto", path=beside)]
    return [_ask(Path(path)) for path in dict.fromkeys(candidates) if path]


def render_with_quarto(quarto: Quarto, staged: Staged) -> None:
    """Render the staged website; raise RenderError with Quarto's own words if it fails."""
    _add_notice(staged)
    done = subprocess.run(
        [str(quarto.path), "render"],
        cwd=staged.folder,
        env=staged.environment,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    said = (done.stderr.strip() or done.stdout.strip()) or "(it said nothing)"
    if done.returncode:
        raise RenderError(f"Quarto {quarto.version} at {quarto.path} failed with exit code {done.returncode}:\n{said}")
    if not (staged.output / "index.html").is_file():
        raise RenderError(
            f"Quarto {quarto.version} at {quarto.path} ended well but wrote no index.html. It renders nothing below a "
            f"folder whose name starts with a dot or an underscore; the run lies in {staged.run}. It said:\n{said}"
        )


def _ask(path: Path) -> Quarto:
    try:
        done = subprocess.run([str(path), "--version"], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RenderError(
            f"{path} --version did not run: {error}. Repair or remove it, or use --engine builtin."
        ) from error
    match = re.search(r"\d+\.\d+(\.\d+)?", done.stdout)
    if done.returncode or not match:
        raise RenderError(
            f"{path} --version: expected a version, got exit code {done.returncode} and "
            f"{(done.stderr or done.stdout).strip()!r}. Repair or remove it, or use --engine builtin."
        )
    return Quarto(path, match[0])


def _add_notice(staged: Staged) -> None:
    """Give the staged sources what the built-in renderer adds by itself: the banner, the PDF's header, plain links."""
    shutil.copy(LINKS_FILTER, staged.folder / "_links.lua")
    if staged.notice:
        config = staged.config
        formats = config.get("format")
        if not isinstance(formats, dict):
            formats = {str(formats or "html"): {}}
        html = formats.get("html") if isinstance(formats.get("html"), dict) else {}
        banner = f'<div class="data-notice" role="note">{staged.notice}</div>'
        config = {**config, "format": {**formats, "html": {**(html or {}), "include-before-body": [{"text": banner}]}}}
        (staged.folder / "_quarto.yml").write_text(yaml.safe_dump(config, sort_keys=False, allow_unicode=True), "utf-8")
    for page in staged.pages:
        if page.suffix == ".qmd":
            _add_to_typst(staged.folder / page, staged.notice)


def _add_to_typst(path: Path, notice: str | None) -> None:
    text = path.read_text(encoding="utf-8")
    match = re.match(r"---[ \t]*\n(.*?\n)(?:---|\.\.\.)[ \t]*(?:\n|\Z)", text, re.S)
    try:
        front: Any = yaml.safe_load(match[1]) if match else None
    except yaml.YAMLError:
        return  # Quarto says it better
    formats = front.get("format") if isinstance(front, dict) else None
    if match is None or not isinstance(formats, dict) or "typst" not in formats:
        return
    typst = formats["typst"] if isinstance(formats["typst"], dict) else {}
    typst = {**typst, "filters": [*typst.get("filters", []), "_links.lua"]}
    if notice:
        # Typst puts a page's header on every page from the first on when it is set before any text.
        header = f'#set page(header: text(size: 8.5pt, weight: "bold", fill: rgb("#7a5200"))[{notice}])'
        typst["include-in-header"] = [*typst.get("include-in-header", []), {"text": header}]
    front["format"] = {**formats, "typst": typst}
    path.write_text(
        f"---\n{yaml.safe_dump(front, sort_keys=False, allow_unicode=True)}---\n{text[match.end() :]}", "utf-8"
    )
