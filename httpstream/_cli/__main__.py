"""``python -m httpstream._cli`` is the command ``httpstream``."""

from __future__ import annotations

import sys

from . import main

if __name__ == "__main__":
    sys.exit(main())
