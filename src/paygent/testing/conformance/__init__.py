"""Conformance kits: what an adapter must keep of its port's promises. Needs pytest with the anyio plugin."""

from paygent.testing.conformance.journal import PaymentJournalContract, SharedJournalContract

__all__ = ["PaymentJournalContract", "SharedJournalContract"]
