"""Reads the event stream of `wharf_plugin.py` back out of a pytest process's standard output."""

import json

SEPARATOR = b"\x1e"


class Stream:
    """The events of one process, and the output that is not an event.

    A line counts as an event when it starts behind a separator and is JSON with the right nonce; all else,
    also a separator that a test printed, is output.
    """

    def __init__(self, raw, nonce):
        self.raw = raw
        self.nonce = nonce
        self.events = []
        self.lines = []  # each event as written, parts not joined
        self.output = b""
        self.parts = {}
        pieces = raw.split(SEPARATOR)
        self.output += pieces[0]
        for piece in pieces[1:]:
            line, newline, rest = piece.partition(b"\n")
            event = self.decode(line) if newline else None
            if event is None:
                self.output += SEPARATOR + piece
                continue
            self.lines.append(SEPARATOR + line + newline)
            self.output += rest
            self.take(event)
        assert not self.parts, "an event in parts has no end: %r" % self.parts

    def decode(self, line):
        try:
            event = json.loads(line.decode("ascii"))
        except ValueError:
            return None
        return event if isinstance(event, dict) and event.get("wharf") == self.nonce else None

    def take(self, event):
        if event["event"] != "part":
            self.events.append(event)
            return
        self.parts.setdefault(event["of"], []).append(event["text"])
        if event["last"]:
            self.take(json.loads("".join(self.parts.pop(event["of"]))))

    def of(self, kind):
        return [event for event in self.events if event["event"] == kind]

    def only(self, kind):
        events = self.of(kind)
        assert len(events) == 1, "not one `%s` but %r" % (kind, events)
        return events[0]

    def started(self):
        return [event["id"] for event in self.of("started")]

    def outcomes(self):
        """{id: outcome} of all finished tests; a test that finished twice is an error."""
        found = {}
        for event in self.of("finished"):
            assert event["id"] not in found, "finished twice: %s" % event["id"]
            found[event["id"]] = event["outcome"]
        return found

    def finished(self, name):
        """The `finished` event of the one test whose id ends with `name`."""
        events = [event for event in self.of("finished") if event["id"].endswith(name)]
        assert len(events) == 1, "not one finished `%s` in %r" % (name, self.outcomes())
        return events[0]

    def listed(self):
        return [name for event in self.of("items") for name in event["ids"]]
