"""Graphs as sources: another gateway of this kind (province, city), or any federated subgraph."""

from connectors.upstream.source import UpstreamSource

__all__ = ["UpstreamSource"]
