"""Alertmanager's v2 API, in the shapes of 0.25 to 0.27: alerts of the world, and silences that anyone may post.

Two peers are two applications over the same alerts and one `Cluster`: what one is told of a silence, the other
knows a moment later, and not before. The server is no kinder than the real one. It mints the id of a silence
itself and takes the same body twice for two silences; an edit that touches the matchers or the start expires the
old silence and makes a new one; an edit it refuses for its matchers has already expired the old one. Its texts
were compared with a real 0.25. Nothing here asks who is calling: Alertmanager does not either.
"""

from console.demo.alertmanager.alert import fingerprint
from console.demo.alertmanager.gossip import Cluster
from console.demo.alertmanager.server import app

__all__ = ["Cluster", "app", "fingerprint"]
