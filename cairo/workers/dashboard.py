"""Dask's dashboard on a scheduler of this process, built when somebody first asks for a page.

Importing its plotting library takes a good part of the time in which workers start, and most runs
end without anybody having looked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tornado import web

if TYPE_CHECKING:
    from distributed import Scheduler


def show_when_asked(scheduler: Scheduler) -> None:
    """Have the scheduler's web server, started without a dashboard, build one when it is asked."""
    unbuilt = web.Application([(r".*", _FirstPage, {"scheduler": scheduler})])
    scheduler.http_application.add_application(unbuilt)


class _FirstPage(web.RequestHandler):
    """Answers a request that no page is there for yet."""

    def initialize(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler

    def get(self) -> None:
        from distributed.dashboard.scheduler import connect

        served = self._scheduler.http_application
        served.applications.remove(self.application)
        connect(served, self._scheduler.http_server, self._scheduler)
        # With one slash: two would lead to another host.
        self.redirect("/" + (self.request.uri or "").lstrip("/\\"))
