"""The command line: `loantap --help`."""

import atexit
import signal
import sys
from contextlib import suppress
from typing import Annotated

import typer
from rich.markup import escape

from loantap import __version__
from loantap.cli import policy, run, tools
from loantap.cli.common import REST, console, errors
from loantap.errors import LoanTapError, MissingToolError, Stopped
from loantap.extensions import commands

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="From loan data to a published, honest report of what drives credit default.",
)
for command in (
    run.run,
    run.report,
    run.verify,
    tools.compare,
    policy.policy,
    tools.synthetic,
    tools.claims,
    tools.doctor,
):
    app.command()(command)
app.command(context_settings=REST)(tools.lab)
for entry in commands():
    brought = entry.load()
    if isinstance(brought, typer.Typer):
        app.add_typer(brought, name=entry.name)
    else:
        app.command(entry.name)(brought)


def main() -> None:
    """Run the command line; errors raised on purpose become one message and their exit code."""
    for name in ("SIGTERM", "SIGINT", "SIGHUP"):  # what is half written is taken away; Windows has no SIGHUP
        if number := getattr(signal, name, None):
            signal.signal(number, _stop)
            atexit.register(signal.signal, number, signal.SIG_IGN)  # nothing is left to be stopped
    try:
        app()
    except Stopped as stop:
        _end("Stopped", str(stop), stop)
        sys.exit(1)
    except LoanTapError as error:
        _end(type(error).__name__, str(error), error)
        sys.exit(error.exit_code)
    except ModuleNotFoundError as error:
        from loantap.doctor import how_to_get

        if not (remedy := how_to_get((error.name or "").partition(".")[0])):
            raise
        _end(MissingToolError.__name__, remedy, error)
        sys.exit(MissingToolError.exit_code)
    except OSError as error:
        where = f" at {error.filename}" if error.filename else ""
        error.add_note("Check the path, its permissions and the space left.")
        _end(type(error).__name__, f"{error.strerror or error}{where}", error)
        sys.exit(1)


def _stop(number: int, _: object) -> None:
    raise Stopped(f"{signal.Signals(number).name} was received.")


def _end(kind: str, text: str, error: BaseException) -> None:
    """Say why a command ended, and what to do, as one message."""
    with suppress(OSError):  # standard error may be gone too
        errors.print(f"[bold red]{kind}:[/] {escape(text)}", highlight=False, soft_wrap=True)
        for note in getattr(error, "__notes__", []):
            errors.print(escape(note), highlight=False, soft_wrap=True)


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False) -> None:
    if version:
        console.print(__version__, highlight=False)
        raise typer.Exit
