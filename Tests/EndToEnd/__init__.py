"""End-to-end tests: the built binary against real labs (tools/lab). Run by tools/test, or alone:

    cd Tests && /usr/bin/python3 -B -m EndToEnd [--quick] [MODULE…]
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))
