"""Floor 6: pictures. `viz.graph(value)` draws what was recorded; `viz.plots` draws how training went."""
from tinygrad_edu.viz import plots
from tinygrad_edu.viz.drawing import Drawing, graph
from tinygrad_edu.viz.walk import Graph, walk

__all__ = ["Drawing", "Graph", "graph", "plots", "walk"]
