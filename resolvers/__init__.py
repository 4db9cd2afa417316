"""The graph: plans a query, asks authz, asks connectors, builds the answer."""
