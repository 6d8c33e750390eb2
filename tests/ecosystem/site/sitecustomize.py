"""What a user of httpstream writes, so that every library gets it for httpx: Python runs this at its start."""

import httpstream

httpstream.alias_httpx()
