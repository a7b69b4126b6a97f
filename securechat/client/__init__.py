"""The client: a library that speaks with a server, and on top of it `securechat connect`, at a terminal or in a pipe.

The library, from the wire inwards; each knows only those below it:

================  ====================================================================================================
`steady`          `Steady`: a chat over as many connections as it takes
`door`            how to get in, and `saved_door`: into a saved server
`resuming`        what has to be done on each new one: channels, saying again, catching up
`catching_up`     asking for what was missed
`timeline`        each message once, and in order
`outbox`          what was said and is not acknowledged
`retrying`        when to try again, and when not to
`connection`      `Client`: one connection, the receiver thread, waiting
`peer`            with whom one speaks: the server's certificate, and who vouches for it
`knowledge`       what a client knows, for whoever asks
`dial`            from a host name to a link whose other end is verified
`entry`           from the link to 001, over the connection
`registration`    from the first line to 001: capabilities, login, nick
`proving`         what each kind of login does in it: `sasl_proof` (with `scram`) and `invitation_proof`
`logins`          the kinds of logins: a password, a certificate, an invitation
`conversation`    what goes on from then on: messages in, events and answers out
`handlers`        what each message of the server means: one small function for each
`multiline`       messages of several lines, as batches
`history`         questions for what was said, and pages that answer them
`arriving`        what is no text in an answer: certificates, in pieces
`refusals`        what an error says, with `identity_words` for certificates, passwords and invitations
`capabilities`    the client's side of CAP
`events`          what happens, one type for each thing
`requests`        what was asked and is not answered yet
`state`           who one is, and who is in the channels
`ignoring`        whom one does not want to hear
`safe`            what comes from the network, made fit for a screen
`errors`          what can go wrong, and the exit status of each
================  ====================================================================================================

Whom one trusts: `servers` keeps the saved ones, `first_contact` asks a server for its authority without believing it,
`joining` looks at an invitation, `keyrings` has passwords in the system's keyring; `asking` is a connection for one
question.

What is done for an account, in the chat or beside it (`errand`): `enrolling` has a key of one's own certified, which
`certificate_files` keeps and `renewing` renews; `passwords` changes the password.

The screens: `plain` makes a line of an event, with `answers` for what the server says and `mode_words` for modes, and
`status` a sentence on how it stands; `terminal` with its `commands`, `rows`, `reading` and `hidden`, and `pipe` with
its `feed`, are the two ways of `securechat connect`; `password` finds the password.

::

    def print_it(event: Event) -> None: ...

    client = Client(print_it)
    client.connect("localhost", 6697, client_context(Path("certs/ca.pem")), nick="alice", password=secret)
    client.join("#lobby")
    hello = client.say("#lobby", "hello")
    client.settle()
    assert all(request.done for request in hello)
    client.leave()
"""
