"""The toy experiment of the lab's tests serves the command line's too."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "lab"))
