"""What Paygent loads where the settings name `vvs`."""

from paygent.plugin import Connector, Tools, hookimpl
from paygent_vvs.connector import VvsConnector


@hookimpl
def paygent_connectors(tools: Tools) -> list[Connector]:
    """Return the connector, with the networks and limits of the settings."""
    return [VvsConnector.open(tools)]
