"""Build data/reference/published_counts.json, which the claims are tested on, from published_facts.json.

python tools/build_published_counts.py            write the file
python tools/build_published_counts.py --check    compare with the committed one
"""

import argparse
import json
import sys

from loantap.analysis.claim_counts import FILE_NAME, counts_of_facts
from loantap.files import write_text
from loantap.settings import reference_dir


def build() -> str:
    """Return the file's text."""
    facts = json.loads((reference_dir() / "published_facts.json").read_text("utf-8"))
    counts = counts_of_facts(facts).model_dump(exclude_defaults=True)
    return json.dumps(counts, indent=1, ensure_ascii=False) + "\n"


def main() -> int:
    """Write the file, or tell whether it is what the facts give."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare with the committed file, write nothing")
    check = parser.parse_args().check
    path = reference_dir() / FILE_NAME
    if not check:
        print(f"Wrote {write_text(path, build())}")
        return 0
    if path.read_text("utf-8") == build():
        print(f"{path} is what published_facts.json gives")
        return 0
    print(f"{path} differs from what published_facts.json gives. Run this script without --check.")
    return 1


if __name__ == "__main__":
    sys.exit(main())
