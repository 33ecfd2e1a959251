"""`sepia check`: the runtimes against one another by layer, whole networks against float → `check.json`."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

