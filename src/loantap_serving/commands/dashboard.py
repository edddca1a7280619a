"""`loantap serve dashboard`."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from loantap.cli.common import become, console, errors
from loantap.errors import MissingToolError
from loantap.settings import how_to_add, run_folder

_UPLOAD_MB = 200  # 400,000 applications as CSV are about 100


def dashboard(
    model: Annotated[
        Path | None, typer.Option(help="A model's folder, a run's, or a store; the champion, or the run's, if absent.")
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option(
            help="A run's folder, or its name under runs/; the champion's, or the newest finished one, if absent."
        ),
    ] = None,
    port: Annotated[int, typer.Option(help="Where to listen.", min=1, max=65535)] = 8501,
    host: Annotated[
        str, typer.Option(help="For whom; 127.0.0.1 is this machine only. There is no login.")
    ] = "127.0.0.1",
) -> None:
    """Open the dashboard: score, explore, upload, compare policies."""
    if find_spec("streamlit") is None:
        raise MissingToolError(f"Streamlit is not installed. Get it with: {how_to_add('dashboard')}")
    from loantap.exhibits.plots.style import REPAID
    from loantap_serving import dashboard as pages
    from loantap_serving.dashboard.sources import MODEL, RUN, find_sources

    folder = run_folder(run) if run else None
    found = find_sources(model, folder)  # what is wrong with them is said before anything starts
    if found.run:
        console.print(f"Run: {found.run.path.name}", highlight=False, markup=False, soft_wrap=True)
    options = {
        "server.address": host,
        "server.port": port,
        "server.headless": "true",
        "server.maxUploadSize": _UPLOAD_MB,
        "server.fileWatcherType": "none",
        "browser.gatherUsageStats": "false",
        "client.toolbarMode": "minimal",
        "client.showErrorDetails": "none",
        "theme.base": "light",
        "theme.primaryColor": REPAID,
        "theme.textColor": "#1c2733",
        "theme.secondaryBackgroundColor": "#f3f5f7",
    }
    words = [sys.executable, "-m", pages.__name__, "run", str(Path(pages.__file__).with_name("app.py"))]
    words += [f"--{name}={value}" for name, value in options.items()]
    named = model.resolve() if model and model.exists() else model  # else it is a run's name
    told = {MODEL: str(named or ""), RUN: str(folder or "")}
    if host not in ("127.0.0.1", "::1", "localhost"):
        errors.print("Note: there is no login: whoever reaches this address sees the loans' rates and may score.")
    console.print(f"Dashboard: http://{host}:{port} (Ctrl+C ends it)", highlight=False, soft_wrap=True)
    become(words, os.environ | told)
