"""A worker of `processes`: reads orders from its standard input, answers on its standard output.

Frames are a length of eight bytes and so many bytes. A driver that is gone, however it went, closes
the input: the worker ends at once, in the middle of a batch.
"""

import os
import queue
import struct
import sys
import threading
from typing import BinaryIO, NoReturn

LENGTH = struct.Struct("<Q")


def read_frame(stream: BinaryIO) -> bytes | None:
    """Return the next frame, or None where the stream ends or is cut short."""
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    (length,) = LENGTH.unpack(head)
    body = stream.read(length)
    return body if len(body) == length else None


def write_frame(stream: BinaryIO, frame: bytes) -> None:
    """Write a frame, and send it."""
    stream.write(LENGTH.pack(len(frame)))
    stream.write(frame)
    stream.flush()


def main() -> None:
    """Work until the driver is gone, by the standard streams of a new process."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a package prints must not get among the answers
    work(sys.stdin.buffer, answers)


def work(inbox: BinaryIO, answers: BinaryIO) -> NoReturn:
    """Answer one order after the other."""
    orders: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(inbox, orders), daemon=True).start()

    from evalharness.executors.tasks import WorkerBench

    bench = WorkerBench()
    while True:
        write_frame(answers, bench.answer(orders.get()))


def _listen(stream: BinaryIO, orders: "queue.SimpleQueue[bytes]") -> None:
    while (frame := read_frame(stream)) is not None:
        orders.put(frame)
    os._exit(0)
