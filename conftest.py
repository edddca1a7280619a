"""What holds for all that pytest runs in this project, notebooks included."""

import pytest


@pytest.hookimpl(tryfirst=True)  # xdist reads marks in its own
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the cells of a notebook in one worker, since each needs those before it: `pytest --nbval-lax notebooks/01_ingest.ipynb`."""
    for item in items:
        if item.path.suffix == ".ipynb":
            item.add_marker(pytest.mark.xdist_group(item.path.name))
