"""An address that is taken is said in one line: uvicorn by itself only exits."""

import socket

import pytest

from gateway.cli.common import CommandError
from gateway.cli.serve import require_free


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_taken_address_is_refused_with_what_to_do(host):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(CommandError) as refused:
            require_free(host, port)
    assert refused.value.code == "ADDRESS_TAKEN"
    assert str(port) in refused.value.message


def test_a_free_address_is_given_back():
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
    for _ in range(2):
        require_free("127.0.0.1", port)
