"""L-BFGS over the whole data: SciPy walks, the network says how steep it is."""
from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tinygrad_edu.sklearn.door import check_optimize_result, minimize
from tinygrad_edu.sklearn.losses import Array
from tinygrad_edu.sklearn.network import Network, Samples

if TYPE_CHECKING:
    from tinygrad_edu.sklearn.estimator import Perceptron


def fit_by_lbfgs(model: Perceptron, network: Network, train: Samples) -> None:
    """Bring `network` to a minimum of its loss, or as near as `max_iter` and `max_fun` allow."""
    batch = train.rows.whole()

    def steepness(vector: Array) -> tuple[float, Array]:
        network.load(vector)
        loss = network.gradient(batch, train.target, train.weight)
        return loss, np.array(network.slope_vector(), np.float64)

    found = minimize(steepness, np.array(network.vector(), np.float64), method="L-BFGS-B", jac=True,
                     options={"maxfun": model.max_fun, "maxiter": model.max_iter, "gtol": model.tol})
    model.n_iter_ = check_optimize_result("lbfgs", found, model.max_iter)
    model.loss_ = found.fun
    network.load(found.x)
