"""What a request says of who sends it, as its owner will see it in the list of sessions."""

from typing import Final

from gateway.http.request import AnyRequest
from persistence.repositories.people.sessions import Client

DEVICE_LENGTH: Final = 200


def client_of(request: AnyRequest) -> Client:
    """Return the address and the device, the latter as the program calls itself."""
    text = request.header(b"user-agent")[:DEVICE_LENGTH].decode("latin-1")
    device = "".join(c for c in text if c.isascii() and c.isprintable()).strip()
    return Client(request.address, device or None)
