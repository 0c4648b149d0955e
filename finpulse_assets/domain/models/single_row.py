"""One row through a booster, with what LightGBM does before it begins made once.

`Booster.predict` reads its parameters, copies and makes a predictor at every call, which for one
row costs several times the trees. LightGBM's C interface has a call without all that.
https://lightgbm.readthedocs.io/en/stable/C-API.html
"""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

NORMAL, FLOAT32, ALL_ROUNDS = 0, 0, -1


class SingleRow:
    """Gives for one row the number that `booster.predict` gives, bit for bit."""

    def __init__(self, booster: Any) -> None:
        from lightgbm.basic import _LIB

        self._library, self._booster = _LIB, booster  # the booster has to outlive the handle
        self._handle, self._length = ctypes.c_void_p(), ctypes.c_int64(0)
        width, handle = ctypes.c_int32(booster.num_feature()), ctypes.byref(self._handle)
        begin = _LIB.LGBM_BoosterPredictForMatSingleRowFastInit
        self._check(
            begin(booster._handle, NORMAL, 0, ALL_ROUNDS, FLOAT32, width, b"num_threads=1", handle)
        )

    def __call__(self, row: np.ndarray) -> float:
        """Return the prediction for a row, float32 (features,), contiguous."""
        found = ctypes.c_double()
        self._check(
            self._library.LGBM_BoosterPredictForMatSingleRowFast(
                self._handle,
                ctypes.c_void_p(row.ctypes.data),
                ctypes.byref(self._length),
                ctypes.byref(found),
            )
        )
        return found.value

    def __del__(self) -> None:
        if self._handle:
            self._library.LGBM_FastConfigFree(self._handle)

    def _check(self, code: int) -> None:
        if code:
            said = self._library.LGBM_GetLastError
            said.restype = ctypes.c_char_p
            raise RuntimeError(f"LightGBM: {said().decode()}")
