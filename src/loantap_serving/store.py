"""The store of promoted models: one folder per version, and a file that says which is the champion. Nothing is ever deleted."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from loantap.errors import InputError, PromotionError
from loantap.files import alone_in, staging_folder, write_text
from loantap.model.persistence import copy_model, load_model, model_version
from loantap.runs.manifest import now
from loantap.settings import models_dir

POINTER = "champion.json"


class Promotion(BaseModel):
    """One promotion.

    Attributes:
        version: Of the model, which is also the name of its folder.
        run_id: The run that made it.
        promoted_at: When, in UTC.
        gates: What it had to pass, and with which numbers.
        withdrawn_at: When it was rolled back, in UTC.
    """

    model_config = ConfigDict(frozen=True)
    version: str = Field(pattern=r"^[0-9a-f]{12}$")
    run_id: str
    promoted_at: str
    gates: list[dict[str, Any]]
    withdrawn_at: str | None = None


class Pointer(BaseModel):
    """What `champion.json` holds.

    Attributes:
        history: The promotions that stand, the champion last.
        withdrawn: Those that were rolled back, the latest last.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    history: list[Promotion] = []
    withdrawn: list[Promotion] = []


class ModelStore:
    """A folder of promoted models.

    A reader sees the old champion or the new one: a version's folder is whole before `champion.json` names it, and that
    file is replaced in one step.
    """

    def __init__(self, folder: Path | None = None) -> None:
        """Open the store in a folder, by default that of the project; it is made at the first promotion."""
        self.folder = (folder or models_dir()).resolve()

    def champion(self) -> Path | None:
        """Return the champion's model folder, or None before the first promotion; raises InputError if the folder is gone."""
        history = self.history()
        return self._place(history[-1].version) if history else None

    def history(self) -> list[Promotion]:
        """Return the promotions that stand, the champion last."""
        return self._pointer().history

    def withdrawn(self) -> list[Promotion]:
        """Return the promotions that were rolled back, the latest last."""
        return self._pointer().withdrawn

    def promote(
        self, model_folder: Path, run_id: str, gates: list[dict[str, Any]], *, version: str | None = None
    ) -> bool:
        """Copy a model into the store and make it the champion; return False if it is the champion already.

        Whoever calls has passed it through the gates. Killed at any moment, the old champion stays.

        Args:
            model_folder: The model, in the default format.
            run_id: The run that made it.
            gates: What it passed, to be kept with the promotion.
            version: Of the model that passed them; another one is refused. None: whichever it is.

        Raises InputError for a model that `load_model` refuses, before or after the copy.
        """
        found = load_model(model_folder).version
        if version not in (None, found):
            raise InputError(
                f"{model_folder}: another model than {version}, which was judged. Nothing was promoted; try again."
            )
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._alone():
            pointer = self._pointer()
            self._copy(model_folder, found)
            if pointer.history and pointer.history[-1].version == found:
                return False
            promotion = Promotion(version=found, run_id=run_id, promoted_at=now(), gates=gates)
            self._point([*pointer.history, promotion], pointer.withdrawn)
        return True

    def rollback(self) -> Promotion:
        """Make the former champion the champion again and return its promotion; the present one is noted as withdrawn.

        Raises PromotionError if there is no former champion, and InputError if it cannot be loaded; nothing changes then.
        """
        if not self.history():
            raise PromotionError(f"{self.folder}: no model was ever promoted, so there is nothing to roll back.")
        with self._alone():
            pointer = self._pointer()
            *former, present = pointer.history
            if not former:
                raise PromotionError(
                    f"{self.folder}: the champion {present.version} has no former one; it stays. "
                    "Promote another run instead: loantap promote RUN"
                )
            _sound(self._place(former[-1].version))
            self._point(former, [*pointer.withdrawn, present.model_copy(update={"withdrawn_at": now()})])
        return former[-1]

    def _pointer(self) -> Pointer:
        path = self.folder / POINTER
        if not path.is_file():
            return Pointer()
        try:
            return Pointer.model_validate_json(path.read_bytes())
        except ValidationError as error:
            raise InputError(f"{path}: expected what `loantap promote` writes there, but: {error}") from error

    def _point(self, history: list[Promotion], withdrawn: list[Promotion]) -> None:
        write_text(
            self.folder / POINTER, Pointer(history=history, withdrawn=withdrawn).model_dump_json(indent=1) + "\n"
        )

    def _place(self, version: str) -> Path:
        folder = self.folder / version
        if not folder.is_dir():
            raise InputError(
                f"{folder}: {self.folder / POINTER} names this model, and its folder is gone. Put it back from a backup, or "
                "promote its run again."
            )
        if model_version(folder) != version:
            raise _another(folder)
        return folder

    def _copy(self, source: Path, version: str) -> None:
        """Bring a model's folder into the store, whole or not at all; a version that is there already only has to be sound."""
        target = self.folder / version
        if target.exists():
            _sound(target)
            return
        with staging_folder(self.folder) as staging:
            copy_model(source, staging)
            if load_model(staging).version != version:
                raise InputError(f"{source}: it changed while it was copied. Nothing was promoted; try again.")
            staging.chmod(0o755)  # a model is no personal data
            staging.rename(target)

    def _alone(self) -> AbstractContextManager[None]:
        return alone_in(self.folder, busy=f"{self.folder}: another promotion is changing this store. Try again.")


def _sound(folder: Path) -> None:
    """Raise InputError unless a folder of the store holds the very model that it is named for."""
    if load_model(folder).version != folder.name:
        raise _another(folder)


def _another(folder: Path) -> InputError:
    return InputError(
        f"{folder}: it holds another model than its name says. It was changed by hand; move it away and promote its run again."
    )
