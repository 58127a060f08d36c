"""Floor 6: drawings of recorded graphs, and pictures of data and training results.

Drawings of the graph, as text, DOT or SVG, without another library:

graph               how a value was computed, with shapes, values, gradients and bytes kept; the same as plain
                    data is `te.graph.recorded`

Pictures by matplotlib (`pip install matplotlib`); each function returns a `Picture` to save or show:

curves, panels      functions in one pair of axes, or in small multiples
loss_curve          losses and metrics during training
decision_boundary   the regions of a classifier of two features
boundary_animation  the same during training, as a GIF
network             units as nodes, weights as edges; activations and errors in the nodes
optimizer_paths     the steps of optimizers, on the contours of a function
histograms          the distribution of weights or gradients
filters, images     first-layer weights, or pictures, as images
confusion_matrix    how often each class is predicted as each other class
roc                 true against false positive rates, with the area under the curve
bars                numbers to compare, as bars
predictions         predicted quantities against the true ones
residuals           the errors of the predictions, and their distribution
timeline            what each rank of a job on several machines did, and when
scaling             steps per second, or the time to a loss, against the number of workers
progress            the loss of several runs against time, and against examples
staleness           how old the gradients of asynchronous training were
"""

from tinygrad_edu.viz.bar_chart import bars
from tinygrad_edu.viz.boundary import boundary_animation, decision_boundary
from tinygrad_edu.viz.contours import optimizer_paths
from tinygrad_edu.viz.drawing import Drawing, graph
from tinygrad_edu.viz.figure import PALETTE, Animation, Picture
from tinygrad_edu.viz.lines import curves, loss_curve, panels
from tinygrad_edu.viz.machines import timeline
from tinygrad_edu.viz.neurons import network
from tinygrad_edu.viz.quantities import predictions, residuals
from tinygrad_edu.viz.scores import confusion_matrix, roc
from tinygrad_edu.viz.weights import filters, histograms, images
from tinygrad_edu.viz.workers import progress, scaling, staleness
from tinygrad_edu.words import missing_from

__all__ = ["PALETTE", "Animation", "Drawing", "Picture", "bars", "boundary_animation", "confusion_matrix",
           "curves", "decision_boundary", "filters", "graph", "histograms", "images", "loss_curve", "network",
           "optimizer_paths", "panels", "predictions", "progress", "residuals", "roc", "scaling", "staleness",
           "timeline"]  # fmt: skip
__getattr__ = missing_from(__name__)
