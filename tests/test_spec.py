"""Spec files: what is right is understood, and what is wrong is said with file:line:column and what to write instead."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from harness.errors import SpecError, UsageError
from harness.judge.rules import RULES, WIRE_RULES
from harness.pipeline import ROOT, load_specs
from harness.spec import load, schema, yamlpos
from harness.spec.expand import ReferenceProblem, bindings, substitute

HEAD = "rfc: 862\nsection: A\ntransport: tcp\nservice: echo\n"
GOOD = (
    HEAD
    + """conversations:
  - id: one
    says: It comes back.
    requires: RFC862-tcp-same-octets
    with: {payload: {pattern: text, size: [1, 2]}}
    client:
      - connect
      - send: {payload: $payload}
      - half-close
      - expect: {octets: $payload, then: end}
"""
)
Write = Callable[[str, str], Path]


def problems(path: Path) -> list[tuple[int, int, str]]:
    with pytest.raises(SpecError) as caught:
        load.load([path], RULES, [ROOT / "specs"], WIRE_RULES)
    assert caught.value.exit_code == 2
    return [(line, column, says) for _, line, column, says in caught.value.problems]


def test_a_good_spec(write: Write) -> None:
    found = load.load([write("echo/tcp.yaml", GOOD)], RULES, [ROOT / "specs"], WIRE_RULES)
    assert [s.key for s in found.scenarios()] == ["echo/tcp/one/size=1", "echo/tcp/one/size=2"]
    scenario = found.scenarios()[1]
    assert scenario.client is not None
    assert scenario.client.steps[1] == {"do": "send", "payload": {"pattern": "text", "seed": 0, "size": 2}}
    assert scenario.client.steps[3] == {"do": "receive", "until": "end", "keep": 2}
    assert scenario.client.checks[0].octets is not None
    assert scenario.origin.endswith("tcp.yaml:6")


@pytest.mark.parametrize(
    ("old", "new", "line", "column", "words"),
    [
        ("says:", "say:", 7, 5, "did you mean 'says'"),
        ("half-close", "half-closed", 13, 9, "did you mean 'half-close'"),
        ("then: end", "then: close", 14, 36, "'end'"),
        ("size: [1, 2]", "size: [1, x]", 9, 37, "integer"),
        ("$payload, then", "$paylod, then", 14, 18, "did you mean 'payload'"),
        ("{payload: $payload}", "{payload: $payload.siz}", 12, 16, "no field 'siz'"),
        ("RFC862-tcp-same-octets", "RFC862-tcp-same-octet", 8, 5, "did you mean 'RFC862-tcp-same-octets'"),
        ("    says: It comes back.\n", "", 6, 5, "'says' is missing"),
        ("id: one", "id: One", 6, 5, "'id'"),
        ("transport: tcp", "transport: sctp", 3, 1, "'transport': input should be 'tcp', 'udp', 'multicast', 'unix'"),
        ("service: echo", "service: ecco", 4, 1, "'service'"),
        ("      - connect\n", "", 11, 9, "begins with 'connect'"),
        ("- half-close", "- expect: {matches: rfc868-tim, then: end}", 13, 9, "did you mean 'rfc868-time'"),
        ("- half-close", "- expect: {octets: $payload, nothing: 5}", 13, 9, "exclude each other"),
        ("- half-close", "- {half-close: {}, reset: {}}", 13, 9, "exactly one"),
        ("size: [1, 2]", "size: []", 9, 5, "empty list"),
        ("pattern: text", "pattern: texts", 9, 22, "every-octet"),
        ("    client:", "    backlog: 1\n    client:", 10, 5, "'backlog' is of a listener"),
        ("    client:", "    clients: 2\n    client:", 10, 5, "several 'clients' take turns"),
        ("says: It comes back.", "says: It comes back.\n    says: Twice.", 8, 5, "a second time (first at 7:5)"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_place(write: Write, old: str, new: str, line: int, column: int, words: str) -> None:
    assert old in GOOD
    found = problems(write("echo/tcp.yaml", GOOD.replace(old, new)))
    assert [says for *place, says in found if tuple(place) == (line, column) and words in says], found


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [1", "not YAML"),
        ("a: &x 1\nb: *x", "alias"),
        ("a: " + "[" * 5000, "deep"),
        ("\tx: 1", "not YAML"),
        ("a: !!python/object:os.system x", "tag"),
        ("- 1\n- 2", "a spec is a mapping"),
        ("", "a spec is a mapping"),
        (HEAD, "'conversations' must be a list"),
        (HEAD + "conversations: 5", "'conversations' must be a list"),
        (HEAD + "conversations: [5]", "a conversation is a mapping"),
        ("{a: 1}\n---\n{b: 2}", "second document"),
    ],
)
def test_what_is_no_spec_at_all(write: Write, text: str, words: str) -> None:
    assert words in problems(write("x/y.yaml", text))[0][2]


def test_a_spec_of_ten_megabytes_is_refused_unread(write: Write) -> None:
    path = write("x/big.yaml", "")
    path.write_bytes(b"#" * 10_000_000)
    assert "at most" in problems(path)[0][2]


def test_octets_that_are_no_text(write: Write) -> None:
    path = write("x/bad.yaml", "")
    path.write_bytes(b"rfc: 1\nsection: \xff\n")
    line, _, says = problems(path)[0]
    assert (line, "UTF-8" in says) == (2, True)


def test_an_alias_bomb_is_refused_at_its_first_alias(write: Write) -> None:
    bomb = "a: &a [x,x,x]\n" + "".join(f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(20))
    assert "alias" in problems(write("x/bomb.yaml", bomb))[0][2]


def test_too_many_combinations(write: Write) -> None:
    many = GOOD.replace("{payload: {pattern: text, size: [1, 2]}}", "{payload: {pattern: text, size: " + str(list(range(5000))) + "}}")
    assert "more than 4096" in problems(write("x/y.yaml", many))[0][2]


def test_an_id_that_stands_twice(write: Write) -> None:
    again = GOOD + GOOD[GOOD.index("  - id:") :]
    assert "is taken by" in problems(write("x/y.yaml", again))[0][2]


def test_a_step_may_have_a_deadline_of_its_own(write: Write) -> None:
    text = GOOD.replace("- connect", "- connect: {within: 500}").replace("then: end}", "then: end, within: 300}")
    script = load.load([write("x/y.yaml", text)], RULES, [ROOT / "specs"], WIRE_RULES).scenarios()[0].client
    assert script is not None
    assert [step.get("within") for step in script.steps] == [500, None, None, 300]


def test_all_problems_come_at_once(write: Write) -> None:
    bad = GOOD.replace("says:", "say:").replace("RFC862-tcp-same-octets", "RFC1-x").replace("transport: tcp", "transport: x")
    write("s/a.yaml", bad)
    path = write("s/b.yaml", "a: [")
    with pytest.raises(SpecError) as caught:
        load.load([path.parent], RULES, [ROOT / "specs"], WIRE_RULES)
    assert {Path(p[0]).name for p in caught.value.problems} == {"a.yaml", "b.yaml"}


def test_one_site_for_all_specs(write: Write) -> None:
    site = "rfc: 1\nsection: A\ntransport: tcp\nservice: http\nsite:\n  - {path: /x, method: GET, status: %d}\nconversations:\n" + (
        "  - {id: a, says: b, requires: RFC9110-9.1-get-head-supported, exchange: [{request: {method: GET, target: /x}, expect: {status: 200}}]}\n"
    )
    write("s/a.yaml", site % 200)
    path = write("s/b.yaml", site % 204)
    with pytest.raises(SpecError, match="answered differently"):
        load.load([path.parent], RULES, [ROOT / "specs"], WIRE_RULES)


def test_no_spec_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no spec"):
        load.load([tmp_path], RULES)
    with pytest.raises(UsageError, match="no such file"):
        load.load([tmp_path / "nowhere"], RULES)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda t: t.encode("utf-8", "surrogatepass")))
def test_the_reader_never_raises_anything_else(octets: bytes) -> None:
    try:
        document = yamlpos.parse(Path("x"), octets)
    except SpecError as error:
        assert all(line >= 1 and column >= 1 for _, line, column, _ in error.problems)
    else:
        json.dumps(document.value)


def test_bindings_and_references() -> None:
    found = bindings({"p": {"size": [1, 2], "seed": 3}, "w": [[1], [1, 2]], "plain": "x"})
    assert [label for label, _ in found] == ["size=1,w=1", "size=1,w=1+2", "size=2,w=1", "size=2,w=1+2"]
    assert substitute({"a": ["$p.size", "$$p", "$w"]}, found[1][1]) == {"a": [1, "$p", [1, 2]]}
    with pytest.raises(ReferenceProblem) as caught:
        substitute({"a": [0, "$q"]}, {"p": 1})
    assert caught.value.path == ("a", 1)


def test_an_alternative_is_called_by_its_name() -> None:
    assert [label for label, _ in bindings({"t": [{"name": "weak tag", "v": 'W/"1"'}]})] == ["t=weak_tag"]


def test_the_projects_own_specs_are_well() -> None:
    found = load_specs()
    keys = [s.key for s in found.scenarios()]
    assert len(keys) == len(set(keys)) > 100
    cited = {r for s in found.scenarios() for r in s.requires}
    assert cited <= set(found.requirements)


def test_the_schema_for_editors_is_current_and_takes_every_spec() -> None:
    assert (ROOT / "specs" / "spec.schema.json").read_text() == schema.text()
    validator = Draft202012Validator(schema.schema())
    for path in (ROOT / "specs").rglob("*.yaml"):
        if "requirements" not in path.parts:
            errors = list(validator.iter_errors(yamlpos.read(path).value))
            assert not errors, f"{path}: {errors[0].message}"
    assert list(validator.iter_errors({"rfc": 1, "sections": "x"}))


def test_a_requirement_has_a_known_level_and_may_say_its_label_and_why_it_is_not_checked(write: Write) -> None:
    def record(level: str, more: str = "") -> None:
        write(
            "requirements/x.yaml",
            f"rfc: 1\ntitle: X\nrequirements:\n  - {{id: X1-a, clause: '1', level: {level}, role: server, seen: both, says: x{more}}}\n",
        )

    spec = write("echo/tcp.yaml", GOOD.replace("RFC862-tcp-same-octets", "X1-a"))
    record("SHOULD", ", label: 'MUST-13, SHLD-2', unchecked: nobody can")
    found = load.load([spec.parent.parent], RULES)
    assert (found.requirements["X1-a"].label, found.requirements["X1-a"].unchecked) == ("MUST-13, SHLD-2", "nobody can")
    assert [(title, [r.id for r in records]) for title, records in found.records.values()] == [("X", ["X1-a"])]
    record("SHUOLD")
    with pytest.raises(SpecError, match=r"x\.yaml:4:\d+: 'SHUOLD' is no level; did you mean 'SHOULD'\?"):
        load.load([spec.parent.parent], RULES)


FURTHER = """rfc: POSIX
section: A
transport: {transport}
service: {service}
conversations:
  - id: one
    says: It is so.
    requires: RFC862-tcp-same-octets
"""


@pytest.mark.parametrize(
    ("transport", "service", "more", "words"),
    [
        ("unix", "echo", "client: [connect]", "no service is served over unix"),
        ("unix", "script", "client: [connect]\n    server: [accept]\n    families: [ipv4]", "knows no address families"),
        ("unix", "script", "client: [connect]\n    server: [accept]\n    room: {octets: 5}", "'room' is not of unix"),
        ("fifo", "script", "client: [connect]\n    server: [accept]\n    joined: true", "'joined' is not of fifo"),
        ("tcp", "echo", "client: [connect]\n    at: 127.0.0.2", "'at' is not of tcp on a wire"),
        ("fifo", "script", "client: [connect, {send: {payload: {text: x}, descriptor: {text: y}}}]\n    server: [accept]", "'descriptor' is not of fifo"),
        ("unix", "script", "client: [connect, {send: {payload: {text: x}, priority: 3}}]\n    server: [accept]", "'priority' is not of unix"),
        ("unix", "script", "client: [connect, reset]\n    server: [accept]", "only TCP can be reset"),
        ("unix", "script", "client: [connect, {expect: {records: {text: x}}}]\n    server: [accept]", "there are no datagrams"),
        ("message-queue", "script", "client: [connect, {expect: {octets: {text: x}}}]\n    server: [{wait: 5}]", "expect 'datagrams' or 'records'"),
        ("message-queue", "script", "client: [connect]\n    server: [accept]", "has no connections"),
        ("signal", "script", "client: [{send: {text: x}}]\n    server: [{wait: 5}]", "signals carry no octets"),
        ("signal", "script", "client: [{send: {signal: usr2}}]\n    server: [{wait: 5}]", "'signal'"),
        ("signal", "script", "client: [{send: {signal: USR2}}]\n    server: [{expect: {signals: [USR2], values: [1, 2]}}]", "as many 'values' as 'signals'"),
        ("message-queue", "script", "client: [connect]\n    server: [{wait: {}}]", "'wait' has milliseconds, or 'messages'"),
        ("tcp", "echo", "mail: [{message: {from: a, to: b, content: {text: \"x\\r\\n\"}}}]", "'mail' speaks SMTP"),
        ("tcp", "smtp", "mail: [{message: {from: a, to: b, content: {text: x}}}]", "ends in CRLF"),
        ("tcp", "smtp", "mail: [{message: {from: a, to: b, content: {text: \"x\\r\\n\"}}, expect: {status: 999}}]", "should match pattern"),
        ("tcp", "smtp", "dialogue: [{say: x, octets: {text: y}}]", "exclude each other"),
        ("tcp", "smtp", "dialogue: [{reply: 250, replies: [[250]]}]", "exclude each other"),
        ("tcp", "smtp", "client: [connect]\n    arrives: []", "'arrives' is what a dialogue leaves"),
        ("tcp", "script", "client: [connect]\n    server: [accept, {expect: {line: \"(\"}}]", "no regular expression"),
        ("tcp", "dns", "questions: [{name: x, type: A}]", "'questions' speaks DNS: it needs 'transport: udp'"),
        ("udp", "dns", "questions: [{name: x, type: A, rcode: NOPE}]", "'rcode' is one of"),
        ("udp", "dns", "queries: [{query: {name: x}}]", "say what comes: 'expect' or 'silence'"),
        ("udp", "dns", "queries: [{query: {name: x, hex: \"00\"}, expect: {}}]", "has a 'name', or is given in 'hex'"),
        ("udp", "dns", "queries: [{query: {name: x, type: NOPE}, expect: {}}]", "'type' is a number, or one of"),
        ("udp", "dns", "client: [connect]\n    cuts: [1]", "'cuts' of a conversation are those of its queries"),
    ],
)  # fmt: skip
def test_words_of_one_machine_mail_and_names_that_do_not_fit(write: Write, transport: str, service: str, more: str, words: str) -> None:
    found = problems(write("x/y.yaml", FURTHER.format(transport=transport, service=service) + f"    {more}\n"))
    assert [says for line, _, says in found if words in says and line >= 6], found


def test_all_specs_share_one_zone(write: Write) -> None:
    zone = "zone: {{origin: {origin}, records: [{{name: {origin}, type: A, data: 198.18.0.1}}]}}\n"
    text = "rfc: 1\nsection: A\ntransport: udp\nservice: dns\n{zone}conversations:\n  - id: one\n    says: So.\n    requires: RFC862-tcp-same-octets\n    questions: [{{name: x, type: A}}]\n"
    one = write("a/one.yaml", text.format(zone=zone.format(origin="a.test")))
    other = write("a/other.yaml", text.format(zone=zone.format(origin="b.test")))
    assert "another zone than a.test" in problems(one.parent)[0][2]
    other.unlink()
    told = load.load([one.parent], RULES, [ROOT / "specs"], WIRE_RULES).told()["dns"]["zone"]
    assert told == {"origin": "a.test", "records": [["a.test", "A", 300, ["198.18.0.1"]]]}


@pytest.mark.parametrize(
    ("order", "fine"), [([0, 2999, 2900], True), ([0, 3000], False), ([200, 101], True), ([200, 100], False), ([0, 200, 100], False)]
)
def test_a_stream_has_no_leap_at_which_receivers_may_begin_anew(write: Write, order: list[int], fine: bool) -> None:
    """RFC 3550 A.1: MAX_DROPOUT and MAX_MISORDER."""
    stream = f"    stream: {{order: {order}, payload: {{text: x}}}}\n"
    told = "  - id: one\n    says: A leap.\n    requires: RFC3550-5.1-header\n"
    spec = write("rtp/x.yaml", f"rfc: 3550\nsection: A\ntransport: udp\nservice: rtp\nconversations:\n{told}{stream}")
    if fine:
        assert load.load([spec], RULES, [ROOT / "specs"], WIRE_RULES).scenarios()
    else:
        assert "begin anew" in problems(spec)[0][2]
