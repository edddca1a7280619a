"""Coefficients of the model as odds ratios that a person understands."""

import numpy as np
import pandas as pd
from imblearn.pipeline import Pipeline


def odds_ratios(model: Pipeline) -> pd.DataFrame:
    """Return each encoded feature's coefficient and odds ratio, the strongest first.

    Columns: feature, coefficient, odds_ratio. A number's odds ratio is for one standard deviation of its encoded
    value, a category's for being in it. The coefficients are penalised, so they carry no interval.
    """
    table = pd.DataFrame({"feature": model["features"].get_feature_names_out(), "coefficient": model["model"].coef_[0]})
    table["odds_ratio"] = np.exp(table["coefficient"])
    return table.sort_values("coefficient", key=np.abs, ascending=False, ignore_index=True)
