"""Clients of AWS, and what it answers as an error of ours.

Credentials, region and endpoints come from where the AWS tools look for them: the environment (AWS_REGION), a profile, or the role of the machine.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from loantap.errors import DeployError, MissingToolError
from loantap.settings import how_to_add

_DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "UnauthorizedAccess")
_EXPIRED = ("ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch")  # fmt: skip
_ATTEMPTS = 6  # boto3 waits longer before each, up to 20 s: throttling passes, a wrong call fails at once


def client(service: str, region: str | None = None) -> Any:
    """Return boto3's client of a service; raises MissingToolError without boto3, DeployError without a region."""
    try:
        import boto3
        from botocore.config import Config
    except ImportError:
        raise MissingToolError(_absent()) from None
    settings = Config(
        retries={"mode": "standard", "total_max_attempts": _ATTEMPTS}, connect_timeout=10, read_timeout=60
    )
    region = region or os.environ.get("AWS_REGION") or None  # boto3 itself reads AWS_DEFAULT_REGION only
    with answers(f"{service}: making a client"):
        return boto3.client(service, region_name=region, config=settings)


def _absent() -> str:
    return f"boto3 is not installed. Get it with: {how_to_add('aws')}"


@contextmanager
def answers(doing: str) -> Iterator[None]:
    """Turn what AWS refuses in the block into a DeployError that says what was being done and what to do.

    Args:
        doing: What is done and to what, such as "ECR: making repository loantap/api".
    """
    try:
        from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError
    except ImportError:
        raise MissingToolError(_absent()) from None
    try:
        yield
    except ClientError as error:
        code = error.response["Error"].get("Code", "")
        said = error.response["Error"].get("Message", "")
        raise DeployError(f"{doing}: AWS answered {code}: {said}. {_advice(code, error.operation_name)}") from error
    except NoCredentialsError:
        raise DeployError(
            f"{doing}: expected credentials of AWS, found none. Set AWS_PROFILE, or log in: aws sso login."
        ) from None
    except NoRegionError:
        raise DeployError(
            f"{doing}: expected a region, found none. Set AWS_REGION, such as eu-central-1, or name one with --region."
        ) from None
    except BotoCoreError as error:
        raise DeployError(f"{doing}: {error}. Check the network and the endpoint, and run it again.") from error


def refused(error: Exception, *codes: str) -> bool:
    """Return whether an error is AWS' answer with one of these codes."""
    return getattr(error, "response", {}).get("Error", {}).get("Code") in codes


def _advice(code: str, operation: str) -> str:
    if code in _DENIED:
        return f"Let the role do {operation} (deploy/runbook.md lists what a deployment needs), then run it again."
    if code in _EXPIRED:
        return "Log in again, then run it again."
    if "Throttl" in code or code in ("TooManyRequestsException", "RequestLimitExceeded", "SlowDown"):
        return f"It was tried {_ATTEMPTS} times. Wait a minute, then run it again; what is done is not done twice."
    return "Run it again when that is mended; what is done is not done twice."
