"""L-BFGS over the whole data: SciPy walks, the network says how steep it is."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.sklearn.door import check_optimize_result, minimize
from tinygrad_edu.sklearn.losses import Array
from tinygrad_edu.sklearn.network import Network, Samples

if TYPE_CHECKING:
    from tinygrad_edu.sklearn.estimator import Perceptron


class QuasiNewton:
    """Brings `network` to a minimum of its loss, or as near as `max_iter` and `max_fun` allow."""

    def __init__(self, model: Perceptron, network: Network, train: Samples, held_out: Samples | None) -> None:
        self.model, self.network, self.train, self.held_out = model, network, train, held_out
        self.batch = train.rows.whole()

    def run(self) -> None:
        """Iterations until the slope is flat, SciPy gives up or a callback says stop."""
        model, network = self.model, self.network
        watched = model.callbacks or self.held_out is not None
        model.n_iter_ = 0
        if self.held_out is not None:
            model.validation_curve_ = []
        self.stopped = False
        try:
            found = minimize(self._steepness, np.array(network.vector(), np.float64), method="L-BFGS-B",
                             jac=True, callback=self._iterated if watched else None,
                             options={"maxfun": model.max_fun, "maxiter": model.max_iter, "gtol": model.tol})
            model.n_iter_ = found.nit if self.stopped else check_optimize_result("lbfgs", found,
                                                                                 model.max_iter)
            model.loss_ = found.fun
            network.load(found.x)
        finally:
            model._adopt(network)

    def _steepness(self, vector: Array) -> tuple[float, Array]:
        self.network.load(vector)
        loss = self.network.gradient(self.batch, self.train.target, self.train.weight)
        return loss, np.array(self.network.slope_vector(), np.float64)

    def _iterated(self, intermediate_result: Any) -> None:
        """SciPy knows by the name of the argument what to pass."""
        model = self.model
        self.network.load(intermediate_result.x)
        model.n_iter_ += 1
        model.loss_ = intermediate_result.fun
        if self.held_out is not None:
            model._hold_out(self.network, self.held_out)
        try:
            self.stopped = model._called_back(self.network)
        except StopIteration as error:      # which would tell SciPy that all is well
            raise RuntimeError("a callback raised StopIteration; return True to end the training") from error
        if self.stopped:
            raise StopIteration
