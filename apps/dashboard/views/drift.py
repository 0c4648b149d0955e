"""Drift: features, predictions and texts against the champion's training window."""

import streamlit as st

from apps.dashboard.figures.judgement import drift_figure
from apps.dashboard.figures.lines import limit_figure, predicted_figure
from apps.dashboard.parts import begin, chart, none_yet
from apps.dashboard.tables import model

ask = begin("Drift", "How far features, texts and predictions have moved from the champion's "
            "training window.")  # fmt: skip

moved = model.drift_of_last(ask)
if moved.is_empty():
    none_yet("There is no drift report yet.", "`finpulse run` makes one with the signals.")
else:
    chart(drift_figure(moved), moved, "feature_drift")
    it = moved.row(0, named=True)
    st.caption(
        f"{it['recent_rows']:,} rows of the last sessions against {it['reference_rows']:,} of "
        f"{it['reference_from']} to {it['reference_to']}. PSI: population stability index; each "
        "input's limit is how far it moved within the training window."
    )
    history = model.drift_over_time(ask)
    share, limit = history["drifted_share"][-1] or 0, history["limit"][-1]
    chart(limit_figure(
        history, "drifted_share", "limit", y="drifted inputs, %", scale=100,
        title=f"{share:.0%} of the inputs have drifted, the limit is {limit:.0%}",
    ), history, "drifted_share")  # fmt: skip

texts = model.text_drift(ask)
if not texts.is_empty():
    auc = texts["auc"][-1]
    said = ("Too few texts to tell recent ones from those of training" if auc is None else
            f"A classifier tells recent texts from those of training with AUC {auc:.2f}; 0.5 is "
            "chance")  # fmt: skip
    chart(limit_figure(texts, "auc", "auc_limit", title=said, y="AUC, 0.5 to 1"), texts,
          "text_drift")  # fmt: skip

predicted = model.predicted(ask)
if not predicted.is_empty():
    chart(predicted_figure(predicted), predicted, "predicted_probabilities")
    st.caption("Out of sample up to the last tested session, the signals after it.")
