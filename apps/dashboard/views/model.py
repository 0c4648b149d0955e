"""Model: the evaluation beside baselines, calibration, importance, the history of promotions."""

from math import isfinite

import polars as pl
import streamlit as st

from apps.dashboard.figures.judgement import (
    calibration_figure,
    importance_figure,
    intervals_figure,
)
from apps.dashboard.parts import begin, behind, chart, none_yet, plain
from apps.dashboard.snapshot import derived, root
from apps.dashboard.tables import model
from finpulse_assets.domain.evaluation.holdout import reads_sentence
from finpulse_assets.domain.evaluation.importance import TOP, rank_correlation
from finpulse_assets.domain.models.registry import label_of, never_promoted
from finpulse_assets.errors import FinPulseError
from finpulse_assets.gateways.models.model_store import ModelStore

ask = begin("Model", "How good the champion is, beside baselines, and what it looks at.")
candidates = model.evaluated(ask)
if not candidates:
    none_yet("No model was evaluated yet.", "`finpulse run` evaluates the candidates.")
    st.stop()
left, right = st.columns(2)
candidate = left.selectbox("Candidate", candidates, format_func=label_of)
metric = right.selectbox("Metric", list(model.METRICS), format_func=model.METRICS.get)
if shown := never_promoted([candidate]):
    st.caption(plain(f"{shown}."))
scores = model.scores(ask, candidate, metric)
if scores.is_empty():
    none_yet(f"{label_of(candidate)} has no {metric}.", "Choose another metric.")
else:
    best = scores.row(0, named=True)
    own = best["predictor"] == candidate
    title = (f"{label_of(candidate)}: {best['value']:.3f} [{best['lower']:.3f}, "
             f"{best['upper']:.3f}] over {best['session_count']} sessions"
             if own and best["lower"] is not None else
             f"{label_of(candidate)} beside {scores.height - own} others")  # fmt: skip
    chart(intervals_figure(scores, "predictor", title=title, x=model.METRICS[metric],
                           own=candidate), scores, f"evaluation_{metric}")  # fmt: skip
    st.caption("Out of sample by walk-forward folds; whiskers: 95 % day-block bootstrap intervals.")
folds = model.by_fold(ask, candidate, metric)
if not folds.is_empty():
    named = folds.with_columns(name=model.FOLD)
    above = (folds["value"] > 0).sum()
    chart(intervals_figure(named, "name", x=model.METRICS[metric],
                           title=f"Above zero in {above} of {folds.height} folds, in order of "
                           "time"), folds, f"folds_{metric}")  # fmt: skip

calibration = derived(model.calibration, candidate)
if calibration is not None:
    st.header("Calibration", anchor=False)
    chart(calibration_figure(calibration), model.bins(calibration), "calibration")

st.header("Importance", anchor=False)
importance = model.importance(ask)
if importance.is_empty():
    none_yet("The champion's model is not at hand.", "`finpulse run` fits it again.")
else:
    share = model.importance_by_kind(ask).filter("is_text")["gain_share"].sum()
    chart(importance_figure(importance, share), importance, "importance")
    by_fold = model.importance_by_fold(ask)
    agreement = rank_correlation(by_fold)
    if isfinite(agreement):
        always = importance.filter(pl.col("top_share") == 1).height
        st.caption(
            f"Rank correlation of the importances of two folds: {agreement:.2f} on average over "
            f"{by_fold['fold'].n_unique()} folds; 1 is the same order, 0 is noise. {always} of the "
            f"{importance.height} inputs shown are among the first {TOP} in every fold."
        )
    else:
        st.caption("No two folds have a fit of this model, so nothing is known of its stability.")

st.header("Holdout", anchor=False)
try:
    reads = ModelStore(root() / "models" / "price").holdout_reads()
except FinPulseError as error:
    st.error(plain(str(error)))
    reads = []
st.write(f"Of all candidates together, {reads_sentence(len(reads))}; each read makes a proof on "
         "the same sessions harder.")  # fmt: skip
for read in reads[::-1][:5]:
    st.markdown(f"- {read.read_at:%Y-%m-%d} `{read.candidate_id}` {plain(read.sentence)}")

st.header("Decisions", anchor=False)
decisions = model.decisions(ask)
for it in decisions.head(5).iter_rows(named=True):
    verb = "was promoted" if it["is_promoted"] else "was not promoted"
    st.markdown(f"**{it['decided_at']:%Y-%m-%d}** `{it['candidate_id']}` {verb}")
    for reason in it["reasons"].splitlines():
        st.markdown(f"- {plain(reason)}")
if not decisions.is_empty():
    behind(decisions, "promotions", "Every decision")
