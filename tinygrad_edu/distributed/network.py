"""Network: how long a message takes on a simulated cluster, and the ports through which it goes.

A message of b bytes takes `latency + b / bandwidth`, the alpha-beta model. Each rank has a port for what it
sends and one for what it receives, and each port carries one message at a time. So a server that answers n
workers takes n times as long as for one, as in reality.
Source: Hockney, "The communication challenge for MPP", Parallel Computing 20, 1994.

Where messages are small, the processor's work for each of them counts, too: the overhead of the LogP model.
Source: Culler et al., "LogP: towards a realistic model of parallel computation", PPoPP 1993.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tinygrad_edu.errors import wrong

Seconds = np.ndarray[tuple[int], np.dtype[np.float64]]


@dataclass(frozen=True)
class Network:
    """The links between ranks. The default is an Ethernet of 10 Gbit/s.

    latency    seconds until the first byte of a message arrives (alpha)
    bandwidth  bytes a second through each port (1 / beta); infinity is allowed
    overhead   seconds of a processor for each message, at the sender and again at the receiver
    """

    latency: float = 50e-6
    bandwidth: float = 1.25e9
    overhead: float = 0.0

    def __post_init__(self) -> None:
        for name in ("latency", "overhead"):
            if not 0.0 <= getattr(self, name) < math.inf:
                raise wrong(
                    ValueError, "Network", f"{name}={getattr(self, name)!r}", "give seconds, 0 or more"
                )
        if not self.bandwidth > 0.0:
            raise wrong(
                ValueError, "Network", f"bandwidth={self.bandwidth!r}", "give bytes a second, more than 0"
            )

    def transmission(self, nbytes: int) -> float:
        """Seconds for which a message occupies a port."""
        return nbytes / self.bandwidth

    def seconds(self, nbytes: int) -> float:
        """Seconds of a message if both ports are free."""
        return self.latency + 2 * self.overhead + nbytes / self.bandwidth


class Ports:
    """When the ports of each rank are free again.

    A message leaves as soon as the sender's port is free, first come, first served. Its first byte is at the
    receiver `latency` later, and passes the receiver's port in the order of these moments. A switch keeps it
    in the meantime, so a busy receiver does not block the sender's port.
    """

    def __init__(self, network: Network, size: int) -> None:
        self.network = network
        self.outgoing, self.incoming = [0.0] * size, [0.0] * size

    def leave(self, source: int, nbytes: int, now: float) -> tuple[float, float]:
        """When the sender's port has carried a message, and when its first byte is at the receiver."""
        begin = max(now, self.outgoing[source])
        self.outgoing[source] = begin + self.network.transmission(nbytes)
        return self.outgoing[source], begin + self.network.latency

    def enter(self, target: int, nbytes: int, now: float) -> float:
        """When a message has arrived whose first byte is at the receiver now."""
        self.incoming[target] = max(now, self.incoming[target]) + self.network.transmission(nbytes)
        return self.incoming[target]
