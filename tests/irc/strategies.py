"""What hypothesis makes messages of."""

from hypothesis import strategies as st

from securechat.irc.message import Message

# Dense in the characters that mean something to the protocol.
_SPECIAL = " :;=@\\,+*snr0é€\U0001f600\t\x01"
_LINE_CHARACTER = st.one_of(
    st.sampled_from(_SPECIAL), st.characters(exclude_characters="\0\r\n", exclude_categories=["Cs"])
)

texts = st.text(_LINE_CHARACTER, max_size=20)
"""What can stand in a line."""

_words = texts.map(lambda text: text.replace(" ", "").lstrip(":")).filter(bool)
_commands = st.text(st.sampled_from("ABCXYZ019"), min_size=1, max_size=8)
_keys = st.text(_LINE_CHARACTER.filter(lambda c: c not in " ;="), min_size=1, max_size=8)
_values = st.text(
    st.one_of(_LINE_CHARACTER, st.sampled_from("\r\n; \\")), max_size=12
)  # CR and LF have a form inside of a tag

messages = st.builds(
    lambda command, words, last, source, tags: Message(command, words + last, source, tags),
    _commands,
    st.lists(_words, max_size=20),
    st.lists(texts, max_size=1),
    st.none() | texts.map(lambda text: text.replace(" ", "")).filter(bool),
    st.dictionaries(_keys, _values, max_size=4),
)
"""Messages that have a form."""
