"""The last import of the process that workers are forked from.

What is in memory by now lives as long as the worker. Set apart from garbage collection, its
pages stay shared: a collection writes to every object it looks at, and each page written is
copied, a tenth of what a worker does in its first second.
"""

import gc

gc.collect()
gc.freeze()
