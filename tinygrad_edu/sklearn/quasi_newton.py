"""L-BFGS over all rows: SciPy takes the steps, the network computes loss and gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.sklearn.door import check_optimize_result, minimize
from tinygrad_edu.sklearn.losses import Array
from tinygrad_edu.sklearn.network import Network, Samples
from tinygrad_edu.sklearn.records import Fit
from tinygrad_edu.sklearn.shared import any_rank


class QuasiNewton:
    """Trains `network` to a minimum of its loss, or as near as `max_iter` and `max_fun` allow."""

    def __init__(self, fit: Fit, network: Network, train: Samples) -> None:
        self.fit, self.network, self.train = fit, network, train
        self.batch = train.rows.whole()

    def run(self) -> None:
        """Iterate until the gradient is below `tol`, SciPy stops or a callback ends the training."""
        settings, records, network = self.fit.settings, self.fit.records, self.network
        watched = settings.callbacks or self.fit.held_out is not None
        records.n_iter_ = 0
        if self.fit.held_out is not None:
            records.validation_curve_ = []
        self.stopped = False
        try:
            found = minimize(
                self._loss_and_gradient,
                np.array(network.vector(), np.float64),
                method="L-BFGS-B",
                jac=True,
                callback=self._after_iteration if watched else None,
                options={"maxfun": settings.max_fun, "maxiter": settings.max_iter, "gtol": settings.tol},
            )
            records.n_iter_ = (
                found.nit if self.stopped else check_optimize_result("lbfgs", found, settings.max_iter)
            )
            records.loss_ = found.fun
            network.load(found.x)
        finally:
            self.fit.set_attributes(network)

    def _loss_and_gradient(self, vector: Array) -> tuple[float, Array]:
        self.network.load(vector)
        loss = self.network.gradient(self.batch, self.train.target, self.train.weight)
        return loss, np.array(self.network.slope_vector(), np.float64)

    def _after_iteration(self, intermediate_result: Any) -> None:
        """Update the records after an iteration; by this argument's name SciPy decides what to pass."""
        fit, network = self.fit, self.network
        network.load(intermediate_result.x)
        fit.records.n_iter_ += 1
        fit.records.loss_ = intermediate_result.fun
        if fit.held_out is not None:
            fit.held_out.measure(network, fit.records)
        try:
            self.stopped = any_rank(fit.run_callbacks(network), fit.settings.comm)
        except StopIteration as error:  # SciPy would take it for a normal end
            raise RuntimeError("a callback raised StopIteration; return True to end the training") from error
        if self.stopped:
            raise StopIteration
