"""The store of promoted models."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from finished_runs import other_model

from loantap.errors import InputError, PromotionError
from loantap.files import alone_in, sha256
from loantap.model.persistence import PIPELINE, load_model, model_version
from loantap.model.seal import SMOTE
from loantap_serving import store as store_module
from loantap_serving.store import POINTER, ModelStore

GATES = [{"gate": "a gate", "rule": "a rule", "passed": True, "found": "1 of 1"}]


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path / "models")


@pytest.fixture
def other(model_folder: Path, tmp_path: Path) -> Path:
    """A model of another version."""
    return other_model(model_folder, tmp_path / "other")


def contents(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): sha256(path) for path in sorted(folder.rglob("*")) if path.is_file()}


def test_a_new_store_has_no_champion_and_leaves_no_folder(store: ModelStore):
    assert store.champion() is None
    assert store.history() == []
    assert not store.folder.exists()


def test_the_champion_is_a_whole_copy_with_its_gates(store: ModelStore, model_folder: Path):
    assert store.promote(model_folder, "r1", GATES)
    champion = store.champion()
    assert champion == store.folder / model_version(model_folder)
    assert contents(champion) == contents(model_folder)
    assert load_model(champion).version == champion.name
    [promotion] = store.history()
    assert (promotion.version, promotion.run_id, promotion.gates) == (champion.name, "r1", GATES)


def test_the_rival_beside_a_model_is_not_copied_with_it(store: ModelStore, model_folder: Path, tmp_path: Path):
    model = shutil.copytree(model_folder, tmp_path / "model")
    shutil.copytree(model_folder, model / SMOTE)
    store.promote(model, "r1", GATES)
    assert contents(store.champion() or Path()) == contents(model_folder)


def test_promoting_the_champion_again_changes_nothing(store: ModelStore, model_folder: Path):
    store.promote(model_folder, "r1", GATES)
    before = contents(store.folder)
    assert not store.promote(model_folder, "r1", GATES)
    assert contents(store.folder) == before


def test_a_champion_whose_folder_is_gone_is_named_and_comes_back_with_its_run(store: ModelStore, model_folder: Path):
    store.promote(model_folder, "r1", GATES)
    shutil.rmtree(store.champion() or "")
    with pytest.raises(InputError, match="its folder is gone"):
        store.champion()
    assert not store.promote(model_folder, "r1", GATES)
    assert load_model(store.champion() or Path())


def test_a_rollback_brings_the_former_champion_back_and_notes_what_was_withdrawn(
    store: ModelStore, model_folder: Path, other: Path
):
    store.promote(model_folder, "r1", GATES)
    store.promote(other, "r2", GATES)
    assert store.champion() == store.folder / model_version(other)
    assert store.rollback().run_id == "r1"
    assert store.champion() == store.folder / model_version(model_folder)
    [withdrawn] = store.withdrawn()
    assert (withdrawn.run_id, withdrawn.version) == ("r2", model_version(other))
    assert withdrawn.withdrawn_at
    assert (store.folder / model_version(other)).is_dir()


def test_a_second_rollback_goes_further_back_and_the_first_champion_stays(
    store: ModelStore, model_folder: Path, other: Path, tmp_path: Path
):
    for number, model in enumerate((model_folder, other, other_model(other, tmp_path / "third"))):
        store.promote(model, f"r{number}", GATES)
    assert [store.rollback().run_id, store.rollback().run_id] == ["r1", "r0"]
    with pytest.raises(PromotionError, match="has no former one"):
        store.rollback()
    assert store.champion() == store.folder / model_version(model_folder)
    assert [promotion.run_id for promotion in store.withdrawn()] == ["r2", "r1"]


def test_what_was_withdrawn_can_be_promoted_again(store: ModelStore, model_folder: Path, other: Path):
    store.promote(model_folder, "r1", GATES)
    store.promote(other, "r2", GATES)
    store.rollback()
    assert store.promote(other, "r2", GATES)
    assert store.champion() == store.folder / model_version(other)


def test_there_is_nothing_to_roll_back_in_a_new_store(store: ModelStore):
    with pytest.raises(PromotionError, match="no model was ever promoted"):
        store.rollback()


def test_a_former_champion_that_was_tampered_with_does_not_come_back(
    store: ModelStore, model_folder: Path, other: Path
):
    store.promote(model_folder, "r1", GATES)
    store.promote(other, "r2", GATES)
    with (store.folder / model_version(model_folder) / PIPELINE).open("ab") as file:
        file.write(b" ")
    with pytest.raises(InputError, match="sha256"):
        store.rollback()
    assert store.champion() == store.folder / model_version(other)


def test_a_damaged_model_is_not_promoted(store: ModelStore, model_folder: Path, tmp_path: Path):
    broken = shutil.copytree(model_folder, tmp_path / "broken")
    (broken / PIPELINE).write_bytes(b"no pipeline")
    with pytest.raises(InputError, match="sha256"):
        store.promote(broken, "r1", GATES)
    assert store.champion() is None


def test_a_copy_that_went_wrong_is_seen(
    store: ModelStore, model_folder: Path, other: Path, monkeypatch: pytest.MonkeyPatch
):
    store.promote(model_folder, "r1", GATES)

    def short(source: Path, target: Path, **options: Any) -> None:
        copytree(source, target, **options)
        (Path(target) / PIPELINE).write_bytes(b"")

    copytree = shutil.copytree
    monkeypatch.setattr(shutil, "copytree", short)
    with pytest.raises(InputError, match="sha256"):
        store.promote(other, "r2", GATES)
    assert store.champion() == store.folder / model_version(model_folder)
    assert not (store.folder / model_version(other)).exists()


@pytest.mark.parametrize("moment", ["copytree", "write_text"])
def test_killed_at_any_moment_the_old_champion_stays(
    moment: str, store: ModelStore, model_folder: Path, other: Path, monkeypatch: pytest.MonkeyPatch
):
    store.promote(model_folder, "r1", GATES)

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(shutil if moment == "copytree" else store_module, moment, killed)
        with pytest.raises(KeyboardInterrupt):
            store.promote(other, "r2", GATES)
    assert store.champion() == store.folder / model_version(model_folder)
    assert store.promote(other, "r2", GATES)
    assert store.champion() == store.folder / model_version(other)
    assert not list(store.folder.glob(".loantap-staging-*"))


def test_two_promotions_at_once_do_not_mix(store: ModelStore, model_folder: Path):
    store.folder.mkdir()
    with (
        alone_in(store.folder, busy="never"),
        pytest.raises(InputError, match="another promotion is changing this store"),
    ):
        store.promote(model_folder, "r1", GATES)


@pytest.mark.parametrize(
    "text", ["{", '{"history": 1}', '{"history": [], "more": 1}', '{"history": [{"version": ".."}]}']
)
def test_a_damaged_pointer_is_named(store: ModelStore, text: str):
    store.folder.mkdir()
    (store.folder / POINTER).write_text(text)
    with pytest.raises(InputError, match=r"champion\.json: expected what `loantap promote` writes"):
        store.champion()


def test_the_pointer_cannot_name_a_folder_outside(store: ModelStore, model_folder: Path):
    store.promote(model_folder, "r1", GATES)
    path = store.folder / POINTER
    pointer = json.loads(path.read_text())
    pointer["history"][0]["version"] = "../../elsewh"
    path.write_text(json.dumps(pointer))
    with pytest.raises(InputError, match="version"):
        store.champion()


def test_a_folder_of_the_store_that_holds_another_model_is_refused(model_folder: Path, tmp_path: Path):
    store = ModelStore(tmp_path / "store")
    version = load_model(model_folder).version
    other_model(model_folder, store.folder / version)
    with pytest.raises(InputError, match="it holds another model than its name says"):
        store.promote(model_folder, "r1", GATES)
    assert store.champion() is None


def test_only_the_model_that_was_judged_is_promoted(model_folder: Path, tmp_path: Path):
    with pytest.raises(InputError, match="another model than 0123456789ab, which was judged"):
        ModelStore(tmp_path / "store").promote(model_folder, "r1", GATES, version="0123456789ab")


def test_a_champion_that_was_changed_by_hand_does_not_answer(model_folder: Path, tmp_path: Path):
    store = ModelStore(tmp_path / "store")
    store.promote(model_folder, "r1", GATES)
    champion = store.champion()
    assert champion is not None
    shutil.rmtree(champion)
    other_model(model_folder, champion)
    with pytest.raises(InputError, match="it holds another model than its name says"):
        store.champion()
