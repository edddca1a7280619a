"""Put a finished run's report where it is read: `loantap deploy report`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from loantap.cli.common import console, sealed_folder
from loantap.errors import InputError
from loantap.progress import step

if TYPE_CHECKING:
    from loantap_deploy.report_files import Edition
    from loantap_deploy.shelf import Shelf


def report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder, or its name under runs/.")],
    environment: Annotated[
        Literal["staging", "production"] | None, typer.Option(help="Whose bucket, as its stack says.")
    ] = None,
    bucket: Annotated[str | None, typer.Option(help="A bucket of S3, by its name.", metavar="NAME")] = None,
    to: Annotated[Path | None, typer.Option(help="A folder, made if absent.", metavar="DIR")] = None,
) -> None:
    """Publish the report of a finished run and make it the latest; a second time changes nothing."""
    from loantap_deploy.report import publish_report
    from loantap_deploy.report_files import read_report

    folder = sealed_folder(run)
    shelf = _shelf(folder, environment, bucket, to)
    with step(console, "reading the report"):
        rendered = read_report(folder)
    with step(console, f"publishing {len(rendered.files):,} files"):
        done = publish_report(rendered, shelf)
    if done.changed:
        size = sum(map(len, rendered.files.values())) / 1e6
        _say(f"Written: {done.uploaded:,} of {len(rendered.files):,} files ({size:.1f} MB in all) to {shelf.address}/{done.path}")  # fmt: skip
    else:
        _say("Nothing changed: this report is published, and was the latest.")
    if done.former and done.former.finished_at > rendered.edition.finished_at:
        _say(_older(rendered.edition, done.former))
    _say(f"Latest: {done.address}")


def _shelf(run: Path, environment: str | None, bucket: str | None, to: Path | None) -> "Shelf":
    from loantap_deploy.shelf import Bucket, Folder, environment_bucket

    given = [name for name, value in (("--environment", environment), ("--bucket", bucket), ("--to", to)) if value]
    if len(given) != 1:
        raise InputError(f"expected one of --environment, --bucket and --to, got {' and '.join(given) or 'none'}.")
    if environment:
        return environment_bucket(environment)
    if to is None:
        return Bucket(bucket or "")
    among_runs = any((to / "runs").glob("*/manifest.json")) or run.is_relative_to((to / "runs").resolve())
    if among_runs or to.resolve().is_relative_to(run):
        raise InputError(f"{to}: expected a folder for reports, this one holds runs. Choose another.")
    return Folder(to)


def _older(edition: "Edition", former: "Edition") -> str:
    return (
        f"Note: run {edition.run_id} ended on {edition.finished_at:%Y-%m-%d %H:%M}, before run {former.run_id} "
        f"({former.finished_at:%Y-%m-%d %H:%M}), which was the latest. The older one is the latest now."
    )


def _say(text: str) -> None:
    console.print(text, highlight=False, soft_wrap=True, markup=False)
