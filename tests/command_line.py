"""The command line as it is typed, within this process: starting another one for each call would take most of the tests' time."""

import io
import signal
import sys
import traceback
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from typer.testing import CliRunner

from loantap.cli import common
from loantap.cli.app import app, main
from loantap.errors import LoanTapError

_WIDTH = 200


def loantap(*words: object, cwd: Path | None = None, **environment: str) -> CompletedProcess[str]:
    """Run a command, and return its exit code and what it said, as `subprocess.run` does."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    former = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "argv", ["loantap", *map(str, words)])
        for name, value in environment.items():
            patch.setenv(name, value)
        if cwd:
            patch.chdir(cwd)
        for console in (common.console, common.errors):
            patch.setattr(console, "_width", _WIDTH)
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        except Exception:
            traceback.print_exc()  # as Python does at the end of a process
            code = 1
        finally:
            for number, handler in former.items():
                signal.signal(number, handler)
    return CompletedProcess(list(map(str, words)), code, out.getvalue(), err.getvalue())


def watch(*words: object) -> tuple[int, str]:
    """Run `loantap watch`, and return its exit code and what it said, a mistake of the caller included."""
    done = CliRunner().invoke(app, ["watch", *map(str, words)])
    if isinstance(done.exception, LoanTapError):
        return done.exception.exit_code, str(done.exception)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output
