"""Floor 1: what may be injected, one protocol a file. Conformance kits for them are in `paygent.testing`."""
