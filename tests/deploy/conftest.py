"""A registry for the whole session, and an account of AWS for each test."""

from collections.abc import Iterator

import pytest
from ecs_support import Aws, aws
from registry_support import Registry, registry

NOBODY = "http://127.0.0.1:9"  # nothing listens there


@pytest.fixture(scope="session")
def running_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A real registry of images, which wants a password and speaks TLS."""
    with registry(tmp_path_factory.mktemp("registry")) as running:
        yield running


@pytest.fixture
def trusted_registry(running_registry: Registry, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """The same, trusted by the programs that this test runs."""
    monkeypatch.setenv("SSL_CERT_FILE", str(running_registry.certificate))
    return running_registry


@pytest.fixture
def account(trusted_registry: Registry) -> Iterator[Aws]:
    """An account with the stack of staging, whose service runs the image `former` in two tasks."""
    with aws(trusted_registry.address, NOBODY) as found:
        yield found
