"""The charset of a response's text: what ``Content-Type`` names, and whether it is one.

Names only: nothing is decoded here.
"""

from __future__ import annotations

import codecs
import re

# A media type whose only parameter is a plain charset: nearly all that name one.
PLAIN = re.compile(r'[^;"]*;\s*charset\s*=\s*("?)([A-Za-z0-9_.:+-]+)\1\s*', re.ASCII | re.IGNORECASE)

# Python calls these text encodings, but none says how a document's characters are written as bytes.
NOT_CHARSETS = frozenset(("idna", "punycode", "undefined", "unicode-escape", "raw-unicode-escape"))


def charset_of(content_type: str) -> str | None:
    """The charset parameter of a ``Content-Type``, lower case; None: it has none. RFC 9110 section 8.3.2."""
    plain = PLAIN.fullmatch(content_type)
    if plain is not None:
        return plain[2].lower()
    if "charset" not in content_type.lower():
        return None
    # Quoted pairs, several parameters, RFC 2231: rare, and the standard library knows them.
    from email.message import Message

    message = Message()
    message["content-type"] = content_type
    return message.get_content_charset(failobj=None)


def is_charset(name: str) -> bool:
    """Whether ``name`` is a known encoding of text: ``hex``, ``zlib``, ``rot13``, ``idna`` are not."""
    try:
        codec = codecs.lookup(name)
    except (LookupError, ValueError, OSError):  # unknown; a null character; longer than a file name may be
        return False
    return codec._is_text_encoding and codec.name.replace("_", "-") not in NOT_CHARSETS
