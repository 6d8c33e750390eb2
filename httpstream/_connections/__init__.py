"""Connections: one HTTP/1.1 exchange without I/O, a connection that carries exchanges, and the pool of them."""
