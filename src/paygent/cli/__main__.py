"""`python -m paygent.cli`."""

import sys

from paygent.cli import main

if __name__ == "__main__":
    sys.exit(main())
