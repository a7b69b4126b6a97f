"""Make the development authorities and certificates: a front of ``securechat.pki``, which says how."""

import importlib.util
import sys
from pathlib import Path

if importlib.util.find_spec("securechat") is None:
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

try:
    from securechat.pki.__main__ import main
except ImportError as missing:
    sys.exit(f"gen_certs: {missing}; use the project's own Python, .venv/bin/python (make demo sets it up)")

if __name__ == "__main__":
    sys.exit(main())
