"""TLS 1.3: contexts for servers and clients, and the link, a TLS connection that several threads can use safely.

``contexts``  makes :class:`ssl.SSLContext` objects from files and says in a sentence what is wrong with a file
``link``      one TLS connection: one thread reads it, any thread writes to it
``backlog``   what waits for a peer that reads slowly
``waker``     a descriptor with which one thread ends another's wait
``errors``    what can go wrong, in words
"""
