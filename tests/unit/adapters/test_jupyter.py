"""Approval buttons where there is no notebook. What they do in one: tests/examples/test_jupyter_approvals.py."""

import sys

import pytest

from paygent.adapters.jupyter import JupyterApprovals
from paygent.core.errors import ConfigurationError


def test_buttons_say_which_extra_they_need(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ipywidgets", None)

    with pytest.raises(ConfigurationError, match=r'pip install "\.\[jupyter\]" in a clone'):
        JupyterApprovals(approver="ada")


def test_buttons_need_a_notebook() -> None:
    with pytest.raises(ConfigurationError, match="no notebook here"):
        JupyterApprovals(approver="ada")


def test_buttons_need_the_name_of_who_clicks() -> None:
    with pytest.raises(ConfigurationError, match="needs a name"):
        JupyterApprovals(approver="")
