"""Bodies as streams: one family for requests and responses, sync and async.

Here are only names. What every request needs is loaded at once; the rest stands in the modules of this folder.
"""

from .bases import AsyncByteStream, SyncByteStream, can_be_sent_again
from .memory import ByteStream
from .stream import Stream

__all__ = ["AsyncByteStream", "ByteStream", "Stream", "SyncByteStream", "can_be_sent_again"]
