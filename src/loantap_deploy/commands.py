"""Ship it: `loantap deploy`, with `report`, `task` and `run`."""

import os
import subprocess
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from loantap.cli.common import REST, console, sealed_folder
from loantap.errors import InputError
from loantap.progress import step
from loantap.settings import project_root
from loantap_deploy.aws import answers
from loantap_deploy.environment import Environment

if TYPE_CHECKING:
    from loantap_deploy.shelf import Bucket

app = typer.Typer(help="Bring images, the service and the report to where they are used.", invoke_without_command=True)

EnvironmentOption = Annotated[Literal["staging", "production"] | None, typer.Option(help="Which environment.")]
RegionOption = Annotated[str | None, typer.Option(help="AWS region; where the AWS tools look if absent.")]
TimeLimitOption = Annotated[float, typer.Option(help="Seconds to wait for its end; it goes on after them.", min=1)]
WaitOption = Annotated[bool, typer.Option(help="Wait for its end; without, an alarm tells of a failure.")]


@app.callback()
def deploy(
    context: typer.Context,
    environment: EnvironmentOption = None,
    commit: Annotated[
        str | None, typer.Option(help="Whose images: a hash, or a tag of the registry; the present commit if absent.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="A parameter of deploy/ecs/service.yml to change.", metavar="NAME=VALUE"),
    ] = None,
    region: RegionOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change, and change nothing.")] = False,
    smoke: Annotated[
        bool,
        typer.Option(
            envvar="LOANTAP_SMOKE",
            help="Ask the service for a score when it stands; off where it cannot be reached from here.",
        ),
    ] = True,
    time_limit: Annotated[float, typer.Option(help="Seconds that a change may take.", min=1)] = 1200,
) -> None:
    """Bring the images of a commit into use: change the service stack, wait, ask for a score; go back if that fails.

    A key for the score is taken from LOANTAP_SMOKE_KEY.
    """
    if context.invoked_subcommand is not None:
        return
    given = dict(text.partition("=")[::2] for text in settings or ())
    if not all(given.values()):
        raise InputError(f"expected --set NAME=VALUE, got {' '.join(settings or ())}.")
    from loantap_deploy.rollout import Deployment

    here, key = Environment(_named(environment), region), os.environ.get("LOANTAP_SMOKE_KEY")
    with answers():
        Deployment(here, commit or _head(), given, _say, smoke=smoke, key=key, limit=time_limit).run(dry_run=dry_run)


@app.command()
def report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder, or its name under runs/.")],
    environment: EnvironmentOption = None,
    bucket: Annotated[str | None, typer.Option(help="A bucket of S3, by its name.", metavar="NAME")] = None,
    to: Annotated[Path | None, typer.Option(help="A folder, made if absent.", metavar="DIR")] = None,
) -> None:
    """Publish the report of a finished run and make it the latest; a second time changes nothing."""
    from loantap_deploy.report import LATEST, publish_report, read_report
    from loantap_deploy.shelf import Folder, Shelf

    if sum(value is not None for value in (environment, bucket, to)) != 1:
        raise InputError("expected one of --environment, --bucket and --to.")
    folder = sealed_folder(run)
    if to is not None and (any((to / "runs").glob("*/manifest.json")) or to.resolve().is_relative_to(folder)):
        raise InputError(f"{to}: expected a folder for reports, this one holds runs. Choose another.")
    rendered = read_report(folder)
    with step(console, f"publishing {len(rendered.files):,} files"), nullcontext() if to else answers():
        shelf: Shelf = Folder(to) if to else _bucket(environment, bucket or "")
        written = publish_report(rendered, shelf)
    size = sum(map(len, rendered.files.values())) / 1e6
    _say(f"Written: {written:,} files ({size:.1f} MB in all) to {shelf.address}/{rendered.path}" if written else "Nothing changed: this report is published, and was the latest.")  # fmt: skip
    _say(f"Latest: {shelf.address}/{LATEST}")


def _bucket(environment: str | None, name: str) -> "Bucket":
    from loantap_deploy.shelf import Bucket

    if environment is None:
        return Bucket(name)
    values = Environment(environment).values()
    if "report-url" not in values:
        raise InputError(
            f"expected the stack loantap-{environment}-report, found none. deploy/runbook.md says how it is made."
        )
    return Bucket(values["report-bucket"], address=values["report-url"])


@app.command(context_settings=REST)
def task(
    context: typer.Context,
    environment: EnvironmentOption = None,
    region: RegionOption = None,
    wait: WaitOption = True,
    time_limit: TimeLimitOption = 14400,
) -> None:
    """Run the monthly task now: run, promote through the gates, watch, publish. Its exit code is this one's.

    What follows -- goes to `loantap run` there, such as -- --rows 50000.
    """
    command = ["/app/bin/monthly", *context.args] if context.args else []
    _run_there(command, _named(environment), region, time_limit, whole=True, wait=wait)


@app.command(context_settings=REST)
def run(
    context: typer.Context,
    environment: EnvironmentOption = None,
    region: RegionOption = None,
    wait: WaitOption = True,
    time_limit: TimeLimitOption = 14400,
) -> None:
    """Run a command of loantap among an environment's files, such as -- promote --rollback. Its exit code is this one's."""
    if not context.args:
        raise InputError("expected a command of loantap after --, such as -- promote --rollback; found none.")
    _run_there(["loantap", *context.args], _named(environment), region, time_limit, whole=False, wait=wait)


def _run_there(command: list[str], name: str, region: str | None, limit: float, *, whole: bool, wait: bool) -> None:
    from loantap_deploy.tasks import start_task, wait_for_task

    environment = Environment(name, region)
    with answers():
        arn = start_task(environment, command=command, whole=whole, say=_say)
        code = wait_for_task(environment, arn, limit=limit) if wait else 0
    if not wait:
        return
    if code:
        _say(f"The task ended with {code}; its log says why.")
        raise typer.Exit(code)
    _say("The task ended well.")


def _named(environment: str | None) -> str:
    if environment is None:
        raise InputError("expected --environment staging or production.")
    return environment


def _head() -> str:
    words = ["git", "-C", str(project_root()), "rev-parse", "HEAD"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise InputError("expected a clone of the project, to deploy its commit, found none. Name one with --commit.")
    return done.stdout.strip()


def _say(text: str) -> None:
    console.print(text, highlight=False, soft_wrap=True, markup=False)
