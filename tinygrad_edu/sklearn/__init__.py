"""Floor 7: scikit-learn's MLPClassifier and MLPRegressor over this library: change the import, nothing else.

`from tinygrad_edu.sklearn import MLPClassifier`: parameters, attributes, warnings, random draws and results
are scikit-learn's, to the last bits of float64. This package adds what scikit-learn lacks: dropout, class
weights, a held-out loss per epoch, callbacks, other devices and dtypes, activations layer by layer, a module
of your own.

To read a fit from the start: `estimator` checks the arguments and draws the first weights; `stochastic` runs
epochs and batches, or `quasi_newton` passes the function to L-BFGS. Both get loss and gradient from a
network, of which there are two: `plain`, backpropagation by hand over NumPy, and `graph`, a module and its
autograd. The solvers write to `records`, which the estimator copies to its attributes.
"""

from tinygrad_edu.sklearn.classifier import MLPClassifier as MLPClassifier
from tinygrad_edu.sklearn.regressor import MLPRegressor as MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor"]
