"""REST for any domain: edge, front door, dispatcher, routing, bodies, answers, OpenAPI."""
