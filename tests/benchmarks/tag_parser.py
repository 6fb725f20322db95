"""How many tokens a second the tag parser and the sentence splitter take: `python tests/benchmarks/tag_parser.py`.

A token is what a language model streams, about four characters. A voice speaks some 4 tokens a second, and a fast model
writes 200, so the figure divided by 200 is the number of calls whose replies one core could parse.
"""

import time

from active_call.playbook import SentenceSplitter, TagParser

REPLY = (
    "Good morning, and thank you for calling! Let me have a look at your order, it will only take a moment. "
    '<set_var key="order" value="A-4711"/><http url="https://shop.example/orders/A-4711?fields=eta" method="GET"/> '
    "It left our warehouse on Dec. 3 and should be with you by 4.30 p.m. tomorrow; shall I connect you to the driver? "
    "<refer to='sip:driver@example.com;transport=tls'/> If 3 < 5 then <b>yes</b>. Good bye. <hangup/>\n"
)
TOKEN = 4
SECONDS = 0.5


def measure(name: str, text: str, parser: TagParser | SentenceSplitter) -> None:
    tokens = [text[at : at + TOKEN] for at in range(0, len(text), TOKEN)]
    done = 0
    begin = time.perf_counter()
    while (spent := time.perf_counter() - begin) < SECONDS:
        for token in tokens:
            parser.feed(token)
        parser.close()
        done += len(tokens)
    print(f"{name:36} {done / spent:12,.0f} tokens/s {spent / done * 1e6:8.2f} us/token")


if __name__ == "__main__":
    measure("tags, a reply with six of them", REPLY, TagParser())
    measure("tags, speech only", "The bicycle is ready, you can fetch it. " * 20, TagParser())
    measure("tags, the longest value", f'<message body="{"a" * 4000}"/>', TagParser())
    measure("sentences", "The bicycle is ready, you can fetch it. " * 20, SentenceSplitter())
    measure("sentences, one without an end", "and so on and on " * 250, SentenceSplitter())
