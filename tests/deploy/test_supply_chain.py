"""What is shipped is known: each package asked for, locked, licensed, listed, and looked up; and no secret lies in the files."""

import json
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from itertools import pairwise
from pathlib import Path
from typing import Any

import licences
import pytest
from audit_support import vulnerability_service
from clone_support import ROOT, Clone, new_clone, own_files
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REQUIREMENTS = ROOT / "requirements"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
IMAGES = ("api", "dashboard", "report")


@dataclass(frozen=True)
class Entry:
    """A package of a lock, and who asks for it, as uv notes it."""

    need: Requirement
    via: frozenset[str]
    hashes: int

    @property
    def version(self) -> str:
        return str(self.need.specifier).removeprefix("==")

    @property
    def here(self) -> bool:
        return self.need.marker is None or self.need.marker.evaluate()


def entries(lock: str) -> dict[str, list[Entry]]:
    found: dict[str, list[Entry]] = {}
    for block in re.split(r"\n(?=[a-z0-9])", (REQUIREMENTS / f"{lock}.lock").read_text("utf-8"), flags=re.I):
        need = Requirement(block.split("\\\n")[0].split("\n")[0].strip())
        noted = re.sub(r"#", "", block.partition("# via")[2]).split("\n")
        via = {line.strip() for line in noted} - {"", "-c requirements/dev.lock", "-c requirements/image-build.lock"}
        found.setdefault(canonicalize_name(need.name), []).append(Entry(need, frozenset(via), block.count("--hash=")))
    return found


def locks_of_the_project() -> dict[str, list[str]]:
    """Return the extras of each lock, from what `make lock` runs."""
    done = subprocess.run(["make", "--dry-run", "lock"], cwd=ROOT, capture_output=True, text=True, check=True)
    found = {}
    for line in done.stdout.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if "pyproject.toml" in words:
            extras = [after for word, after in pairwise(words) if word == "--extra"]
            found[Path(words[words.index("--output-file") + 1]).stem] = extras
    return found


LOCKS = locks_of_the_project()
OTHERS = sorted({path.stem for path in REQUIREMENTS.glob("*.lock")} - set(LOCKS))


def roots(lock: str) -> list[Requirement]:
    return [Requirement(text) for text in [*PROJECT["dependencies"], *(text for extra in LOCKS[lock] for text in EXTRAS[extra])]]  # fmt: skip


def needs_of(name: str, extras: set[str], *, everywhere: bool) -> Iterator[Requirement]:
    """Yield what an installed package asks for with these extras: on any platform, or on this one."""
    try:
        texts = distribution(name).requires or []
    except PackageNotFoundError:  # of another platform; those ask for nothing more
        return
    for need in map(Requirement, texts):
        named = set(re.findall(r'extra == "([^"]+)"', str(need.marker)))
        if everywhere:
            wanted = not named or bool(named & extras)
        else:
            wanted = need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in ("", *extras))
        if wanted:
            yield need


def asked_for(lock: str, *, everywhere: bool) -> list[Requirement]:
    """Return what pyproject.toml asks for, directly or through a locked package."""
    locked = entries(lock)
    seen: dict[str, set[str]] = {}
    found, todo = [], roots(lock)
    while todo:
        need = todo.pop()
        found.append(need)
        name = canonicalize_name(need.name)
        if name in seen and need.extras <= seen[name]:
            continue
        seen[name] = seen.get(name, set()) | need.extras
        if name in locked:
            todo.extend(needs_of(name, seen[name], everywhere=everywhere))
    return found


def test_this_environment_is_the_locked_one():
    here = {name: entry.version for name, found in entries("dev").items() for entry in found if entry.here}
    assert {name: distribution(name).version for name in here} == here, "run make test"


@pytest.mark.parametrize("lock", LOCKS)
def test_nothing_is_locked_that_nobody_asks_for(lock: str):
    wanted = {canonicalize_name(need.name) for need in asked_for(lock, everywhere=True)}
    assert set(entries(lock)) - wanted == set(), "run make lock"


@pytest.mark.parametrize("lock", LOCKS)
def test_everything_is_locked_that_somebody_asks_for(lock: str):
    locked = entries(lock)
    for need in asked_for(lock, everywhere=False):
        found = [entry.version for entry in locked.get(canonicalize_name(need.name), []) if entry.here]
        assert len(found) == 1, f"{need} is locked as {found}: run make lock"
        assert need.specifier.contains(found[0], prereleases=True), f"{need} is locked as {found[0]}: run make lock"


@pytest.mark.parametrize("lock", LOCKS)
def test_the_lock_notes_what_pyproject_asks_for_and_nothing_else(lock: str):
    noted = {name for name, found in entries(lock).items() if any("loantap (pyproject.toml)" in entry.via for entry in found)}  # fmt: skip
    assert noted == {canonicalize_name(need.name) for need in roots(lock)}, "run make lock"


@pytest.mark.parametrize("lock", OTHERS)
def test_the_tools_locks_hold_what_they_were_asked_for_and_what_that_needs(lock: str):
    locked = entries(lock)
    source = f"-r requirements/{lock}.in"
    lines = [line for line in (REQUIREMENTS / f"{lock}.in").read_text("utf-8").splitlines() if line and line[0] != "#"]
    direct = {name for name, found in locked.items() if any(source in entry.via for entry in found)}
    assert direct == {canonicalize_name(Requirement(line).name) for line in lines}
    reached, grown = set(direct), True
    while grown:
        more = {name for name, found in locked.items() for entry in found if entry.via & reached} - reached
        reached, grown = reached | more, bool(more)
    assert reached == set(locked)


def test_the_images_lock_and_the_tests_lock_agree_on_every_extra():
    dev = entries("dev")
    for need in [Requirement(text) for texts in EXTRAS.values() for text in texts]:
        found = [entry.version for entry in dev.get(canonicalize_name(need.name), [])]
        assert found, f"{need.name} is in no lock that is tested with"
        assert all(need.specifier.contains(version) for version in found), need
    for image in IMAGES:
        for name, found in entries(f"image-{image}").items():
            assert {entry.version for entry in found} <= {entry.version for entry in dev[name]}, name


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    return new_clone(tmp_path_factory.mktemp("clone"), osv="")


@pytest.fixture(scope="module")
def audited(clone: Clone) -> tuple[str, list[tuple[str, str]]]:
    """What `make audit` said, and which packages it looked up."""
    asked: list[tuple[str, str]] = []
    with vulnerability_service({}, asked) as address:
        clone.environment["PIP_AUDIT_OSV_URL"] = address
        done = clone.bash("make audit")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr, asked


def look_up(clone: Clone, address: str) -> tuple[int, str]:
    """Do the part of `make audit` that asks for vulnerabilities."""
    lines = clone.bash("make --dry-run audit").stdout.replace("\\\n", " ").splitlines()
    (line,) = [line for line in lines if "bin/pip-audit" in line]
    clone.environment["PIP_AUDIT_OSV_URL"] = address
    done = clone.bash(line)
    return done.returncode, done.stdout + done.stderr


def test_every_package_of_every_image_is_looked_up(audited: tuple[str, list[tuple[str, str]]]):
    said, asked = audited
    shipped = {(name, entry.version) for image in IMAGES for name, found in entries(f"image-{image}").items() for entry in found if entry.here}  # fmt: skip
    assert shipped - set(asked) == set()
    assert "No known vulnerabilities found" in said


def test_a_known_vulnerability_stops_the_audit(clone: Clone):
    with vulnerability_service({"flask": "TEST-2026-1"}) as address:
        code, said = look_up(clone, address)
    assert code != 0
    assert re.search(r"flask\s+\S+\s+TEST-2026-1", said)


def test_a_service_that_cannot_be_asked_is_no_clean_audit(clone: Clone):
    code, said = look_up(clone, "http://127.0.0.1:9/")
    assert code != 0
    assert "No known vulnerabilities" not in said
    assert (
        "If it was not reached, let this machine ask https://api.osv.dev, or name another address in PIP_AUDIT_OSV_URL."
        in said
    )


def test_a_package_that_is_passed_over_is_no_clean_audit(clone: Clone):
    lock = clone.folder / "requirements" / "image-of-a-fork.lock"
    lock.write_text(f"a-fork @ https://example.com/a-fork-1.0.zip --hash=sha256:{'0' * 64}\n")
    with vulnerability_service({}) as address:
        code, said = look_up(clone, address)
    lock.unlink()
    assert code != 0
    assert "a-fork: URL requirements cannot be pinned" in said


@pytest.mark.parametrize("image", IMAGES)
def test_the_bill_of_materials_lists_an_image_whole(image: str, clone: Clone, audited: object):
    text = (clone.folder / "build" / f"{image}.cdx.json").read_text("utf-8")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    bill: dict[str, Any] = json.loads(text)
    assert bill["metadata"]["component"]["name"] == "loantap"
    assert bill["metadata"]["component"]["version"] == PROJECT["version"]
    listed = {(canonicalize_name(part["name"]), part["version"], sum(len(file["hashes"]) for file in part["externalReferences"])) for part in bill["components"]}  # fmt: skip
    locked = {(name, entry.version, entry.hashes) for name, found in entries(f"image-{image}").items() for entry in found}  # fmt: skip
    assert listed == locked


def test_the_licences_of_every_image_are_listed(clone: Clone, audited: object):
    page = (clone.folder / "build" / "licences.md").read_text("utf-8")
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines() if line.startswith("| ")]
    listed = {(name, version, image) for name, version, _, images, _ in rows[1:] for image in images.split(", ")}
    shipped = {(name, entry.version, image) for image in IMAGES for name, found in entries(f"image-{image}").items() for entry in found if entry.here}  # fmt: skip
    assert listed == shipped


@pytest.fixture(scope="module")
def shipped() -> list[licences.Package]:
    return licences.packages([REQUIREMENTS / f"image-{image}.lock" for image in IMAGES], licences.installed_licences())


def test_no_licence_is_outside_of_the_policy(shipped: list[licences.Package]):
    assert [one for one in shipped if not one.allowed and not one.note] == []


def test_every_exception_is_needed_and_still_true(shipped: list[licences.Package]):
    given = {one.name: one.licence for one in shipped}
    assert {name: given.get(name) for name in licences.EXCEPTIONS} == {name: licence for name, (licence, _) in licences.EXCEPTIONS.items()}  # fmt: skip


@pytest.mark.parametrize(
    "licence",
    ["GPL-3.0-only", "AGPL-3.0", "UNKNOWN", "", "MIT AND GPL-3.0-only", "MIT OR GPL-3.0-only", "MIT License; Proprietary", "mit?"],
)  # fmt: skip
def test_what_the_policy_does_not_name_is_refused(licence: str):
    assert not licences.Package("something", "1", licence, ("api",)).allowed
    assert not licences.Package("something", "1", licence, ("api",)).note


def test_a_refused_licence_is_named_and_fails(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.delitem(licences.EXCEPTIONS, "psycopg")
    monkeypatch.setattr(sys, "argv", ["licences.py", "--out", str(tmp_path / "licences.md")])
    assert licences.main() == 1
    assert "psycopg 3" in capsys.readouterr().out
    assert (tmp_path / "licences.md").is_file()


SECRETS = {
    "a key of AWS": r"\b(AKIA|ASIA)[0-9A-Z]{16}\b",
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE KEY",
    "a token of Atlassian": r"\bAT(ATT|CTT|BB)[0-9A-Za-z_-]{16}",
    "a token of a forge": r"\b(gh[opsu]_|glpat-|xox[abp]-|pypi-AgE)[0-9A-Za-z_-]{16}",
    "a token that carries claims": r"\beyJ[0-9A-Za-z_-]{10,}\.eyJ",
    "a password in an address": r"://[^/\s:@${<]+:[^/\s:@${<]{3,}@",
    "a secret written out": r"(?i)(password|passwd|secret|token|api_?key)[\"']?\s*[:=]\s*[\"'][0-9A-Za-z+/=_-]{16,}[\"']",
    "an account": r"arn:aws[a-z-]*:[a-z0-9-]*:[a-z0-9-]*:\d{12}:",
}
SHIPPED = ("deploy", "tools", "bitbucket-pipelines.yml", ".ci", "Makefile", "docs/pipelines.md", "src/loantap_deploy")


@pytest.mark.parametrize("what", SECRETS)
def test_no_secret_lies_in_what_deploys(what: str):
    for name in own_files(*SHIPPED):
        found = re.search(SECRETS[what], (ROOT / name).read_text("utf-8", errors="ignore"))
        assert not found, f"{name} seems to hold {what}: {found[0][:8]}..."


def test_secrets_would_be_seen():
    samples = {
        "a key of AWS": "AKIA" + "IOSFODNN7EXAMPLE",
        "a private key": "-----BEGIN " + "OPENSSH PRIVATE KEY-----",
        "a token of Atlassian": "ATCTT" + "3xFfGF0abcdefghij1234",
        "a token of a forge": "ghp_" + "0123456789abcdefghij",
        "a token that carries claims": "eyJ" + "hbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxIn0.x",
        "a password in an address": "https://user:" + "hunter2@example.com",
        "a secret written out": "client_secret" + '="0123456789abcdefghij"',
        "an account": "arn:aws:iam::" + "123456789012:role/x",
    }
    assert set(samples) == set(SECRETS)
    for what, sample in samples.items():
        assert re.search(SECRETS[what], f"x = '{sample}'" if "secret" not in what else sample), what
