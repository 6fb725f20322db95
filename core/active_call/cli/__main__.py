"""`python -m active_call.cli`."""

import sys

from active_call.cli import main

sys.exit(main())
