"""A server of a fake model in a thread of this process."""

import asyncio
import contextlib
import threading

from trizoo.serve.app import make_app
from trizoo.serve.limits import Limits
from trizoo.serve.server import address_of, allowed_hosts, bind, listen, make_server
from trizoo.serve.service import Service


@contextlib.contextmanager
def running(served, **limits):
    """Serves a Served -> its address, until the block ends."""
    with bind("127.0.0.1", 0) as listener:
        service = Service(served, Limits(**limits))
        server = make_server(make_app(service, allowed_hosts(listener, [])), service.limits.seconds)
        listen(listener)
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])))
        thread.start()
        try:
            yield address_of(listener)
        finally:
            server.should_exit = True
            thread.join()
            service.close()
