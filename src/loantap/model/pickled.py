"""A pipeline as a pickle, which can run any code when it is read; so it is read only if somebody vouched for its very bytes."""

import hashlib
import pickle
from pathlib import Path
from typing import Any

from loantap.errors import InputError
from loantap.model.seal import read_sums

PICKLE = "pipeline.pickle"


def read_pickle(folder: Path, sums: Path | None) -> Any:
    """Return what a model's folder holds as a pickle.

    Args:
        folder: The folder.
        sums: A file outside of it, in the form of sha256sum, that holds the pickle's sha256.

    Raises InputError without such a file, or if the sha256 is another one; nothing of the pickle has run then.
    """
    path = folder / PICKLE
    if sums is None:
        raise InputError(
            f"{path}: a pickle can run any code when it is read, so it is read only if you name a file outside the folder that "
            "holds its sha256: --allow-pickle FILE. Better: use the folder with pipeline.skops."
        )
    if not sums.is_file() or folder.resolve() in sums.resolve().parents:
        raise InputError(f"{sums}: expected a file outside {folder} that holds the sha256 of {PICKLE}.")
    content = path.read_bytes()
    if read_sums(sums).get(PICKLE) != hashlib.sha256(content).hexdigest():
        raise InputError(f"{path}: its sha256 is not the one in {sums}. Do not use it; ask where it comes from.")
    return pickle.loads(content)  # noqa: S301 (the caller vouched for these very bytes)
