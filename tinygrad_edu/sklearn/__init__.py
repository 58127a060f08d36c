"""Floor 7: scikit-learn's MLPClassifier and MLPRegressor over this library; change the import and go on.

`from tinygrad_edu.sklearn import MLPClassifier`: parameters, attributes, warnings, random draws and results
are scikit-learn's, to the last bits of float64. What it does not have is here too: dropout, class weights, a
held-out loss per epoch, callbacks, other devices and dtypes, activations layer by layer, a module of your
own.

A fit reads top down: `estimator` checks what it is given and draws the first weights; `stochastic` walks
epochs and batches, or `quasi_newton` hands the function to L-BFGS; both ask a network for loss and gradient.
There are two of those: `plain`, backpropagation by hand over NumPy, and `graph`, a module and its autograd.
"""
from tinygrad_edu.sklearn.classifier import MLPClassifier as MLPClassifier
from tinygrad_edu.sklearn.regressor import MLPRegressor as MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor"]
