"""Probes of the control channel: the handshake, lines, errors, and the end (contract page: Rules for every line, Hello, Commands)."""

from __future__ import annotations

import asyncio

from harness.smoke.patient import FAMILIES, Broken, Patient, Trial


async def _silent(patient: Patient) -> None:
    await asyncio.sleep(0.4)
    if patient.octets_out:
        raise Broken("it wrote to standard output before it was asked; log to standard error instead")
    if not patient.alive:
        raise Broken("it ended at once, before anything was said; its input is still open")


async def _hello(patient: Patient) -> None:
    assert patient.hello is not None
    if patient.hello.get("contract") != 1:
        raise Broken(f'hello must carry "contract":1; it says {patient.hello.get("contract")!r}')


async def _other_version(patient: Patient) -> None:
    patient.send({"do": "hello", "contract": 999})
    hello = await patient.wait(lambda e: e.get("event") == "hello", "a hello event also for a version that it does not know")
    if hello.get("contract") != 1:
        raise Broken(f"it must answer with the version that it speaks, 1; it says {hello.get('contract')!r}")


async def _flush(patient: Patient) -> None:
    await asyncio.gather(*(patient.flush() for _ in range(20)))


async def _unknown_command(patient: Patient) -> None:
    patient.send({"do": "dance", "id": "d1"})
    await patient.error("d1", "unsupported")


async def _unknown_members(patient: Patient) -> None:
    patient.send({"do": "flush", "id": "um1", "a-later-version": {"says": [1, 2, {"more": None}]}})
    await patient.wait(lambda e: e.get("event") == "flushed" and e.get("id") == "um1", "'flushed': members that are not known are ignored")


def _bad(line: bytes, words: str) -> Trial:
    async def work(patient: Patient) -> None:
        before = len(patient.lines)
        patient.send(line + b"\n")
        event = await patient.wait(lambda e: e.get("event") == "error" and e in patient.lines[before:], "an error event with fault 'bad-command'")
        if event.get("fault") != "bad-command":
            raise Broken(f"expected fault 'bad-command', got {event.get('fault')!r}")
        await patient.flush()

    return Trial(f"{words} is answered by an error, and the peer goes on", work)


async def _missing_member(patient: Patient) -> None:
    patient.send({"do": "script", "id": "mm1", "role": "client", "transport": "tcp", "address": "127.0.0.1", "port": 1})
    await patient.error("mm1", "bad-command")


async def _unknown_step(patient: Patient) -> None:
    await patient.script("client", "tcp", "127.0.0.1", 1, {"do": "connect"}, {"do": "levitate"})
    id_ = f"smoke{patient._count}"
    await patient.error(id_, "unsupported")


async def _stop_of_nothing(patient: Patient) -> None:
    before = len(patient.lines)
    patient.send({"do": "stop", "id": "never-there"})
    await patient.flush()
    if any(e.get("id") == "never-there" for e in patient.lines[before:]):
        raise Broken("'stop' of an id that is not running asks for nothing: it may just have ended")


async def _long_line(patient: Patient) -> None:
    patient.send({"do": "flush", "id": "long1", "padding": "x" * 1_000_000})
    await patient.wait(lambda e: e.get("event") == "flushed" and e.get("id") == "long1", "'flushed' after a line of a million octets", 10)


async def _ends(patient: Patient) -> None:
    seconds = await patient.end_input()
    if patient.status != "status 0":
        raise Broken(f"it must end with status 0 when its input ends; it ended with {patient.status}")
    if seconds > 2:
        raise Broken(f"it must end within 2 s of the end of its input; it took {seconds:.1f}")


async def _ends_busy(patient: Patient) -> None:
    family = patient.families[0]
    for ability in ("serve echo/tcp", "serve discard/tcp"):
        if ability in (patient.hello or {}).get("can", ()):
            _, port = await patient.serve(ability.split()[1].split("/")[0], "tcp", FAMILIES[family])
            _, writer = await asyncio.open_connection(FAMILIES[family], port)
            writer.write(b"x" * 1000)
    if "script server/tcp" in (patient.hello or {}).get("can", ()):
        await patient.script("server", "tcp", FAMILIES[family], 0, {"do": "accept"})
    await patient.flush()
    await _ends(patient)


FIRST = (
    Trial("it says nothing before hello asks", _silent, alone=True, greet=False),
    Trial("it answers hello, as the schema has it", _hello, alone=True),
)
TRIALS = (
    Trial("a contract version that it does not speak is answered with the one that it does", _other_version, alone=True, greet=False),
    Trial("flush is answered by flushed", _flush),
    Trial("a command that it does not know is answered by 'unsupported'", _unknown_command),
    Trial("members that it does not know are ignored", _unknown_members),
    _bad(b"this is no JSON", "a line that is no JSON"),
    _bad(b'{"do":"flush","id":"\xff\xfe"}', "a line that is not UTF-8"),
    _bad(b'{"do":"flush"}', "a command without its id"),
    _bad(b"[1,2,3]", "a line that is no object"),
    _bad(b"[" * 100_000, "a line that is nested without end"),
    Trial("a member that is missing is answered by 'bad-command'", _missing_member, needs="script client/tcp"),
    Trial("a script step that it does not know is answered by 'unsupported'", _unknown_step, needs="script client/tcp"),
    Trial("stop of an id that is not running is ignored", _stop_of_nothing),
    Trial("a line of nearly 1 MiB is read", _long_line),
)
LAST = (
    Trial("it ends with status 0 when its input ends", _ends, alone=True),
    Trial("it ends also while conversations are open", _ends_busy, alone=True),
)
