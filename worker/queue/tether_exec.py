"""Ties the process it becomes to the process that started it, then becomes the given command.

Run by path as a script (`python -I -S tether_exec.py …`), never imported: standard library only, quick to start. See `tether.spawn`.

Usage: tether_exec.py PARENT_PID (prctl | FD) COMMAND [ARGUMENT…]

`prctl` (Linux): the kernel kills this process when the thread that started it ends. FD (any POSIX system): the read end of a pipe whose
write end only the parent holds; a small watcher process waits for its end and kills. In both cases the command keeps this process's id.
"""

import os
import select
import signal
import sys

PR_SET_PDEATHSIG = 1
LOOK_SECONDS = 0.5


def tie_by_kernel(parent: int) -> None:
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        sys.exit(f"cannot tie this process to its parent: {os.strerror(ctypes.get_errno())}")
    if os.getppid() != parent:
        sys.exit("the process that started this one is gone already")


def tie_by_pipe(pipe: int) -> None:
    watched = os.getpid()
    if os.fork() != 0:
        os.close(pipe)
        return
    # The watcher must hold nothing open that another process waits to see closed: output pipes, locks.
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    os.closerange(3, pipe)
    os.closerange(pipe + 1, min(65536, os.sysconf("SC_OPEN_MAX")))
    while os.getppid() == watched:
        readable, _, _ = select.select([pipe], [], [], LOOK_SECONDS)
        if readable:
            if os.getppid() == watched:
                os.kill(watched, signal.SIGKILL)
            break
    os._exit(0)


def main() -> None:
    parent, tie, command = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
    # Ctrl-C reaches the whole process group at once. The parent decides in which order its children end, so they do not hear it.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    if tie == "prctl":
        tie_by_kernel(parent)
    else:
        tie_by_pipe(int(tie))
    try:
        os.execvp(command[0], command)
    except OSError as error:
        print(f"cannot start {command[0]}: {error.strerror}", file=sys.stderr)
        sys.exit(127)


if __name__ == "__main__":
    main()
