"""What Paygent loads where the settings name this plugin."""

from paygent.plugin import Connector, Tools, hookimpl
from paygent_template.connector import TemplateConnector


@hookimpl
def paygent_connectors(tools: Tools) -> list[Connector]:
    """Return the connector, with the options of the settings."""
    return [TemplateConnector(tools)]
