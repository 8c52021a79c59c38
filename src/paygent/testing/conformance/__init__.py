"""Conformance kits: what an adapter must keep of its port's promises. Needs pytest with the anyio plugin."""
