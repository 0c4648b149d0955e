"""The model store: sealed price models by candidate id, and the history of decisions.

Layout: `<models>/price/<candidate_id>/` sealed, and `<models>/price/promotions.jsonl`, a line for
each decision; the last one is in force. `<models>/price/holdout.jsonl` has a line for each read of
the final holdout. Nothing else names a model: whoever evaluates or promotes
takes the id from the rows that it reads. A folder is renamed into place and the history replaced
by rename, so a kill leaves the old state or the new one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from filelock import FileLock

from finpulse_assets.domain.evaluation.holdout import HoldoutRead
from finpulse_assets.domain.evaluation.promotion import Promotion
from finpulse_assets.domain.evaluation.rollback import former_champions, rolled_back
from finpulse_assets.domain.models.candidate import CARD_FILE
from finpulse_assets.domain.models.registry import Model
from finpulse_assets.errors import ModelError
from finpulse_assets.gateways.atomic import remove_folder, written_atomically
from finpulse_assets.gateways.models.price_model_folder import load_model, save_model
from finpulse_assets.gateways.models.sealed_folder import MANIFEST


@dataclass(frozen=True)
class ModelStore:
    """The price models below `root`."""

    root: Path

    def folder(self, candidate_id: str) -> Path:
        return self.root / candidate_id

    def save(self, model: Model) -> Path:
        """Keep a candidate's model under its id and return its folder.

        A model of that id that opens is kept as it is: the id names everything that made it, and
        somebody may be reading it.

        Raises:
            ModelError: the model has no candidate id.
            LakeError: the disk refuses it.
        """
        if not model.candidate_id:
            raise ModelError(
                "the model has no candidate id", hint="give it one with Served.as_candidate"
            )
        folder = self.folder(model.candidate_id)
        if not self._opens(model.candidate_id):
            save_model(model, folder)
        return folder

    def _opens(self, candidate_id: str) -> bool:
        try:
            return self.load(candidate_id).candidate_id == candidate_id
        except ModelError:
            return False

    def load(self, candidate_id: str) -> Model:
        """Return a model, every file checked; see `load_model`."""
        return load_model(self.folder(candidate_id))

    def candidates(self) -> list[str]:
        """Return the ids of all models that lie here, the newest first.

        Newer is what was trained to a later session, then what was decided on later or not yet. The
        times of files do not count: in a copied home they say nothing.

        Raises:
            ModelError: the history of decisions cannot be read.
        """
        decided = {decision.candidate_id: at for at, decision in enumerate(self.history())}
        saved = [path.parent.name for path in self.root.glob(f"[!.]*/{MANIFEST}")]

        def age(name: str) -> tuple[str, int, str]:
            trained_to = self._on_card(name, "trained_to")  # "" is older than all
            return trained_to, decided.get(name, len(decided)), name

        return sorted(saved, key=age, reverse=True)

    def kin(self, candidate_id: str) -> list[str]:
        """Return the ids of the models here that are of its family, its own among them.

        Raises:
            ModelError: the history of decisions cannot be read.
        """
        family = self.family(candidate_id)
        return [name for name in self.candidates() if self.family(name) == family]

    def family(self, candidate_id: str) -> str:
        """Return the family of a model as its card says it, "" where that cannot be read."""
        return self._on_card(candidate_id, "family")

    def _on_card(self, candidate_id: str, name: str) -> str:
        try:
            card = json.loads((self.folder(candidate_id) / CARD_FILE).read_text())
            return str(card[name])
        except (OSError, ValueError, KeyError, TypeError):
            return ""

    def prune(self, *, kept: int, needed: Collection[str] = ()) -> list[str]:
        """Remove all models but the champion, the `kept` newest and the `needed`.

        So does the champion before, to which a rollback returns.

        Returns:
            The ids that were removed.
        """
        history = self.history()
        stay = {*needed, *self.candidates()[:kept]}
        if history:
            stay |= {history[-1].champion.candidate_id}
            stay |= {it.candidate_id for it in former_champions(history)[:1]}
        gone = [name for name in self.candidates() if name not in stay]
        for name in gone:
            remove_folder(self.folder(name))
        return gone

    @property
    def history_path(self) -> Path:
        return self.root / "promotions.jsonl"

    def history(self) -> list[Promotion]:
        """Return every decision, the first one first.

        Raises:
            ModelError: a line is no decision.
        """
        path = self.history_path
        lines = path.read_text().splitlines() if path.exists() else []
        return [Promotion.from_json(line) for line in lines]

    def promotion(self) -> Promotion | None:
        """Return the decision in force, None before the first."""
        decisions = self.history()
        return decisions[-1] if decisions else None

    def in_force(self) -> Promotion:
        """Return the decision in force.

        Raises:
            ModelError: there is none yet.
        """
        decision = self.promotion()
        if decision is None:
            raise ModelError("no model was promoted yet", hint="materialize models/promotion")
        return decision

    def decide(self, judge: Callable[[Promotion | None], Promotion | None]) -> Promotion | None:
        """Let `judge` decide on the decision in force, add its decision, and return the one in
        force then.

        Nobody else decides meanwhile, so a decision never rests on a champion that another run has
        just replaced. A decision that says the same as the one in force is not added again.

        Args:
            judge: from the decision in force to a new one, or None to leave it.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        with FileLock(self.root / ".lock"):
            before = self.promotion()
            decision = judge(before)
            if decision is None or decision.says_the_same_as(before):
                return before
            _add(self.history_path, decision.to_json())
        return decision

    def roll_back(self, *, reason: str, decided_at: datetime, to: str | None = None) -> Promotion:
        """Take the champion back; see `rollback.rolled_back`.

        Raises:
            ModelError: there is no champion to return to, its model is gone, or there is no reason.
        """

        def judge(_: Promotion | None) -> Promotion:
            decision = rolled_back(self.history(), reason=reason, decided_at=decided_at, to=to)
            self.load(decision.champion.candidate_id)  # else nobody could predict
            return decision

        return self.decide(judge)

    @property
    def holdout_path(self) -> Path:
        return self.root / "holdout.jsonl"

    def holdout_reads(self) -> list[HoldoutRead]:
        """Return every read of the holdout, the first one first.

        Raises:
            ModelError: a line is none.
        """
        path = self.holdout_path
        lines = path.read_text().splitlines() if path.exists() else []
        return [HoldoutRead.from_json(line) for line in lines]

    def read_holdout(
        self, candidate_id: str, read: Callable[[list[HoldoutRead]], HoldoutRead]
    ) -> HoldoutRead:
        """Return what a candidate showed on the holdout; `read` looks, the one time that it may.

        Args:
            candidate_id: which one; where it was read before, that read is returned.
            read: from the reads so far to the one that is added.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        with FileLock(self.root / ".holdout.lock"):
            before = self.holdout_reads()
            for held in before:
                if held.candidate_id == candidate_id:
                    return held
            found = read(before)
            _add(self.holdout_path, found.to_json())
        return found


def _add(path: Path, line: str) -> None:
    held = path.read_text() if path.exists() else ""
    with written_atomically(path) as temporary:
        temporary.write_text(held + line)
