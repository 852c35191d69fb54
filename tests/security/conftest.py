"""The application that the gateway's tests have, for questions that go across it."""

from tests.gateway import conftest as gateway

make_web = gateway.make_web
web = gateway.web
