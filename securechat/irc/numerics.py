"""The one list of numeric replies, and `numeric()`, which writes one (Modern IRC, "Numerics"; IRCv3).

Each entry says its number and its usage as the specifications write it, without the client's name that all of them
begin with: `<word>` is a parameter to give, `<word>...` at the end of the words takes as many as there are, and
what follows the colon is the usual sentence, which may have `<places>` of its own::

    ERR_NOSUCHNICK  401  "<nick> :No such nick/channel"    numeric(Numeric.ERR_NOSUCHNICK, "alice", "bob")
                                                           -> "401 alice bob :No such nick/channel"
"""

import re
from dataclasses import dataclass
from enum import IntEnum, unique

from securechat.irc.words import check_line, word

_PLACE = re.compile(r"<[^<>]+>(\.\.\.)?")


@unique
class Numeric(IntEnum):
    """A numeric: `usage` (see above), and what `numeric()` needs to know of it."""

    usage: str
    template: str  # for %, the client's name first
    words: int  # how many words are to be given before the sentence; a repeated one counts once
    places: int  # how many are to be given for the sentence
    sentence: bool  # whether there is one
    repeats: bool  # whether the last word takes all that are left

    def __new__(cls, number: int, usage: str) -> "Numeric":
        """The number, with its usage taken apart once and for all."""
        member = int.__new__(cls, number)
        member._value_ = number
        head, colon, text = usage.partition(":")
        member.usage = usage
        member.words = len(_PLACE.findall(head))
        member.places = len(_PLACE.findall(text))
        member.sentence = bool(colon)
        member.repeats = "..." in head
        member.template = _PLACE.sub("%s", f"{number:03} <client> {usage}")
        return member

    # Connection (Modern IRC)
    RPL_WELCOME = 1, ":Welcome to the <network> Network, <nick>"
    RPL_YOURHOST = 2, ":Your host is <server>, running version <version>"
    RPL_CREATED = 3, ":This server was created <time>"
    RPL_MYINFO = 4, "<server> <version> <user modes> <channel modes> <channel modes with a parameter>"
    RPL_ISUPPORT = 5, "<token>... :are supported by this server"
    RPL_BOUNCE = 10, "<host> <port> :<info>"
    RPL_REMOTEISUPPORT = 105, "<token>... :are supported by this server"

    # About the server
    RPL_STATSCOMMANDS = 212, "<command> <count>"
    RPL_ENDOFSTATS = 219, "<letter> :End of /STATS report"
    RPL_UMODEIS = 221, "<modes>"
    RPL_STATSUPTIME = 242, ":Server Up <days> days <time>"
    RPL_LUSERCLIENT = 251, ":There are <users> users and <invisible> invisible on <servers> servers"
    RPL_LUSEROP = 252, "<operators> :operator(s) online"
    RPL_LUSERUNKNOWN = 253, "<connections> :unknown connection(s)"
    RPL_LUSERCHANNELS = 254, "<channels> :channels formed"
    RPL_LUSERME = 255, ":I have <clients> clients and <servers> servers"
    RPL_ADMINME = 256, "<server> :Administrative info"
    RPL_ADMINLOC1 = 257, ":<info>"
    RPL_ADMINLOC2 = 258, ":<info>"
    RPL_ADMINEMAIL = 259, ":<info>"
    RPL_TRYAGAIN = 263, "<command> :Please wait a while and try again."
    RPL_LOCALUSERS = 265, "<users> <most> :Current local users <users>, max <most>"
    RPL_GLOBALUSERS = 266, "<users> <most> :Current global users <users>, max <most>"

    # About users and channels
    RPL_SILELIST = 271, "<mask>"
    RPL_ENDOFSILELIST = 272, ":End of silence list"
    RPL_WHOISCERTFP = 276, "<nick> :has client certificate fingerprint <fingerprint>"
    RPL_NONE = 300, ":<text>"
    RPL_AWAY = 301, "<nick> :<message>"
    RPL_USERHOST = 302, ":<replies>"
    RPL_ISON = 303, ":<nicks>"  # RFC 2812 section 4.9
    RPL_UNAWAY = 305, ":You are no longer marked as being away"
    RPL_NOWAWAY = 306, ":You have been marked as being away"
    RPL_WHOISREGNICK = 307, "<nick> :has identified for this nick"
    RPL_WHOISUSER = 311, "<nick> <username> <host> * :<realname>"
    RPL_WHOISSERVER = 312, "<nick> <server> :<info>"
    RPL_WHOISOPERATOR = 313, "<nick> :is an IRC operator"
    RPL_WHOWASUSER = 314, "<nick> <username> <host> * :<realname>"
    RPL_ENDOFWHO = 315, "<mask> :End of WHO list"
    RPL_WHOISIDLE = 317, "<nick> <seconds> <signon> :seconds idle, signon time"
    RPL_ENDOFWHOIS = 318, "<nick> :End of /WHOIS list"
    RPL_WHOISCHANNELS = 319, "<nick> :<channels>"
    RPL_WHOISSPECIAL = 320, "<nick> :<text>"
    RPL_LISTSTART = 321, "Channel :Users  Name"
    RPL_LIST = 322, "<channel> <users> :<topic>"
    RPL_LISTEND = 323, ":End of /LIST"
    RPL_CHANNELMODEIS = 324, "<channel> <modes and arguments>..."
    RPL_CREATIONTIME = 329, "<channel> <time>"
    RPL_WHOISACCOUNT = 330, "<nick> <account> :is logged in as"
    RPL_NOTOPIC = 331, "<channel> :No topic is set"
    RPL_TOPIC = 332, "<channel> :<topic>"
    RPL_TOPICWHOTIME = 333, "<channel> <nick> <time>"
    RPL_WHOISBOT = 335, "<nick> :is a bot"  # IRCv3 Bot Mode
    RPL_INVITELIST = 336, "<channel>"
    RPL_ENDOFINVITELIST = 337, ":End of /INVITE list"
    RPL_WHOISACTUALLY = 338, "<nick> <host> :Is actually using host"
    RPL_INVITING = 341, "<nick> <channel>"
    RPL_INVEXLIST = 346, "<channel> <mask> <who> <time>"
    RPL_ENDOFINVEXLIST = 347, "<channel> :End of Channel Invite Exception List"
    RPL_EXCEPTLIST = 348, "<channel> <mask> <who> <time>"
    RPL_ENDOFEXCEPTLIST = 349, "<channel> :End of channel exception list"
    RPL_VERSION = 351, "<version> <server> :<comments>"
    RPL_WHOREPLY = 352, "<channel> <username> <host> <server> <nick> <flags> :<hops> <realname>"
    RPL_NAMREPLY = 353, "<symbol> <channel> :<names>"
    RPL_WHOSPCRPL = 354, "<field>..."  # IRCv3 WHOX
    RPL_LINKS = 364, "<server> <uplink> :<hops> <info>"
    RPL_ENDOFLINKS = 365, "* :End of /LINKS list"
    RPL_ENDOFNAMES = 366, "<channel> :End of /NAMES list"
    RPL_BANLIST = 367, "<channel> <mask> <who> <time>"
    RPL_ENDOFBANLIST = 368, "<channel> :End of channel ban list"
    RPL_ENDOFWHOWAS = 369, "<nick> :End of WHOWAS"
    RPL_INFO = 371, ":<text>"
    RPL_MOTD = 372, ":<line>"
    RPL_ENDOFINFO = 374, ":End of INFO list"
    RPL_MOTDSTART = 375, ":- <server> Message of the day - "
    RPL_ENDOFMOTD = 376, ":End of /MOTD command."
    RPL_WHOISHOST = 378, "<nick> :is connecting from <mask> <address>"
    RPL_WHOISMODES = 379, "<nick> :is using modes <modes>"
    RPL_YOUREOPER = 381, ":You are now an IRC operator"
    RPL_REHASHING = 382, "<file> :Rehashing"
    RPL_TIME = 391, "<server> :<time>"
    RPL_VISIBLEHOST = 396, "<host> :is now your visible host"

    # Errors
    ERR_UNKNOWNERROR = 400, "<command>... :<info>"
    ERR_NOSUCHNICK = 401, "<nick> :No such nick/channel"
    ERR_NOSUCHSERVER = 402, "<server> :No such server"
    ERR_NOSUCHCHANNEL = 403, "<channel> :No such channel"
    ERR_CANNOTSENDTOCHAN = 404, "<channel> :Cannot send to channel"
    ERR_TOOMANYCHANNELS = 405, "<channel> :You have joined too many channels"
    ERR_WASNOSUCHNICK = 406, "<nick> :There was no such nickname"
    ERR_TOOMANYTARGETS = 407, "<target> :Too many targets"
    ERR_NOORIGIN = 409, ":No origin specified"
    ERR_INVALIDCAPCMD = 410, "<subcommand> :Invalid CAP command"  # IRCv3 Capability Negotiation
    ERR_NORECIPIENT = 411, ":No recipient given (<command>)"
    ERR_NOTEXTTOSEND = 412, ":No text to send"
    ERR_INPUTTOOLONG = 417, ":Input line was too long"
    ERR_UNKNOWNCOMMAND = 421, "<command> :Unknown command"
    ERR_NOMOTD = 422, ":MOTD File is missing"
    ERR_NOADMININFO = 423, "<server> :No administrative info available"  # RFC 2812 section 5.2
    ERR_NONICKNAMEGIVEN = 431, ":No nickname given"
    ERR_ERRONEUSNICKNAME = 432, "<nick> :Erroneus nickname"
    ERR_NICKNAMEINUSE = 433, "<nick> :Nickname is already in use"
    ERR_NICKCOLLISION = 436, "<nick> :Nickname collision KILL from <mask>"
    ERR_USERNOTINCHANNEL = 441, "<nick> <channel> :They aren't on that channel"
    ERR_NOTONCHANNEL = 442, "<channel> :You're not on that channel"
    ERR_USERONCHANNEL = 443, "<nick> <channel> :is already on channel"
    ERR_NOTREGISTERED = 451, ":You have not registered"
    ERR_NEEDMOREPARAMS = 461, "<command> :Not enough parameters"
    ERR_ALREADYREGISTERED = 462, ":You may not reregister"
    ERR_PASSWDMISMATCH = 464, ":Password incorrect"
    ERR_YOUREBANNEDCREEP = 465, ":You are banned from this server."
    ERR_LINKCHANNEL = 470, "<channel> <new channel> :The channel has been renamed"  # IRCv3 Channel Renaming
    ERR_CHANNELISFULL = 471, "<channel> :Cannot join channel (+l)"
    ERR_UNKNOWNMODE = 472, "<mode> :is unknown mode char to me"
    ERR_INVITEONLYCHAN = 473, "<channel> :Cannot join channel (+i)"
    ERR_BANNEDFROMCHAN = 474, "<channel> :Cannot join channel (+b)"
    ERR_BADCHANNELKEY = 475, "<channel> :Cannot join channel (+k)"
    ERR_BADCHANMASK = 476, "<channel> :Bad Channel Mask"
    ERR_NEEDREGGEDNICK = 477, "<channel> :Cannot join channel (+R)"
    ERR_BANLISTFULL = 478, "<channel> <mask> :Channel list is full"
    ERR_NOPRIVILEGES = 481, ":Permission Denied- You're not an IRC operator"
    ERR_CHANOPRIVSNEEDED = 482, "<channel> :You're not channel operator"
    ERR_CANTKILLSERVER = 483, ":You cant kill a server!"
    ERR_NOOPERHOST = 491, ":No O-lines for your host"
    ERR_UMODEUNKNOWNFLAG = 501, ":Unknown MODE flag"
    ERR_USERSDONTMATCH = 502, ":Cant change mode for other users"
    ERR_SILELISTFULL = 511, "<mask> :Your silence list is full"
    ERR_HELPNOTFOUND = 524, "<subject> :No help available on this topic"
    ERR_INVALIDKEY = 525, "<channel> :Key is not well-formed"
    ERR_CANNOTSENDTOUSER = 531, "<nick> :You need an account to send messages to this user"

    # TLS, help, privileges
    RPL_STARTTLS = 670, ":STARTTLS successful, proceed with TLS handshake"
    RPL_WHOISSECURE = 671, "<nick> :is using a secure connection"
    ERR_STARTTLS = 691, ":STARTTLS failed (<why>)"
    ERR_INVALIDMODEPARAM = 696, "<target> <mode> <parameter> :<why>"
    RPL_HELPSTART = 704, "<subject> :<line>"
    RPL_HELPTXT = 705, "<subject> :<line>"
    RPL_ENDOFHELP = 706, "<subject> :<line>"
    ERR_NOPRIVS = 723, "<privilege> :Insufficient oper privileges."

    # MONITOR (IRCv3)
    RPL_MONONLINE = 730, ":<targets>"
    RPL_MONOFFLINE = 731, ":<targets>"
    RPL_MONLIST = 732, ":<targets>"
    RPL_ENDOFMONLIST = 733, ":End of MONITOR list"
    ERR_MONLISTFULL = 734, "<limit> <targets> :Monitor list is full."

    # Metadata (IRCv3)
    RPL_WHOISKEYVALUE = 760, "<target> <key> <visibility> :<value>"
    RPL_KEYVALUE = 761, "<target> <key> <visibility> :<value>"
    RPL_KEYNOTSET = 766, "<target> <key> :Key not set"
    RPL_METADATASUBOK = 770, "<key>..."
    RPL_METADATAUNSUBOK = 771, "<key>..."
    RPL_METADATASUBS = 772, "<key>..."
    RPL_METADATASYNCLATER = 774, "<target> <seconds> :Try again later"

    # SASL (IRCv3)
    RPL_LOGGEDIN = 900, "<mask> <account> :You are now logged in as <account>"
    RPL_LOGGEDOUT = 901, "<mask> :You are now logged out"
    ERR_NICKLOCKED = 902, ":You must use a nick assigned to you"
    RPL_SASLSUCCESS = 903, ":SASL authentication successful"
    ERR_SASLFAIL = 904, ":SASL authentication failed"
    ERR_SASLTOOLONG = 905, ":SASL message too long"
    ERR_SASLABORTED = 906, ":SASL authentication aborted"
    ERR_SASLALREADY = 907, ":You have already authenticated using SASL"
    RPL_SASLMECHS = 908, "<mechanisms> :are available SASL mechanisms"


def numeric(code: Numeric, client: str, *values: str) -> str:
    """The line for a numeric, without source and CR LF; `client` is the nick of whoever gets it, `*` before it has one.

    `values`: one for each `<...>` of the usage, in order. Parts of it may be what a peer sent: a value that can't
    be a word is written as `*`, except as the very last parameter, which can hold any text. NUL, CR and LF raise
    `UnsendableError`, a wrong number of values `TypeError`.
    """
    fields = [client, *values]
    words = len(fields) - code.places  # fields before this one are words
    last = -1 if code.sentence else words - 1
    for index in range(words):
        field = fields[index]
        if not field or " " in field or field[0] == ":":
            fields[index] = ":" + field if index == last else word(field)
    if code.repeats and words > code.words:
        fields[code.words : words] = [" ".join(fields[code.words : words])]
    return check_line(code.template % tuple(fields))


@dataclass(frozen=True, slots=True, init=False)
class NumericReply:
    """A numeric that is still without its client: `NumericReply(code, *values)`, values as in `numeric()`."""

    code: Numeric
    values: tuple[str, ...]

    def __init__(self, code: Numeric, *values: str) -> None:
        object.__setattr__(self, "code", code)
        object.__setattr__(self, "values", values)

    def render(self, client: str) -> str:
        """The line for `client`, without source and CR LF."""
        return numeric(self.code, client, *self.values)
