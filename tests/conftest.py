"""What several tests share: small synthetic tables, and the real sample where it is present."""

from pathlib import Path

import pandas as pd
import pytest

from loantap.data.ingest import ingest
from loantap.data.sources import SyntheticLoans
from loantap.data.synthetic import generate_loans
from loantap.settings import project_root

REAL = project_root().parent / "shared" / "data" / "loantap_real_7239.csv.gz"


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
def real_file() -> Path:
    """The real sample; it is not the project's to ship, so tests of it are skipped where it is absent."""
    if not REAL.is_file():
        pytest.skip(f"the real sample is not at {REAL}")
    return REAL
