"""The challenges of a WWW-Authenticate field (RFC 9110 section 11.6.1), told apart.

Text in, schemes and parameters out; what a scheme makes of them is in `_auth`.
"""

from __future__ import annotations

import re

__all__ = ["parse_challenges"]

# RFC 9110 section 11.6.1 has commas between challenges and between parameters, and empty members anywhere. The
# value of a parameter that is not quoted ends at the next comma: servers put more there than a token may have.
_TOKEN = r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"
_BETWEEN = re.compile(r"[ \t,]*").match
_PARAMETER = re.compile(
    rf'({_TOKEN})[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"[ \t]*|([^,"\s=][^,"]*))(?=,|$)'
).match
_SCHEME = re.compile(rf"({_TOKEN})(?:[ \t]+[A-Za-z0-9._~+/-]+=*[ \t]*(?=,|$)|[ \t]+|(?=,|$))").match
_ESCAPED = re.compile(r"\\(.)").sub


def parse_challenges(value: str) -> list[tuple[str, dict[str, str]]]:
    """The challenges of a WWW-Authenticate field: scheme, and parameters by their names in lower case.

    What cannot be understood ends the list, and is a parameter of the last challenge without a name.
    """
    challenges: list[tuple[str, dict[str, str]]] = []
    at = _BETWEEN(value).end()  # type: ignore[union-attr]  # it matches anything, if only nothing  # it matches nothing, too
    while at < len(value):
        parameter = _PARAMETER(value, at) if challenges else None
        if parameter is not None:
            name, quoted, plain = parameter.groups()
            challenges[-1][1][name.lower()] = plain.strip() if quoted is None else _ESCAPED(r"\1", quoted)
            at = parameter.end()
        else:
            scheme = _SCHEME(value, at)
            if scheme is None:
                if challenges:
                    challenges[-1][1][""] = value[at:]
                break
            challenges.append((scheme[1], {}))
            at = scheme.end()
        at = _BETWEEN(value, at).end()  # type: ignore[union-attr]  # it matches anything, if only nothing
    return challenges
