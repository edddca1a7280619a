"""What tests of the settings share: a file that is read, and one that is refused."""

from pathlib import Path

import pytest
from declarations import SECRET

from loantap.errors import InputError
from loantap_sources.connectors.config import Config, read_config


@pytest.fixture
def config(tmp_path: Path):
    def read(text: str) -> Config:
        path = tmp_path / "loantap.yml"
        path.write_text(text, encoding="utf-8")
        return read_config(path)

    return read


@pytest.fixture
def refusal(config):
    def message(text: str) -> str:
        with pytest.raises(InputError) as caught:
            config(text)
        assert "loantap.yml: " in str(caught.value)
        assert SECRET not in str(caught.value)
        assert caught.value.exit_code == 2
        return str(caught.value)

    return message
