"""Content codings (RFC 9110 section 8.4): coded content in, the bytes that it stands for out.

No I/O and no clock. A piece of output never exceeds 1 MiB, whatever a small input unfolds to, and complete
means proven: end marker and checksum were seen. A family of codings, and its library, is imported when it is first met.

Two layers: a *member* (`deflate`, `brotli`, `zstd`) decompresses one gzip member, zstd frame, or deflate or
brotli stream, and ends where that ends; a *decoder* (`coding`) feeds members, knows what may follow one, counts,
and turns every library's errors into DecodingError. `replay` finds what is good in front of such an error.
"""

from __future__ import annotations

import sys
from functools import cache
from importlib import import_module

from httpstream._exceptions import DecodingError

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    from collections.abc import Sequence

    from httpstream._config import MessageLimits

    from .coding import Decoder as Decoder  # others know it by this module
    from .coding import OneCoding

__all__ = ["make_decoder", "supported_codings"]

FAMILIES = {"gzip": "deflate", "x-gzip": "deflate", "deflate": "deflate", "br": "brotli", "zstd": "zstd"}
"""The module of each coding. RFC 9110 section 8.4.1.3: x-gzip is gzip."""


def supported_codings() -> list[str]:
    """The content codings that can be decoded here, in httpx's order for Accept-Encoding. Loads nothing."""
    codings = ["gzip", "deflate"]
    if _is_installed("brotli") or _is_installed("brotlicffi"):
        codings.append("br")
    if _is_installed("_zstd") or _is_installed("backports.zstd"):
        codings.append("zstd")
    return codings


def make_decoder(codings: Sequence[str], limits: MessageLimits) -> Decoder | None:
    """The decoder for content with these codings, named in the order in which they were applied.

    codings: tokens in any case. ``identity``, unknown ones, and those whose library is absent are passed
    over, as httpx does. Returns None when nothing is left: the content is given as it is. Raises
    DecodingError when more codings are left than ``limits.max_codings``.
    """
    known = [name for coding in codings if (name := coding.strip().lower()) in FAMILIES]
    if len(known) > limits.max_codings:
        raise DecodingError(f"the content has {len(known)} codings, max_codings is {limits.max_codings}")
    stages: list[OneCoding] = []
    for name in reversed(known):
        stage = import_module(f"{__name__}.{FAMILIES[name]}").make(name, limits)
        if stage is not None:
            stages.append(stage)
    if len(stages) <= 1:
        return stages[0] if stages else None
    from .coding import Chain

    if limits.max_decompression_ratio is not None:
        for stage in stages[1:]:
            stage.compare_with(stages[0])
    return Chain(stages)


@cache
def _is_installed(name: str) -> bool:
    """Whether a module can be found, without importing it (importlib.util would load contextlib for that)."""
    path = None
    for index in range(name.count(".") + 1):
        part = ".".join(name.split(".")[: index + 1])
        if part in sys.modules:
            if sys.modules[part] is None:  # how an import is blocked
                return False
            path = getattr(sys.modules[part], "__path__", None)
            continue
        specs = (finder.find_spec(part, path) for finder in sys.meta_path)
        spec = next((spec for spec in specs if spec is not None), None)
        if spec is None:
            return False
        path = spec.submodule_search_locations
    return True
