"""The command line: `loantap --help`."""

import signal
import sys
from collections.abc import Callable
from typing import Annotated

import typer
from rich.markup import escape

from loantap import __version__
from loantap.cli import dashboard, deploy, models, policy, run, score, serve, sources, tools, watch
from loantap.cli.common import console, errors
from loantap.errors import LoanTapError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="From loan data to a published, honest report of what drives credit default.",
)
app.command()(run.run)
app.command()(run.report)
app.command()(score.score)
app.command()(policy.policy)
app.command()(watch.watch)
app.add_typer(sources.app, name="sources")
app.add_typer(sources.demo_app, name="demo")
app.add_typer(serve.app, name="serve")
app.add_typer(deploy.app, name="deploy")
serve.app.command()(dashboard.dashboard)
_COMMANDS: tuple[Callable[..., None], ...] = (
    models.promote, models.export, models.track, models.mlflow, sources.publish, tools.synthetic, tools.claims, tools.lab,
    tools.doctor,
)  # fmt: skip
for command in _COMMANDS:
    app.command()(command)


def main() -> None:
    """Run the command line; errors raised on purpose become one message and their exit code."""
    # As Ctrl-C: what is half written is taken away.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        app()
    except LoanTapError as error:
        errors.print(f"[bold red]{type(error).__name__}:[/] {escape(str(error))}", highlight=False, soft_wrap=True)
        sys.exit(error.exit_code)
    except OSError as error:
        where = f" at {error.filename}" if error.filename else ""
        errors.print(
            f"[bold red]{type(error).__name__}:[/] {escape(f'{error.strerror or error}{where}')}", soft_wrap=True
        )
        errors.print("Check the path, its permissions and the space left. What is finished is kept.")
        sys.exit(1)
    except KeyboardInterrupt:
        errors.print("Interrupted. What is finished is kept: loantap run --resume RUN goes on.")
        sys.exit(1)


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False) -> None:
    if version:
        console.print(__version__, highlight=False)
        raise typer.Exit
