"""The pictures that matplotlib draws, by the name they had before `viz` itself brought them."""
from tinygrad_edu.viz.boundary import boundary_animation, decision_boundary
from tinygrad_edu.viz.contours import optimizer_paths
from tinygrad_edu.viz.figure import PALETTE, Animation, Picture
from tinygrad_edu.viz.lines import curves, loss_curve, panels
from tinygrad_edu.viz.neurons import network
from tinygrad_edu.viz.scores import bars, confusion_matrix, roc, roc_points
from tinygrad_edu.viz.weights import filters, histograms, images

__all__ = ["PALETTE", "Animation", "Picture", "bars", "boundary_animation", "confusion_matrix", "curves",
           "decision_boundary", "filters", "histograms", "images", "loss_curve", "network", "optimizer_paths",
           "panels", "roc", "roc_points"]
