"""A process that asks for tokens whenever it is told to, in Python: half of its callers are threads that share a
Broker, the other half tasks of one AsyncBroker, as in an agent.

usage: token_worker.py PROVIDER CALLERS [LOCK_WAIT_MILLISECONDS]

The lines that it reads and writes are those of `src/bin/token-worker.rs`.
"""

import asyncio
import json
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from tokenkeep import AsyncBroker, Broker, TokenkeepError


def main():
    provider, callers = sys.argv[1], int(sys.argv[2])
    lock_wait = int(sys.argv[3]) / 1000 if len(sys.argv) > 3 else None
    threads = (callers + 1) // 2
    tasks = callers - threads
    with Broker(lock_wait=lock_wait) as broker, ThreadPoolExecutor(callers) as pool:
        # The tasks' thread is one of those that start together.
        together = threading.Barrier(threads + 1)
        print("ready", flush=True)
        for line in sys.stdin:
            options = read(line)

            def in_thread():
                together.wait()
                begun = time.perf_counter()
                try:
                    return brought(broker.token(provider, **options), begun)
                except TokenkeepError as error:
                    return failed(error, begun)

            calls = [pool.submit(in_thread) for _ in range(threads)]
            together.wait()
            answers = asyncio.run(all_tasks(provider, options, tasks, lock_wait))
            answers += [call.result() for call in calls]
            print(json.dumps(answers), flush=True)


async def all_tasks(provider, options, tasks, lock_wait):
    async def in_task(broker):
        begun = time.perf_counter()
        try:
            return brought(await broker.token(provider, **options), begun)
        except TokenkeepError as error:
            return failed(error, begun)

    async with AsyncBroker(lock_wait=lock_wait) as broker:
        return list(await asyncio.gather(*(in_task(broker) for _ in range(tasks))))


def read(line):
    what, _, value = line.strip().partition(" ")
    if what == "token":
        return {}
    if what == "force":
        return {"force_refresh": True} | ({"scopes": value} if value else {})
    if what == "min-lifetime":
        return {"min_lifetime": int(value)}
    raise ValueError(f"no such line: {line!r}")


def brought(token, begun):
    expires_at = token.expires_at and int(token.expires_at.timestamp())
    return {"token": token.secret, "expires_at": expires_at, "milliseconds": since(begun)}


def failed(error, begun):
    return {"error": error.code, "milliseconds": since(begun)}


def since(begun):
    return (time.perf_counter() - begun) * 1000


main()
