"""What several tests share: small synthetic tables, the real sample where it is present, a real PostgreSQL, ODBC drivers."""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from absences import absent
from finished_runs import make_finished_run
from hypothesis import HealthCheck, settings
from postgres import PASSWORD, postgres_server, server_programs
from real_sample import REAL

from loantap.data.ingest import ingest
from loantap.data.reading import SyntheticLoans
from loantap.data.synthetic import generate_loans
from loantap.model.economics import Economics, loan_profit
from loantap.model.fitted import FittedModel, fit_calibrated
from loantap.model.inputs import feature_frame
from loantap.model.persistence import SavedModel, load_model, save_model
from loantap.model.recipe import Recipe
from loantap_sources.connectors.config import Config, read_config

PASSWORD_VARIABLE = "PG_PASSWORD"
# A busy machine is slow, and that is no failure.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


@pytest.fixture(scope="session", autouse=True)
def one_worker() -> Iterator[None]:
    """Small searches are done before further processes have started."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("loantap.model.parallel.WORKERS", 1)
        yield


@pytest.fixture(scope="session")
def raw_loans() -> pd.DataFrame:
    """2,000 synthetic loans in the raw format."""
    return generate_loans(2_000, seed=1)


@pytest.fixture(scope="session")
def loans(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """4,000 synthetic loans, cleaned."""
    path = tmp_path_factory.mktemp("loans") / "loans.parquet"
    ingest(SyntheticLoans(4_000, 3), loans_path=path, quarantine_path=None)
    return pd.read_parquet(path)


@pytest.fixture(scope="session")
def fitted(loans: pd.DataFrame) -> FittedModel:
    """A model of the synthetic loans, with splines and ratios, quickly made."""
    X, y = feature_frame(loans, inputs="without_pincode"), loans["default"].to_numpy()
    return fit_calibrated(
        X,
        y,
        loan_profit(loans, Economics()),
        recipe=Recipe("without_pincode", "ratios", "none"),
        C=0.3,
        sample=np.arange(len(y)),
        folds=3,
        random_state=0,
    )


@pytest.fixture(scope="session")
def model_folder(fitted: FittedModel, loans: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same model, saved; to be copied by tests that change it."""
    folder = tmp_path_factory.mktemp("saved") / "model"
    return save_model(folder, fitted, loans=loans, card={"name": "a test"}, page="<p>a test</p>")


@pytest.fixture(scope="module")
def model(model_folder: Path) -> SavedModel:
    """The saved model, loaded anew for each module."""
    return load_model(model_folder)


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small finished run with a model; to be copied by tests that change it."""
    return make_finished_run(tmp_path_factory.mktemp("finished") / "run")


@pytest.fixture(scope="session")
def application() -> dict[str, Any]:
    """One application for a loan, whole."""
    return {
        "loan_amnt": 10000.0, "term": "36 months", "int_rate": 11.44, "installment": 329.48, "grade": "B", "sub_grade": "B4",
        "emp_title": "Technician", "emp_length": "10+ years", "home_ownership": "RENT", "annual_inc": 64000.0,
        "verification_status": "Not Verified", "issue_d": "Jan-2015", "purpose": "car", "title": "New car", "dti": 18.4,
        "earliest_cr_line": "Mar-1998", "open_acc": 11.0, "pub_rec": 0.0, "revol_bal": 12400.0, "revol_util": 45.3,
        "total_acc": 24.0, "application_type": "INDIVIDUAL", "mort_acc": 0.0, "pub_rec_bankruptcies": 0.0,
    }  # fmt: skip


@pytest.fixture(scope="session")
def real_file() -> Path:
    """The real sample; it is not the project's to ship, so tests of it are skipped where it is absent."""
    if not REAL.is_file():
        pytest.skip(f"the real sample is not at {REAL}")
    return REAL


@pytest.fixture(scope="session")
def postgres() -> Iterator[int]:
    """The port of a PostgreSQL server; PG_PASSWORD holds the password of its user analyst."""
    if server_programs() is None:
        absent("PostgreSQL")
    # Not below pytest's own folder: another run of pytest takes the rights on it from the server's user.
    with (
        pytest.MonkeyPatch.context() as patch,
        TemporaryDirectory() as folder,
        postgres_server(Path(folder) / "server") as port,
    ):
        patch.setenv(PASSWORD_VARIABLE, PASSWORD)
        yield port


@pytest.fixture(scope="session")
def odbc_drivers() -> None:
    """Debian's ODBC drivers of PostgreSQL and SQLite are there."""
    try:
        import pyodbc
    except ImportError:
        absent("unixODBC")
    if missing := {"PostgreSQL Unicode", "SQLite3"} - set(pyodbc.drivers()):
        absent(f"the ODBC driver {' and '.join(sorted(missing))}")


@pytest.fixture
def declare(tmp_path: Path) -> Callable[..., Config]:
    """Return the settings that a `loantap.yml` in the test's folder declares."""

    def declared(sources: dict[str, dict[str, Any]], **others: Any) -> Config:
        path = tmp_path / "loantap.yml"
        path.write_text(yaml.safe_dump({"sources": sources, **others}, sort_keys=False), encoding="utf-8")
        return read_config(path)

    return declared


@pytest.fixture
def database(tmp_path: Path) -> Callable[..., Path]:
    """Make a SQLite file by a script and return it."""

    def made(script: str, name: str = "loans.db") -> Path:
        connection = sqlite3.connect(tmp_path / name)
        connection.executescript(script)
        connection.close()
        return tmp_path / name

    return made
