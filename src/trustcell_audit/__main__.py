"""``python -m trustcell_audit``."""

import sys

from trustcell_audit.program import main

sys.exit(main())
