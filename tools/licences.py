"""List the licences of what the images hold, and hold them against the policy: python tools/licences.py --out FILE.

Read from the metadata of this environment, whose versions are those of requirements/image-*.lock. Ends with an error where a
package's licence is neither allowed nor an exception.
"""

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from loantap.files import write_text
from loantap.settings import project_root

# These ask for their text to be kept and no more; each by the names under which packages give it.
ALLOWED = {
    "0BSD", "3-Clause BSD License", "Apache 2.0", "Apache License 2.0", "Apache Software License", "Apache-2.0", "BSD", "BSD License",
    "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC", "ISC License (ISCL)", "MIT", "MIT License", "MIT-0", "MIT-CMU", "PSF-2.0",
    "Python Software Foundation License", "Zlib", "Zope Public License",
}  # fmt: skip
SAYS_NOTHING = "UNKNOWN"
# Package: the licence it gives, and what is to be known of it, or why it may be in an image. Another licence is no exception.
EXCEPTIONS = {
    "certifi": ("Mozilla Public License 2.0 (MPL 2.0)", "a list of certificates, shipped unchanged"),
    "huey": (SAYS_NOTHING, "its licence file is MIT"),
    "psycopg": ("LGPL-3.0-only", "imported, unchanged and replaceable; only in the report's image"),
    "psycopg-binary": ("LGPL-3.0-only", "imported, unchanged and replaceable; only in the report's image"),
    "pypandoc-binary": (
        "MIT",
        "holds the program pandoc, GPL-2.0-or-later: started, not linked; whoever hands the image on owes its source",
    ),
    "skops": (SAYS_NOTHING, "its licence file is MIT"),
    "tabmat": (SAYS_NOTHING, "its licence file is BSD-3-Clause"),
    "tqdm": ("MPL-2.0 AND MIT", "shipped unchanged"),
}


@dataclass(frozen=True)
class Package:
    """A locked package, the licence it gives, and the images that hold it."""

    name: str
    version: str
    licence: str
    images: tuple[str, ...]

    @property
    def allowed(self) -> bool:
        """Whether each part of the licence is allowed, whatever the parts mean together."""
        return set(re.split(r" AND | OR |; ", self.licence)) <= ALLOWED

    @property
    def note(self) -> str:
        """What is known of it beyond its licence, or why it may be in an image in spite of it; empty where nothing is."""
        licence, reason = EXCEPTIONS.get(self.name, ("", ""))
        return reason if licence == self.licence else ""


def locked(lock: Path) -> dict[str, str]:
    """Return the versions that a lock file installs here, by name."""
    lines = re.findall(r"^([a-z0-9][^\\\n]*?) *\\?$", lock.read_text("utf-8"), re.M | re.I)
    needs = [need for need in map(Requirement, lines) if need.marker is None or need.marker.evaluate()]
    return {canonicalize_name(need.name): str(need.specifier).removeprefix("==") for need in needs}


def installed_licences() -> dict[str, dict[str, str]]:
    """Return what pip-licenses says of every package in this environment, by name."""
    words = [str(Path(sys.executable).with_name("pip-licenses")), "--with-system", "--format=json"]
    listed = json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout)
    return {canonicalize_name(entry["Name"]): entry for entry in listed}


def packages(locks: Iterable[Path], installed: Mapping[str, Mapping[str, str]]) -> list[Package]:
    """Return every package of the locks, by name; raises SystemExit where this environment has another version, or none."""
    images: dict[tuple[str, str], list[str]] = {}
    for lock in locks:
        for key in locked(lock).items():
            images.setdefault(key, []).append(lock.stem.removeprefix("image-"))
    wrong = [f"{name} {version}" for name, version in images if installed.get(name, {}).get("Version") != version]
    if wrong:
        raise SystemExit(
            f"expected the locked versions to be installed; these are not: {', '.join(wrong)}. Run: make lint"
        )
    return [
        Package(name, version, installed[name]["License"], tuple(held))
        for (name, version), held in sorted(images.items())
    ]


def table(found: Iterable[Package]) -> str:
    """Return the packages as a table in Markdown."""
    rows = [
        {"package": one.name, "version": one.version, "licence": one.licence, "images": ", ".join(one.images), "note": one.note}
        for one in found
    ]  # fmt: skip
    return f"# Licences of what the images hold\n\n{pd.DataFrame(rows).to_markdown(index=False)}\n"


def main() -> int:
    """Write the table; say what the policy does not allow."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="the table, in Markdown")
    given = parser.parse_args()
    locks = sorted(
        path for path in (project_root() / "requirements").glob("image-*.lock") if path.stem != "image-build"
    )
    found = packages(locks, installed_licences())
    write_text(given.out, table(found))
    print(f"{len(found)} packages and their licences: {given.out}")
    refused = [one for one in found if not one.allowed and not one.note]
    for one in refused:
        print(
            f"{one.name} {one.version}: the licence {one.licence!r} is neither in ALLOWED nor a reasoned one of EXCEPTIONS."
        )
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
