"""What several pages share: the model and the loans, read once, and what is said where they are missing."""

import logging
from collections.abc import Callable
from contextlib import suppress
from html import escape
from pathlib import Path
from typing import TypeVar

import pandas as pd
import streamlit as st

from loantap.errors import LoanTapError
from loantap.exhibits.economics import referred_sentence
from loantap.exhibits.plots.style import LIGHT
from loantap.exhibits.words import plain, show
from loantap.model.persistence import SavedModel, load_model, model_version
from loantap.runs.results import RunFolder
from loantap_serving.dashboard.sources import Sources, given_sources
from loantap_serving.explore import Portfolio
from loantap_serving.trade_off import TestLoans, read_test_loans

__all__ = ["plain", "show"]
T = TypeVar("T")


def or_stop(call: Callable[[], T]) -> T:
    """Return what a call returns; an error raised on purpose becomes a message, and the page ends there."""
    try:
        return call()
    except LoanTapError as error:
        st.error(plain(str(error)), icon=":material/error:")
        st.stop()


def note(text: str) -> None:
    """Say something in small letters, as dark as all others: those of a caption are too pale to be read by everybody."""
    st.markdown(f":small[{plain(text)}]")


def wide_table(rows: pd.DataFrame, label: str, *, index: bool = True, height: str = "none") -> None:
    """Show a table of texts that a narrow window scrolls, by keyboard too, which `st.table` does not let one do."""
    st.html(
        f"<style>.wide table{{border-collapse:collapse;width:100%}} .wide:has(th:nth-child(7)) table{{min-width:56rem}} .wide :is(th,td){{padding:.35rem .4rem;text-align:left;"
        f"vertical-align:top;font-size:.875rem;border-bottom:1px solid {LIGHT}}} .wide thead{{position:sticky;top:0;background:#fff}}</style>"
        f'<div class="wide" role="region" tabindex="0" aria-label="{escape(label)}" style="overflow:auto;max-height:{height}">'
        f"{rows.to_html(border=0, index=index)}</div>"
    )


def tell_referred(model: SavedModel) -> None:
    """Say what share of all applications the model refers at each of its thresholds, where its card knows."""
    if "referred" in model.card:  # that of a model made in haste, on a bench, does not
        st.markdown(plain(referred_sentence(model.card)))


def sources() -> Sources:
    """Return which model and run are shown."""
    return or_stop(given_sources)


def need_model() -> SavedModel:
    """Return the model, read once as long as it stays the same; without one the page ends with a message."""
    folder = sources().model
    if folder is None:
        st.info("There is no model yet. Make one with `loantap run`, or name one with `--model`.")
        st.stop()
    return or_stop(lambda: _model(str(folder), model_version(folder)))


def need_run() -> RunFolder:
    """Return the run; without one the page ends with a message."""
    run = sources().run
    if run is None:
        st.info("There is no run yet. Make one with `loantap run`, or name one with `--run`.")
        st.stop()
    return run


def portfolio() -> Portfolio:
    """Return the run's loans, read once as long as the file stays the same."""
    run = need_run()
    return or_stop(lambda: _portfolio(str(run.path), _stamp(run)))


def test_loans() -> TestLoans:
    """Return the run's test loans with the model's probabilities, made once."""
    run, model = need_run(), need_model()
    return or_stop(lambda: _test_loans(str(run.path), _stamp(run), model.version, model))


def read_ahead() -> None:
    """Read what the pages will show, before anybody has opened one; what is wrong with it is said there."""
    logging.disable(logging.WARNING)  # Streamlit warns of what is read outside of a page
    with suppress(LoanTapError):
        found = given_sources()
        model = _model(str(found.model), model_version(found.model)) if found.model else None
        if found.run:
            folder, stamp = str(found.run.path), _stamp(found.run)
            _portfolio(folder, stamp)
            if model:
                _test_loans(folder, stamp, model.version, model)
    logging.disable(logging.NOTSET)


def _stamp(run: RunFolder) -> int:
    return run.loans_path.stat().st_mtime_ns if run.loans_path.is_file() else 0


@st.cache_resource(max_entries=2, show_spinner="Reading the model")
def _model(folder: str, version: str) -> SavedModel:
    return load_model(Path(folder))


@st.cache_resource(max_entries=1, show_spinner="Reading the loans")
def _portfolio(folder: str, stamp: int) -> Portfolio:
    return Portfolio.of(RunFolder(Path(folder)))


@st.cache_resource(max_entries=1, show_spinner="Scoring the test loans")
def _test_loans(folder: str, stamp: int, version: str, _model: SavedModel) -> TestLoans:
    return read_test_loans(_model, RunFolder(Path(folder)))
