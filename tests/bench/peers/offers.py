"""The part of Repartee's HTTP that callers use, before another server: POST /api/offer, GET /stats.

Just as much HTTP as repartee-load and repartee-call speak.
"""

import asyncio
import json
import signal
import sys

MAX_HEAD = 32 * 1024
MAX_BODY = 256 * 1024


async def _answer(method, path, body, offer, stats):
    if method == "POST" and path == "/api/offer":
        request = json.loads(body)
        return 200, await offer(request["sdp"])
    if method == "GET" and path in ("/stats", "/readyz"):
        return 200, stats()
    # A call that hangs up says so over DTLS.
    return (200, {}) if method in ("DELETE", "PATCH") else (404, {"detail": "not found"})


async def _connection(reader, writer, offer, stats):
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            method, path, _ = head[0].split(" ", 2)
            fields = dict(line.lower().split(":", 1) for line in head[1:] if ":" in line)
            length = int(fields.get("content-length", 0))
            if length > MAX_BODY:
                break
            body = await reader.readexactly(length)
            try:
                status, reply = await _answer(method, path.split("?")[0], body, offer, stats)
            except Exception as error:  # the caller is told, the next one served
                print(f"{method} {path}: {error!r}", file=sys.stderr, flush=True)
                status, reply = 500, {"detail": str(error)}
            text = json.dumps(reply).encode()
            writer.write(
                b"HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
                % (status, len(text)) + text)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError, ValueError):
        pass
    finally:
        writer.close()


async def serve(pid, offer, stats):
    """Serves until SIGTERM on a free port of loopback, which it prints beside @pid, the process that
    is to be measured.

    offer: async (sdp) -> {"sdp", "type"}; stats: () -> {"sessions": {"active"}}
    """
    server = await asyncio.start_server(
        lambda r, w: _connection(r, w, offer, stats), "127.0.0.1", 0, limit=MAX_HEAD, backlog=1000)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    port = server.sockets[0].getsockname()[1]
    print(json.dumps({"port": port, "pid": pid}), flush=True)
    await stop.wait()
    server.close()
