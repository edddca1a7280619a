"""Ship it: `loantap deploy`."""

import os
from pathlib import Path
from typing import Annotated, Literal

import typer

from loantap.cli.common import REST, console
from loantap.errors import InputError
from loantap_deploy import report_commands as deploy_report

app = typer.Typer(help="Bring images, the service and the report to where they are used.", invoke_without_command=True)
app.command("report")(deploy_report.report)

EnvironmentOption = Annotated[
    Literal["staging", "production"] | None, typer.Option(help="Which stack: loantap-staging or loantap-production.")
]
RegionOption = Annotated[str | None, typer.Option(help="AWS region; where the AWS tools look if absent.")]


@app.callback()
def deploy(
    context: typer.Context,
    image: Annotated[Path | None, typer.Option(help="The file of an image: make image TARGET=api.")] = None,
    environment: EnvironmentOption = None,
    region: RegionOption = None,
    push_only: Annotated[
        bool, typer.Option("--push-only", help="Bring the image into its repository, and no further.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    smoke: Annotated[
        bool,
        typer.Option(
            envvar="LOANTAP_SMOKE",
            help="Ask the service for a score when it stands; off where it cannot be reached from here.",
        ),
    ] = True,
    time_limit: Annotated[float, typer.Option(help="Seconds that a rollout may take.", min=1)] = 900,
) -> None:
    """Bring an image into use: push, register, update, wait, ask for a score; go back if that fails.

    What it is for, api, dashboard or report, is written in the image. A key for the score is taken from LOANTAP_SMOKE_KEY.
    """
    if context.invoked_subcommand is not None:
        return
    if image is None or environment is None:
        raise InputError("expected --image FILE and --environment staging or production. See loantap deploy --help.")
    from loantap_deploy.images import read_image
    from loantap_deploy.rollout import Patience
    from loantap_deploy.service import Deployment
    from loantap_deploy.stack import Environment

    deployment = Deployment(
        Environment(environment, region),
        read_image(image),
        _say,
        dry_run=dry_run,
        smoke=smoke,
        smoke_key=os.environ.get("LOANTAP_SMOKE_KEY"),
        patience=Patience(limit=time_limit),
    )
    if push_only or deployment.component == "dashboard":
        deployment.push_only()
    else:
        deployment.run()
    if dry_run:
        _say("Nothing was done; without --dry-run it would be.")
    else:
        _say(f"Done: {deployment.changed} steps changed something." if deployment.changed else "Done: nothing changed.")


TimeLimitOption = Annotated[float, typer.Option(help="Seconds to wait for its end; it goes on after them.", min=1)]


@app.command(context_settings=REST)
def task(
    context: typer.Context,
    environment: EnvironmentOption = None,
    region: RegionOption = None,
    time_limit: TimeLimitOption = 7200,
) -> None:
    """Run the monthly task now: run, promote through the gates, watch, publish. Its exit code is this one's.

    What follows -- goes to `loantap run` there, such as -- --rows 50000.
    """
    command = ["/app/bin/monthly", *context.args] if context.args else []
    _run_there(command, environment, region, time_limit)


@app.command(context_settings=REST)
def run(
    context: typer.Context,
    environment: EnvironmentOption = None,
    region: RegionOption = None,
    time_limit: TimeLimitOption = 7200,
) -> None:
    """Run a command of loantap among an environment's files, such as -- promote --rollback. Its exit code is this one's."""
    if not context.args:
        raise InputError("expected a command of loantap after --, such as -- promote --rollback; found none.")
    _run_there(["loantap", *context.args], environment, region, time_limit)


def _run_there(command: list[str], environment: str | None, region: str | None, limit: float) -> None:
    if environment is None:
        raise InputError("expected --environment staging or production.")
    from loantap_deploy.stack import Environment
    from loantap_deploy.tasks import run_task

    code = run_task(Environment(environment, region), command=command, say=_say, limit=limit)
    if code:
        _say(f"The task ended with {code}; its log says why.")
        raise typer.Exit(code)
    _say("The task ended well.")


def _say(text: str) -> None:
    console.print(text, highlight=False, soft_wrap=True, markup=False)
