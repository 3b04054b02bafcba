"""A role's process as `touchline worker` runs it, from the environment: `python -m tests.support.role_worker ROLE`."""

import logging
import sys

from api.bootstrap import run_role
from streams.settings import load_settings

if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    sys.exit(run_role(sys.argv[1], load_settings()))
