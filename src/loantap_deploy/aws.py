"""Clients of AWS, and what it answers as an error of ours.

Credentials, region and endpoints come from where the AWS tools look for them: the environment (AWS_REGION), a profile, or the role of the machine.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from loantap.errors import DeployError, MissingToolError
from loantap.settings import how_to_add


def client(service: str, region: str | None = None) -> Any:
    """Return boto3's client of a service."""
    import boto3
    from botocore.config import Config

    settings = Config(retries={"mode": "standard", "total_max_attempts": 6}, connect_timeout=10, read_timeout=60)
    # boto3 itself reads AWS_DEFAULT_REGION only
    return boto3.client(service, region_name=region or os.environ.get("AWS_REGION") or None, config=settings)


@contextmanager
def answers() -> Iterator[None]:
    """Turn what AWS refuses in the block into a DeployError with what to do; AWS itself says what was asked."""
    try:
        import boto3  # noqa: F401 (the rest imports it when it is needed)
        from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError
    except ImportError:
        raise MissingToolError(f"boto3 is not installed. Get it with: {how_to_add('aws')}") from None
    try:
        yield
    except ClientError as error:
        denied = any(word in error.response["Error"].get("Code", "") for word in ("Denied", "Unauthorized"))
        advice = (
            "deploy/ecs/pipeline-access.yml lists the rights that it needs."
            if denied
            else "Run it again when that is mended."
        )
        raise DeployError(f"{str(error).rstrip('.')}. {advice}") from error
    except NoCredentialsError:
        raise DeployError(
            "Expected credentials of AWS, found none. Set AWS_PROFILE, or log in: aws sso login."
        ) from None
    except BotoCoreError as error:
        raise DeployError(
            f"{str(error).rstrip('.')}. Check the network, the region (AWS_REGION) and the endpoint, and run it again."
        ) from error
