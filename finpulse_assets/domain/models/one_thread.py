"""Fits whose bits do not depend on the number of threads.

BLAS parts a sum of products between its threads and adds the parts: with another number of them, on
another machine, equal rows would give other last digits, and another model.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

Given, Made = ParamSpec("Given"), TypeVar("Made")


def on_one_blas_thread(fit: Callable[Given, Made]) -> Callable[Given, Made]:
    """Return the function, which leaves one thread to BLAS while it runs.

    A function that has much to multiply gives whole blocks to threads of its own, and adds them in
    the order of the rows.
    """

    @wraps(fit)
    def alone(*given: Given.args, **named: Given.kwargs) -> Made:
        from threadpoolctl import threadpool_limits

        with threadpool_limits(limits=1, user_api="blas"):
            return fit(*given, **named)

    return alone
