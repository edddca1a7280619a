"""Commands that answer questions about applications: `loantap serve`."""

from pathlib import Path
from typing import Annotated

import typer

from loantap.cli.common import ModelOption, PickleOption, console, errors
from loantap_serving.commands.dashboard import dashboard

app = typer.Typer(no_args_is_help=True, help="The model as a service.")


@app.command()
def api(
    model: ModelOption = None,
    host: Annotated[
        str, typer.Option(help="Address to listen at; others than this machine need another one.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port; 0 takes any free one.", min=0, max=65_535)] = 8000,
    keys: Annotated[
        Path | None,
        typer.Option(help="File of keys; else the lines of LOANTAP_API_KEYS; with neither everybody may ask."),
    ] = None,
    rate: Annotated[
        float | None, typer.Option(help="Requests a second from one key, or address; no limit if absent.", min=0.01)
    ] = None,
    threads: Annotated[int, typer.Option(help="Requests worked on at a time.", min=1, max=64)] = 4,
    notice: Annotated[
        float, typer.Option(help="Seconds after SIGTERM in which /ready says 503 and callers are still let in.", min=0)
    ] = 5,
    records: Annotated[
        str | None,
        typer.Option(
            help="Keep answers and persons' decisions here: a file of SQLite, or an address of SQLAlchemy; else LOANTAP_API_RECORDS; nothing is kept with neither."
        ),
    ] = None,
    challenger: Annotated[
        Path | None,
        typer.Option(
            help="A model scored beside for comparison, named as --model; kept with the answers (in runs/decisions.db if not told where)."
        ),
    ] = None,
    allow_pickle: PickleOption = None,
) -> None:
    """Score applications that are sent as JSON; a newly promoted champion answers without a restart."""
    from loantap_serving.api.app import ApiSettings, create_app
    from loantap_serving.api.environment import told_keys, told_records
    from loantap_serving.api.keys import read_keys
    from loantap_serving.api.models import Models
    from loantap_serving.api.server import serve
    from loantap_serving.api.telemetry import log_as_json
    from loantap_serving.locate import find_model

    held = read_keys(keys) if keys else told_keys()
    settings = ApiSettings(keys=held, rate=rate, records=told_records(records, challenger))
    models = Models(lambda: find_model(model), pickle_sums=allow_pickle)
    models.refresh()  # what is wrong with the model is said before anybody asks
    if held is None and host not in ("127.0.0.1", "::1", "localhost"):
        errors.print("Note: whoever reaches this address may ask; --keys FILE asks for keys.", highlight=False)
    log_as_json()
    models.watch()

    def started(address: str) -> None:
        version = models.current.version if models.current else ""
        console.print(f"Model {version} answers at {address} (see {address}/docs)", highlight=False, soft_wrap=True)

    service = create_app(models, settings)
    serve(service, host=host, port=port, threads=threads, notice=notice, started=started, ending=models.retire)


@app.command()
def key(
    name: Annotated[str, typer.Argument(help="Who will hold it; shown in the log.")],
    file: Annotated[Path, typer.Option(help="The file of keys, made if absent; it holds hashes only.")],
) -> None:
    """Make a key for the service and show it, this once."""
    from loantap_serving.api.keys import make_key

    made = make_key(file, name)
    console.print(made, highlight=False, soft_wrap=True, markup=False)
    errors.print(f"Shown this once. Its hash is in {file}; a running service takes it up when restarted.", highlight=False, soft_wrap=True, markup=False)  # fmt: skip


app.command()(dashboard)
