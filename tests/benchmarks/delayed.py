"""A server with known delays, in a process of its own: ``/ms/STATUS`` answers after so long.

    python delayed.py

It prints its port. Requests on all connections are served at the same time; ``/break`` closes
the connection without an answer, and ``/never`` leaves it open.
"""

import asyncio
import sys


async def serve() -> None:
    server = await asyncio.start_server(converse, "127.0.0.1", 0, backlog=1024)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    async with server:
        await server.serve_forever()


async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            path = head.split()[1].decode()
            if path == "/break":
                break
            if path == "/never":
                await asyncio.sleep(3600)
            _, milliseconds, status = path.split("/")
            await asyncio.sleep(int(milliseconds) / 1000)
            answer = f"HTTP/1.1 {status} X\r\nContent-Length: 2\r\n\r\n".encode()
            writer.write(answer)  # head and body come one by one, as they may
            await writer.drain()
            writer.write(b"{}")
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


if __name__ == "__main__":
    asyncio.run(serve())
