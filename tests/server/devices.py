"""Clients that log in as a device of an account."""

from tests.server.wire import Client, Opener, plain


def come(opened: Opener, login: str, *caps: str) -> Client:
    """Somebody who comes with such a login, and has answered all the PINGs of the welcome."""
    return answer_pings(arrive(opened, login, *caps))


def arrive(opened: Opener, login: str, *caps: str) -> Client:
    """Somebody who comes with such a login, of whose welcome nothing but the first line was read."""
    client = opened.stranger()
    client.send("CAP LS 302", f"CAP REQ :sasl {' '.join(caps)}", "AUTHENTICATE PLAIN", f"AUTHENTICATE {plain(login)}")
    client.send(f"NICK {login.partition('@')[0]}", "USER u 0 * :r", "CAP END")
    client.nick = client.expect("001").params[0]
    return client


def answer_pings(client: Client) -> Client:
    """Answer all that have come; nothing is left unread."""
    tokens = [message.params[0] for message in client.sync() if message.command == "PING"]
    if tokens:
        client.send(*(f"PONG :{token}" for token in tokens))
        client.sync()
    return client


def leave(client: Client) -> None:
    client.send("QUIT :bye")
    client.to_end()


def cut_off(client: Client) -> None:
    """The connection is gone, without a word in IRC or TLS."""
    client._sock.close()
