"""The service: GraphQL, result streams and pages of one survey. `serve` runs it."""

from provgraph.api.server import serve as serve
