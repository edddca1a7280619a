"""Small charts of the first screen: what stands on them can be read."""

import pytest

from loantap.exhibits.plots.small import small_columns


@pytest.mark.parametrize(
    ("first", "last"), [("low", "high"), ("0.0–14.9 (or missing)", "80.1–892.3"), ("0–9", "80.1–892.3 (or missing)")]
)
def test_names_of_both_ends_do_not_run_into_each_other(first: str, last: str):
    figure = small_columns([0.1, 0.2, 0.3], first=first, last=last, overall=0.2)
    figure.canvas.draw()
    names = [text for text in figure.axes[0].texts if text.get_text().strip() in (first, last)]
    boxes = [text.get_window_extent() for text in names]
    in_one_line = not any(text.get_text().startswith("\n") for text in names)
    assert len(boxes) == 2
    assert boxes[0].x1 < boxes[1].x0 or not in_one_line
    assert all(figure.bbox.y0 <= box.y0 and box.x1 <= figure.bbox.x1 and figure.bbox.x0 <= box.x0 for box in boxes)
