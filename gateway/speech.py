"""Urgent words are spoken at once, by a program that the settings name (espeak-ng, say)."""

import subprocess
from queue import Empty, Full, Queue
from threading import Event as Flag
from threading import Thread

from gateway.config import Speech
from gateway.home import Said
from plumbing.logs import Log
from rules.model import Tier
from rules.words import Texts, sentence

log = Log("gateway.speech")

_WAITING = 8
"""Sentences that wait to be spoken; the most urgent is spoken first in any case."""


class Speaker:
    """Speaks time-critical prompts (all of tier 4 and 5) one by one, in a thread of its own."""

    def __init__(self, config: Speech, texts: Texts) -> None:
        self.last_error = ""
        self._config = config
        self._texts = texts
        self._queue: Queue[str] = Queue(_WAITING)
        self._stopping = Flag()
        self._thread = Thread(target=self._run, name="speech", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(timeout=2.0)

    def hear(self, said: Said) -> None:
        """Queue what is urgent in it, the most urgent first."""
        for prompt in sorted(said.prompts, key=lambda prompt: -prompt.tier):
            critical = prompt.time_critical or prompt.tier >= Tier.T4
            if critical and self._config.command:
                try:
                    self._queue.put_nowait(
                        sentence(self._texts, prompt.text, "person", prompt.values)
                    )
                except Full:
                    log.error("sentence not spoken, too many wait", waiting=_WAITING)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                text = self._queue.get(timeout=0.5)
            except Empty:
                continue
            command = [part.replace("{text}", text) for part in self._config.command]
            try:
                subprocess.run(
                    command, check=True, capture_output=True, timeout=self._config.timeout_s
                )
                self.last_error = ""
            except (OSError, subprocess.SubprocessError) as error:
                self.last_error = f"{command[0]} could not speak: {error}"
                log.error("speech failed", error=error)
