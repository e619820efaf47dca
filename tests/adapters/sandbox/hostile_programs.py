# ruff: noqa: E501 -- a program stands on one line
"""Hostile programs: what each tries in the sandbox. A row prints ESCAPED where it got through.

In the texts SECRET is a file outside that holds 'gold', PORT one that listens outside, ENGINE the
number of the process that started the sandbox, SOCKET, FIFO and ABSTRACT ways out of this machine.
None can harm a machine without the sandbox: each starts at most 128 processes and takes some
hundred megabytes. Numbers of system calls are those of x86-64.
"""

from typing import NamedTuple


class Program(NamedTuple):
    """Python, run in the sandbox; `stopped` is the limit that it must meet."""

    name: str
    code: str
    stopped: str = ""


TRY = (
    "try:\n    {body}\nexcept BaseException as error:\n    print('refused', type(error).__name__)\n"
)


def _attempts(rows: dict[str, str]) -> list[Program]:
    """Each body is a statement that raises where it is refused."""
    found = []
    for name, body in rows.items():
        lines = [*body.split("\n"), "print('ESCAPED')"]
        found.append(Program(name, TRY.format(body="\n    ".join(lines))))
    return found


READS = _attempts({
    "reads a file outside": "open('SECRET').read()",
    "reads it by its folder": "import os; os.listdir(os.path.dirname('SECRET'))",
    "reads it through its own root": "open('/proc/self/root' + 'SECRET').read()",
    "reads it through the first process": "open('/proc/1/root' + 'SECRET').read()",
    "reads it through the first process' folder": "open('/proc/1/cwd/../..' + 'SECRET').read()",
    "reads it by a link": "import os; os.symlink('SECRET', 'link'); open('link').read()",
    "reads it by a hard link": "import os; os.link('SECRET', 'hard')",
    "reads it by dots": "open('../' * 40 + 'SECRET'[1:]).read()",
    "reads it by every descriptor": "import os\nassert any(os.path.exists(f'/proc/{p}/fd/{n}/../../../../..SECRET') for p in (1, 'self') for n in range(20))",
    "reads the password file": "open('/etc/shadow').read()",
    "reads sudoers": "open('/etc/sudoers').read()",
    "reads the machine's keys": "import glob; assert glob.glob('/etc/ssh/*key')",
    "reads a home": "import os; assert [n for n in os.listdir('/root') if n != '.pyenv'] or os.listdir('/home')",
    "reads /run": "import os; assert [n for n in os.listdir('/run') if n != 'prompt-lab']",
    "reads /srv, /opt, /var/lib": "import os; assert os.listdir('/srv') or os.listdir('/opt') or os.listdir('/var/lib')",
    "reads the kernel's memory": "open('/proc/kcore', 'rb').read(1)",
    "reads the kernel's log": "open('/dev/kmsg', 'rb').read(1)",
    "reads /sys": "import os; assert os.listdir('/sys')",
    "reads a disk": "open('/dev/vda', 'rb').read(1)",
    "reads the environment of others": "import glob\nassert b'sk-engine' in b''.join(open(p, 'rb').read() for p in glob.glob('/proc/[0-9]*/environ'))",
    "finds a key in a command line": "import glob\nassert b'sk-' + b'engine' in b''.join(open(p, 'rb').read() for p in glob.glob('/proc/[0-9]*/cmdline'))",
})  # fmt: skip

WRITES = _attempts({
    "writes outside": "open('SECRET', 'w')",
    "writes beside its folder": "open('../beside', 'w').close(); import os; assert os.path.exists('SECRET')",
    "writes the root": "open('/stray', 'w')",
    "writes /etc": "open('/etc/hosts', 'a')",
    "writes /usr": "open('/usr/bin/stray', 'w')",
    "writes its Python": "import json; open(json.__file__, 'a')",
    "writes a kernel setting": "open('/proc/sys/kernel/core_pattern', 'w')",
    "writes the machine's trigger": "open('/proc/sysrq-trigger', 'w')",
    "writes its own oom score": "open('/proc/self/oom_score_adj', 'w').write('-1000')",
    "writes a user map": "open('/proc/self/uid_map', 'w').write('0 0 4294967295')",
    "writes a control group": "open('/sys/fs/cgroup/cgroup.procs', 'w')",
    "makes a disk": "import os, stat; os.mknod('disk', 0o600 | stat.S_IFBLK, os.makedev(254, 0)); open('disk', 'rb')",
    "makes a character device": "import os, stat; os.mknod('mem', 0o600 | stat.S_IFCHR, os.makedev(1, 1)); open('mem', 'rb')",
    "sets a file setuid": "import os; open('suid', 'w'); os.chmod('suid', 0o4755)",
    "sets an open file setgid": "import os; os.fchmod(os.open('sgid', os.O_CREAT), 0o2755)",
    "creates a file setuid": "import os; os.open('born', os.O_CREAT | os.O_WRONLY, 0o4755)",
    "makes a node setuid": "import os, stat; os.mknod('node', 0o4755 | stat.S_IFREG)",
})  # fmt: skip

LIBC = "import ctypes; libc = ctypes.CDLL(None, use_errno=True)\n"
POWERS = _attempts({
    "makes a user namespace": LIBC + "assert libc.unshare(0x10000000) == 0",
    "makes a mount namespace": LIBC + "assert libc.unshare(0x20000) == 0",
    "makes both at once": LIBC + "assert libc.unshare(0x10020000) == 0",
    "clones a user namespace": LIBC + "assert libc.syscall(56, 0x10000011, 0, 0, 0, 0) >= 0",
    "enters the first process' namespace": LIBC + "import os; assert libc.setns(os.open('/proc/1/ns/mnt', 0), 0) == 0",
    "mounts": LIBC + "assert libc.mount(b'tmpfs', b'/tmp', b'tmpfs', 0, None) == 0",
    "unmounts": LIBC + "assert libc.umount2(b'/proc', 2) == 0",
    "makes its root writable": LIBC + "assert libc.mount(b'', b'/', b'', 0x1020, None) == 0",
    "changes its root": "import os; os.chroot('/tmp')",
    "becomes another user": "import os; os.setuid(12345)",
    "becomes another group": "import os; os.setgroups([0])",
    "sets the clock": "import time; time.clock_settime(0, 0)",
    "raises a limit": "import resource; resource.setrlimit(resource.RLIMIT_CORE, (9, 9))",
    "traces the first process": LIBC + "assert libc.ptrace(16, 1, 0, 0) == 0",
    "traces its child": LIBC + "import os\npid = os.fork() or (os.pause() if hasattr(os, 'pause') else __import__('time').sleep(5))\nassert libc.ptrace(16, pid, 0, 0) == 0",
    "reads a process' memory": "open('/proc/1/mem', 'rb').read(1)",
    "takes a descriptor of another": LIBC + "assert libc.syscall(438, libc.syscall(434, 1, 0), 0, 0) >= 0",
    "opens the session's keyring": LIBC + "assert libc.syscall(250, 0, -3, 0) >= 0",
    "adds a key": LIBC + "assert libc.syscall(248, b'user', b'x', b'y', 1, -5) >= 0",
    "asks for a key": LIBC + "assert libc.syscall(249, b'user', b'x', 0, -5) >= 0",
    "makes a ring": LIBC + "assert libc.syscall(425, 8, ctypes.create_string_buffer(200)) >= 0",
    "loads a program into the kernel": LIBC + "assert libc.syscall(321, 5, ctypes.create_string_buffer(200), 120) >= 0",
    "counts events": LIBC + "assert libc.syscall(298, ctypes.create_string_buffer(200), 0, -1, -1, 0) >= 0",
    "faults pages": LIBC + "assert libc.syscall(323, 1) >= 0",
    "signals the engine": "import os; os.kill(ENGINE, 0)",
    "signals the first process": "import os, time; os.kill(1, 9); time.sleep(0.1); raise OSError",
    "signals everyone": "import os, signal; signal.signal(15, signal.SIG_IGN); os.kill(-1, 15); raise OSError",
    "types into a terminal": "import fcntl, os; fcntl.ioctl(os.open('/dev/tty', os.O_RDWR), 0x5412, b'x')",
})  # fmt: skip

MORE_POWERS = _attempts({
    "mounts a control group": LIBC + "assert libc.mount(b'x', b'/tmp', b'cgroup', 0, b'pids') == 0",
    "mounts control groups of version 2": LIBC + "assert libc.mount(b'x', b'/tmp', b'cgroup2', 0, None) == 0",
    "mounts by the new calls": LIBC + "assert libc.syscall(430, b'proc', 0) >= 0",
    "takes a mount along": LIBC + "assert libc.syscall(428, -100, b'/proc', 1) >= 0",
    "leaves its control group": "import glob\nfor p in glob.glob('/sys/fs/cgroup/*/cgroup.procs') or ['/sys/fs/cgroup/pids/cgroup.procs']: open(p, 'w').write('1')",
    "clones a user namespace by the new call": LIBC + "import struct\na = struct.pack('QQQQQQQQ', 0x10000000, 0, 0, 0, 17, 0, 0, 0)\nassert libc.syscall(435, a, 64) >= 0",
    "opens a file by its handle": LIBC + "import struct\nh = struct.pack('IiQ', 8, 1, 2)\nassert libc.syscall(304, libc.open(b'/usr', 0), h, 0) >= 0",
    "reads another's memory by a call": LIBC + "b = ctypes.create_string_buffer(64)\nassert libc.syscall(310, 1, b, 1, b, 1, 0) >= 0",
    "loads a kernel module": LIBC + "assert libc.syscall(175, b'x', 1, b'') == 0",
    "restarts the machine's accounting": LIBC + "assert libc.acct(b'/tmp/acct') == 0",
    "renames the machine": LIBC + "import os; assert libc.sethostname(b'x', 1) == 0",
    "swaps": LIBC + "assert libc.swapon(b'/tmp/x', 0) == 0",
    "drives the machine before others": "import os; os.nice(-5)",
    "runs in real time": "import os; os.sched_setscheduler(0, 1, os.sched_param(50))",
    "gives a file capabilities": "import os; open('cap', 'w').close(); os.setxattr('cap', 'security.capability', bytes.fromhex('0100000200200000000000000000000000000000'))",
    "gives a file to another": "import os; open('own', 'w').close(); os.chown('own', 12345, 12345)",
    "sets a file setuid by the newest call": LIBC + "open('new', 'w').close(); assert libc.syscall(452, -100, b'new', 0o4755, 0) == 0",
    "calls by x32 numbers": LIBC + "assert libc.syscall(0x40000000 | 41, 40, 1, 0) >= 0",
    "takes its filter off": LIBC + "assert libc.prctl(22, 0, 0, 0, 0) == 0",
    "gains privileges again": LIBC + "assert libc.prctl(38, 0, 0, 0, 0) == 0",
    "reads the engine's memory": "open('/proc/ENGINE/mem', 'rb').read(1)",
    "signals the engine by a descriptor": LIBC + "fd = libc.syscall(434, ENGINE, 0)\nassert fd >= 0 and libc.syscall(424, fd, 0, 0, 0) == 0",
    "runs a program that is setuid": "import subprocess; assert b'gold' in subprocess.run(['/usr/bin/su', '-c', 'cat SECRET'], capture_output=True, timeout=3).stdout",
})  # fmt: skip

WAYS = _attempts({
    "reads a FIFO": "import os; os.open('FIFO', os.O_RDONLY | os.O_NONBLOCK)",
    "sends a datagram to a socket file": "import socket; socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b'x', 'SOCKET')",
    "calls the machine": "import socket; socket.create_connection(('127.0.0.1', PORT), 2)",
    "calls the world": "import socket; socket.create_connection(('192.0.2.1', 80), 2)",
    "calls by version 6": "import socket; socket.create_connection(('::1', PORT), 2)",
    "sends a datagram": "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 53))",
    "asks for a name": "import socket; socket.getaddrinfo('example.com', 80)",
    "opens a raw socket": "import socket; socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)",
    "opens a packet socket": "import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW)",
    "calls the host of a virtual machine": "import socket; socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)",
    "asks the kernel for ciphers": "import socket; socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET)",
    "calls a socket file": "import socket; socket.socket(socket.AF_UNIX).connect('SOCKET')",
    "calls an abstract socket": "import socket; socket.socket(socket.AF_UNIX).connect('\\0ABSTRACT')",
    "writes a FIFO": "import os; os.open('FIFO', os.O_WRONLY | os.O_NONBLOCK)",
    "shares memory of the machine": LIBC + "libc.shmget.restype = ctypes.c_int\nassert libc.shmget(0x5105, 4096, 0) >= 0",
    "makes a network device": LIBC + "import socket, fcntl; fcntl.ioctl(socket.socket(), 0x8914, b'lo' + bytes(38))",
    "writes more descriptors than three": "import os\nassert [n for n in range(3, 64) if _held(n)]",
})  # fmt: skip

GREEDY = [
    Program("starts programs without end", "import subprocess, time\nfor _ in range(120):\n    try: subprocess.Popen(['sleep', '60'])\n    except OSError: break\ntime.sleep(60)", "processes"),
    Program("complains without end", "import sys\nwhile True: sys.stderr.write('x' * 100000)", "output"),
    Program("stops itself", "import os; os.kill(os.getpid(), 19)", "time"),
    Program("takes memory", "x = [bytearray(1 << 20) for _ in range(600)]\nimport time; time.sleep(60)", "memory"),
    Program("takes memory in many", "import os, time\nfor _ in range(4): os.fork()\nx = [bytearray(1 << 20) for _ in range(60)]\ntime.sleep(60)", "memory"),
    Program("forks without end", "import os, time\nfor _ in range(7): os.fork()\ntime.sleep(60)", "processes"),
    Program("forks away from its parent", "import os, time\nfor _ in range(120):\n    if os.fork() == 0:\n        os.setsid(); time.sleep(60)\ntime.sleep(60)", "processes"),
    Program("starts threads without end", "import threading, time\nfor _ in range(120):\n    try: threading.Thread(target=time.sleep, args=(60,)).start()\n    except RuntimeError: break\ntime.sleep(60)", "processes"),
    Program("prints without end", "while True: print('x' * 100000)", "output"),
    Program("prints one line without end", "import sys\nwhile True: sys.stdout.write('x' * 100000)", "output"),
    Program("prints no UTF-8", "import sys\nwhile True: sys.stdout.buffer.write(bytes(range(128, 256)) * 999)", "output"),
    Program("sleeps", "import time; time.sleep(600)", "time"),
    Program("ignores its end", "import signal, time\nfor n in range(1, 32):\n    try: signal.signal(n, signal.SIG_IGN)\n    except OSError: pass\ntime.sleep(600)", "time"),
]  # fmt: skip

BOUNDED = [
    Program("writes a file that is too large", TRY.format(body="f = open('big', 'wb')\n    for _ in range(40): f.write(bytes(1 << 20)); f.flush()\n    print('ESCAPED')")),
    Program("ends the process above it", "import os, time; os.kill(os.getppid(), 9); time.sleep(1); print('done')"),
    Program("fills /tmp", TRY.format(body="f = open('/tmp/a', 'wb')\n    for _ in range(200): f.write(bytes(1 << 20))\n    print('ESCAPED')")),
    Program("fills /tmp with many files", TRY.format(body="for n in range(200): open(f'/tmp/{n}', 'wb').write(bytes(1 << 20))\n    print('ESCAPED')")),
    Program("fills /dev/shm", TRY.format(body="for n in range(200): open(f'/dev/shm/{n}', 'wb').write(bytes(1 << 20))\n    print('ESCAPED')")),
    Program("makes a sparse file", TRY.format(body="open('sparse', 'wb').truncate(1 << 40)\n    print('ESCAPED')")),
    Program("nests 3,000 folders", "import os\nfor _ in range(3000):\n    os.mkdir('d'); os.chdir('d')\nprint('done')"),
    Program("leaves processes behind", "import os, time\nfor _ in range(5):\n    if os.fork() == 0:\n        os.setsid(); time.sleep(4321.5)\nprint('done')"),
    Program("closes what it was given", "import os\nfor n in range(3): os.close(n)"),
    Program("dies of a signal", "import os; os.kill(os.getpid(), 11)"),
    Program("writes answers to the first process", "import os, json\nfor n in range(3, 64):\n    try: os.write(os.open(f'/proc/1/fd/{n}', os.O_WRONLY), json.dumps({'exit-code': 0}).encode()); print('ESCAPED', n)\n    except OSError: pass\nraise SystemExit(9)"),
]  # fmt: skip

PROGRAMS = {
    one.name: one for one in (*READS, *WRITES, *POWERS, *MORE_POWERS, *WAYS, *GREEDY, *BOUNDED)
}
DISTURBING = frozenset({
    "signals everyone", "signals the first process", "traces its child",
    "finds a key in a command line",
})  # fmt: skip
"""Those that end, wait for, or look at what runs beside them."""
NOT_ALONE = [
    one.name
    for one in (*READS, *WRITES, *POWERS, *MORE_POWERS, *WAYS)
    if one.name not in DISTURBING
]
"""Those that may share a sandbox: each tries one thing, and ends."""
ALONE = [name for name in PROGRAMS if name not in NOT_ALONE]
