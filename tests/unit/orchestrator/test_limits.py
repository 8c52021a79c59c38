"""What a run may take is checked before it begins."""

import pytest

from paygent import RunLimits
from paygent.core.errors import ConfigurationError


def test_budget_that_is_no_amount_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="spend is '1'; give an amount such as usd"):
        RunLimits(spend="1")  # type: ignore[arg-type]
