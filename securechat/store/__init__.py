"""What lasts: the journal that orders and commits requests, the database, passwords, and the data directory.

``journal``    puts requests into one order, applies them, commits them in batches, hands them to delivery
``clock``      stamps that never go backwards
``database``   the SQLite file: opening, committing, and finding out what a failed commit left behind
``schema``     its tables, and how those of an older version become today's
``migrations`` does that, after a copy of the file
``rows``       how events are written down as rows of the log
``tables``     how they change the tables of what lasts; the chat out of these
``channel_tables`` those of channels
``passwords``  Argon2id, a bounded number at a time
``datadir``    the directory, its lock and its names
``snapshot``   a store read as it is at one moment, for the operator's commands
``backup``     a copy of it in one file, and a store made of that again
``check``      whether a store is whole, with ``check_rules``, ``check_search`` and ``found``
``export``     what was said, from the oldest to the newest
``retention``  what is too old or too much goes, as ``retention_policy`` says
"""
