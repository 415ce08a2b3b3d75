"""Asking a server that speaks OpenAI's chat completions: many requests at once, each to its end.

Every request ends with an answer or with a reason, in order, and no request is answered twice.
What may pass (a full server, a broken connection, an answer that is none) is tried again, later
and later; what cannot pass (a wrong key, an unknown model) ends the work at once. The key is read
from the environment when it is needed, and is taken out of all that comes back.

>>> from evalharness.endpoint import Chat, Server
>>> server = Server("http://localhost:8000/v1", "a-model", key="SOME_KEY")
>>> server.identity()
{'endpoint': 'http://localhost:8000/v1', 'served': 'a-model'}
>>> Chat("Is 7 prime?", options={"max_tokens": 1}).messages()
[{'role': 'user', 'content': 'Is 7 prime?'}]
"""

from evalharness.endpoint.client import TOO_LONG, Answer, Chat, Client, Server, Unanswered

__all__ = ["TOO_LONG", "Answer", "Chat", "Client", "Server", "Unanswered"]
