"""Floor 6: pictures. `viz.graph(value)` draws what was recorded; `viz.plots` draws how training went."""
