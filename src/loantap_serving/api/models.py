"""The model that the service answers with, and the champion that takes its place while requests run."""

import logging
import threading
from collections.abc import Callable
from pathlib import Path

from loantap.errors import LoanTapError
from loantap.model.persistence import SavedModel, load_model, model_version

LOG = logging.getLogger("loantap.api")
POLL = 2.0  # seconds


class Models:
    """The present model. A request takes it once, so it sees one model from begin to end.

    Attributes:
        loads: Models loaded so far.
        failures: Attempts to load one that failed.
    """

    def __init__(self, locate: Callable[[], Path], *, pickle_sums: Path | None = None) -> None:
        """Hold no model yet.

        Args:
            locate: Returns the folder of the model that should answer now.
            pickle_sums: As for `load_model`.
        """
        self.loads = self.failures = 0
        self._locate, self._pickle_sums = locate, pickle_sums
        self._model: SavedModel | None = None
        self._retired = threading.Event()
        self._watcher: threading.Thread | None = None

    @property
    def current(self) -> SavedModel | None:
        """The model to answer with; None before the first one is loaded."""
        return self._model

    @property
    def retired(self) -> bool:
        """Whether the service is ending."""
        return self._retired.is_set()

    @property
    def ready(self) -> bool:
        """Whether requests should be sent here: there is a model, and the service is not ending."""
        return self._model is not None and not self.retired

    def refresh(self) -> bool:
        """Load the model that should answer now, unless it already does; return whether another one came.

        Raises InputError for a model that cannot be loaded; the former one stays.
        """
        folder = self._locate()
        if self._model is not None and model_version(folder) == self._model.version:
            return False
        model = load_model(folder, pickle_sums=self._pickle_sums)
        self._model = model  # one assignment: a request sees the old model or the new one
        self.loads += 1
        return True

    def watch(self, seconds: float = POLL) -> None:
        """Look for another model every so many seconds, in a thread of its own, until the service ends.

        A thread that looks already goes on; in a forked process there is none, and another one begins.
        """
        if self._watcher is None or not (self._watcher.is_alive() or self.retired):
            self._watcher = threading.Thread(target=self._watch, args=(seconds,), name="model-watcher", daemon=True)
            self._watcher.start()

    def retire(self) -> None:
        """Look for no more models, and be ready no more; the present one still answers what is asked."""
        self._retired.set()

    def _watch(self, seconds: float) -> None:
        told = ""
        while not self._retired.wait(seconds):
            try:
                if self.refresh() and self._model is not None:
                    LOG.info("model loaded", extra={"facts": {"model_version": self._model.version}})
                told = ""
            except Exception as error:
                # Whatever is wrong with the new model, the old one goes on; the next look may find it repaired.
                self.failures += 1
                why = str(error) if isinstance(error, LoanTapError) else type(error).__name__
                if why != told:
                    LOG.error("model not loaded, the former one stays", extra={"facts": {"why": why}})  # noqa: TRY400
                told = why
