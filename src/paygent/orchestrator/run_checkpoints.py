"""The checkpoints of runs as the graph sees them: a run that is just being begun has none."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from langgraph.checkpoint.base import BaseCheckpointSaver

if TYPE_CHECKING:
    import asyncio

    from langchain_core.runnables import RunnableConfig
    from langgraph.checkpoint.base import Checkpoint, CheckpointMetadata, CheckpointTuple


class RunCheckpoints(BaseCheckpointSaver[Any]):
    """A checkpointer over another one.

    LangGraph asks for the newest checkpoint before it does anything. Of a run that is being written down there is none:
    nothing is read, and the answer is given once that is done. LangGraph makes itself ready meanwhile, and has written
    nothing.
    """

    def __init__(self, inner: BaseCheckpointSaver[Any]) -> None:
        super().__init__(serde=inner.serde)
        self._inner = inner
        self._begun: dict[str, asyncio.Task[None]] = {}
        # bound here, so that LangGraph sees which arguments they take
        self.aput_writes = inner.aput_writes  # type: ignore[method-assign]
        self.get_next_version = inner.get_next_version  # type: ignore[method-assign]

    @contextmanager
    def beginning(self, run: str, begun: "asyncio.Task[None]") -> Generator[None]:
        """Answer for a new run once `begun` is done; what that raises is raised to LangGraph, which goes no further."""
        self._begun[run] = begun
        try:
            yield
        finally:
            self._begun.pop(run, None)
            begun.cancel()

    async def aget_tuple(self, config: Any) -> "CheckpointTuple | None":
        begun = self._begun.pop(config["configurable"]["thread_id"], None)
        if begun is None:
            return await self._inner.aget_tuple(config)
        await begun
        return None

    async def aput(
        self, config: "RunnableConfig", checkpoint: "Checkpoint", metadata: "CheckpointMetadata", new_versions: Any
    ) -> "RunnableConfig":
        return await self._inner.aput(config, checkpoint, metadata, new_versions)

    async def adelete_thread(self, thread_id: str) -> None:
        await self._inner.adelete_thread(thread_id)
