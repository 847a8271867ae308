"""The processes of `yimen serve`.

Enters: the settings, and the kinds of process to run. Leaves: nothing; `supervise` ends when it is told to.
Promised: identity, gateway and worker are processes of their own. The supervisor starts them, serves nothing and reads
no byte from outside. A process that ends is started again. One whose event loop is silent for ten seconds has its
stacks written to the log, is killed and started again; the others go on. SIGTERM and SIGINT end everything within the
grace time. The end of the supervisor, whatever its cause, is the end of its processes. Within a process, connections
that wait for their client are bounded in number and in time.

A process is a fork of the supervisor, which has imported everything and started no thread: it begins in milliseconds
and shares the memory of the code. Not for platforms without `fork`.
"""
