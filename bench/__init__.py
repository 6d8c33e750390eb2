"""The benchmark: httpstream, its peers and the limits of the machine, side by side in interleaved rounds.

Run it as ``python -m bench``; README.md says how. Nothing here is imported by httpstream or by its tests, and no
figure measured here is ever asserted.
"""
