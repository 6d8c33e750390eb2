"""The network: one non-blocking stream over TCP, a Unix socket or TLS. Knows no HTTP.

The modules of this folder are imported one by one, where they are used: TLS costs a program that speaks plain
HTTP nothing.
"""
