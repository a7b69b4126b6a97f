"""``python -m securechat`` is ``securechat``."""

from securechat.cli import main

if __name__ == "__main__":
    main()
