"""The ``Link`` field: a value to its links (RFC 8288 section 3). Reads it leniently, never raises."""

from __future__ import annotations

import re

_NEXT = re.compile(", *<")
_AROUND = " '\""  # what may stand around a name or a value


def parse_links(field_value: str) -> list[dict[str, str]]:
    """A dict per link: its ``url``, and its parameters up to the first that is not ``name=value``.

    A parameter's value cannot hold ``;``, ``=`` or ``,<``, quoted or not.
    """
    links = []
    field_value = field_value.strip(_AROUND)
    for text in _NEXT.split(field_value) if field_value else ():
        url, _, parameters = text.partition(";")
        link = {"url": url.strip(f"<>{_AROUND}")}
        for parameter in parameters.split(";"):
            if parameter.count("=") != 1:
                break
            name, _, value = parameter.partition("=")
            link[name.strip(_AROUND)] = value.strip(_AROUND)
        links.append(link)
    return links
