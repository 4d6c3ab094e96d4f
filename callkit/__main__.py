"""`python -m callkit` is `callkit`."""

import sys

from callkit.cli import main

sys.exit(main())
