"""The outermost ASGI layer: what happens to a request before and after the service sees it."""
