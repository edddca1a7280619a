"""Where runs are tracked: an MLflow server, or a local store made at need; quiet, and without reports on its use."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from loantap.errors import InputError, MissingToolError, SourceError
from loantap.settings import how_to_add, runs_dir
from loantap_sources.connectors.secrets import Secrets, secrets_in

if TYPE_CHECKING:
    from mlflow import MlflowClient

EXPERIMENT, VIEW = "loantap", "loantap"  # the name of the experiment, and of how its page shows the runs
URI_VARIABLE = "MLFLOW_TRACKING_URI"
_DATABASES = ("sqlite", "postgresql", "mysql", "mssql")
# By default MLflow asks a server that does not answer for four minutes, reports on its use, and copies what it finds in
# the working folder into a model's environment.
_SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "15",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_UV_AUTO_DETECT": "false",
    "MLFLOW_DISABLE_AGENT_HINT": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # eight processes for language models
    "GIT_PYTHON_REFRESH": "quiet",
}


def has_mlflow() -> bool:
    """Tell whether MLflow is installed."""
    return find_spec("mlflow") is not None


def absent() -> str:
    """Say that MLflow is not installed, and how to get it."""
    return f"MLflow is not installed. Get it with: {how_to_add('mlflow')}"


def need_mlflow() -> None:
    """Raise MissingToolError unless MLflow is installed."""
    if not has_mlflow():
        raise MissingToolError(absent())


def tracking_uri() -> str:
    """Return MLFLOW_TRACKING_URI, or the address of the local store `runs/mlflow.db`."""
    return os.environ.get(URI_VARIABLE) or _local_store()


def _local_store() -> str:
    return f"sqlite:///{(runs_dir() / 'mlflow.db').as_posix()}"


def artifacts_uri(uri: str) -> str | None:
    """Return the folder of artifacts of a store that is a database: beside a SQLite file, else under `runs/`; None for a server's."""
    if not uri.startswith(_DATABASES):
        return None
    path = uri.partition(":///")[2]
    folder = Path(path).resolve().parent if uri.startswith("sqlite:") and path else runs_dir()
    return (folder / "mlflow-artifacts").as_uri()


def has_store() -> bool:
    """Tell whether anything may have been tracked: a server is named, or the local store is there."""
    return bool(os.environ.get(URI_VARIABLE)) or (runs_dir() / "mlflow.db").is_file()


def without_secrets(uri: str, text: object = "") -> str:
    """Return a text, or the address itself, without the password that the address may hold."""
    secrets = Secrets({})
    secrets.hide(*secrets_in(uri))
    return secrets.redacted(text or uri)


@contextmanager
def tracking_client(uri: str | None = None) -> Iterator["MlflowClient"]:
    """Yield a client of the tracking store; it is also what MLflow's own functions use while the block runs.

    Raises MissingToolError without MLflow, and SourceError for a store that does not answer or refuses.
    """
    need_mlflow()
    uri = uri or tracking_uri()
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    import mlflow
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)
    if uri == _local_store():
        runs_dir().mkdir(parents=True, exist_ok=True)
    before = os.environ.get(URI_VARIABLE)
    try:
        mlflow.set_tracking_uri(uri)  # sets the environment variable, too
        yield mlflow.MlflowClient()
    except (MlflowException, SQLAlchemyError, OSError) as error:
        raise SourceError(
            f"MLflow at {without_secrets(uri)} did not take it: {without_secrets(uri, error):.500}\n"
            f"Check {URI_VARIABLE} and that the server runs."
        ) from error
    finally:
        mlflow.set_tracking_uri(None)  # type: ignore[arg-type]
        if before is not None:
            os.environ[URI_VARIABLE] = before


def experiment_id(client: "MlflowClient") -> str | None:
    """Return the id of the experiment of all runs, None where nothing was tracked; raises InputError for a deleted one."""
    known = client.get_experiment_by_name(EXPERIMENT)
    if known is not None and known.lifecycle_stage == "deleted":
        raise InputError(
            f"MLflow's experiment '{EXPERIMENT}' was deleted, and holds its name. With {URI_VARIABLE} set to the store, restore it: "
            f"mlflow experiments restore --experiment-id {known.experiment_id}, or remove it for good: mlflow gc"
        )
    return str(known.experiment_id) if known else None


def server_command(port: int) -> tuple[list[str], dict[str, str], str]:
    """Return the command that opens MLflow's pages on the local store, its environment, which may hold a password, and the page of the runs.

    Raises InputError where a server keeps the store: it has pages of its own.
    """
    uri = tracking_uri()
    artifacts = artifacts_uri(uri)
    if artifacts is None:
        raise InputError(f"{URI_VARIABLE} names a server; its pages are at {without_secrets(uri)}")
    with tracking_client(uri) as client:
        known = experiment_id(client)  # makes the store where there is none
    page = f"experiments/{known}/runs" if known else "experiments"
    view = f"&viewStateShareKey={VIEW}" if known else ""
    address = f"http://127.0.0.1:{port}/#/{page}?workflowType=machine_learning{view}"  # else pages of language models
    stores = {"MLFLOW_BACKEND_STORE_URI": uri, "MLFLOW_DEFAULT_ARTIFACT_ROOT": artifacts}
    words = ["server", "--no-serve-artifacts", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    return [sys.executable, "-m", "mlflow", *words], {**os.environ, **_SETTINGS, **stores}, address
