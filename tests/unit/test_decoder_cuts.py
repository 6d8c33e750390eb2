"""Every content coding, cut and split at every offset: whole, or an error behind all that was good."""

from __future__ import annotations

import pytest

from httpstream import DecodingError
from httpstream._decoders import make_decoder
from tests.codings import LIMITS, MIB, contents_to_cut, drain, offsets_to_cut

CONTENTS = contents_to_cut()


def decode_cut(content, end, size):
    """What comes of the first `end` bytes, in pieces of `size`, and whether an error came behind it."""
    decoder = make_decoder(content.codings.split(","), LIMITS)
    decoded = b""
    try:
        for at in range(0, end, size):
            decoded += decoder.decode(content.coded[at : min(at + size, end)])
            while not decoder.needs_input:
                decoded += decoder.decode(b"")
        decoder.finish()
    except DecodingError:
        return decoded, True
    return decoded, False


@pytest.mark.parametrize("name", CONTENTS)
def test_a_cut_at_any_offset_is_an_error_behind_all_that_was_good(name, inflate):
    content = CONTENTS[name]
    for end in offsets_to_cut(content):
        decoded, failed = decode_cut(content, end, MIB)
        assert failed == (end not in content.ends), end
        assert content.plain.startswith(decoded), end
        assert decoded.startswith(content.must_give(end)), end
        assert failed or decoded == content.ends[end], end
        if end < 2000:
            assert decode_cut(content, end, 1) == decode_cut(content, end, 13) == (decoded, failed), end


@pytest.mark.parametrize("name", CONTENTS)
def test_a_split_at_any_offset_changes_nothing(name, inflate):
    content = CONTENTS[name]
    for at in offsets_to_cut(content):
        decoder = make_decoder(content.codings.split(","), LIMITS)
        decoded = drain(decoder, content.coded[:at]) + drain(decoder, content.coded[at:])
        decoder.finish()
        assert b"".join(decoded) == content.plain, at


@pytest.mark.parametrize("name", CONTENTS)
def test_what_follows_the_end_is_an_error_behind_the_content(name, inflate):
    content = CONTENTS[name]
    for size in (1, MIB):
        longer = content._replace(coded=content.coded + b"\x01")
        assert decode_cut(longer, len(longer.coded), size) == (content.plain, True)
