import asyncio
import socket

import pytest

from gallery.management.commands.serve import _listen, _site


def test_small_answers_are_sent_at_once():
    assert asyncio.run(_delay_is_off(_listen("127.0.0.1", 0)))


async def _delay_is_off(listener: socket.socket) -> int:
    met = asyncio.get_running_loop().create_future()
    server = await asyncio.start_server(lambda _, writer: met.set_result(writer), sock=listener)
    async with server:
        _, caller = await asyncio.open_connection(*listener.getsockname())
        writer = await met
        caller.close()
        delay = writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        writer.close()
    return delay


@pytest.mark.parametrize(
    ("origins", "site"),
    [
        ([], "http://127.0.0.1:8000"),
        (["http://pictures.home"], "http://127.0.0.1:8000"),
        (["https://*.example", "https://pictures.example"], "https://pictures.example"),
    ],
)
def test_the_set_up_link_leads_through_the_server_in_front(settings, origins, site):
    settings.CSRF_TRUSTED_ORIGINS = origins
    assert _site("http://127.0.0.1:8000") == site
