"""Find Quarto, and render a staged website with it."""

import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from loantap.errors import MissingToolError, RenderError

if TYPE_CHECKING:
    from loantap.runs.staging import Staged

MINIMUM_VERSION = (1, 9)
LIMIT_SECONDS = 1800  # some twenty times what a report takes on two idle cores
MOST_LINES, MOST_LETTERS = 12, 240  # of what Quarto said, as an error or a warning shows it
ANSI = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


@dataclass(frozen=True)
class Quarto:
    """An installed Quarto."""

    path: Path
    version: str

    def __str__(self) -> str:
        """Name it as messages do."""
        return f"Quarto {self.version} at {self.path}"

    @property
    def supported(self) -> bool:
        """Tell whether it is new enough for the report."""
        return tuple(int(part) for part in self.version.split(".")[:2]) >= MINIMUM_VERSION


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


def render_with_quarto(quarto: Quarto, staged: "Staged") -> tuple[str, ...]:
    """Render the staged website; return Quarto's warnings, and raise RenderError with what helps of its words if it fails."""
    from loantap.runs.quarto_pages import finish, hand_over  # here, since it needs Jupyter and nbclient

    hand_over(staged)
    code, output = _run(quarto, staged)
    if code:
        raise RenderError(f"{quarto} failed with exit code {code}:\n{_cause(output)}")
    if not (staged.output / "index.html").is_file():
        raise RenderError(
            f"{quarto} ended well but wrote no index.html. It renders nothing below a folder whose name starts "
            f"with a dot or an underscore; the run lies in {staged.run}. It said:\n{_cause(output)}"
        )
    finish(staged.output)
    return _warnings(output)


def _run(quarto: Quarto, staged: "Staged") -> tuple[int, str]:
    """Run Quarto and return its exit code and words; whatever ends this process, or the time limit, ends it and its children."""
    process = subprocess.Popen(
        [str(quarto.path), "render"], cwd=staged.folder, env={**staged.environment, "NO_COLOR": "1"}, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, start_new_session=True, text=True, errors="replace",
    )  # fmt: skip
    try:
        output, _ = process.communicate(timeout=LIMIT_SECONDS)
    except BaseException as error:
        _end(process)
        if isinstance(error, subprocess.TimeoutExpired):
            raise RenderError(
                f"{quarto} had not finished after {LIMIT_SECONDS // 60} minutes and was ended. "
                "Try again on a machine with less to do, or use --engine builtin."
            ) from None
        raise
    return process.returncode, ANSI.sub("", output).replace("\r", "\n")


def _end(process: subprocess.Popen[str]) -> None:
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.communicate()


def _cause(output: str) -> str:
    """Return the lines of a failed render that say why: those after the last that begins with ERROR, without the stack."""
    output = re.split(r"^Stack trace:|^ {4}at ", output, maxsplit=1, flags=re.M)[0]
    lines = [line.rstrip()[:MOST_LETTERS] for line in output.splitlines() if line.strip()]
    begun = [number for number, line in enumerate(lines) if line.startswith("ERROR")]
    kept = lines[begun[0] :][:MOST_LINES] if begun else lines[-MOST_LINES:]
    return "\n".join(kept) or "(it said nothing)"


def _warnings(output: str) -> tuple[str, ...]:
    """Return each warning of Quarto and pandoc once, in one line."""
    lines = re.findall(r"^\[?WARN(?:ING)?(?:\]|:)[ \t]*(\S.*)", output, re.M)
    return tuple(dict.fromkeys(line.strip()[:MOST_LETTERS] for line in lines))


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
