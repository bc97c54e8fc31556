"""The tasks of the job queue: resuming operations until they are over."""

from dataclasses import replace
from datetime import timedelta

import procrastinate
from procrastinate import BaseRetryStrategy, RetryDecision
from procrastinate.jobs import Job

from oneinbox.app import aftermath
from oneinbox.app.queue import QUEUE, RESUME
from oneinbox.app.steps import Remake, StepRunner
from oneinbox.features.context import Ports
from oneinbox.features.phone_numbers import service as phone_numbers
from oneinbox.kit.clock import Clock
from oneinbox.kit.errors import OneInboxError
from oneinbox.kit.steps import Operation, Work

FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 1, 10


class NotOver(OneInboxError):
    """The operation is not over; it is tried again."""

    code = "OPERATION_NOT_OVER"


class Patience(BaseRetryStrategy):
    """Again after 1, 2, 4, 8, and from then on 10 seconds, for ever: the operation itself knows when to give up."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision:
        """When the job is tried again."""
        wait = min(FIRST_WAIT_SECONDS * 2 ** min(job.attempts, 10), LONGEST_WAIT_SECONDS)
        return RetryDecision(retry_at=self._clock.now() + timedelta(seconds=wait))


def remaking(ports: Ports, clock: Clock, audit_key: bytes) -> Remake:
    """Makes the work of operations again; it tells the audit trail of its end, since its request may not have."""

    def remake(operation: Operation, request: str | None) -> Work:
        work = phone_numbers.resumption(
            operation.workspace_id, ports, clock, operation.kind, operation.resource_id, request
        )
        return replace(work, ended=aftermath.teller(operation, audit_key, clock))

    return remake


def register(app: procrastinate.App, runner: StepRunner, remake: Remake, clock: Clock) -> None:
    """Give the queue its tasks."""

    @app.task(name=RESUME, queue=QUEUE, retry=Patience(clock))
    async def resume_operation(operation_id: str) -> None:
        if not await runner.resume(operation_id, remake):
            raise NotOver(f"Operation {operation_id} is not over.")
