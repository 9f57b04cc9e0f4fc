"""The last import of the process that workers are forked from: what they would each do again.

What is in memory by now lives as long as the worker. Set apart from garbage collection, its
pages stay shared: a collection writes to every object it looks at, and each page written is
copied, a tenth of what a worker does in its first second.
"""

import gc
import sys
from contextlib import suppress

from tornado.iostream import SSLIOStream

if sys.platform == "linux":  # Elsewhere it may start a thread, which does not survive a fork.
    # Before it misses its socket, it reads the system's certificates, which Tornado keeps. A worker
    # would do so while another one waits for its first answer.
    with suppress(TypeError):
        SSLIOStream()

gc.collect()
gc.freeze()
