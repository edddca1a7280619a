"""Show a build or a deployment on its Jira issues, from a CI that Jira is not linked to: python3 tools/jira_post.py --help.

The issues are those that the branch and the commits name. The credentials come from JIRA_CLIENT_ID and JIRA_CLIENT_SECRET. Exit
codes: 0 Jira has taken it, or no issue is named; 1 it has not; 2 the options or the environment are wrong. Needs Python and git only.
"""

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from http.client import HTTPException, HTTPResponse, IncompleteRead
from typing import Any
from urllib.parse import quote, urlsplit
from urllib.request import HTTPErrorProcessor, Request, build_opener

from jira_keys import RangeError, issue_keys, project_key, read_commits

ATLASSIAN = "https://api.atlassian.com"
STATES = ("pending", "in_progress", "successful", "failed", "cancelled", "unknown")
MOST_KEYS = 500  # Jira refuses more
WAITS = (1.0, 4.0, 16.0)  # seconds before each new attempt
LONGEST_WAIT = 60.0
TIMEOUT_SECONDS = 10.0
PATIENCE_SECONDS = 240  # for everything together, however slowly the answers drip in
LARGEST_ANSWER = 1 << 20
ADVICE = {
    401: "The credentials are wrong or withdrawn: JIRA_CLIENT_ID and JIRA_CLIENT_SECRET of Jira's OAuth credentials.",
    403: "The credentials have no right to post this: tick Builds and Deployments in Jira's OAuth credentials.",
    404: "Is it the cloud id that https://YOUR-SITE.atlassian.net/_edge/tenant_info tells?",
}


class JiraError(Exception):
    """Jira has not taken it; the message says why."""


class AsTheyCome(HTTPErrorProcessor):
    """Hands over every answer as it comes: a redirect that is followed would take the token to another address."""

    def http_response(self, request: Request, response: HTTPResponse) -> HTTPResponse:
        """Return the answer, whatever its status."""
        return response

    https_response = http_response


OPENER = build_opener(AsTheyCome)


def build(given: argparse.Namespace, keys: list[str], now: datetime) -> dict[str, Any]:
    """Return what Jira's builds API takes of one build."""
    return {
        "schemaVersion": "1.0",
        "pipelineId": given.pipeline,
        "buildNumber": given.number,
        "updateSequenceNumber": int(now.timestamp() * 1000),  # the later one counts, in whatever order they arrive
        "displayName": f"{given.pipeline} {given.number}",
        "url": given.url,
        "state": given.state,
        "lastUpdated": now.isoformat(timespec="milliseconds"),
        "issueKeys": keys,
    }


def deployment(given: argparse.Namespace, keys: list[str], now: datetime) -> dict[str, Any]:
    """Return what Jira's deployments API takes of one deployment."""
    return {
        "schemaVersion": "1.0",
        "deploymentSequenceNumber": given.number,
        "updateSequenceNumber": int(now.timestamp() * 1000),
        "associations": [{"associationType": "issueIdOrKeys", "values": keys}],
        "displayName": f"{given.pipeline} {given.number}",
        "url": given.url,
        "description": f"{given.pipeline} {given.number} to {given.environment}",
        "lastUpdated": now.isoformat(timespec="milliseconds"),
        "state": given.state,
        "pipeline": {"id": given.pipeline, "displayName": given.pipeline, "url": given.url},
        "environment": {"id": given.environment, "displayName": given.environment, "type": given.environment},
    }


def post(url: str, body: dict[str, Any], *, token: str | None = None, hide: Sequence[str] = ()) -> dict[str, Any]:
    """Post JSON and return the JSON object that answers it; where the service is busy or away, try again.

    Args:
        url: Where to.
        body: What to send; sending it twice does no harm.
        token: The access token, if any.
        hide: What no message may show.

    Raises:
        JiraError: There is no such answer.
    """
    headers = {"Content-Type": "application/json", "Accept": "application/json", "User-Agent": "loantap"}
    request = Request(url, json.dumps(body).encode(), headers | ({"Authorization": f"Bearer {token}"} if token else {}))
    for wait in (*WAITS, None):
        try:
            with OPENER.open(request, timeout=TIMEOUT_SECONDS) as answer:
                status, asked = answer.status, answer.headers.get("Retry-After", "")
                raw = answer.read(LARGEST_ANSWER)
                if answer.length and len(raw) < LARGEST_ANSWER:
                    raise IncompleteRead(raw, answer.length)  # read() says so only if it may read without end
                text = raw.decode("utf-8", "replace")
        except (OSError, HTTPException) as error:
            status, asked, text = None, "", str(error)
        if wait is None or (status is not None and status < 500 and status != 429):
            break
        time.sleep(min(float(asked) if asked.isdecimal() else wait, LONGEST_WAIT))
    if status is None:
        raise JiraError(f"{url} cannot be reached: {shown(text, hide)}. Run this again.")
    if not 200 <= status < 300:
        raise JiraError(f"{url} answered {status}: {shown(text, hide)}\n{ADVICE.get(status, '')}".strip())
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise JiraError(f"{url}: expected a JSON object, got {shown(text, hide)}")
    return value


def shown(text: str, hide: Sequence[str]) -> str:
    """Return the begin of what a server said, fit for a log and without secrets."""
    for secret in hide:
        text = text.replace(secret, "***").replace(json.dumps(secret)[1:-1], "***")
    return repr(text[:1000])


def submit(given: argparse.Namespace, keys: list[str], *, client: tuple[str, str]) -> dict[str, Any]:
    """Post what is given of a build or deployment and return Jira's answer; raises JiraError if Jira has not taken it."""
    name, secret = client
    credentials = {
        "audience": "api.atlassian.com",
        "grant_type": "client_credentials",
        "client_id": name,
        "client_secret": secret,
    }
    token = post(f"{given.base_url}/oauth/token", credentials, hide=(secret,)).get("access_token")
    if not isinstance(token, str) or not token or not token.isascii() or not token.isprintable():
        raise JiraError(f"{given.base_url}/oauth/token gave no access token.")
    make = {"build": build, "deployment": deployment}[given.what]
    body = {f"{given.what}s": [make(given, keys, datetime.now(UTC))], "providerMetadata": {"product": "loantap"}}
    url = f"{given.base_url}/jira/{given.what}s/0.1/cloud/{quote(given.cloud_id, safe='')}/bulk"
    answer = post(url, body, token=token, hide=(secret, token))
    if not answer.get(f"accepted{given.what.title()}s"):
        raise JiraError(f"Jira has refused the {given.what}: {shown(json.dumps(answer), (secret, token))}")
    return answer


def base_url(text: str) -> str:
    """Return the address of the API; raises ValueError for one to which no secret should go."""
    parts = urlsplit(text)
    if parts.scheme != "https" and (parts.scheme, parts.hostname) != ("http", "127.0.0.1"):
        raise ValueError(text)
    return text.rstrip("/")


def options() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--cloud-id", required=True, help="https://YOUR-SITE.atlassian.net/_edge/tenant_info tells it")
    common.add_argument(
        "--project", type=project_key, action="append", required=True, help="a Jira project's key; repeatable"
    )
    common.add_argument("--branch", default="", help="the branch's name")
    common.add_argument("--pipeline", required=True, help="the pipeline's name; with the number it names the build")
    common.add_argument("--number", type=int, required=True, help="the build's number, which grows")
    common.add_argument("--url", required=True, help="the build's page")
    common.add_argument("--base-url", type=base_url, default=ATLASSIAN, help="another address of Atlassian's API")
    common.add_argument("revisions", metavar="BASE..HEAD", help="the commits that are new in it")
    parser = argparse.ArgumentParser(description=__doc__)
    kinds = parser.add_subparsers(dest="what", required=True)
    kinds.add_parser("build", parents=[common]).add_argument("--state", choices=STATES, required=True)
    deploying = kinds.add_parser("deployment", parents=[common])
    deploying.add_argument("--state", choices=(*STATES, "rolled_back"), required=True)
    deploying.add_argument("--environment", choices=("staging", "production"), required=True)
    return parser


def out_of_patience(*_: Any) -> None:
    """End the wait for Jira."""
    raise JiraError(f"Jira did not answer whole within {PATIENCE_SECONDS} seconds. Run this again.")


def main(words: Sequence[str] | None = None) -> int:
    """Post, say what came of it, and return the exit code."""
    given = options().parse_args(words)
    client = os.environ.get("JIRA_CLIENT_ID", ""), os.environ.get("JIRA_CLIENT_SECRET", "")
    if not all(client):
        print("Set JIRA_CLIENT_ID and JIRA_CLIENT_SECRET to the OAuth credentials made in Jira.", file=sys.stderr)
        return 2
    try:
        texts = [given.branch, *(commit.message for commit in reversed(read_commits(given.revisions)))]
    except RangeError as error:
        print(error, file=sys.stderr)
        return 2
    keys = issue_keys("\n".join(texts), projects=given.project)
    if not keys:
        print("Neither the branch nor a commit names an issue: there is nothing to show in Jira.")
        return 0
    if len(keys) > MOST_KEYS:
        print(f"{len(keys)} issues are named, and Jira takes {MOST_KEYS}: the first are posted.", file=sys.stderr)
    signal.signal(signal.SIGALRM, out_of_patience)
    signal.alarm(PATIENCE_SECONDS)
    try:
        answer = submit(given, keys[:MOST_KEYS], client=client)
    except JiraError as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        signal.alarm(0)
    print(f"Jira shows {given.what} {given.number} of {given.pipeline} as {given.state}: {', '.join(keys[:MOST_KEYS])}")
    for name in ("unknownIssueKeys", "unknownAssociations"):
        if answer.get(name):
            print(f"Jira does not know these: {shown(json.dumps(answer[name]), ())}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
