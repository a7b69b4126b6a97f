"""The server: one thread for each client, from the TLS handshake to the end.

``server``        puts the parts together, starts and stops them
``listener``      accepts connections and does nothing else
``session``       one client's thread: reads lines, has them carried out in order
``registration``  what happens before a client is on the chat: CAP, PASS, NICK, USER, SASL
``commands``      one small function for each command, in a registry
``delivery``      shows what became of requests to everyone who sees it
``lines``         events as lines, once for each flavour
``replies``       answers to one session: refusals in the protocol's words, labels, batches
``hub``           what the sessions share
``config`` ``log`` ``throttle`` ``control`` ``operator``   the operator's side
"""
