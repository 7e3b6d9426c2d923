"""``ftp.md``: a session held line by line with the service; a client against a server of smoke's own."""

from __future__ import annotations

import re

from harness.smoke.probe import Broken, Chapter
from harness.smoke.stage import LINE, Stage, Step, amount, one, reply, same, soon
from harness.smoke.subject import Talk
from harness.smoke.wire import Wire

serving = Chapter("FTP, serve", needs="serve ftp/tcp")
asking = Chapter("FTP, ask", needs="ask ftp/tcp")
_CONTENT = b"one\ntwo\n"
_FILES: list[Step] = [{"name": "folder/text", "content": {"text": _CONTENT.decode()}}]
_LOGIN = ((b"", b"220"), (b"USER parley", b"331"), (b"PASS parley", b"230"))


async def _says(wire: Wire, *dialogue: tuple[bytes, bytes]) -> None:
    for line, code in dialogue:
        same((await reply(wire, line))[:3], code, f"the code of the reply to {line!r} is", "RFC 959 5.4 says which codes may answer what.")


async def _data(stage: Stage, wire: Wire) -> Wire:
    """A passive data connection."""
    answer = await reply(wire, b"EPSV")
    found = re.search(rb"\((.)\1\1(\d+)\1\)", answer)
    if not answer.startswith(b"229") or not found:
        raise Broken("229 with (|||port|)", repr(answer), "ftp.md, serve: data connections are made by EPSV, too (RFC 2428 3).")
    return await stage.connect(int(found[2]))


@serving.rule("a session finds the files; what it stores is told in 'stored', and is not there for the next session")
async def _session(stage: Stage) -> None:
    service, port = await stage.serve("ftp", "tcp", files=_FILES)
    wire = await stage.connect(port)
    await _says(wire, *_LOGIN, (b"TYPE I", b"200"))
    data = await _data(stage, wire)
    await wire.send(b"RETR folder/text" + LINE)
    octets, _ = await soon(data.rest(), "the file, then the end", "The close of the data connection is the end of the file (RFC 959 3.2).")
    same(octets, _CONTENT, "the file on the wire is", "In TYPE I it is sent octet for octet.")
    data.close()
    for code in (b"1", b"2"):
        same((await reply(wire))[:1], code, "the first digit of the reply around a transfer is", "1xx before, 2xx after a transfer.")
    data = await _data(stage, wire)
    await wire.send(b"STOR new" + LINE)
    await data.send(b"\x00\xff\r\n")
    data.close()
    for code in (b"1", b"2"):
        same((await reply(wire))[:1], code, "the first digit of the reply around a transfer is")
    await _says(wire, (b"QUIT", b"221"))
    wire.close()
    stored = one(await stage.connection(service, wire), "stored")
    amount(stored, b"\x00\xff\r\n")
    same(stored.get("name"), "new", "'name' of 'stored' is", "The path in the tree, without the leading '/'.")
    wire = await stage.connect(port)
    await _says(wire, *_LOGIN, (b"TYPE I", b"200"), (b"SIZE new", b"550"))
    wire.close()


@serving.rule("the user 'nobody' is refused with 530")
async def _nobody(stage: Stage) -> None:
    _, port = await stage.serve("ftp", "tcp", files=_FILES)
    wire = await stage.connect(port)
    await _says(wire, (b"", b"220"))
    code = (await reply(wire, b"USER nobody"))[:3]
    if code == b"331":
        code = (await reply(wire, b"PASS secret"))[:3]
    same(code, b"530", "the code of the last reply is", "'serve' of ftp.md says who is refused.")
    wire.close()


_ANSWERS = {
    b"USER": b"331 who",
    b"PASS": b"230 in",
    b"TYPE": b"200 ok",
    b"SIZE": b"213 8",
    b"QUIT": b"221 bye",
    b"OPTS": b"200 ok",
    b"STRU": b"200 ok",
}


async def _serve(stage: Stage, wire: Wire, talk: Talk) -> None:
    """Answers what clients say up to QUIT; what is not known is not implemented."""
    listener = None
    for _ in range(40):
        line = await soon(wire.through(LINE), "a command", "Go on with the operations, then say QUIT.")
        verb = line[:4].upper().strip()
        if verb in (b"EPSV", b"PASV"):
            listener = listener or stage.listen()
            here = stage.address.replace(".", ",").encode() + b",%d,%d" % divmod(listener.port, 256)
            if verb == b"PASV" and ":" in stage.address:
                await wire.send(b"502 no" + LINE)
            else:
                await wire.send((b"229 (|||%d|)" % listener.port if verb == b"EPSV" else b"227 (" + here + b")") + LINE)
        elif verb == b"RETR" and listener:
            data = await stage.accept(listener, talk)
            await wire.send(b"150 here" + LINE)
            await data.send(_CONTENT)
            data.half_close()
            data.close()
            await wire.send(b"226 done" + LINE)
        else:
            await wire.send(_ANSWERS.get(verb, b"502 no") + LINE)
        if verb == b"QUIT":
            return


@asking.rule("operations are done one after the other and told in 'did', with what came; a session ends with QUIT")
async def _fetches(stage: Stage) -> None:
    listener = stage.listen()
    operations: list[Step] = [{"op": "retrieve", "name": "folder/text", "type": "image"}, {"op": "delete", "name": "x"}, {"op": "size", "name": "y"}]
    talk = stage.run(
        "ask", service="ftp", address=stage.address, port=listener.port, user="parley", password="parley", operations=operations,  # noqa: S106
    )  # fmt: skip
    wire = await stage.accept(listener, talk)
    await wire.send(b"220 smoke.example" + LINE)
    await _serve(stage, wire, talk)
    wire.close()
    await talk.over("End the session with QUIT, and report 'closed'.")
    amount(one(talk, "did"), _CONTENT)
    told = [(one(talk, "did", n).get("op"), one(talk, "did", n).get("status")) for n in range(3)]
    same(told[1], ("delete", 502), "'op' and 'status' of a refusal are", "A refusal is a 'did' with its code, and the session goes on.")
    same((told[0][0], told[2][0], one(talk, "did", 2).get("size")), ("retrieve", "size", 8), "the operations, and the 'size', are")
