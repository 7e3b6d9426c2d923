"""The site of an http service: which resource answers what (``peers/README.md``, http). Knows no HTTP library."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import payload


@dataclass
class Answer:
    """What is to be answered; ``content`` None: no content."""

    status: int
    fields: list[tuple[str, str]] = field(default_factory=list)
    content: bytes | None = None
    chunked: bool = False

    @property
    def bodiless(self) -> bool:
        """Whether its status has no content, whatever it is asked with (RFC 9110 sections 15.3.5 and 15.4.5)."""
        return self.status in (204, 304)

    def sent(self, method: str) -> bytes:
        """The content that goes out with it."""
        return b"" if method == "HEAD" or self.bodiless else self.content or b""


class Site:
    """Resources by path and method."""

    def __init__(self, resources: list[dict[str, Any]]) -> None:
        self._paths: dict[str, dict[str, dict[str, Any]]] = {}
        for resource in resources:
            self._paths.setdefault(resource["path"], {})[resource["method"]] = resource

    def answer(self, method: str, target: str, fields: list[tuple[str, str]], content: bytes) -> Answer:
        """The answer to a request."""
        methods = self._paths.get(_path(target), {})
        found = methods.get("GET" if method == "HEAD" else method)
        if found is not None:
            return _found(found, method, fields, content)
        if method == "OPTIONS" and (methods or target == "*"):
            return Answer(204, [("Allow", _allow(methods))])
        if methods:
            return Answer(405, [("Allow", _allow(methods))])
        return Answer(404)


def _path(target: str) -> str:
    if "://" in target and not target.startswith("/"):
        target = "/" + target.split("://", 1)[1].partition("/")[2]
    return target.partition("?")[0]


def _allow(methods: dict[str, Any]) -> str:
    names = sorted(methods) or ["GET", "POST", "PUT", "DELETE"]
    return ", ".join([*names, *(["HEAD"] if "GET" in names else []), *([] if "OPTIONS" in names else ["OPTIONS"])])


def _found(resource: dict[str, Any], method: str, fields: list[tuple[str, str]], content: bytes) -> Answer:
    answer = Answer(resource["status"], [(n, v) for n, v in resource.get("fields", [])], chunked=resource.get("coding") == "chunked")
    tag = resource.get("etag")
    if tag is not None:
        answer.fields.append(("ETag", tag))
        if method in ("GET", "HEAD") and _matches(tag, fields):
            return Answer(304, [("ETag", tag)])
    body = resource.get("body")
    if body == "request":
        answer.content = content
        answer.fields += [("Content-Type", v) for n, v in fields if n.lower() == "content-type"]
    elif body is not None:
        answer.content = payload.octets(body)
    return answer


def _matches(tag: str, fields: list[tuple[str, str]]) -> bool:
    """If-None-Match by weak comparison (RFC 9110 section 13.1.2)."""
    asked = [v for n, v in fields if n.lower() == "if-none-match"]
    tags = {one.strip().removeprefix("W/") for value in asked for one in value.split(",")}
    return "*" in tags or tag.removeprefix("W/") in tags
