"""Where a run's models and metrics work: in this process, in others, on a cluster.

Whatever the executor, the driver alone reads the data, plans the batches and writes the ledgers;
workers are given whole batches and return records, so that they need no folder in common. A batch
that a worker died over is given to another. Which batches there are depends on config and data
only: the same config gives the same bytes on every executor.
"""
