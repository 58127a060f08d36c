"""Floor 6: the recorded graph as plain data: how a value was computed, and what is saved for backward.

`recorded(loss)` returns a `Graph`. Each node is in it once, oldest first, so an edge goes from a lower index
to a higher one. The drawings of `viz` read it, and so can any other program. It has shapes, dtypes,
parameters and bytes, and does not depend on how they are drawn. It contains no array, so it keeps no memory
alive; and `recorded` changes nothing. After backward() it still lists what had been saved, marked as freed.
"""

from tinygrad_edu.graph.data import Edge, Graph, Node, Number, Numbers, Saved
from tinygrad_edu.graph.walk import recorded
from tinygrad_edu.words import missing_from

__all__ = ["Edge", "Graph", "Node", "Number", "Numbers", "Saved", "recorded"]
__getattr__ = missing_from(__name__)
