"""``smtp.md``: a session held line by line with the service; a client against a server of smoke's own."""

from __future__ import annotations

from harness.smoke.probe import Broken, Chapter
from harness.smoke.stage import LINE, Stage, Step, amount, one, reply, same, soon
from harness.smoke.wire import Wire

serving = Chapter("SMTP, serve", needs="serve smtp/tcp")
asking = Chapter("SMTP, ask", needs="ask smtp/tcp")
replies = Chapter("SMTP, scripts", needs="script client/tcp")
_CONTENT = b"Subject: x\r\n\r\n.\r\nend\r\n"


@serving.rule("a message is taken, told in 'mail' before its 250, and its dots are transparent; 'nobody' is refused")
async def _session(stage: Stage) -> None:
    service, port = await stage.serve("smtp", "tcp")
    wire = await stage.connect(port)
    for line, code in (
        (b"", b"220"), (b"EHLO client.example", b"250"), (b"MAIL FROM:<a@client.example>", b"250"), (b"RCPT TO:<nobody@server.example>", b"550"),
        (b"RCPT TO:<b@server.example>", b"250"), (b"DATA", b"354"), (b"Subject: x\r\n\r\n..\r\nend\r\n.", b"250"), (b"QUIT", b"221"),
    ):  # fmt: skip
        same((await reply(wire, line))[:3], code, f"the code of the reply to {line!r} is", "'serve' of smtp.md says what is refused, and with what.")
    wire.close()
    talk = await stage.connection(service, wire)
    mail = one(talk, "mail")
    amount(mail, _CONTENT)
    same((mail.get("from"), mail.get("recipients")), ("a@client.example", ["b@server.example"]), "'from' and 'recipients' of 'mail' are")


async def _serve(stage: Stage, wire: Wire, dialogue: list[tuple[bytes, bytes]]) -> None:
    """Answers lines that begin so."""
    for begins, answer in dialogue:
        line = await soon(wire.through(LINE), f"a line that begins with {begins.decode()}", "Say one command after the other.")
        if not line.upper().startswith(begins):
            raise Broken(f"a line that begins with {begins.decode()}", repr(line), "smtp.md, ask: EHLO, the messages one after the other, QUIT.")
        await wire.send(answer + LINE)


@asking.rule("a message is delivered with EHLO, MAIL, RCPT, DATA and QUIT, its dots doubled; 'mail' tells the status and who was refused")
async def _delivers(stage: Stage) -> None:
    listener = stage.listen()
    message: Step = {"from": "a@client.example", "recipients": ["b@x.example", "c@x.example"], "content": {"text": _CONTENT.decode()}}
    talk = stage.run("ask", service="smtp", address=stage.address, port=listener.port, messages=[message])
    wire = await stage.accept(listener, talk)
    await wire.send(b"220 smoke.example" + LINE)
    await _serve(stage, wire, [(b"EHLO", b"250 smoke.example"), (b"MAIL FROM:<A@CLIENT.EXAMPLE>", b"250 OK")])
    await _serve(stage, wire, [(b"RCPT", b"250 OK"), (b"RCPT", b"550 no"), (b"DATA", b"354 go")])
    sent = await soon(wire.through(b"\r\n.\r\n"), "the content, up to CRLF . CRLF", "End the content with a dot alone.")
    same(sent, b"Subject: x\r\n\r\n..\r\nend\r\n.\r\n", "the content on the wire is", "Double the dot that begins a line (RFC 5321 4.5.2).")
    await wire.send(b"250 OK" + LINE)
    await _serve(stage, wire, [(b"QUIT", b"221 bye")])
    wire.close()
    await talk.over("End the session with QUIT, and report 'closed'.")
    mail = one(talk, "mail")
    amount(mail, _CONTENT)
    same((mail.get("status"), mail.get("refused")), (250, [["c@x.example", 550]]), "'status' and 'refused' of 'mail' are")


@replies.rule("'receive' with 'until' 'reply' takes all lines of one reply, and no more")
async def _until_reply(stage: Stage) -> None:
    steps: list[Step] = [{"do": "connect"}, *({"do": "receive", "until": "reply", "keep": 100} for _ in range(2)), {"do": "close"}]
    listener = stage.listen()
    talk = stage.script(steps, listener.port)
    wire = await stage.accept(listener, talk)
    first, second = b"250-one\r\n250-251 two\r\n250 three\r\n", b"354\r\n"
    await wire.send(first + second)
    await talk.over(
        "A reply ends with a line whose fourth octet is no hyphen, or with the first later one that begins with the same code and has none."
    )
    wire.close()
    amount(one(talk, "received"), first)
    amount(one(talk, "received", 1), second)
