"""Miniatures: peers inside the test process that hold echo conversations in a world without sockets, right or with one defect.

``Right`` does and tells everything as the contract says. Each subclass breaks one thing; what it breaks is its docstring.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import msgspec

from harness.launch.fake import Miniature, Pipe
from harness.model.payload import Payload, sha256

Step = dict[str, Any]
ABILITIES = ["serve echo/tcp", "serve echo/udp", "script client/tcp", "script client/udp"]


class World:
    """Where miniatures meet: who serves at which address."""

    def __init__(self) -> None:
        self.served: dict[tuple[str, str, int], tuple[Right, str]] = {}
        self.ports = 40000

    def port(self) -> int:
        self.ports += 1
        return self.ports


class Right:
    """A peer without a defect."""

    contract = 1

    def __init__(self, world: World, pipe: Pipe) -> None:
        self.world = world
        self.pipe = pipe
        self.clock = 1_000_000
        self.conn = 0
        self.live = True

    @classmethod
    def of(cls, world: World) -> Miniature:
        async def live(pipe: Pipe) -> str | None:
            return await cls(world, pipe).run()

        return live

    async def run(self) -> str | None:
        while (line := await self.pipe.lines.get()) is not None:
            command = json.loads(line)
            ended = await getattr(self, f"do_{command['do']}")(command)
            if ended:
                return str(ended)
        return None

    # -- telling ----------------------------------------------------------------------------------------------

    def say(self, **event: Any) -> None:
        self.pipe.say(json.dumps(event).encode() + b"\n")

    def step(self, name: str, **members: Any) -> Step:
        self.clock += 10
        return {"step": name, "t": self.clock, **members}

    def octets(self, name: str, octets: bytes, **members: Any) -> Step:
        return self.step(name, octets=len(octets), digest=sha256(octets), **members)

    # -- commands ---------------------------------------------------------------------------------------------

    async def do_hello(self, command: Step) -> str | None:
        self.say(
            event="hello", contract=self.contract, peer="mini", language="none", system="none", stack="none",
            families=["ipv4", "ipv6"], can=ABILITIES, t=self.clock,
        )  # fmt: skip
        return None

    async def do_serve(self, command: Step) -> str | None:
        local = [command["address"], command["port"]]
        self.world.served[command["transport"], command["address"], command["port"]] = (self, command["id"])
        steps = [self.step("created"), self.step("bound", local=local)]
        if command["transport"] == "tcp":
            steps.append(self.step("listening", local=local))
        self.say(event="steps", id=command["id"], steps=steps)
        return None

    async def do_flush(self, command: Step) -> str | None:
        self.say(event="flushed", id=command["id"])
        return None

    async def do_stop(self, command: Step) -> str | None:
        return None

    async def do_script(self, command: Step) -> str | None:
        talk = self.datagrams if command["transport"] == "udp" else self.stream
        self.tell_client(command["id"], talk(command))
        return None

    def tell_client(self, id_: str, steps: list[Step]) -> None:
        self.say(event="steps", id=id_, steps=steps, done=True)

    # -- as a server ------------------------------------------------------------------------------------------

    def answer(self, octets: bytes) -> bytes:
        """What an echo service sends back."""
        return octets

    def told_received(self, octets: bytes) -> Step:
        return self.octets("received", octets)

    def told_sent(self, octets: bytes) -> Step:
        return self.octets("sent", octets)

    def serve_stream(self, id_: str, octets: bytes, local: list[Any], remote: list[Any]) -> bytes:
        self.conn += 1
        answer = self.answer(octets)
        steps = [
            self.step("accepted", local=local, remote=remote), self.told_received(octets), self.step("end"),
            self.told_sent(answer), *self.closing(),
        ]  # fmt: skip
        self.say(event="steps", id=id_, conn=self.conn, steps=steps, **({"done": True} if steps[-1]["step"] == "closed" else {}))
        return answer

    def closing(self) -> list[Step]:
        return [self.step("closed")]

    def serve_datagrams(self, id_: str, datagrams: list[bytes], remote: list[Any]) -> list[bytes]:
        answers = self.answers(datagrams)
        told = [self.octets("received", d, remote=remote) for d in datagrams] + [self.octets("sent", a, remote=remote) for a in answers]
        self.say(event="steps", id=id_, steps=told)
        return answers

    def answers(self, datagrams: list[bytes]) -> list[bytes]:
        return [self.answer(d) for d in datagrams]

    # -- as a client ------------------------------------------------------------------------------------------

    def sends(self, octets: bytes) -> bytes:
        """What really leaves when ``octets`` are to be sent."""
        return octets

    def stream(self, command: Step) -> list[Step]:
        remote = [command["address"], command["port"]]
        local = [self.pipe.host.addresses["ipv6" if ":" in command["address"] else "ipv4"], self.world.port()]
        steps = [self.step("created"), self.step("connecting", remote=remote), self.step("connected", local=local, remote=remote)]
        sent = [self.payload(s) for s in command["steps"] if s["do"] == "send"]
        server, id_ = self.world.served["tcp", *remote]
        try:
            back = server.serve_stream(id_, b"".join(self.sends(o) for o in sent), remote, local)
        except ConnectionRefusedError:
            return [*steps[:2], self.step("failed", at=0, error="refused", says="refused"), self.step("closed")]
        for wanted in command["steps"][1:]:
            told, back = self.done(wanted, back)
            steps += told
            if told and told[-1]["step"] == "failed":
                break
        return [*steps, self.step("closed")]

    def done(self, wanted: Step, back: bytes) -> tuple[list[Step], bytes]:
        if wanted["do"] == "send":
            return [self.octets("sent", self.payload(wanted))], back
        if wanted["do"] == "half-close":
            return [self.step("half-closed")], back
        if wanted["do"] != "receive":
            return [], back
        if wanted.get("until") == "end":
            return [self.octets("received", back, **self.kept(wanted, back)), self.step("end")], b""
        count = wanted["octets"]
        if len(back) < count:
            return [self.octets("received", back), self.step("end"), self.failed(wanted)], b""
        return [self.octets("received", back[:count], **self.kept(wanted, back[:count]))], back[count:]

    def failed(self, wanted: Step) -> Step:
        return self.step("failed", at=wanted.get("at", 2), error="ended", says="the stream ended")

    def kept(self, wanted: Step, octets: bytes) -> Step:
        return {"hex": octets[: wanted["keep"]].hex()} if wanted.get("keep") else {}

    def payload(self, step: Step, k: int = 0) -> bytes:
        return msgspec.convert(step["payload"], Payload).successor(k).octets()

    def datagrams(self, command: Step) -> list[Step]:
        remote = [command["address"], command["port"]]
        local = [self.pipe.host.addresses["ipv6" if ":" in command["address"] else "ipv4"], self.world.port()]
        steps, back = [self.step("created")], list[bytes]()
        for wanted in command["steps"]:
            if wanted["do"] == "connect":
                steps += [self.step("connecting", remote=remote), self.step("connected", local=local, remote=remote)]
            elif wanted["do"] == "send":
                out = [self.payload(wanted, k) for k in range(wanted.get("count", 1))]
                server, id_ = self.world.served["udp", *remote]
                back += server.serve_datagrams(id_, out, local)
                steps += [self.step("bound", local=local), *(self.octets("sent", o, remote=remote) for o in out)]
            elif wanted["do"] == "receive":
                count = wanted.get("count", 1)
                steps += [self.octets("received", b, remote=remote, **self.kept(wanted, b)) for b in back[:count]]
                if len(back) < count:
                    steps.append(self.step("failed", at=1, error="timeout", says="the deadline passed"))
                    break
        return [*steps, self.step("closed")]


# -- servers that break the standard --------------------------------------------------------------------------


class WrongOctet(Right):
    """Echoes with one octet flipped."""

    def answer(self, octets: bytes) -> bytes:
        return octets[:-1] + bytes([octets[-1] ^ 1]) if octets else octets


class WrongPast64K(Right):
    """Echoes with one octet flipped, only past 64 KiB."""

    def answer(self, octets: bytes) -> bytes:
        return octets[:65537] + bytes([octets[65537] ^ 1]) + octets[65538:] if len(octets) > 65537 else octets


class Drops(Right):
    """Loses the last octet."""

    def answer(self, octets: bytes) -> bytes:
        return octets[:-1]


class Doubles(Right):
    """Sends everything twice."""

    def answer(self, octets: bytes) -> bytes:
        return octets + octets


class StopsAtNul(Right):
    """Treats a NUL as the end."""

    def answer(self, octets: bytes) -> bytes:
        return octets.split(b"\0")[0]


class NeverCloses(Right):
    """Leaves the connection open."""

    def closing(self) -> list[Step]:
        return []


class LosesDatagrams(Right):
    """Answers only every second datagram."""

    def answers(self, datagrams: list[bytes]) -> list[bytes]:
        return datagrams[::2] if len(datagrams) > 1 else datagrams


# -- peers that lie -------------------------------------------------------------------------------------------


class LiesAboutSent(Right):
    """As a server, says to have sent one octet more than it did."""

    def told_sent(self, octets: bytes) -> Step:
        return self.octets("sent", octets + b"!")


class LiesAboutReceived(Right):
    """As a server, says to have received one octet less than it did."""

    def told_received(self, octets: bytes) -> Step:
        return self.octets("received", octets[:-1])


class LiesAboutDigest(Right):
    """As a client, reports a digest that it did not compute."""

    def octets(self, name: str, octets: bytes, **members: Any) -> Step:
        digest = sha256(b"made up") if name == "sent" else sha256(octets)
        return self.step(name, octets=len(octets), digest=digest, **members)


class SendsLess(Right):
    """As a client, sends one octet less than it reports."""

    def sends(self, octets: bytes) -> bytes:
        return octets[:-1]


class ReportsNothing(Right):
    """As a client, reports done without having done anything."""

    def tell_client(self, id_: str, steps: list[Step]) -> None:
        self.say(event="steps", id=id_, steps=[], done=True)


class ForeignEvents(Right):
    """Reports steps for a conversation that it was never given."""

    def tell_client(self, id_: str, steps: list[Step]) -> None:
        self.say(event="steps", id="x999", steps=[self.step("created")])
        super().tell_client(id_, steps)


# -- peers that break off -------------------------------------------------------------------------------------


class Crashes(Right):
    """Dies when it is asked for a conversation whose payload has 13 octets."""

    async def do_script(self, command: Step) -> str | None:
        if any(s.get("payload", {}).get("size") == 13 for s in command["steps"]):
            return "signal 11 (SIGSEGV)"
        await asyncio.sleep(0.01)
        return await super().do_script(command)


class Hangs(Right):
    """Takes a conversation and says nothing more, to nobody."""

    async def do_script(self, command: Step) -> str | None:
        await asyncio.sleep(3600)
        return None


class Forgets(Right):
    """Never reports one conversation, and is otherwise well."""

    async def do_script(self, command: Step) -> str | None:
        return None


class Floods(Right):
    """Sends octets without a newline, without end."""

    async def do_script(self, command: Step) -> str | None:
        for _ in range(40):
            self.pipe.say(b"x" * 65536)
            await asyncio.sleep(0)
        return await super().do_script(command)


class SpeaksGarbage(Right):
    """Sends a line that is not JSON."""

    async def do_script(self, command: Step) -> str | None:
        self.pipe.say(b"Segmentation fault\n")
        return None


class InvalidUtf8(Right):
    """Sends a line that is not UTF-8."""

    async def do_script(self, command: Step) -> str | None:
        self.pipe.say(b'{"event":"steps","id":"\xff\xfe"}\n')
        return None


class NeverGreets(Right):
    """Says no hello."""

    async def do_hello(self, command: Step) -> str | None:
        return None


class WrongVersion(Right):
    """Speaks contract 7."""

    contract = 7


class TalksFirst(Right):
    """Prints before it is greeted."""

    async def run(self) -> str | None:
        self.pipe.say(b"Server ready!\n")
        return await super().run()


class EndsAtOnce(Right):
    """Ends before it says anything."""

    async def run(self) -> str | None:
        return "status 1"


class Refuses(Right):
    """Refuses what it declares."""

    async def do_script(self, command: Step) -> str | None:
        self.say(event="error", id=command["id"], fault="bad-command", says="I would rather not")
        return None


class Declines(Right):
    """Says that it does not support this."""

    async def do_script(self, command: Step) -> str | None:
        self.say(event="error", id=command["id"], fault="unsupported", says="my stack has no such thing")
        return None


class Slow(Right):
    """Does everything right, late."""

    async def do_script(self, command: Step) -> str | None:
        await asyncio.sleep(0.3)
        return await super().do_script(command)


class DiesQuietly(Right):
    """As a server, dies once after some connections: for a while its clients are refused and nobody knows why."""

    died = False

    def serve_stream(self, id_: str, octets: bytes, local: list[Any], remote: list[Any]) -> bytes:
        if self.conn < 5 or DiesQuietly.died:
            return super().serve_stream(id_, octets, local, remote)
        self.live = False
        self.end = asyncio.get_running_loop().call_later(0.1, self.pipe.lines.put_nowait, None)
        raise ConnectionRefusedError

    async def do_flush(self, command: Step) -> str | None:
        return await super().do_flush(command) if self.live else None

    async def run(self) -> str | None:
        await super().run()
        DiesQuietly.died = True
        return "signal 9 (SIGKILL)"
