"""What every `Storage` must do besides being a journal: approvals, halts, audit log, history and guards.

Subclass `StorageContract` in a test module and override the `storage` fixture.
"""

from paygent.testing.conformance.approvals import ApprovalStoreContract
from paygent.testing.conformance.audit import AuditLogContract
from paygent.testing.conformance.halts import HaltStoreContract
from paygent.testing.conformance.history import HistoryContract
from paygent.testing.conformance.records import RecordsContract


class StorageContract(ApprovalStoreContract, HaltStoreContract, AuditLogContract, HistoryContract, RecordsContract):
    """Every promise of `Storage` that `PaymentJournalContract` does not test."""
