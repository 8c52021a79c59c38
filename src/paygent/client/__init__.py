"""Clients that pay: httpx clients whose 402 answers are settled under a policy and a journal.

Everything an httpx client takes works here: base_url, auth, headers, cookies, event hooks, redirects, `proxy=` and
`mounts=`. Proxies from the environment are not used; pass `proxy=`.

What pays is loaded when the first client is made: whoever only imports a client waits for httpx and nothing else.
"""

from paygent.client.asynchronous import X402Client
from paygent.client.options import Cheaper, ClientOptions, RequestOptions
from paygent.client.synchronous import SyncX402Client

__all__ = ["Cheaper", "ClientOptions", "RequestOptions", "SyncX402Client", "X402Client"]
