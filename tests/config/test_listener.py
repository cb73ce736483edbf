import asyncio
import socket

from gallery.management.commands.serve import _listen


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
