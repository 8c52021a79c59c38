"""Names of hosts in lists and limits: exact, with or without the port, or every subdomain."""


def bare_host(host: str) -> str:
    """Return the host without its port."""
    before, _, port = host.rpartition(":")
    return before if port.isdigit() else host


def host_allowed(host: str, hosts: frozenset[str]) -> bool:
    """Tell whether `host` (with a port or without) is named, or is a subdomain of a `*.` entry."""
    for candidate in (host, bare_host(host)):
        if candidate in hosts:
            return True
        parts = candidate.split(".")
        if any(f"*.{'.'.join(parts[at:])}" in hosts for at in range(1, len(parts))):
            return True
    return False
