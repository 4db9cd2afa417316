"""The edge: app, HTTP, GraphQL endpoint, limits, errors, telemetry, settings, CLI."""
