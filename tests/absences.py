"""What a test does for want of a program. No part of conftest.py: there are several, and a test cannot say which one it imports."""

import os

import pytest


def absent(what: str) -> None:
    """Skip a test for want of a program; on the project's own CI nothing may be wanting."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what} is not installed, and CI has to test with it")
    pytest.skip(f"{what} is not installed")
