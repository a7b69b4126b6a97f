"""The IRC protocol without its sockets: bytes and strings in, values out, and the other way round.

Nothing here waits, locks, logs, looks at a clock or imports anything else of ours, so every rule of the protocol can be
read, tested and fuzzed by itself. The server and the client are two shells around it. From the wire inwards:

=====================  ===============================================================================================
`lines`                bytes as they arrive become lines, or the peer's mistake in the place of a line
`message`, `tags`      a line becomes a `Message` (tags, source, command, parameters), and back
`words`                what may stand where in a line; `UnsendableError`, the error for *our* mistakes
`errors`               `ProtocolError`, the tree of the *peer's* mistakes, each with the answers that it gets
`numerics`             the one list of numeric replies, and `numeric()`, which writes one
`standard_replies`     the one list of codes for FAIL, WARN and NOTE, and how these are written
`names`                nicks and channels: which are valid, when two are the same, masks with `*` and `?`
`caps`                 the one list of capabilities, and `Negotiation`, what CAP does to one session
`sasl`                 AUTHENTICATE, both sides: chunks, mechanisms, what a mechanism gives to be checked
`isupport`             the tokens of 005, both ways
`modes`                the parameters of MODE, both ways
`extban`               masks of ban lists: made whole, and matched
`elist`, `whox`        what LIST and WHO are asked for
`multiline`            batches of lines as one text, and back
`split`                cutting text and lists into pieces that fit a line
=====================  ===============================================================================================

Where the rules are: Modern IRC (modern.ircdocs.horse) for the base protocol, ircv3.net/specs for the extensions,
RFC 4422 and RFC 4616 for SASL. Docstrings name the section.
"""
