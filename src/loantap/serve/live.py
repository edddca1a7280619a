"""Live loans as somebody brings them: snapshots, and the applications they began as."""

from loantap.decisions.early_warning.live import Live
from loantap.errors import InputError
from loantap.model.persistence import SavedModel


def read_live(snapshots: str, applications: str, model: SavedModel) -> Live:
    """Read it."""
    raise InputError("not yet")
