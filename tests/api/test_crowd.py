"""A thousand people who want the same post at the same moment."""

import asyncio
import json
import re
import resource
from urllib.parse import urlsplit

from processes import PATIENCE, Service, StartService

from sentiserve.testing.oembed_server import OEmbedServer
from sentiserve.types import Post, PostRef

CROWD = 1_000
POST = Post(PostRef("x", "2000000000000000001"), "The whole town is talking about this.")


async def crowd(service: Service) -> list[tuple[int, dict[str, object]]]:
    """Everybody connects, and only then does everybody ask."""
    address = urlsplit(service.url)
    gate = asyncio.Barrier(CROWD)

    async def one() -> tuple[int, dict[str, object]]:
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        await gate.wait()
        path = f"/v1/inference?tweetUrl={POST.ref.id}"
        head = f"GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"
        writer.write(head.encode())
        head, _, body = (await reader.read()).decode().partition("\r\n\r\n")
        writer.close()
        return int(head.split()[1]), json.loads(body)

    async with asyncio.timeout(PATIENCE):
        return await asyncio.gather(*[one() for _ in range(CROWD)])


def test_a_crowd_costs_one_look_at_the_source_and_one_inference(
    start_service: StartService,
) -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # 1,024 as a rule, and these are more
    with OEmbedServer([POST]) as upstream:
        service = start_service(sources="oembed", oembed_url=upstream.url)
        before = counted(service)
        answers = asyncio.run(crowd(service))
        assert len(upstream.requests) == 1
    assert [status for status, _ in answers] == [200] * CROWD
    assert {str(answer["scores"]) for _, answer in answers} == {str(answers[0][1]["scores"])}
    assert counted(service) - before == 1


def counted(service: Service) -> float:
    """Texts that went through the model."""
    told = service.client.get("/metrics").text
    found = re.search(r"^sentiserve_batch_size_sum (\S+)", told, re.MULTILINE)
    assert found
    return float(found[1])
