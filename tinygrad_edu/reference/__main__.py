"""`python -m tinygrad_edu.reference`: write the reference pages, or check them."""

import sys

from tinygrad_edu.reference import main

if __name__ == "__main__":
    sys.exit(main())
