#!/bin/sh
# Sets everything up, then holds a spoken conversation with playbook-examples/hello.md on this machine alone: no key,
# no server elsewhere, no sound card. The caller's lines are synthesised; what they hear is recorded.
set -eu
cd "$(dirname "$0")/.."
sh .ci/setup.sh run
mkdir -p out
.venv/bin/active-call talk playbook-examples/hello.md --out out/hello.wav \
    --say "When are you open?" \
    --say "I have a flat tyre, can you fix it?" \
    --say "Thank you, goodbye."
cat <<'END'

That was a real call: speech out of the voice, over a WebSocket, through detector, recogniser, rules and voice, and back.
Listen to it: out/hello.wav (the caller left, the agent right).

Go on:
  .venv/bin/active-call talk playbook-examples/hello.md --say "Where are you?"      say something else
  .venv/bin/active-call talk playbook-examples/hello.md --wav question.wav          or play it a recording
  .venv/bin/active-call chat playbook-examples/hello.md                             type instead of speaking
  .venv/bin/active-call serve                                                       answer calls on ws://127.0.0.1:8080/call
  .venv/bin/active-call plugins                                                     what listens, thinks and speaks
  docs/tutorials/first-call.md                                                      the same, step by step
END
