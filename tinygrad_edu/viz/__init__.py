"""Floor 6: pictures, of what was recorded and of what was learned.

The graph, without any other library, as text, DOT or SVG:

graph               what a value was computed from, with shapes, values, gradients, bytes kept

Pictures, by matplotlib (`pip install matplotlib`), each a `Picture` to save or show:

curves, panels      functions in one pair of axes, or in small multiples
loss_curve          how training went
decision_boundary   where a classifier of two features changes its mind
boundary_animation  the same through training, as a GIF
network             units as nodes, weights as edges; activations and errors in the nodes
optimizer_paths     steps downhill, on the contours of a function
histograms          how weights or gradients are spread
filters, images     first-layer weights, or pictures, as images
confusion_matrix    which classes are taken for which
roc                 true against false positives, with the area below
bars                numbers to compare
"""
from tinygrad_edu.viz import plots
from tinygrad_edu.viz.drawing import Drawing, graph
from tinygrad_edu.viz.plots import (
    PALETTE,
    Animation,
    Picture,
    bars,
    boundary_animation,
    confusion_matrix,
    curves,
    decision_boundary,
    filters,
    histograms,
    images,
    loss_curve,
    network,
    optimizer_paths,
    panels,
    roc,
)
from tinygrad_edu.viz.walk import Graph, walk

__all__ = ["PALETTE", "Animation", "Drawing", "Graph", "Picture", "bars", "boundary_animation",
           "confusion_matrix", "curves", "decision_boundary", "filters", "graph", "histograms", "images",
           "loss_curve", "network", "optimizer_paths", "panels", "plots", "roc", "walk"]
