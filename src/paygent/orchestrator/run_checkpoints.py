"""The checkpoints of runs as the graph sees them: a run that is just being begun has its input, and nothing else."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, cast

from langgraph.checkpoint.base import BaseCheckpointSaver, CheckpointTuple, copy_checkpoint
from langgraph.checkpoint.base.id import uuid6

from paygent.core.run_errors import CheckpointUnusable
from paygent.core.session import Run
from paygent.orchestrator.state import Channels, State, check

if TYPE_CHECKING:
    import asyncio

    from langchain_core.runnables import RunnableConfig
    from langgraph.checkpoint.base import Checkpoint, CheckpointMetadata

_NEWEST_LANGGRAPH: Final = 4
"""The newest format of LangGraph's own checkpoints that is known to be read right."""
_INPUT: Final = "__start__"
"""LangGraph's channel of what a graph begins with."""


class RunCheckpoints(BaseCheckpointSaver[Any]):
    """A checkpointer over another one.

    LangGraph asks for the newest checkpoint before it does anything. Of a run that is being written down there is none,
    and its input is in what is written down: so nothing is read, the checkpoint of a graph that has its input and has
    done nothing is made here, and LangGraph gets it once the run is durable. It makes itself ready meanwhile. The first
    checkpoint that is kept is that of the first node; a process that dies before it leaves a run that begins anew.
    """

    def __init__(self, inner: BaseCheckpointSaver[Any], start: CheckpointTuple) -> None:
        """Take the checkpointer, and the checkpoint of any graph that has done nothing; see `graph.start_of`."""
        super().__init__(serde=inner.serde)
        self._inner = inner
        self._start: Final = start
        self._begun: dict[str, tuple[State, asyncio.Task[None]]] = {}
        self._unkept: set[str] = set()
        """Runs of which no checkpoint is kept yet."""
        # bound here, so that LangGraph sees which arguments they take
        self.aput_writes = inner.aput_writes  # type: ignore[method-assign]
        self.get_next_version = inner.get_next_version  # type: ignore[method-assign]

    @contextmanager
    def beginning(self, state: State, begun: "asyncio.Task[None]") -> Generator[None]:
        """Let a new run begin with a state once `begun` is done; where that raises, LangGraph does nothing."""
        self._begun[state["run"]] = state, begun
        try:
            yield
        finally:
            self._begun.pop(state["run"], None)
            self._unkept.discard(state["run"])
            begun.cancel()

    async def aget_tuple(self, config: Any) -> CheckpointTuple | None:
        beginning = self._begun.pop(config["configurable"]["thread_id"], None)
        if beginning is None:
            return await self._inner.aget_tuple(config)
        state, begun = beginning
        await begun
        self._unkept.add(state["run"])
        return self._first(state)

    async def aput(
        self, config: Any, checkpoint: "Checkpoint", metadata: "CheckpointMetadata", new_versions: Any
    ) -> "RunnableConfig":
        run = config["configurable"]["thread_id"]
        if run in self._unkept:  # a checkpointer that keeps only what is new has nothing of it yet
            self._unkept.discard(run)
            new_versions = checkpoint["channel_versions"]
        return await self._inner.aput(config, checkpoint, metadata, new_versions)

    async def state(self, run: Run) -> State | None:
        """Return the state of a run's newest checkpoint; None where the process died before the first.

        Raises: CheckpointUnusable.
        """
        try:
            found = await self.aget_tuple({"configurable": {"thread_id": run.id, "checkpoint_ns": ""}})
        except (ValueError, KeyError, TypeError, RecursionError) as broken:
            raise CheckpointUnusable(run.id, why="it is damaged") from broken
        if found is None:
            return None
        written = cast("object", found.checkpoint.get("v"))  # read from a file, whatever its type promises
        if not isinstance(written, int) or written > _NEWEST_LANGGRAPH:
            raise CheckpointUnusable(run.id, why="a newer version of LangGraph wrote it")
        values = cast("Mapping[str, object]", found.checkpoint["channel_values"])
        if "state" not in values and _INPUT in values:
            return None
        if (wrong := check(values.get("state"))) is not None:
            raise CheckpointUnusable(run.id, why=wrong)
        state = cast("State", values["state"])
        if (state["run"], state["session"], state["text"]) != (run.id, run.session, run.text):
            raise CheckpointUnusable(run.id, why="it is of another run")
        return state

    async def adelete_thread(self, thread_id: str) -> None:
        await self._inner.adelete_thread(thread_id)

    def _first(self, state: State) -> CheckpointTuple:
        checkpoint = copy_checkpoint(self._start.checkpoint)
        checkpoint["id"] = str(uuid6())
        checkpoint["channel_values"] |= Channels(state=state)
        place = {"thread_id": state["run"], "checkpoint_ns": "", "checkpoint_id": checkpoint["id"]}
        return CheckpointTuple({"configurable": place}, checkpoint, {**self._start.metadata}, None, [])
