"""Paths of the machine that a run was made on, as readers elsewhere may see them."""

import re
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Any

# Where a path can begin in prose, code, tables, addresses of files (sqlite:////srv/x.db) and coloured tracebacks. What follows a
# letter is a relative path, an address on the network, a fraction or an image in base64.
_START = r"""(?:^|(?<=[\s"'`(\[=>,;:|])|(?<=\dm)|(?<=://)|(?<=:///))"""
_FOLDERS = r"""(?:/[^\s/"'`<>|,;:&()\[\]{}\x1b]+){2,}"""


def without_folders(value: Any, known: Iterable[object] = ()) -> Any:
    """Return text, or what holds texts, with each absolute path cut down to its last name; images stay as they are.

    Args:
        value: A text, or lists and dicts of anything.
        known: Paths that are met as a whole, whatever they are made of, and whose files keep their place in them: run/results/x.csv.
            What is no absolute path is passed over, so parameters of a notebook will do.
    """
    whole = sorted((str(path) for path in known if str(path).startswith("/")), key=len, reverse=True)
    path = re.compile(f"{_START}(?:{'|'.join([*map(re.escape, whole), _FOLDERS])})")

    def cut(value: Any) -> Any:
        if isinstance(value, dict):
            return {
                key: item if key.startswith("image/") and not isinstance(item, dict) else cut(item)
                for key, item in value.items()
            }
        if isinstance(value, list):
            return [cut(item) for item in value]
        return path.sub(lambda found: PurePosixPath(found[0]).name, value) if isinstance(value, str) else value

    return cut(value)
